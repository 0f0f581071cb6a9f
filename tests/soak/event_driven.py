# Copyright (c) 2026, the warroom.launch authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rulebooks under a real ansible-rulebook, in a virtualenv of its own: it needs Java 17 or later."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import typing as t

from tests.support.server import ROOT, VENV, wait_until

from .drawn import Row

NAME = "event-driven"
PLACE = ROOT / "tests" / "output" / "event-driven"
RULEBOOKS = ("notify", "respond")
CAUSE = {
    "cause": "missing_index",
    "tier": "database",
    "hosts": ["practice"],
    "statement": "A table is scanned again and again.",
    "first_fix": "-",
}


def cases() -> list[str]:
    return [f"{NAME}: {name}" for name in RULEBOOKS]


def rows(names: t.Sequence[str], _seed: int) -> t.Iterator[Row]:
    if names and not shutil.which("java"):
        yield from (Row(name, False, "not run: no java here (apt-get install openjdk-17-jre-headless)") for name in names)
        return
    for name in names:
        try:
            yield Row(name, True, _installed_and_tried(name.partition(": ")[2]))
        except (AssertionError, OSError, subprocess.SubprocessError) as error:
            yield Row(name, False, f"{type(error).__name__}: {error}"[-600:])


def _installed_and_tried(rulebook: str) -> str:
    python = PLACE / "venv" / "bin" / "python"
    if not python.exists():
        subprocess.run([VENV / "python", "-m", "venv", PLACE / "venv"], check=True)
        wanted = ["ansible-rulebook", "ansible-runner", "-r", ROOT / "requirements-control.txt"]
        subprocess.run([python, "-m", "pip", "install", "--quiet", *wanted], check=True, capture_output=True)
    return _notified() if rulebook == "notify" else _responded()


def _notified() -> str:
    with _ruled("notify") as log:
        _report(CAUSE)
        wait_until(lambda: f"no-go: {CAUSE['statement']}" in log.read_text(), "the cause that began is told", 60)
        _report()
        wait_until(lambda: "over: missing_index" in log.read_text(), "the cause that ended is told", 60)
    return "begin and end were told"


def _responded() -> str:
    """The playbook looks afresh, and finds that nothing of the kind is wrong with this host."""
    with _ruled("respond") as log:
        _report(CAUSE)
        wait_until(lambda: "PLAY RECAP" in log.read_text(), "the playbook has run", 180)
        said = log.read_text()
    assert "Nothing was changed" in said and "failed=0" in said, said[-500:]
    return "launch_respond ran and changed nothing"


@contextlib.contextmanager
def _ruled(rulebook: str) -> t.Iterator[pathlib.Path]:
    """ansible-rulebook at work on a report without causes; gives the file of what it prints."""
    _report()
    host = {"ansible_connection": "local", "ansible_python_interpreter": str(VENV / "python"), "launch_check_services": {"server": "auto"}}
    (PLACE / "inventory.json").write_text(json.dumps({"launch": {"hosts": {"practice": host}}}))
    log = PLACE / f"{rulebook}.log"
    tools = PLACE / "venv" / "bin"
    env = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"), "PATH": f"{tools}:{os.environ['PATH']}"}
    argv = [tools / "ansible-rulebook", "--rulebook", f"warroom.launch.{rulebook}", "-i", PLACE / "inventory.json", "-v"]
    with log.open("w") as out, subprocess.Popen(argv, cwd=PLACE, env=env, stdout=out, stderr=subprocess.STDOUT) as process:
        try:
            wait_until(lambda: "Loading rulebook" in log.read_text(), "it has begun", 60)
            yield log
        finally:
            process.terminate()


def _report(*causes: t.Mapping[str, t.Any]) -> None:
    path = PLACE / "launch-report" / "launch.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {"diagnoses": list(causes), "verdict": "no-go" if causes else "go", "started_at": "2026-11-30T20:30:00Z"}
    new = path.with_suffix(".new")
    new.write_text(json.dumps(document))
    os.replace(new, path)
