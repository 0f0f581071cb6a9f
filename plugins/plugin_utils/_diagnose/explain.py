# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which cause is only what a deeper one looks like from elsewhere: who waits for whom."""

from __future__ import annotations

import re
import typing as t

from . import errors, machine, service_down
from .cause import APPLICATION, DATABASE, Cause
from .database import databases
from .fleet_view import Fleet, Seen

#: Busy workers of which at least this part has a session at work in the database are waiting for it.
WAITING_SHARE = 0.3
#: Application names of sessions that are the workers' own, and not a task's, a job's or a person's.
WEB = re.compile(r"(?i)\b(?:u?wsgi|gunicorn|web)\b")
TASKS = re.compile(r"(?i)\bcelery\b")


def explains(deep: Cause, shallow: Cause, fleet: Fleet) -> bool:
    """Whether the shallower cause is only what the deeper one looks like from elsewhere."""
    if shallow.cause == "outlier":
        return set(shallow.hosts) <= set(deep.hosts)
    if deep.cause == "machine_exhausted":
        inside = [one for one in databases(fleet) if one.host in deep.hosts]
        return machine.explains(deep, shallow, bool(inside), any(_waits_for(one, fleet) for one in inside))
    if shallow.cause in errors.EXPLAINED_BY:
        return errors.explains(deep, shallow)
    if deep.cause == "service_down":
        return service_down.explains(deep, shallow)
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
