# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One host with services of the test's, and runs of `launch_respond.yml` against it: to their end, or killed on their way."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
import typing as t

import yaml

from ansible_collections.warroom.launch.plugins.module_utils._linux.processes import children_now
from ansible_collections.warroom.launch.plugins.plugin_utils._respond.tokens import FILE, Plans

from . import ansible
from .server import ROOT, VENV, wait_until

BOOK = ROOT / "playbooks" / "launch_respond.yml"


class RespondFleet:
    """`variables`: those of the host, beside what every test needs."""

    def __init__(self, folder: pathlib.Path, host: str = "db1", **variables: t.Any) -> None:
        self.inventory, self.report = folder / "inventory.yml", folder / "report"
        own = {
            "ansible_connection": "local",
            "ansible_python_interpreter": str(VENV / "python"),
            "launch_check_window": 1,
            "launch_check_report_dir": str(self.report),
        }
        self.inventory.write_text(yaml.safe_dump({"all": {"hosts": {host: {**own, **variables}}}}))
        self._words: list[str] = []

    @classmethod
    def of(cls, inventory: pathlib.Path, report: pathlib.Path) -> RespondFleet:
        """A fleet that is there already; it reports to this folder."""
        made = cls.__new__(cls)
        made.inventory, made.report = inventory, report
        made._words = ["-e", json.dumps({"launch_check_report_dir": str(report)})]
        return made

    def respond(self, *words: str) -> subprocess.CompletedProcess[str]:
        return ansible.run("ansible-playbook", "-i", self.inventory, BOOK, *self._words, *words, seconds=300)

    def start(self, token: str, *more: str) -> subprocess.Popen[str]:
        """The act of this token, in a process group of its own."""
        words = [VENV / "ansible-playbook", "-i", self.inventory, BOOK, *self._words, "-e", f"launch_respond={token}", *more]
        surroundings = {**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")}
        return subprocess.Popen(
            [str(word) for word in words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=ROOT,
            env=surroundings,
            start_new_session=True,
        )

    def plan(self) -> str:
        """The token of the one plan that is printed; plans for what other tests' timers left on this machine come before it."""
        ran = self.respond()
        found = re.findall(r"\btoken: ([0-9a-f]{16,})", ran.stdout)
        if not found:
            usual = ("TASK [", "PLAY ", "ok: ", "skipping: ")
            raise AssertionError("\n".join(line for line in (ran.stdout + ran.stderr).splitlines() if line and not line.startswith(usual)))
        return str(found[-1])

    def same_plan(self, token: str) -> str:
        """A token for the same act at the same target, without looking again."""
        plan = json.loads((self.report / FILE).read_text())[token]
        return Plans(self.report).mint({name: value for name, value in plan.items() if name not in ("nonce", "made_at", "used_at", "by")})

    def events(self) -> list[str]:
        path = self.report / "responses.jsonl"
        return [json.loads(line)["event"] for line in path.read_text().splitlines()] if path.exists() else []


def kill(process: subprocess.Popen[str], module_too: bool = True) -> str:
    """End a run by SIGKILL, as a control node that loses its power does. What it had printed.

    `module_too`: the module that it started on the host is killed as well; otherwise that one goes on, and is waited for.
    """
    control = [process.pid, *children_now(process.pid)]
    for pid in control:
        _send(pid, signal.SIGSTOP)
    # workers have sessions of their own; what they started is the host's part
    control = [process.pid, *children_now(process.pid)]
    modules = _below(control[1:])
    for pid in [*control, *(modules if module_too else [])]:
        _send(pid, signal.SIGKILL)
    printed = process.communicate()[0]
    wait_until(lambda: not any(pathlib.Path(f"/proc/{pid}").exists() for pid in modules), "the module has ended", 60.0)
    return printed


def _send(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _below(pids: t.Iterable[int]) -> list[int]:
    found = [child for pid in pids for child in children_now(pid)]
    return [*found, *_below(found)] if found else []
