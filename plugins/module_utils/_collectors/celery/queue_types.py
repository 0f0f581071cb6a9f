# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What RabbitMQ's figures mean by the type of a queue. Pure.

A passive declare of a stream gives all that it keeps, read or not, and no consumer. Of a quorum queue it gives messages that workers hold
in place of consumers (rabbitmq-server#16185), and twice 0 when no leader answers, as if the queue were empty.
"""

from __future__ import annotations

import typing as t

from ..._texts.redact import clean
from .broker import Length, Reading
from .workers import Snapshot

Row = dict[str, t.Any]
Management = t.Mapping[str, t.Mapping[str, t.Any]]

QUORUM, STREAM = "quorum", "stream"
NO_BACKLOG = "it is a stream: what was read stays in it, so the number of its messages is no backlog"
NO_LEADER = "it has no leader, as when most of its members are down: RabbitMQ says 0 for every figure, and no worker can take from it"
MAY_LACK_LEADER = "RabbitMQ says 0 messages of a quorum queue that is empty, and of one without a leader as well: set management_url"
UNTOLD = "neither a worker nor the management API tells it"
#: States of a queue in the management API in which it answers.
_ANSWERING = ("running", "idle", "flow")


def types(snapshot: Snapshot, names: t.Iterable[str], management: t.Optional[Management]) -> dict[str, str]:
    """The type of each queue that is known: of the management API, or as the workers declare it."""
    found: dict[str, str] = {}
    for name in names:
        found.update(snapshot.queue_types(name))
    found.update({name: str(row["type"]) for name, row in (management or {}).items() if isinstance(row.get("type"), str)})
    return {name: clean(kind, 20) for name, kind in found.items()}


def lacks_leader(row: t.Mapping[str, t.Any]) -> t.Optional[bool]:
    """By a row of `/api/queues`: a leader needs most of the members."""
    members, online, state = row.get("members"), row.get("online"), row.get("state")
    if members is not None and online is not None:
        return bool(2 * online <= members)
    return None if not isinstance(state, str) else state not in _ANSWERING


def settled(
    readings: t.Sequence[Reading], kinds: t.Mapping[str, str], workers: t.Sequence[Row], complete: bool, management: t.Optional[Management]
) -> list[Reading]:
    """The readings with what their figures mean in the place of what was told. `complete`: all workers said what they consume."""

    def length(name: str, told: Length) -> Length:
        if told.problem is not None or kinds.get(name) not in (QUORUM, STREAM):
            return told
        if kinds[name] == STREAM:
            return Length(problem=NO_BACKLOG)
        takers = [worker for worker in workers if name in (worker["queues"] or ())]
        row = (management or {}).get(name) or {}
        consumers = row.get("consumers")
        if consumers is None:
            consumers = len(takers) or (0 if complete and not told.consumers else None)
        why = None if told.ready or told.consumers else _doubt(name, takers, row)
        return Length(None if why else told.ready, consumers, why)

    return [
        Reading(each.at, {name: length(name, told) for name, told in each.lengths.items()}, each.unacked, each.unacked_oldest_seconds)
        for each in readings
    ]


def _doubt(name: str, takers: t.Sequence[Row], row: t.Mapping[str, t.Any]) -> t.Optional[str]:
    """Why 0 messages and 0 consumers may be no empty queue; None where something shows that it has a leader."""
    lacking = lacks_leader(row)
    if lacking is not None:
        return NO_LEADER if lacking else None
    taken = any(worker["accepted"] and worker["queues"] == [clean(name, 120)] for worker in takers)
    return None if taken else MAY_LACK_LEADER
