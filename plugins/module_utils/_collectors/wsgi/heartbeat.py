# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gunicorn's heartbeat: each worker dates an unlinked file by the monotonic clock, and the main process ends who is silent for too long.

A sync worker dates it just before it accepts a request, and not again before the answer: there it is the request's age.
"""

from __future__ import annotations

import os
import time
import typing as t

from ..._collect.edges import BECOME
from ..._collect.facts import Maybe, Unknown
from ..._linux.processes import PROC
from .settings import Settings

#: What the name of that file holds.
FILE = "/wgunicorn-"
#: Seconds between two looks of the main process at the dates.
_CHECKED_EVERY = 1.0

NONE = "only Gunicorn's workers have a heartbeat"
UNREAD = f"the heartbeats of its workers may not be read: {BECOME}"

#: A moment, and how many seconds each worker had been silent then.
Silence = tuple[float, t.Mapping[int, float]]


def silent(pid: int, descriptors: t.Iterable[int]) -> t.Optional[float]:
    """Seconds since the worker's last sign. Gunicorn before 20 dates by another clock: that is not read."""
    for descriptor in descriptors:
        try:
            date = os.stat(f"{PROC}/{pid}/fd/{descriptor}").st_mtime
        except OSError:
            continue
        now = time.monotonic()
        if 0 <= date <= now:
            return round(now - date, 3)
    return None


def timeouts(seen: t.Sequence[Silence], settings: Settings) -> Maybe[int]:
    """How many workers ended between two looks and had been silent for as long as Gunicorn allows."""
    after = settings.ends_after
    if settings.server != "gunicorn":
        return Unknown(NONE)
    if after is None:
        return 0 if settings.timeout == 0 else Unknown(f"its time-out is not known: {settings.unread}")
    if not any(ages for _moment, ages in seen):
        return Unknown(UNREAD)
    return sum(_ended(before, later, after) for before, later in zip(seen, seen[1:]))


def _ended(before: Silence, later: Silence, after: float) -> int:
    between = min(later[0] - before[0], _CHECKED_EVERY)
    return sum(pid not in later[1] and age + between >= after for pid, age in before[1].items())
