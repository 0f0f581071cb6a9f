# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The first contact of a stranger with the check: run it, paste what it prints, run it again, until it gives a verdict.

Each step raises AssertionError with what the stranger would have stumbled on.
"""

from __future__ import annotations

import json
import os
import pathlib
import shlex
import subprocess
import typing as t

from . import asked, stranger
from .ansible import ROOT, VENV
from .fleet import Fleet
from .printed import Printed, of_report

#: What only visitors mend, and what counts once a person has restarted the server.
LATER = {"traffic", "again", "setting"}


class FirstContact:
    def __init__(self, fleet: Fleet, folder: pathlib.Path) -> None:
        self.fleet = fleet
        self.folder = folder
        self.printed = Printed()
        words = [
            "ansible-playbook",
            "-i",
            stranger.inventory(fleet),
            "playbooks/launch_check.yml",
            "-e",
            f"launch_check_report_dir={folder}",
        ]
        self.line = shlex.join(map(str, words))

    def play(self) -> None:
        first = self.check(self.line)
        assert first["verdict"] != "go" and 0 < len(first["obstacles"]) <= 5, first["obstacles"]
        self.all_end_well(first)
        second = self.follow(first["obstacles"])
        second = self.log_in(second)
        kinds = {obstacle["kind"] for obstacle in second["obstacles"]}
        assert kinds <= LATER, [obstacle for obstacle in second["obstacles"] if obstacle["kind"] not in LATER]
        self.all_end_well(second)
        self.set(second["obstacles"])
        stranger.restart(self.fleet)
        with stranger.visitors(self.fleet):
            third = self.under_load()
        self.is_go(third)
        self.all_end_well(third)

    def check(self, line: str) -> dict[str, t.Any]:
        """The report of a check, started by this line."""
        place = self.folder / "launch.json"
        place.unlink(missing_ok=True)
        done = asked.paste(line, {"login_password": stranger.PASSWORD})
        output = done.shown
        assert stranger.PASSWORD not in output
        assert "Traceback" not in output and place.exists(), output[-6000:]
        report: dict[str, t.Any] = json.loads(place.read_text())
        # warnings alone let it pass
        assert (done.returncode == 0) is (report["verdict"] in ("go", "go with warnings")), (done.returncode, report["verdict"])
        assert all(host["reached"] for host in report["hosts"].values()), output[-6000:]
        return report

    def paste(self, line: str) -> subprocess.CompletedProcess[str]:
        """The line as it was printed, in a shell on the control node."""
        surroundings = {
            **os.environ,
            "PATH": f"{VENV}:{os.environ['PATH']}",
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_NOCOLOR": "1",
        }
        return subprocess.run(["sh", "-c", line], check=False, capture_output=True, text=True, cwd=ROOT, env=surroundings, timeout=600)

    def follow(self, obstacles: t.Sequence[dict[str, t.Any]]) -> dict[str, t.Any]:
        """Paste their commands in the order of the board; gives the report of the one that reads with become."""
        report = None
        for obstacle in obstacles:
            command = obstacle["command"]
            if obstacle["kind"] == "become":
                report = self.check(command)
            elif obstacle["kind"] not in {*LATER, "login"}:
                assert command, f"nothing to paste: {obstacle}"
                done = self.paste(command)
                assert done.returncode == 0, (command, done.stdout[-3000:], done.stderr[-1000:])
        assert report is not None, obstacles
        return report

    def log_in(self, report: dict[str, t.Any]) -> dict[str, t.Any]:
        """The line that asks for what only a person knows, with its answers typed; every later run asks again."""
        (refused,) = [obstacle for obstacle in report["obstacles"] if obstacle["kind"] == "login"]
        assert refused["hosts"] == [name for name in self.fleet.hosts if stranger.kind(name) == "app"], refused
        self.line = refused["command"]
        return self.check(self.line)

    def set(self, obstacles: t.Sequence[dict[str, t.Any]]) -> None:
        """What the servers are to record: each line that sets it, as it was printed."""
        lines = [obstacle for obstacle in obstacles if obstacle["kind"] == "setting"]
        for obstacle in lines:
            assert (obstacle["command"] or "").startswith("ansible-playbook"), f"nothing sets it: {obstacle}"
            done = self.paste(obstacle["command"])
            assert done.returncode == 0, (obstacle["command"], done.stdout[-3000:], done.stderr[-1000:])
        assert lines, obstacles

    def all_end_well(self, report: dict[str, t.Any]) -> None:
        """Where it says; what installs takes longer than a look, and is pasted by `follow`."""
        failed = self.printed.not_well(line for line in of_report(report) if "ansible.builtin.package" not in line)
        assert not failed, "\n".join(f"{line}\n  {pasted.code}: {pasted.shown[-600:]}" for line, pasted in failed.items())

    def under_load(self) -> dict[str, t.Any]:
        """The check, asked again as it says where a slow machine's window held too little. The load's own logins belong here."""
        stranger.inventory(self.fleet, launch_check_known_clients=list(stranger.LOAD_LOGINS))
        report = self.check(self.line)
        for _again in range(2):
            if {obstacle["kind"] for obstacle in report["obstacles"]} <= {"traffic", "again"} and report["obstacles"]:
                report = self.check(report["obstacles"][-1]["command"])
        return report

    def is_go(self, report: dict[str, t.Any]) -> None:
        """Nothing unknown and nothing failed, but for the load of the one machine that all of these hosts are."""
        bad = [finding for finding in report["findings"] if finding["status"] in ("fail", "unknown") and finding["service"] != "server"]
        assert not bad, [(finding["host"], finding["check"], finding["finding"], finding["reason"]) for finding in bad]
