# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Queues of tasks: those that grow, those that no worker consumes, and tasks that fail."""

from __future__ import annotations

import collections
import re
import typing as t

from .._checks.finding import Finding
from .._checks.services import in_tiers
from .._checks.units import numbered, shown
from .._fleet.observed import Instance, Row, rows_in
from .cause import Cause, look, percent, said, several
from .fleet_view import Fleet
from .stores import QUEUE_FULL, servers_full

STALLED = "celery_queue_stalled"
GROWTH = ("celery_queue_growth", "celery_queue_drain", "celery_queue_wait", "celery_queue_no_consumer", "celery_queue_stuck", STALLED)

#: A queue is flooded when messages arrive this many times faster than they are consumed, and a new one waits this many seconds.
FLOOD_RATIO, FLOOD_WAIT = 2.0, 30.0
#: Failures of tasks by their own doing from which they are a cause of their own, and the exceptions that a lacking service gives.
OWN, OWN_FAILURES = "of their own", 3
OF_A_SERVICE = re.compile(
    r"(?i)operational|interface|database|programming|internal|connect|timeout|time_?limit|redis|response|kombu|amqp|channel|memcache|pool"
    r"|workerlost|memory|^oserror|ioerror|brokenpipe|socket|gaierror|unavailable|httperror|sslerror|querycancel|lock|nodename"
)
#: A slot whose task is older than this while no other was begun is held by it.
HELD_SECONDS = 10.0


def queue_growth(fleet: Fleet) -> t.Iterator[Cause]:
    for broker in fleet.instances("celery_queue"):
        finding = fleet.bad(broker, *GROWTH) or _falls_behind(fleet, broker)
        if finding is None:
            continue
        queues = [row for row in broker.rows("queues") if row.amount("growth_per_second") > 0 or row.get("ready")]
        unconsumed = [Row({**row, **_row(queues, row.word("name"))}) for row in broker.rows("unconsumed")]
        no_workers, no_consumer = fleet.bad(broker, "celery_queue_workers"), fleet.bad(broker, "celery_queue_no_consumer")
        if no_workers is not None or no_consumer is None or not unconsumed:
            yield _queue_cause(broker, queues, no_workers or no_consumer or finding, no_workers is not None or no_consumer is not None)
            continue
        yield _queue_cause(broker, unconsumed, no_consumer, True)
        # a queue without a worker grows as well: only another one that is flooded is a second fault
        consumed = [row for row in queues if row.word("name") not in {each.word("name") for each in unconsumed}]
        growth = fleet.bad(broker, "celery_queue_growth", least="warn")
        if growth is not None and any(_is_flooded(row) for row in consumed):
            yield _queue_cause(broker, consumed, growth, False)
    yield from _in_databases(fleet)


def _in_databases(fleet: Fleet) -> t.Iterator[Cause]:
    """Tasks of Django in a table: a replica has the same rows, and no worker of its own."""
    for service in in_tiers("database"):
        for database, finding in fleet.each_bad(service, f"{service}_task_queue"):
            if database.facts.get("role") == "replica":
                continue
            rows = sorted(database.rows("task_queues"), key=lambda row: -row.amount("oldest_seconds"))
            yield Cause(
                tier=service,
                hosts=[database.host],
                statement=f"No worker starts the Django tasks that wait in {database}: {said(finding)}.",
                evidence=[_waiting(row) for row in rows[:3]],
                first_fix=str(finding.get("advice") or "Start more workers (manage.py db_worker) for these queues."),
                avoid="Do not delete the rows that wait: they hold the visitors' work.",
                look=look(finding),
                rows=rows[:10],
                at=database,
            )


def _waiting(row: Row) -> str:
    tasks = numbered(int(row.amount("waiting")), "task waits/tasks wait")
    age = shown(row.number("oldest_seconds"), "seconds") if row.number("oldest_seconds") is not None else "a time that is not known"
    return f"{row.word('name')} ({row.word('database')}, {row.word('table')}): {tasks}, the oldest for {age}."


def _row(queues: list[Row], name: str) -> Row:
    return next((row for row in queues if row.word("name") == name), Row())


def _queue_cause(broker: Instance, queues: list[Row], finding: Finding, idle: bool) -> Cause:
    worst = max(queues, key=lambda row: (row.amount("growth_per_second"), row.amount("ready")), default=Row())
    failing = [row for row in broker.rows("tasks") if row.get("failed")]
    fails = f" Tasks are failing as well: {several([row.word('name') for row in failing])}." if failing else ""
    return Cause(
        hosts=hosts_of(broker),
        statement=f"{_growth(broker, worst, idle)}: {_pace(worst)}.{fails}",
        evidence=[*_queue_evidence(broker, queues, failing)],
        first_fix=str(finding.get("advice") or "Add workers for this queue while the machines have room."),
        avoid="Do not purge the queue: it holds the visitors' work.",
        look=look(finding),
        rows=queues[:10],
        at=broker,
    )


def hosts_of(broker: Instance) -> list[str]:
    hosts = broker.facts.get("hosts")
    return sorted({str(host) for host in hosts}) if isinstance(hosts, list) and hosts else [broker.host]


def _growth(broker: Instance, queue: Row, idle: bool) -> str:
    where = f"queue {queue.get('name')} on {broker.name}" if queue else f"queue on {broker.name}"
    return f"No worker consumes the {where}" if idle else f"The {where} grows faster than the workers consume it"


def _falls_behind(fleet: Fleet, broker: Instance) -> t.Optional[Finding]:
    """The growth of a queue whose messages already wait, however busy its workers looked when they were sampled.

    Or will wait soon: messages arrive twice as fast as they are consumed, and a new one has a wait before it.
    """
    waits = fleet.bad(broker, "celery_queue_wait", least="warn") or any(_is_flooded(row) for row in broker.rows("queues"))
    return fleet.bad(broker, "celery_queue_growth", least="warn") if waits else None


def _is_flooded(row: Row) -> bool:
    arriving, consumed, wait = (row.number(key) for key in ("arrive_per_second", "consume_per_second", "wait_seconds"))
    if arriving is None or consumed is None or wait is None:
        return False
    return arriving >= FLOOD_RATIO * consumed and wait >= FLOOD_WAIT


def _pace(row: Row) -> str:
    drain = row.number("drain_seconds")
    ends = f"empty in {drain:.0f} s" if drain is not None else "it never empties at this rate"
    return f"{row.amount('ready')} messages wait, {row.amount('growth_per_second'):+.1f} per second; {ends}"


def _queue_evidence(broker: Instance, queues: list[Row], failing: list[Row]) -> t.Iterator[str]:
    for row in queues[:3]:
        yield f"{row.word('name')}: {_pace(row)}."
    busy = broker.number("utilisation")
    if busy is not None:
        yield f"The workers are busy {percent(busy)} of the time."
    for row in failing[:3]:
        yield f"{row.word('name')}: {row.get('failed')} failed in the window ({_exceptions(row)})."


def _exceptions(row: Row) -> str:
    names = [exception.word("name") for exception in rows_in(row.get("exceptions"))]
    return several(names) if names else "no exception was reported"


def tasks_stuck(fleet: Fleet) -> t.Iterator[Cause]:
    """No slot took a task in the window, every slot is held by an old one, and messages wait: more slots would be held as well."""
    for broker in fleet.instances("celery_queue"):
        stalled = fleet.bad(broker, STALLED)
        if stalled is not None:
            yield _stalled(broker, stalled)
            continue
        running = broker.rows("running")
        finding = fleet.bad(broker, *GROWTH, least="warn")
        if finding is None or not running or not _is_held(broker) or not all(row.amount("age_seconds") >= HELD_SECONDS for row in running):
            continue
        counted = collections.Counter(row.word("name") for row in running)
        name, count = counted.most_common(1)[0]
        oldest = max(row.amount("age_seconds") for row in running if row.word("name") == name)
        slots = int(broker.number("running_total") or len(running))
        yield Cause(
            hosts=hosts_of(broker),
            statement=(
                f"The worker slots of {broker.name} are stuck: no task was begun in the window, all {slots} running tasks are old, "
                f"most are {name}, the oldest for {oldest:.0f} s, and {int(broker.number('ready_total') or 0)} messages wait."
            ),
            evidence=[f"{row.word('worker')}: {row.word('name')} for {row.amount('age_seconds'):.0f} s." for row in running[:5]],
            first_fix=(
                f"See what {name} waits for (py-spy dump of a pool process, its open sockets), and fix that or give the call a timeout. "
                "Then free the slots: `celery inspect active` lists the ids, `celery control terminate KILL <id>` ends one. "
                f"A time_limit for {name} keeps it from coming back."
            ),
            avoid="Do not raise the concurrency and do not add workers: the new slots would be held by the same task.",
            look=fleet.command(broker, "celery {login} inspect active") or look(finding),
            rows=running[:10],
            at=broker,
        )


def _stalled(broker: Instance, finding: Finding) -> Cause:
    """Workers that are alive and free, and take nothing from their queue."""
    rows = broker.rows("stalled")
    return Cause(
        hosts=hosts_of(broker),
        statement=f"The workers of {broker.name} are alive and free, and consume nothing: {said(finding)}.",
        evidence=[
            f"{row.word('name')}: {row.amount('ready'):.0f} messages wait for {row.amount('workers'):.0f} workers." for row in rows[:5]
        ],
        first_fix=str(finding.get("advice") or "Restart the workers one at a time."),
        avoid="Do not purge the queue, and do not raise the concurrency: the workers have free slots.",
        look=look(finding),
        rows=rows[:10],
        at=broker,
    )


def _is_held(broker: Instance) -> bool:
    slots, running = broker.number("concurrency"), broker.number("running_total")
    return broker.number("accepted_per_second") == 0 and bool(broker.number("ready_total")) and bool(slots and running and running >= slots)


def broker_full(fleet: Fleet) -> t.Iterator[Cause]:
    """A Redis at its memory limit that evicts nothing, or not enough: who sends a task gets an error, and workers cannot store results."""
    for broker, finding in fleet.each_bad("celery_queue", *QUEUE_FULL):
        longest = max(broker.rows("queues"), key=lambda row: row.amount("ready"), default=Row())
        yield Cause(
            hosts=hosts_of(broker),
            statement=f"The broker {broker.name} is full and refuses new messages: {said(finding)}.",
            evidence=[f"{longest.word('name')}: {longest.amount('ready'):.0f} messages wait."] if longest.amount("ready") else [],
            first_fix=str(finding.get("advice") or "Raise maxmemory."),
            avoid="Do not set an eviction policy and do not purge the queues: both drop tasks that visitors wait for.",
            look=look(finding),
            rows=broker.rows("queues")[:10],
            at=broker,
        )
    yield from servers_full(fleet)


def tasks_failing(fleet: Fleet) -> t.Iterator[Cause]:
    """Some may fail for want of a service and others by their own doing: no service explains these."""
    for broker, finding in fleet.each_bad("celery_queue", "celery_queue_tasks_failing"):
        yield Cause(
            hosts=hosts_of(broker),
            statement=f"Tasks are failing on {broker.name}: {said(finding)}.",
            evidence=[],
            first_fix=str(finding.get("advice") or ""),
            avoid="Do not add workers: the tasks would only fail faster.",
            look=look(finding),
            rows=[row for row in broker.rows("tasks") if row.get("failed")][:10],
            at=broker,
            variant=OWN if _own_failures(broker) >= OWN_FAILURES else "",
        )


def _own_failures(broker: Instance) -> float:
    exceptions = [row for task in broker.rows("tasks") for row in rows_in(task.get("exceptions"))]
    return sum(row.amount("count") for row in exceptions if row.word("name") and not OF_A_SERVICE.search(row.word("name")))
