# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Printed commands, run as a person would: pasted into a shell on a terminal. A tool that stays open is ended after a while."""

from __future__ import annotations

import concurrent.futures
import os
import pty
import re
import select
import signal
import subprocess
import time
import typing as t

from .ansible import ROOT, VENV

#: A tool that shows itself is open by then.
OPEN_SECONDS = 4.0
LACKING = ("not found", "No such file or directory", "unrecognized option", "invalid option")


class Pasted(t.NamedTuple):
    """What became of a line: its exit code (None: it stayed open), and what the terminal showed."""

    code: t.Optional[int]
    shown: str

    @property
    def well(self) -> bool:
        return self.code in (0, None) and not any(words in self.shown for words in LACKING)


class Printed:
    """The commands of the reports about one stack: each template is pasted once, whatever names, numbers and ports are in it."""

    def __init__(self) -> None:
        self._pasted: set[str] = set()

    def not_well(self, lines: t.Iterable[str]) -> dict[str, Pasted]:
        """Those that did not end well, of the lines whose like was not pasted yet. Side by side: most stay open for some seconds."""
        by_template = {template(line): line for line in sorted(set(lines))}
        wanted = [line for form, line in by_template.items() if form not in self._pasted]
        self._pasted |= set(by_template)
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            return {line: pasted for line, pasted in zip(wanted, pool.map(paste, wanted)) if not pasted.well}


def template(line: str) -> str:
    """The line without its numbers."""
    return re.sub(r"\d+", "0", line)


def of_report(report: t.Mapping[str, t.Any]) -> set[str]:
    """Every command that a report prints, but those that start a check again: the caller has run one."""
    printed = [entry.get("look") for entry in [*report["findings"], *report["diagnoses"]]]
    printed += [obstacle.get("command") for obstacle in report.get("obstacles") or []]
    return {line for line in printed if line and not line.startswith("ansible-playbook")}


def paste(line: str) -> Pasted:
    """Run the line in `sh` on a terminal of its own."""
    ours, theirs = pty.openpty()
    path = f"{VENV}:{os.environ['PATH']}"
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120", "LINES": "40", "PATH": path, "PAGER": "cat"}
    environment["ANSIBLE_CONFIG"] = str(ROOT / "ansible.cfg")
    # a session's leader that opens a terminal gets it for its own: programs ask for passwords there
    command = ["sh", "-c", 'exec <"$0" && exec sh -c "$1"', os.ttyname(theirs), line]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True)
    os.close(theirs)
    try:
        shown = _read(ours, process)
        return Pasted(process.poll(), shown.decode("utf-8", "replace"))
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(5)
        os.close(ours)


def _read(terminal: int, process: subprocess.Popen[bytes]) -> bytes:
    shown, until = b"", time.monotonic() + OPEN_SECONDS
    while time.monotonic() < until:
        ready, _writable, _odd = select.select([terminal], [], [], 0.1)
        if ready:
            try:
                part = os.read(terminal, 65536)
            except OSError:  # the other end is closed
                part = b""
            if not part:
                process.wait(5)
                break
            shown += part
        elif process.poll() is not None:
            break
    return shown
