# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Queues that grow, pools out of balance, connection budgets that are spent, hosts unlike their siblings."""

from __future__ import annotations

import typing as t

from .cause import Cause, percent, several
from .fleet_view import Fleet, Seen

GROWTH = ("celery_queue_growth", "celery_queue_drain", "celery_queue_wait", "celery_queue_no_consumer", "celery_queue_stuck")

#: A queue is flooded when so many times as much comes as goes, and a message that comes now waits so many seconds.
FLOOD_RATIO, FLOOD_WAIT = 2.0, 30.0


def queue_growth(fleet: Fleet) -> t.Iterator[Cause]:
    for one in fleet.seen("celery_queue"):
        finding = fleet.bad(one, *GROWTH) or _falls_behind(fleet, one)
        if finding is None:
            continue
        queues = [row for row in one.rows("queues") if (row.get("growth_per_second") or 0) > 0 or row.get("ready")]
        lost = [{**row, **_row(queues, row.get("name"))} for row in one.rows("unconsumed")]
        left, unserved = fleet.bad(one, "celery_queue_workers"), fleet.bad(one, "celery_queue_no_consumer")
        if left is not None or unserved is None or not lost:
            yield _queue_cause(one, queues, left or unserved or finding, left is not None or unserved is not None)
            continue
        yield _queue_cause(one, lost, unserved, True)
        # a queue that nobody takes from grows as well: only another one that is flooded is a second fault
        served = [row for row in queues if row.get("name") not in {each.get("name") for each in lost}]
        growth = fleet.bad(one, "celery_queue_growth", least="warn")
        if growth is not None and any(_is_flooded(row) for row in served):
            yield _queue_cause(one, served, growth, False)


def _row(queues: list[dict[str, t.Any]], name: t.Any) -> dict[str, t.Any]:
    return next((row for row in queues if row.get("name") == name), {})


def _queue_cause(one: Seen, queues: list[dict[str, t.Any]], finding: t.Mapping[str, t.Any], idle: bool) -> Cause:
    worst = max(queues, key=lambda row: (row.get("growth_per_second") or 0, row.get("ready") or 0), default={})
    failing = [row for row in one.rows("tasks") if row.get("failed")]
    fails = f" Tasks fail as well: {several([row.get('name') for row in failing])}." if failing else ""
    return Cause(
        cause="queue_growth",
        tier="celery",
        hosts=sorted({str(host) for host in one.facts.get("hosts") or []}) or [one.host],
        statement=f"{_growth(one, worst, idle)}: {_pace(worst)}.{fails}",
        evidence=[*_queue_evidence(one, queues, failing)],
        first_fix=str(finding.get("advice") or "Add workers for this queue while the machines have room."),
        avoid="Do not purge the queue: it holds the visitors' work.",
        look=str(finding.get("look") or "celery events"),
        rows=queues[:10],
        at=one,
    )


def _growth(one: Seen, queue: t.Mapping[str, t.Any], idle: bool) -> str:
    where = f"the queue {queue.get('name')} on {one.name}"
    return f"Nobody takes from {where}" if idle else f"T{where[1:]} grows faster than the workers take from it"


def _falls_behind(fleet: Fleet, one: Seen) -> t.Optional[t.Mapping[str, t.Any]]:
    """The growth of a queue that people already wait for, however busy its workers looked in the moments when they were asked.

    Or that they will wait for soon: twice as much comes as goes, and what comes last has a wait before it.
    """
    waits = fleet.bad(one, "celery_queue_wait", least="warn") or any(_is_flooded(row) for row in one.rows("queues"))
    return fleet.bad(one, "celery_queue_growth", least="warn") if waits else None


def _is_flooded(row: t.Mapping[str, t.Any]) -> bool:
    comes, goes, wait = (row.get(key) for key in ("arrive_per_second", "consume_per_second", "wait_seconds"))
    known = all(isinstance(value, (int, float)) for value in (comes, goes, wait))
    return known and t.cast(float, comes) >= FLOOD_RATIO * t.cast(float, goes) and t.cast(float, wait) >= FLOOD_WAIT


def _pace(row: t.Mapping[str, t.Any]) -> str:
    drain = row.get("drain_seconds")
    ends = f"empty in {drain:.0f} s" if isinstance(drain, (int, float)) else "it never empties at this pace"
    return f"{row.get('ready')} messages wait, {row.get('growth_per_second') or 0:+.1f} per second; {ends}"


def _queue_evidence(one: Seen, queues: list[dict[str, t.Any]], failing: list[dict[str, t.Any]]) -> t.Iterator[str]:
    for row in queues[:3]:
        yield f"{row.get('name')}: {_pace(row)}."
    busy = one.number("utilisation")
    if busy is not None:
        yield f"The workers are busy for {percent(busy)}."
    for row in failing[:3]:
        yield f"{row.get('name')}: {row.get('failed')} failed in the window ({_exceptions(row)})."


def _exceptions(row: t.Mapping[str, t.Any]) -> str:
    names = [str(one.get("name")) if isinstance(one, dict) else str(one) for one in row.get("exceptions") or []]
    return several(names) if names else "no exception was reported"


def unbalanced_pool(fleet: Fleet) -> t.Iterator[Cause]:
    for one in fleet.seen("memcached_pool"):
        finding = fleet.bad(one, "memcached_pool_balance")
        if finding is None:
            continue
        cause = one.facts.get("cause")
        yield Cause(
            cause="unbalanced_pool",
            tier="memcached",
            hosts=sorted({str(row.get("host")) for row in one.rows("servers") if row.get("host")}) or [one.host],
            statement=f"The cache pool {one.name} is out of balance{f': {cause}' if cause else ''}. {finding.get('finding') or ''}".strip(),
            evidence=[f"{row.get('name')}: {percent(row.get('share_ratio'))} of the pool's operations." for row in one.rows("servers")[:8]],
            first_fix=str(finding.get("advice") or "Give every client the same list of servers with the same weights."),
            avoid="Do not restart or flush the servers: an empty pool sends everything to the database.",
            look=str(finding.get("look") or "memcached-tool"),
            rows=one.rows("servers")[:10],
            at=one,
        )


def connection_budget(fleet: Fleet) -> t.Iterator[Cause]:
    """The database has no connection left (not: may run out of them, which is a finding)."""
    for service in ("postgresql", "mysql"):
        for one in fleet.seen(service):
            if fleet.bad(one, f"{service}_connections", f"{service}_connections_left") is None:
                continue
            clients = sorted(one.rows("clients"), key=lambda row: -(row.get("sessions") or 0))
            used, usable = one.number("connections.used"), one.number("connections.usable") or one.number("connections.max")
            # nobody gets in any more, we neither: then the numbers are not known
            taken = f"{int(used or 0)} of {int(usable)} are taken" if usable else "it refuses new ones"
            yield Cause(
                cause="connection_budget",
                tier="database",
                hosts=[one.host],
                statement=f"{one} is running out of connections: {taken}.",
                evidence=[f"{row.get('user')} from {row.get('address')}: {row.get('sessions')} sessions." for row in clients[:5]],
                first_fix=(
                    "Take sessions from who holds most of them (fewer processes and threads, persistent connections off), put a pooler in "
                    "between, and raise max_connections only if memory allows it."
                ),
                avoid="Do not add workers or application servers: each brings its own connections.",
                look="pg_activity" if service == "postgresql" else "mytop",
                rows=clients[:10],
                at=one,
            )


def outlier(fleet: Fleet) -> t.Iterator[Cause]:
    """One host of a tier is far from its siblings' median."""
    for view in fleet.seen("siblings"):
        finding = fleet.bad(view, "siblings_alike", least="warn")
        for row in view.rows("outliers") if finding else ():
            service, host, name = (str(row.get(key)) for key in ("service", "host", "name"))
            yield Cause(
                cause="outlier",
                tier=service,
                hosts=[host],
                statement=(
                    f"{Seen(host, service, {'name': name})} is unlike its {row.get('siblings')} siblings: {row.get('measure')} "
                    f"{row.get('value') or 0:.2f}, the tier's median is {row.get('median') or 0:.2f}."
                ),
                evidence=[],
                first_fix="Compare its configuration and version with a sibling's; take it out of the load balancer if visitors suffer.",
                avoid="Do not change the whole tier for one host.",
                look="htop",
                rows=[row],
            )
