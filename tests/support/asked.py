# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A printed line that asks for options, pasted into a shell on a terminal whose person types the answers."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import termios
import time
import typing as t

from .ansible import ROOT, VENV

#: Ends every question of the role launch_check.
ASKS = b"(empty: as it is)"


class Typed(t.NamedTuple):
    returncode: int
    shown: str


def paste(line: str, answers: t.Mapping[str, str], seconds: float = 600) -> Typed:
    """The line in `sh`, at the root of the project; each question gets the answer of the first name that stands in it, or an empty one."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (40, 120))
    surroundings = {
        **os.environ,
        "PATH": f"{VENV}:{os.environ['PATH']}",
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_NOCOLOR": "1",
    }
    process = subprocess.Popen(
        ["sh", "-c", 'exec <"$0" && exec sh -c "$1"', os.ttyname(theirs), line],
        stdin=theirs, stdout=theirs, stderr=theirs, cwd=ROOT, env=surroundings, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    try:
        return Typed(*_until_it_ends(process, ours, answers, time.monotonic() + seconds))
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(10)
        os.close(ours)


def _until_it_ends(process: subprocess.Popen[bytes], terminal: int, answers: t.Mapping[str, str], until: float) -> tuple[int, str]:
    shown, answered = b"", 0
    while time.monotonic() < until:
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                shown += os.read(terminal, 65536)
            except OSError:  # the other end is closed
                break
        elif process.poll() is not None:
            break
        questions = shown.split(ASKS)[:-1]
        # what is typed before the program reads single keys is thrown away
        if len(questions) > answered and not termios.tcgetattr(terminal)[3] & termios.ICANON:
            question = questions[answered].splitlines()[-1].decode("utf-8", "replace")
            os.write(terminal, next((text for name, text in answers.items() if name in question), "").encode() + b"\r")
            answered += 1
    assert process.poll() is not None or time.monotonic() < until, shown[-3000:]
    return process.wait(30), shown.decode("utf-8", "replace")
