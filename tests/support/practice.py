# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A practice stack of the tests' own: other directory, other ports than the one of `make demo`."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import re
import secrets
import subprocess
import typing as t

from . import ansible
from .server import ROOT, VENV
from .written import EVERYTHING, written


class Ran(t.NamedTuple):
    """One run of the playbook: its exit code, how many tasks changed something, what it printed."""

    rc: int
    changed: int
    output: str


class Practice:
    """Start it with stories and other variables; end it with `stop`. `surroundings`: more of the environment of all that is run."""

    def __init__(self, flavour: str = "classic") -> None:
        self.flavour = flavour
        self.surroundings: dict[str, str] = {}
        self.dir = pathlib.Path("/var/tmp") / f"warroom-test-{secrets.token_hex(4)}"
        self.inventory = self.dir.with_suffix(".yml")
        self.report = self.dir.with_suffix(".report")

    def run(self, **variables: t.Any) -> Ran:
        own = {
            "practice_stack_dir": str(self.dir),
            "practice_stack_flavour": self.flavour,
            "practice_stack_inventory": str(self.inventory),
            "practice_stack_venv": str(VENV.parent) if reachable() else "",
        }
        extra = json.dumps({**own, **variables})
        return _ran(ansible.run("ansible-playbook", ROOT / "playbooks" / "practice.yml", "-e", extra, env=self.surroundings, seconds=600))

    def start(self, *stories: str, **variables: t.Any) -> Ran:
        return self.run(practice_stack_stories=list(stories), **variables)

    def stop(self) -> Ran:
        return self.run(practice_stack_state="absent")

    @property
    def state(self) -> dict[str, t.Any]:
        """Its ports and its password."""
        found: dict[str, t.Any] = json.loads((self.dir / "etc" / "state.json").read_text())
        return found

    def check(self, surroundings: t.Optional[dict[str, str]] = None, **variables: t.Any) -> tuple[int, dict[str, t.Any]]:
        """The verdict about it, from a control node with this environment: the playbook's exit code and launch.json."""
        extra = json.dumps({"launch_check_report_dir": str(self.report), **EVERYTHING, **variables})
        book = ROOT / "playbooks" / "launch_check.yml"
        env = {**self.surroundings, **(surroundings or {})}
        ran = ansible.run("ansible-playbook", "-i", self.inventory, book, "-e", extra, env=env, seconds=300)
        return ran.returncode, written(self.report)

    def processes(self) -> t.Iterator[pathlib.Path]:
        """The /proc entries of whatever runs from its directory."""
        for entry in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                known = (entry / "cmdline").read_bytes() + b"\0" + (entry / "environ").read_bytes()
                if str(self.dir).encode() in known and int(entry.name) != os.getpid():
                    yield entry

    def owners(self) -> set[int]:
        return {entry.stat().st_uid for entry in self.processes()}


def reachable() -> bool:
    """Whether the servers' user may enter the checkout; when not, the role makes a virtualenv of its own."""
    return os.geteuid() != 0 or subprocess.run([VENV / "python", "-c", ""], user="nobody", cwd="/", check=False).returncode == 0


def _ran(done: subprocess.CompletedProcess[str]) -> Ran:
    changed = re.findall(r" changed=(\d+) ", done.stdout)
    return Ran(done.returncode, int(changed[-1]) if changed else -1, done.stdout + done.stderr)
