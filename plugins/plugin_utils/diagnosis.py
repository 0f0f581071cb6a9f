# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Causes over the whole fleet: every rule, then the deepest cause first and its consequences as its evidence."""

from __future__ import annotations

import re
import typing as t

from .diagnose import accelerator, application, database, down, machine, others
from .diagnose.cause import APPLICATION, CAUSES, DATABASE, Cause
from .diagnose.database import databases
from .diagnose.fleet import Fleet, Seen

Data = t.Mapping[str, t.Any]

RULES: tuple[t.Callable[[Fleet], t.Iterator[Cause]], ...] = (
    machine.exhausted,
    down.service_down,
    accelerator.fault,
    accelerator.bypassed,
    database.idle_in_transaction,
    database.lock_chain,
    database.missing_index,
    database.unknown_client,
    database.overload,
    application.workers_exhausted,
    application.overload,
    others.queue_growth,
    others.unbalanced_pool,
    others.connection_budget,
    others.outlier,
)

#: Busy workers of which at least this part has a session at work in the database are waiting for it.
WAITING_SHARE = 0.3
#: Application names of sessions that are the workers' own, and not a task's, a job's or a person's.
WEB = re.compile(r"(?i)\b(?:u?wsgi|gunicorn|web)\b")
TASKS = re.compile(r"(?i)\bcelery\b")


def diagnose(hosts: Data, findings: t.Sequence[Data], inventory: Data) -> list[dict[str, t.Any]]:
    """The causes, deepest first.

    `hosts`: name → {facts, tiers, reached, addresses, groups, known_clients}, and `fleet` → {facts: what exists once};
    `inventory`: {groups: {name: hosts}, addresses: {host of the inventory, asked or not: [its names and addresses]}}.
    Each: {cause, tier, hosts, statement, evidence, first_fix, avoid, look, rows}.
    """
    fleet = Fleet(hosts, findings, inventory)
    causes = [cause for rule in RULES for cause in rule(fleet)]
    causes = _both_on_fire(sorted(causes, key=lambda one: CAUSES.index(one.cause)), fleet)
    return [cause.as_dict() for cause in _deepest(causes, fleet)]


def _deepest(causes: t.Sequence[Cause], fleet: Fleet) -> t.Iterator[Cause]:
    """The causes that no other explains; a consequence of a consequence belongs to the same deepest one."""
    groups: list[list[Cause]] = []
    for cause in causes:
        group = next((one for one in groups if any(_explains(deep, cause, fleet) for deep in one)), None)
        if group is None:
            groups.append([cause])
        else:
            group.append(cause)
    for deepest, *consequences in groups:
        deepest.evidence += [f"Its consequence: {one.statement}" for one in consequences]
        if consequences or deepest.cause != "machine_exhausted":
            yield deepest


def _explains(deep: Cause, shallow: Cause, fleet: Fleet) -> bool:
    """Whether the shallower cause is only what the deeper one looks like from elsewhere."""
    if shallow.cause == "outlier":
        return set(shallow.hosts) <= set(deep.hosts)
    if deep.cause == "machine_exhausted":
        return machine.explains(deep, shallow, any(_waits_for(one, fleet) for one in databases(fleet) if one.host in deep.hosts))
    if deep.cause == "service_down":
        return down.explains(deep, shallow)
    if deep.cause in DATABASE:
        if shallow.cause in APPLICATION:
            return _waits_for(deep.at, fleet)
        if shallow.cause == "queue_growth":
            return _tasks_wait_for(deep.at, fleet)
        return shallow.cause in (*DATABASE, "connection_budget") and deep.at == shallow.at and _inside(deep.cause, shallow.cause)
    if deep.cause == "application_and_database_overload":
        return shallow.cause in (*APPLICATION, "database_overload", "connection_budget")
    accelerator = deep.cause in ("accelerator_fault", "accelerator_bypassed")
    return accelerator and shallow.cause in APPLICATION and _same_pages(deep, shallow)


def _inside(deep: str, shallow: str) -> bool:
    """Inside one database: who holds locks explains who waits and who piles up; a missing index and a stranger explain load."""
    consequences = {
        "idle_in_transaction": {"lock_chain", "database_overload", "connection_budget"},
        "lock_chain": {"database_overload", "connection_budget"},
        "missing_index": {"database_overload", "connection_budget", "lock_chain"},
        "unknown_client": {"database_overload"},
        "database_overload": {"connection_budget"},
    }
    return shallow in consequences[deep]


def _waits_for(at: t.Optional[Seen], fleet: Fleet) -> bool:
    """Whether the busy workers are in the database: without measures the deeper cause gets the benefit of the doubt."""
    busy = sum(one.number("workers.busy") or 0 for one in fleet.seen("uwsgi"))
    at_work = None if at is None else _at_work(at, fleet)
    return not busy or at_work is None or at_work >= WAITING_SHARE * busy


def _at_work(at: Seen, fleet: Fleet) -> t.Optional[float]:
    """Sessions at work that can be the workers': those that say so by their application name, else all but strangers'."""
    own = _named_at_work(at, WEB)
    if own is not None:
        return own
    active = at.number("active")
    if active is None:
        active = at.number("threads_running") or at.number("connections.active")
    return None if active is None else active - _strangers_at_work(at, fleet)


def _tasks_wait_for(at: t.Optional[Seen], fleet: Fleet) -> bool:
    """Whether most of the running tasks are in the database. Only sessions that say so can tell."""
    running = sum(one.number("active") or 0 for one in fleet.seen("celery_queue"))
    at_work = None if at is None else _named_at_work(at, TASKS)
    return bool(running) and at_work is not None and at_work >= running / 2


def _named_at_work(at: Seen, name: re.Pattern[str]) -> t.Optional[float]:
    """Sessions at work on average of the clients whose application name says who they are; None when none does."""
    window = at.number("window")
    seconds = [row.get("active_seconds") for row in at.rows("clients") if name.search(str(row.get("application") or ""))]
    if not seconds or not window or not all(isinstance(value, (int, float)) for value in seconds):
        return None
    return sum(t.cast("list[float]", seconds)) / window


def _strangers_at_work(at: Seen, fleet: Fleet) -> float:
    """Sessions of unknown clients that were at work on average: whoever works there, it is not the busy workers."""
    for view in fleet.seen("database_clients"):
        facts = view.facts
        if (facts.get("host"), facts.get("service"), facts.get("database_instance")) == (at.host, at.service, at.name):
            seconds, window = view.number("unknown_active_seconds"), at.number("window")
            return seconds / window if seconds and window else 0.0
    return 0.0


def _same_pages(deep: Cause, shallow: Cause) -> bool:
    """Whether most of the busy workers are in the pages that the accelerator lets through."""
    inside = [(row.get("pattern"), row.get("count") or 0) for row in shallow.rows]
    whole = sum(count for _pattern, count in inside)
    return not deep.patterns or not whole or sum(count for pattern, count in inside if pattern in deep.patterns) >= whole / 2


def _both_on_fire(causes: list[Cause], fleet: Fleet) -> list[Cause]:
    """Application and database at their limits on their own account: one cause, and no help from more servers."""
    application_at_limit = next((one for one in causes if one.cause == "application_overload"), None)
    database_at_limit = next((one for one in causes if one.cause == "database_overload"), None)
    deeper = any(one.cause in DATABASE - {"database_overload"} or one.cause.startswith("accelerator") for one in causes)
    if application_at_limit is None or database_at_limit is None or deeper:
        return causes
    both = Cause(
        cause="application_and_database_overload",
        tier="database",
        hosts=sorted({*database_at_limit.hosts, *application_at_limit.hosts}),
        statement="Application and database are both at their limits.",
        evidence=[database_at_limit.statement, application_at_limit.statement, *database_at_limit.evidence],
        first_fix=f"The database first. {database_at_limit.first_fix}",
        avoid="Do not add application servers: a database at its limit would only get more work.",
        look=database_at_limit.look,
        rows=database_at_limit.rows,
        at=database_at_limit.at,
    )
    rest = [one for one in causes if one.cause not in ("application_overload", "database_overload")]
    return sorted([*rest, both], key=lambda one: CAUSES.index(one.cause))
