# Copyright (c) 2026, the warroom.launch authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shell lines of README and docs, run in a folder with an inventory of this machine; the unit tests check the options of all of them.

What only reads runs as it is printed. Of a playbook that would install, serve or never end Ansible lists the tasks.
"""

from __future__ import annotations

import os
import pathlib
import re
import subprocess
import tempfile
import typing as t

import yaml

from tests.support.ansible import ROOT, VENV
from tests.support.examples.commands import commands
from tests.support.examples.found import examples

from .role_table import Row

NAME = "examples"
#: Why a line is not a row.
ELSEWHERE = {
    r"make demo|.*-i (\.practice|practice\.yml)": "the tests of the practice stack run it",
    r"ansible-galaxy ": "it asks Galaxy for a release",
    r"ansible localhost -m warroom.launch.watch ": "it names a run of a day that is past",
    r"tmux |echo |export ": "a person's shell",
}
#: Playbooks that only read; of others the tasks are listed.
READING = re.compile(r"ansible-playbook .*launch_check\b")
_HERE = {"ansible_connection": "local", "ansible_python_interpreter": str(VENV / "python")}
INVENTORY = {"all": {"children": {"app": {"hosts": {"app1": {}}}}, "hosts": {"db1": {}}, "vars": _HERE}}


def lines() -> dict[str, str]:
    """The lines to run, by name."""
    found: dict[str, str] = {}
    for example in examples():
        if example.language in ("console", "shell"):
            for line in commands(example.language, example.text):
                if not any(re.match(pattern, line) for pattern in ELSEWHERE):
                    found.setdefault(re.sub(r"\s+#\s.*$", "", line), f"example {example}")
    return {f"{name} {number}": line for number, (line, name) in enumerate(found.items())}


def cases() -> list[str]:
    """The names of all rows."""
    return list(lines())


def rows(names: t.Sequence[str], _seed: int) -> t.Iterator[Row]:
    """A line each, all in one folder and in the order of the pages: later ones read what earlier ones wrote."""
    wanted = lines()
    with tempfile.TemporaryDirectory() as folder:
        _furnish(pathlib.Path(folder))
        for name in names:
            yield _row(name, wanted[name], folder)


def _furnish(folder: pathlib.Path) -> None:
    """What the pages take for granted in the reader's folder."""
    for name in ("playbooks", "examples"):
        (folder / name).symlink_to(ROOT / name)
    for script in (ROOT / "examples").rglob("*.*"):
        (folder / script.name).symlink_to(script)
    (folder / "inventory").write_text(yaml.safe_dump(INVENTORY))
    (folder / "chat-vault.yml").write_text("launch_chat_url: https://chat.example.org/hooks/x\n")


def adapted(line: str) -> str:
    """The line without what asks a person, and with tasks listed where it would do more than read."""
    line = line.replace(" --ask-vault-pass", "").replace("/var/lib/launch/", "launch-report/")
    return line if not line.startswith("ansible-playbook") or READING.match(line) else f"{line} --list-tasks"


def _row(name: str, line: str, folder: str) -> Row:
    surroundings = {**os.environ, "PATH": f"{VENV}:{os.environ['PATH']}", "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")}
    done = subprocess.run(
        ["sh", "-c", adapted(line)],
        cwd=folder,
        env=surroundings,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    output = done.stdout + done.stderr
    # a verdict that is no go, or what a monitoring plugin says of it, is an answer
    answered = done.returncode == 0 or (bool(READING.match(line)) and "GO" in output) or "check_launch" in line
    lacking = [
        words
        for words in ("Traceback", "command not found", "could not be found", "is undefined", "ERROR!", "unrecognized")
        if words in output
    ]
    return Row(name, answered and not lacking, line if answered and not lacking else f"{adapted(line)}: {done.returncode} {output[-600:]}")
