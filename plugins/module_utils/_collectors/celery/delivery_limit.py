# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Quorum queues that throw a message away once it came back too often: those with a delivery limit and no dead letter exchange. Pure.

A task comes back when its worker is lost before the acknowledgement (acks_late, reject_on_worker_lost) or rejects it with requeue.
"""

from __future__ import annotations

import typing as t

from ..._collect.derived import total
from ..._collect.facts import Facts, Maybe, Unknown
from ..._collect.sampling import count
from ..._texts.redact import clean
from .queue_types import QUORUM, Management

#: Since this version every quorum queue has a limit unless it is told otherwise, and the management API tells it.
TOLD_SINCE = 4
NOT_TOLD = "RabbitMQ does not say whether this queue has a delivery limit and a dead letter exchange"

Row = dict[str, t.Any]


def _limit(row: t.Mapping[str, t.Any], version: str) -> Maybe[t.Optional[int]]:
    """The limit, None for none. A negative one, and `unlimited`, is none."""
    told = row.get("delivery_limit")
    if told is None:
        major = version.partition(".")[0]
        return None if row.get("settings_told") and major.isdecimal() and int(major) < TOLD_SINCE else Unknown(NOT_TOLD)
    if told == "unlimited" or (isinstance(told, int) and told < 0):
        return None
    limit = count(told)
    return Unknown(NOT_TOLD) if limit is None else limit


def _drops(row: t.Mapping[str, t.Any], version: str) -> Maybe[int]:
    """1 where it throws messages away, else 0: without a limit, or with a dead letter exchange, it does not whatever the other is."""
    limit = _limit(row, version)
    if limit is None or row.get("dead_letters"):
        return 0
    return limit if isinstance(limit, Unknown) else 1 if row.get("settings_told") else Unknown(NOT_TOLD)


def put(
    facts: Facts, names: t.Collection[str], kinds: t.Mapping[str, str], management: t.Optional[Management], unread: str, version: str
) -> None:
    """The measures `delivery_limited` and `delivery_limited_total`, over the queues that were read."""
    if management is None:
        for name in ("delivery_limited", "delivery_limited_total"):
            facts.put(name, Unknown(unread))
        return
    drops = {name: _drops(management.get(name, {}), version) for name in names if kinds.get(name) == QUORUM}
    rows: list[Row] = [
        {"name": clean(name, 120), "delivery_limit": count(management[name]["delivery_limit"])} for name in drops if drops[name] == 1
    ]
    facts.put("delivery_limited", rows[:10])
    facts.put("delivery_limited_total", total([0, *drops.values()]))
