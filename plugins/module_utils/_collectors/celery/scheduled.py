# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: tasks that workers hold for a later time. They are not acknowledged until then, so Redis hands late ones out again. Pure."""

from __future__ import annotations

import typing as t

from ..._collect.derived import count_of, largest
from ..._collect.facts import Facts, Maybe, Unknown
from ..._texts import moments
from .workers import Snapshot

UNTOLD = "a worker does not say when its scheduled tasks are due, or in which time zone"
NOTHING = "no task is scheduled"


def put(facts: Facts, snapshot: Snapshot, timeout: Maybe[float], nobody: t.Optional[Unknown]) -> None:
    """`timeout`: seconds after which the broker hands out again what is not acknowledged; `nobody`: why no worker tells anything."""
    replies = (snapshot.replies.get("scheduled") or {}).values()
    ahead = [_ahead(task.get("eta"), snapshot.now) for reply in replies for task in _tasks(reply)]
    late = [timeout if isinstance(timeout, Unknown) else each if isinstance(each, Unknown) else each > timeout for each in ahead]
    beyond = timeout if isinstance(timeout, Unknown) else count_of(late)
    facts.put("scheduled_furthest_seconds", largest(ahead, NOTHING) if nobody is None else nobody)
    facts.put("scheduled_beyond_redelivery", beyond if nobody is None else nobody)


def _tasks(reply: t.Any) -> list[dict[str, t.Any]]:
    return [task for task in reply if isinstance(task, dict)] if isinstance(reply, list) else []


def _ahead(eta: t.Any, now: float) -> Maybe[float]:
    """How far off its time is, which a worker writes as `2026-11-30T20:00:00+00:00`."""
    try:
        seconds = moments.zoned(eta) - now
    except (TypeError, ValueError, OverflowError, OSError):
        return Unknown(UNTOLD)
    return round(max(0.0, seconds), 3)
