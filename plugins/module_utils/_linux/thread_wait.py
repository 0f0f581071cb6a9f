# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one thread is doing at this moment, from /proc alone: nothing is attached to, stopped, or read from its memory.

Needs the right to trace the process (its user, or root): without it only "on a CPU" and "on a disk" can be told.
"""

from __future__ import annotations

import dataclasses
import os
import platform
import typing as t

from .processes import socket_inodes
from .usage import PROC

CPU, DISK, LOCK, SLEEP, CHILD, FILE, PIPE, SOCKET, WATCHED, ANY, STOPPED, UNKNOWN = (
    "cpu", "disk", "lock", "sleep", "child", "file", "pipe", "socket", "watched", "any", "stopped", "unknown",
)  # fmt: skip

#: System calls that wait, by what they wait for. With a descriptor (fd) it is the first argument.
_ON_DESCRIPTOR = (
    "read", "write", "readv", "writev", "pread64", "pwrite64", "sendto", "recvfrom", "sendmsg", "recvmsg", "connect", "sendfile",
    "accept", "accept4",
)  # fmt: skip
_ON_LOCK = ("futex", "flock", "futex_waitv", "semop", "semtimedop")
_ON_SLEEP = ("nanosleep", "clock_nanosleep", "pause", "rt_sigtimedwait", "rt_sigsuspend")
_ON_CHILD = ("wait4", "waitid")
_ON_DISK = ("fsync", "fdatasync", "sync_file_range", "io_getevents")
_ON_MANY = ("poll", "ppoll", "select", "pselect6")
_ON_EPOLL = ("epoll_wait", "epoll_pwait", "epoll_pwait2")

_NUMBERS: dict[str, dict[str, int]] = {
    "x86_64": {
        "read": 0, "write": 1, "poll": 7, "pread64": 17, "pwrite64": 18, "readv": 19, "writev": 20, "select": 23, "pause": 34,
        "nanosleep": 35, "sendfile": 40, "connect": 42, "accept": 43, "sendto": 44, "recvfrom": 45, "sendmsg": 46, "recvmsg":
        47, "wait4": 61, "semop": 65, "fcntl": 72, "flock": 73, "fsync": 74, "fdatasync": 75, "rt_sigtimedwait": 128,
        "rt_sigsuspend": 130, "futex": 202, "io_getevents": 208, "semtimedop": 220, "clock_nanosleep": 230, "epoll_wait": 232,
        "waitid": 247, "pselect6": 270, "ppoll": 271, "sync_file_range": 277, "epoll_pwait": 281, "accept4": 288,
        "epoll_pwait2": 441, "futex_waitv": 449,
    },
    "aarch64": {
        "io_getevents": 4, "epoll_pwait": 22, "fcntl": 25, "flock": 32, "read": 63, "write": 64, "readv": 65, "writev": 66,
        "pread64": 67, "pwrite64": 68, "sendfile": 71, "pselect6": 72, "ppoll": 73, "fsync": 82, "fdatasync": 83,
        "sync_file_range": 84, "waitid": 95, "futex": 98, "nanosleep": 101, "clock_nanosleep": 115, "rt_sigsuspend": 133,
        "rt_sigtimedwait": 137, "semtimedop": 192, "semop": 193, "accept": 202, "connect": 203, "sendto": 206, "recvfrom": 207,
        "sendmsg": 211, "recvmsg": 212, "accept4": 242, "wait4": 260, "epoll_pwait2": 441, "futex_waitv": 449,
    },
}  # fmt: skip
_F_SETLKW = 7


@dataclasses.dataclass(frozen=True)
class Wait:
    """`kind`: one of the words above. `inodes`: of the socket or pipe that the call names (SOCKET, PIPE), of the sockets that epoll
    watches (WATCHED), or of all sockets that the process has, of which poll waits for some (ANY)."""

    kind: str
    inodes: tuple[int, ...] = ()


def names(machine: t.Optional[str] = None) -> dict[int, str]:
    """System calls by number on this machine; empty for an architecture whose numbers are not known here."""
    return {number: name for name, number in _NUMBERS.get(machine or platform.machine(), {}).items()}


_NAMES = names()


def hindrance(pid: int) -> t.Optional[str]:
    """Why nothing can be told of this process, if so. That it has gone is no hindrance."""
    if not _NAMES:
        return f"the system calls of this architecture ({platform.machine()}) are not known here"
    try:
        with open(f"{PROC}/{pid}/syscall", encoding="ascii") as handle:
            handle.read(1)
    except PermissionError:
        return "only root and the workers' own user may see what they wait for: run with become"
    except OSError:
        return (
            None if os.path.exists(f"{PROC}/self/syscall") else "this kernel does not say what a process waits for (no /proc/PID/syscall)"
        )
    return None


def look(pid: int, thread: t.Optional[int] = None) -> Wait:
    """What the thread (by default the process's first) waits for now. UNKNOWN when it has gone or may not be asked."""
    task = f"{PROC}/{pid}/task/{thread or pid}"
    state = _state(task)
    if state in ("R", "D"):
        return Wait(CPU if state == "R" else DISK)
    if state in ("T", "t"):
        return Wait(STOPPED)
    words = _text(f"{task}/syscall").split() if state == "S" else []
    if words[:1] == ["running"]:
        return Wait(CPU)
    try:
        return _call(pid, _NAMES.get(int(words[0]), ""), [int(word, 16) for word in words[1:7]])
    except (ValueError, IndexError):  # it is in no call (-1), or ended while it was read
        return Wait(UNKNOWN)


def threads(pid: int) -> list[int]:
    """The ids of the process's threads, the first one first; empty when it has gone."""
    try:
        return sorted(int(name) for name in os.listdir(f"{PROC}/{pid}/task") if name.isdigit())
    except OSError:
        return []


def _call(pid: int, name: str, arguments: list[int]) -> Wait:
    simple = next((kind for kind, calls in _SIMPLE.items() if name in calls), None)
    if simple is not None:
        return Wait(simple)
    if name == "fcntl":
        return Wait(LOCK if arguments[1] == _F_SETLKW else UNKNOWN)
    if name in _ON_DESCRIPTOR:
        return _descriptor(pid, arguments[0])
    if name in _ON_EPOLL:
        watched = _watched(pid, arguments[0])
        return Wait(WATCHED, watched) if watched else Wait(UNKNOWN)
    if name in _ON_MANY:
        # poll counts its descriptors in the second argument, select one more than the highest in the first
        count = arguments[1] if name in ("poll", "ppoll") else arguments[0]
        return Wait(ANY, tuple(sorted(socket_inodes(pid)))) if count else Wait(SLEEP)
    return Wait(UNKNOWN)


_SIMPLE = {LOCK: _ON_LOCK, SLEEP: _ON_SLEEP, CHILD: _ON_CHILD, DISK: _ON_DISK}


def _descriptor(pid: int, number: int) -> Wait:
    try:
        target = os.readlink(f"{PROC}/{pid}/fd/{number}")
    except OSError:
        return Wait(UNKNOWN)
    for kind, prefix in ((SOCKET, "socket:["), (PIPE, "pipe:[")):
        if target.startswith(prefix):
            return Wait(kind, (int(target[len(prefix) : -1]),))
    return Wait(FILE if target.startswith("/") else UNKNOWN)


#: One that watches more serves many at once: which of them a request waits for cannot be told.
_MOST_DESCRIPTORS = 256


def _watched(pid: int, number: int) -> tuple[int, ...]:
    """The sockets that an epoll descriptor watches."""
    found = []
    for line in _text(f"{PROC}/{pid}/fdinfo/{number}").splitlines()[:_MOST_DESCRIPTORS]:
        words = line.split()
        if len(words) > 1 and words[0] == "tfd:" and words[1].isdigit():
            wait = _descriptor(pid, int(words[1]))
            found += list(wait.inodes) if wait.kind == SOCKET else []
    return tuple(sorted(found))


def _state(task: str) -> str:
    content = _text(f"{task}/stat", 1024)
    return content[content.rindex(")") + 2 :][:1] if ")" in content else ""


def _text(path: str, limit: int = 65536) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as handle:
            return handle.read(limit)
    except OSError:
        return ""
