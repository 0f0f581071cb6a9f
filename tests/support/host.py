# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Processes and control groups that tests start on the real machine, ended by pid."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import typing as t

from ansible_collections.warroom.launch.plugins.module_utils._collect.run import gather
from ansible_collections.warroom.launch.plugins.module_utils._collectors.server.collector import COLLECTOR

from .meanwhile import with_meanwhile
from .tools import RealCommands, tools_with


def read(window: float = 0.0, meanwhile: t.Optional[t.Callable[[], t.Any]] = None, top: int = 10) -> dict[str, t.Any]:
    """The machine we run on; `meanwhile` runs in the window."""
    facts = gather([(with_meanwhile(COLLECTOR, meanwhile), {})], window, tools_with(RealCommands(), timeout=10.0, top=top))[
        "launch_server"
    ]["instances"][0]
    assert facts["state"] == "up", facts["problem"]
    return facts


@contextlib.contextmanager
def running(*argv: t.Any, **options: t.Any) -> t.Iterator[subprocess.Popen[bytes]]:
    """A process with its children, ended as a group."""
    command = [word if isinstance(word, bytes) else str(word) for word in argv]
    options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, **options}
    process = subprocess.Popen(command, start_new_session=True, **options)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def python(code: str, *argv: t.Any, **options: t.Any) -> t.Any:
    """A Python process that runs this code."""
    return running(sys.executable, "-c", code, *argv, **options)


@contextlib.contextmanager
def program(name: t.Union[str, bytes], like: str) -> t.Iterator[t.Any]:
    """A copy of the program `like` under another name, in a folder of its own."""
    folder = tempfile.mkdtemp(prefix="wr-", dir="/tmp")
    source = shutil.which(like)
    assert source is not None, like
    place = os.path.join(os.fsencode(folder), name if isinstance(name, bytes) else name.encode())
    shutil.copy(source, place)
    try:
        yield place
    finally:
        shutil.rmtree(folder)


def first_in_line() -> None:
    """For preexec_fn: not slowed by whatever else this machine does (needs root)."""
    os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))


@contextlib.contextmanager
def cpu_quota(cores: float) -> t.Iterator[t.Callable[[int], None]]:
    """A control group of version 1 or 2 with this quota; gives a function that puts a pid into it. Raises OSError where that is denied."""
    two = pathlib.Path("/sys/fs/cgroup/cgroup.controllers")
    one = pathlib.Path("/sys/fs/cgroup/cpu")
    base = pathlib.Path("/sys/fs/cgroup") if two.exists() else one
    group = base / f"wr-test-{os.getpid()}"
    group.mkdir()
    try:
        if two.exists():
            (group / "cpu.max").write_text(f"{int(cores * 100_000)} 100000")
        else:
            (group / "cpu.cfs_period_us").write_text("100000")
            (group / "cpu.cfs_quota_us").write_text(str(int(cores * 100_000)))
        yield lambda pid: (group / "cgroup.procs").write_text(str(pid)) and None
    finally:
        for pid in (group / "cgroup.procs").read_text().split():
            with contextlib.suppress(OSError):
                (base / "cgroup.procs").write_text(pid)
        group.rmdir()
