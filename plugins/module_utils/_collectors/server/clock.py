# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fetch: whether this machine's clock is kept in time, and what the kernel's log says about memory. Read-only."""

from __future__ import annotations

import ctypes
import os
import time
import typing as t

from ..._collect.command import Commands
from ..._collect.problem import Problem
from . import parse

_UNSYNCHRONISED = 0x0040  # STA_UNSYNC
#: Microseconds that the clock may be wrong at most, from which on systemd calls it unsynchronised: the flag alone stays set by
#: chrony without rtcsync, and comes back between two polls of systemd-timesyncd.
_WRONG_BY = 16_000_000
_NANOSECONDS = 0x2000  # STA_NANO


class _Timex(ctypes.Structure):
    # The beginning of struct timex; the rest is room enough for every architecture.
    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_long * 60),
    )


class Clock(t.NamedTuple):
    """`synchronised` None: not known. `offset`: seconds ahead of true time, None when it is not measured."""

    synchronised: t.Optional[bool]
    offset: t.Optional[float]
    source: str


def kernel_clock() -> Clock:
    """The kernel's own view (adjtimex with nothing to change)."""
    record = _Timex()
    try:
        state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(record))
    except (OSError, AttributeError):
        return Clock(None, None, "kernel")
    if state < 0:
        return Clock(None, None, "kernel")
    return told(record.status, record.maxerror, record.offset)


def told(status: int, most_wrong: int, offset: int) -> Clock:
    """What the kernel's figures mean."""
    kept = not status & _UNSYNCHRONISED
    synchronised = kept or most_wrong < _WRONG_BY
    return Clock(synchronised, offset / (1e9 if status & _NANOSECONDS else 1e6) if kept else None, "kernel")


def clock(commands: Commands, seconds: float = 1.0) -> Clock:
    """chrony's word where it answers, because it need not tell the kernel; else the kernel's."""
    if commands.which("chronyc"):
        try:
            ran = commands.run(["chronyc", "-c", "tracking"], seconds)
        except Problem:
            return kernel_clock()
        tracked = parse.chrony_tracking(ran.out.decode("utf-8", "replace")) if ran.rc == 0 else None
        if tracked is not None:
            return Clock(tracked[0], tracked[1] if tracked[0] else None, "chrony")
    return kernel_clock()


def kernel_log(path: str = "/dev/kmsg", records: int = 20000, seconds: float = 0.5) -> t.Optional[list[str]]:
    """The records of the kernel's ring buffer, None when they may not be read."""
    deadline = time.monotonic() + seconds
    found: list[str] = []
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        while len(found) < records and time.monotonic() < deadline:
            try:
                data = os.read(handle, 8192)
            except BlockingIOError:
                break
            except BrokenPipeError:
                continue  # that record was overwritten while we read; the next is there
            if not data:
                break
            found.append(data.decode("utf-8", "replace"))
    except OSError:
        return None
    finally:
        os.close(handle)
    return found
