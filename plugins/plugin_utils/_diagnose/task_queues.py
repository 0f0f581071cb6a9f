# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Queues of tasks: those that grow, those that no worker consumes, and tasks that fail."""

from __future__ import annotations

import typing as t

from .._fleet.observed import Data, Instance, rows_in
from .cause import Cause, Row, percent, said, several
from .fleet_view import Fleet

GROWTH = ("celery_queue_growth", "celery_queue_drain", "celery_queue_wait", "celery_queue_no_consumer", "celery_queue_stuck")

#: A queue is flooded when messages arrive so many times as fast as they are consumed, and a new one waits so many seconds.
FLOOD_RATIO, FLOOD_WAIT = 2.0, 30.0


def queue_growth(fleet: Fleet) -> t.Iterator[Cause]:
    for broker in fleet.instances("celery_queue"):
        finding = fleet.bad(broker, *GROWTH) or _falls_behind(fleet, broker)
        if finding is None:
            continue
        queues = [row for row in broker.rows("queues") if (row.get("growth_per_second") or 0) > 0 or row.get("ready")]
        unconsumed = [{**row, **_row(queues, row.get("name"))} for row in broker.rows("unconsumed")]
        no_workers, no_consumer = fleet.bad(broker, "celery_queue_workers"), fleet.bad(broker, "celery_queue_no_consumer")
        if no_workers is not None or no_consumer is None or not unconsumed:
            yield _queue_cause(broker, queues, no_workers or no_consumer or finding, no_workers is not None or no_consumer is not None)
            continue
        yield _queue_cause(broker, unconsumed, no_consumer, True)
        # a queue without a worker grows as well: only another one that is flooded is a second fault
        consumed = [row for row in queues if row.get("name") not in {each.get("name") for each in unconsumed}]
        growth = fleet.bad(broker, "celery_queue_growth", least="warn")
        if growth is not None and any(_is_flooded(row) for row in consumed):
            yield _queue_cause(broker, consumed, growth, False)


def _row(queues: list[Row], name: t.Any) -> Row:
    return next((row for row in queues if row.get("name") == name), {})


def _queue_cause(broker: Instance, queues: list[Row], finding: Data, idle: bool) -> Cause:
    worst = max(queues, key=lambda row: (row.get("growth_per_second") or 0, row.get("ready") or 0), default={})
    failing = [row for row in broker.rows("tasks") if row.get("failed")]
    fails = f" Tasks are failing as well: {several([row.get('name') for row in failing])}." if failing else ""
    return Cause(
        hosts=_hosts(broker),
        statement=f"{_growth(broker, worst, idle)}: {_pace(worst)}.{fails}",
        evidence=[*_queue_evidence(broker, queues, failing)],
        first_fix=str(finding.get("advice") or "Add workers for this queue while the machines have room."),
        avoid="Do not purge the queue: it holds the visitors' work.",
        look=str(finding.get("look") or "celery events"),
        rows=queues[:10],
        at=broker,
    )


def _hosts(broker: Instance) -> list[str]:
    hosts = broker.facts.get("hosts")
    return sorted({str(host) for host in hosts}) if isinstance(hosts, list) and hosts else [broker.host]


def _growth(broker: Instance, queue: Row, idle: bool) -> str:
    where = f"queue {queue.get('name')} on {broker.name}" if queue else f"queue on {broker.name}"
    return f"No worker consumes the {where}" if idle else f"The {where} grows faster than the workers consume it"


def _falls_behind(fleet: Fleet, broker: Instance) -> t.Optional[Data]:
    """The growth of a queue whose messages already wait, however busy its workers looked when they were sampled.

    Or will wait soon: messages arrive twice as fast as they are consumed, and a new one has a wait before it.
    """
    waits = fleet.bad(broker, "celery_queue_wait", least="warn") or any(_is_flooded(row) for row in broker.rows("queues"))
    return fleet.bad(broker, "celery_queue_growth", least="warn") if waits else None


def _is_flooded(row: Row) -> bool:
    arriving, consumed, wait = (row.get(key) for key in ("arrive_per_second", "consume_per_second", "wait_seconds"))
    known = all(isinstance(value, (int, float)) for value in (arriving, consumed, wait))
    return known and t.cast(float, arriving) >= FLOOD_RATIO * t.cast(float, consumed) and t.cast(float, wait) >= FLOOD_WAIT


def _pace(row: Row) -> str:
    drain = row.get("drain_seconds")
    ends = f"empty in {drain:.0f} s" if isinstance(drain, (int, float)) else "it never empties at this rate"
    return f"{row.get('ready') or 0} messages wait, {row.get('growth_per_second') or 0:+.1f} per second; {ends}"


def _queue_evidence(broker: Instance, queues: list[Row], failing: list[Row]) -> t.Iterator[str]:
    for row in queues[:3]:
        yield f"{row.get('name')}: {_pace(row)}."
    busy = broker.number("utilisation")
    if busy is not None:
        yield f"The workers are busy {percent(busy)} of the time."
    for row in failing[:3]:
        yield f"{row.get('name')}: {row.get('failed')} failed in the window ({_exceptions(row)})."


def _exceptions(row: Row) -> str:
    names = [str(exception.get("name")) for exception in rows_in(row.get("exceptions"))]
    return several(names) if names else "no exception was reported"


def tasks_failing(fleet: Fleet) -> t.Iterator[Cause]:
    for broker, finding in fleet.each_bad("celery_queue", "celery_queue_tasks_failing"):
        yield Cause(
            hosts=_hosts(broker),
            statement=f"Tasks are failing on {broker.name}: {said(finding)}.",
            evidence=[],
            first_fix=str(finding.get("advice") or ""),
            avoid="Do not add workers: the tasks would only fail faster.",
            look=said(finding, "look"),
            rows=[row for row in broker.rows("tasks") if row.get("failed")][:10],
            at=broker,
        )
