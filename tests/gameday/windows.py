# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One window after the other of the practice stack: the module launch_facts itself, without the playbook around it.

A round of the watch gathers with the same module, and costs a busy machine four times as much: judging, page and store are not recorded.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
import typing as t

from ansible_collections.warroom.launch.plugins.module_utils._collectors.registry import GATHERED
from tests.support.server import ROOT, VENV

from .stack import HOST, Stack

EVERY, SECONDS = 10.0, 5.0
#: Imports once; each window is a process of its own, as on any target.
MODULE = """
import json, os, sys
from ansible.module_utils import basic
from ansible_collections.warroom.launch.plugins.modules import launch_facts
import psycopg2, pymysql
basic._ANSIBLE_PROFILE = "legacy"
for line in sys.stdin:
    path, arguments = json.loads(line)
    pid = os.fork()
    if not pid:
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 1)
        basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode()
        launch_facts.main()
    os.waitpid(pid, 0)
    print("done", flush=True)
"""
Report = dict[str, t.Any]


class Gatherer:
    """Gives a report of one window, as far as a judgement needs it."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._answer = stack.dir.with_suffix(".facts")

    def __enter__(self) -> Gatherer:
        env = {**os.environ, "PYTHONPATH": f"{ROOT}/.collections:{ROOT}"}
        argv = [str(VENV / "python"), "-c", MODULE]
        self._process = subprocess.Popen(argv, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *_error: t.Any) -> None:
        self._process.communicate(timeout=120)
        self._answer.unlink(missing_ok=True)

    def window(self) -> Report:
        began = int(time.time())
        asked = self._stack.inventory["launch_check_services"]
        now = {name: places for name, places in asked.items() if GATHERED[name].phase in (None, "during")}
        facts = self._facts({"services": now, "window": SECONDS})
        return {
            "started_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(began)),
            "duration_seconds": round(time.time() - began, 1),
            "phase": "during",
            "hosts": {HOST: {"reached": True, "facts": facts}},
        }

    def windows(self, count: int, every: float = EVERY) -> t.Iterator[Report]:
        """So many windows; each begins `every` seconds after the one before, or when that is over."""
        for number in range(count):
            began = time.monotonic()
            yield self.window()
            if number < count - 1:
                time.sleep(max(0.0, began + every - time.monotonic()))

    def _facts(self, arguments: dict[str, t.Any]) -> dict[str, t.Any]:
        self._answer.unlink(missing_ok=True)
        orders, answers = t.cast("t.IO[str]", self._process.stdin), t.cast("t.IO[str]", self._process.stdout)
        orders.write(json.dumps([str(self._answer), arguments]) + "\n")
        orders.flush()
        answers.readline()
        facts: dict[str, t.Any] = json.loads(self._answer.read_text())["ansible_facts"]
        return facts
