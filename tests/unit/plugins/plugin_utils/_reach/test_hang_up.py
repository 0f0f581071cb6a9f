# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real terminal that is closed ends what runs in it as another user: on a database host nothing is left of a closed cockpit."""

from __future__ import annotations

import os
import pathlib
import pty
import pwd
import secrets
import shutil
import signal
import subprocess
import time
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._reach.way import Way


def processes(mark: str) -> list[tuple[str, int]]:
    """Command lines that hold the mark, with their users."""
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().decode("utf-8", "replace").replace("\0", " ")
            owner = entry.stat().st_uid
        except OSError:
            continue
        if mark in words:
            found.append((words, owner))
    return found


def wait_for(condition: t.Callable[[], bool], seconds: float = 10) -> bool:
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:
        time.sleep(0.05)
    return condition()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user without a password")
@pytest.mark.parametrize("program", ["setpriv", "su", "sudo"])
@pytest.mark.parametrize("shell", ["bash", "dash"])
def test_nothing_of_ours_is_left(program: str, shell: str) -> None:
    for needed in (program, shell):
        if shutil.which(needed) is None:
            pytest.skip(f"{needed} is not installed")
    way = Way("db1", user="root") if program == "setpriv" else Way("db1", user="anna", become_method=program)
    mark = f"3600.{secrets.randbelow(10**9):09}"
    # what the host's ssh server gives to the user's shell, on a terminal
    over_ssh = way.command(f"sleep {mark}; true", "nobody")
    pid, terminal = pty.fork()
    if pid == 0:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # as at a login, also when nohup runs the tests
        stub = 'ssh() { while [ "$1" != -- ]; do shift; done; exec "$SHELL" -c "$3"; }\n'
        os.execvpe(shell, [shell, "-c", stub + over_ssh], {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "SHELL": shutil.which(shell) or shell})
    try:
        nobody = pwd.getpwnam("nobody").pw_uid
        assert wait_for(lambda: any(owner == nobody and words.startswith("sleep") for words, owner in processes(mark))), processes(mark)
    finally:
        os.close(terminal)
        ended = wait_for(lambda: not processes(mark))
        left = processes(mark)
        subprocess.run(["pkill", "-KILL", "-f", mark], check=False)
        os.waitpid(pid, 0)
    assert ended, left
