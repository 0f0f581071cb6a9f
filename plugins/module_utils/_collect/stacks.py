# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Python stacks of the workers with the longest requests, by the host's own py-spy: on request only, and frames only.

py-spy reads another process's memory without stopping it. That is more than any other measure does, so it is bounded for the whole
run, asks for root, and never touches a database or a cache server.
"""

from __future__ import annotations

import dataclasses
import json
import os
import threading
import time
import typing as t

from .._linux.busy import Busy
from .._linux.usage import PROC
from .._texts.redact import clean
from .facts import Facts, Maybe, Unknown
from .problem import Problem

if t.TYPE_CHECKING:
    from .host_tools import HostTools

SAMPLER = "py-spy"
#: Of one run, all instances together: processes that are looked at, and seconds that this may take.
MOST_PROCESSES, MOST_SECONDS = 5, 1.0
#: Frames of a stack, from where it is now.
MOST_FRAMES = 25

NOT_ASKED = "stacks are read on request only (launch_check_stacks, or the option stacks)"
NO_ROOT = "only root reads the stacks of other processes: run with become"
NOT_INSTALLED = "py-spy is not installed on this host, and the check fetches nothing: pip install py-spy there"
NO_TIME = "other instances took the second that stacks may take"
ELSEWHERE = "its workers are no processes of the host that was asked"
NONE_BUSY = "no worker was busy when its stack was to be read"

#: Whatever a pid turns out to be by now.
_NEVER = frozenset(("postgres", "postmaster", "mysqld", "mariadbd", "memcached", "redis-server", "valkey-server", "varnishd", "cache-main"))
_LIBRARIES = ("/site-packages/", "/dist-packages/", "/lib/python", "/lib64/python")

Row = dict[str, t.Any]


@dataclasses.dataclass
class Allowance:
    """What is left of processes and seconds for the instances of one run."""

    processes: int = MOST_PROCESSES
    seconds: float = MOST_SECONDS
    lock: threading.Lock = dataclasses.field(default_factory=threading.Lock)


def read(tools: HostTools, workers: t.Sequence[Busy], root: str) -> Maybe[list[Row]]:
    """A row per worker, those given first first. `root`: the folder of the application's code, where it is known."""
    if os.geteuid() != 0:
        return Unknown(NO_ROOT)
    if tools.commands.which(SAMPLER) is None:
        return Unknown(NOT_INSTALLED)
    rows, why = [], NO_TIME if workers else NONE_BUSY
    with tools.stacks.lock:  # one after the other: side by side they would take the CPU of what is looked at
        for worker in workers:
            left = tools.stacks
            if left.processes < 1 or left.seconds <= 0:
                break
            begun = time.monotonic()
            try:
                rows.append(_row(worker, _dumped(tools, worker.pid, left.seconds), root))
            except Problem as problem:
                why = str(problem)
            left.processes -= 1
            left.seconds -= time.monotonic() - begun
    return rows or Unknown(why)


def put(facts: Facts, found: Maybe[list[Row]]) -> None:
    """The measure `stacks`."""
    facts.rows("stacks", found, MOST_PROCESSES)


def _dumped(tools: HostTools, pid: int, seconds: float) -> list[Row]:
    """The threads of the process, as py-spy tells them."""
    if _name(pid) in _NEVER:
        raise Problem(f"pid {pid} is no worker any more")
    ran = tools.commands.run([SAMPLER, "dump", "--nonblocking", "--json", "--full-filenames", "--pid", str(pid)], seconds)
    if ran.late:
        raise Problem("py-spy gave no stack in time: all stacks of a run may take a second")
    if ran.rc:
        raise Problem(f"py-spy: {clean(ran.err.decode('utf-8', 'replace'), 160) or 'it failed without a word'}")
    try:
        threads = json.loads(ran.out)
    except ValueError:
        threads = None
    if not isinstance(threads, list):
        raise Problem("the answer of py-spy could not be read")
    return [thread for thread in threads if isinstance(thread, dict)]


def _name(pid: int) -> str:
    try:
        with open(f"{PROC}/{pid}/comm", encoding="utf-8", errors="replace") as handle:
            return handle.read(64).strip()
    except OSError:
        return ""


def _row(worker: Busy, threads: t.Sequence[Row], root: str) -> Row:
    """The stack of the thread that is deepest in the application's own code: a worker's other threads wait for work."""
    stacks = [_frames(thread, root) for thread in threads]
    frames = max(stacks, key=lambda stack: (sum(frame["own"] for frame in stack), len(stack)), default=[])
    if not frames:
        raise Problem(f"the stack of pid {worker.pid} could not be read: py-spy saw no Python frame")
    return {"pid": worker.pid, "work": worker.label or Unknown("the server does not say what it works on"), "frames": frames[:MOST_FRAMES]}


def _frames(thread: Row, root: str) -> list[Row]:
    listed = thread.get("frames")
    return [_frame(frame, root) for frame in listed if isinstance(frame, dict)] if isinstance(listed, list) else []


def _frame(frame: Row, root: str) -> Row:
    """Names and places only: no arguments, no variables, and no folder outside of the project."""
    path, line = str(frame.get("filename") or ""), frame.get("line")
    own = path.startswith("/") and not any(part in path for part in _LIBRARIES)
    return {
        "function": clean(str(frame.get("name") or "?"), 80),
        "file": clean(_shown(path, root), 120),
        "line": line if isinstance(line, int) and line > 0 else Unknown("py-spy does not report the line"),
        "own": own,
    }


def _shown(path: str, root: str) -> str:
    inside = root.rstrip("/") + "/"
    if inside != "/" and path.startswith(inside):
        return path[len(inside) :]
    for part in _LIBRARIES[:2]:
        if part in path:
            return path.rpartition(part)[2]
    return "/".join(path.split("/")[-2:])
