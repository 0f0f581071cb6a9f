# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs in a child interpreter, often another Python than the module's: imports a project's code with guards around it.

Sent as text by `foreign_code`, so it imports the standard library only. A supervisor forks the process that imports; it reads that one's
answers up to a limit of time and size, and then ends it with all that it started, however it detached itself.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import select
import signal
import sys
import time
import typing as t

#: Bytes of answers that are read; no section of facts comes near.
MOST_BYTES = 1 << 20
#: prctl: orphans of our descendants become our children, so none escapes.
_SUBREAPER = 36
#: Variables that would make Python run more than was asked for.
_NEVER = (b"PYTHONSTARTUP", b"PYTHONINSPECT")

Read = t.Callable[[t.Dict[str, t.Any]], t.Iterable[t.Tuple[str, t.Any]]]


def supervise(read: Read, arguments: dict[str, t.Any]) -> None:
    """Print one JSON object: the sections that `read` yields, `error` where it broke, `late` where its time was up."""
    answer = os.fdopen(os.dup(1), "w")
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    with contextlib.suppress(Exception):
        ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    reading, writing = os.pipe()
    worker = os.fork()
    if worker == 0:
        os.close(reading)
        answer.close()
        _work(read, arguments, writing)
    os.close(writing)
    data, late = _collected(reading, float(arguments["seconds"]))
    _end_all(worker)
    sections: dict[str, t.Any] = {}
    with contextlib.suppress(ValueError):
        for line in data.splitlines():
            name, value = json.loads(line)
            sections[name] = value
    answer.write(json.dumps({"sections": sections, "late": late}))
    answer.flush()
    os._exit(0)


def _work(read: Read, arguments: dict[str, t.Any], writing: int) -> None:
    """In the process that imports: never returns."""
    try:
        os.setsid()
        _limit(arguments)
        _surroundings(arguments)
        for name, value in read(arguments):
            _write(writing, name, value)
    except BaseException as error:  # a project may raise whatever it likes, SystemExit and KeyboardInterrupt too
        missing = getattr(error, "name", None) if isinstance(error, ImportError) else None
        _write(writing, "error", {"type": type(error).__name__, "missing": missing})
    os._exit(0)


def _write(writing: int, name: str, value: t.Any) -> None:
    data = (json.dumps([name, value], default=str) + "\n").encode()
    while data:
        data = data[os.write(writing, data) :]


def _limit(arguments: dict[str, t.Any]) -> None:
    for limit, most in (
        (resource.RLIMIT_AS, int(arguments["memory_bytes"])),
        (resource.RLIMIT_CPU, int(arguments["seconds"]) + 1),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 1 << 20),
    ):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(limit, (most, most))


def _surroundings(arguments: dict[str, t.Any]) -> None:
    """Environment, folder and path as the project's own processes have them."""
    pid, folder = arguments.get("pid"), arguments.get("folder")
    if pid:
        with open(f"/proc/{pid}/environ", "rb") as handle:
            for word in handle.read(1 << 20).split(b"\0"):
                name, sign, value = word.partition(b"=")
                if sign and name not in _NEVER:
                    os.environb[name] = value
    os.environ.update(arguments.get("environment") or {})
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    sys.dont_write_bytecode = True
    if folder:
        os.chdir(folder)
    sys.path[:0] = [folder or os.getcwd()] + [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]


def _collected(reading: int, seconds: float) -> tuple[bytes, bool]:
    """What was answered until the end, the limit of size, or the end of the time (then True)."""
    ends = time.monotonic() + seconds
    data = b""
    while len(data) <= MOST_BYTES:
        left = ends - time.monotonic()
        if left <= 0 or not select.select([reading], [], [], left)[0]:
            return data, True
        part = os.read(reading, 65536)
        if not part:
            return data, False
        data += part
    return b"", False


def _end_all(worker: int) -> None:
    """End the process that imported and all that stems from it; without a subreaper's help at least its session."""
    with contextlib.suppress(OSError):
        os.killpg(worker, signal.SIGKILL)
    for _again in range(20):
        ours = _children(os.getpid())
        if not ours:
            return
        for pid in ours:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        for pid in ours:
            with contextlib.suppress(OSError):
                os.waitpid(pid, 0)


def _children(parent: int) -> list[int]:
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError), open(f"/proc/{name}/stat", "rb") as handle:
                if int(handle.read(4096).rpartition(b")")[2].split()[1]) == parent:
                    found.append(int(name))
    return found
