# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Relations between two causes: whether the shallower one is, on these very instances, what the deeper one looks like from there."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from .._fleet.observed import Instance
from .cause import Cause
from .database import databases
from .fleet_view import Fleet

#: Busy workers of which at least this part has a session at work in the database are waiting for it.
WAITING_SHARE = 0.3
#: Application names of sessions that are the workers' own, and not a task's, a job's or a person's.
WEB = re.compile(r"(?i)\b(?:u?wsgi|gunicorn|web)\b")
TASKS = re.compile(r"(?i)\bcelery\b")


@dataclasses.dataclass(frozen=True)
class Relation:
    """A predicate over (deeper cause, shallower cause, fleet), and how the documentation says it of the shallower one."""

    words: str
    holds: t.Callable[[Cause, Cause, Fleet], bool]


def _same_instance(deep: Cause, shallow: Cause, fleet: Fleet) -> bool:
    return deep.at is not None and shallow.at is not None and deep.at.key == shallow.at.key


def _same_machines(deep: Cause, shallow: Cause, fleet: Fleet) -> bool:
    return set(shallow.hosts) <= set(deep.hosts)


def _database_there(deep: Cause, shallow: Cause, fleet: Fleet) -> bool:
    return bool(_databases_of(deep, fleet))


def _workers_wait(deep: Cause, shallow: Cause, fleet: Fleet) -> bool:
    return any(workers_wait_for(database, fleet) for database in _databases_of(deep, fleet))


def _tasks_wait(deep: Cause, shallow: Cause, fleet: Fleet) -> bool:
    return any(_tasks_wait_for(database, fleet) for database in _databases_of(deep, fleet))


def _same_pages(deep: Cause, shallow: Cause, fleet: Fleet) -> bool:
    """Most of the busy workers are in the pages that the accelerator lets through."""
    in_flight = [(row.word("pattern"), row.amount("count")) for row in shallow.rows]
    whole = sum(count for _pattern, count in in_flight)
    return not deep.patterns or not whole or sum(count for pattern, count in in_flight if pattern in deep.patterns) >= whole / 2


def _needs_it(deep: Cause, shallow: Cause, fleet: Fleet) -> bool:
    """Nothing shows which instance needs which: within one fleet what needs a tier is taken to need all of it."""
    return True


SAME_INSTANCE = Relation("of the same instance", _same_instance)
SAME_MACHINES = Relation("on the same machines", _same_machines)
DATABASE_THERE = Relation("when a database runs there", _database_there)
WORKERS_WAIT = Relation("when the busy workers wait for its database", _workers_wait)
TASKS_WAIT = Relation("when the running tasks wait for its database", _tasks_wait)
SAME_PAGES = Relation("when the busy workers are in the pages that it lets through", _same_pages)
NEEDS_IT = Relation("of what needs it", _needs_it)


def _databases_of(deep: Cause, fleet: Fleet) -> list[Instance]:
    """The database that the cause is about, or those on its machines."""
    if deep.at is not None:
        return [deep.at]
    return [database for database in databases(fleet) if database.host in deep.hosts]


def workers_wait_for(database: Instance, fleet: Fleet) -> bool:
    """Whether the busy workers are in the database: without measures the deeper cause gets the benefit of the doubt."""
    busy = sum(instance.number("workers.busy") or 0 for instance in fleet.instances("uwsgi"))
    at_work = _at_work(database, fleet)
    return not busy or at_work is None or at_work >= WAITING_SHARE * busy


def _at_work(database: Instance, fleet: Fleet) -> t.Optional[float]:
    """Sessions at work that can be the workers': those that say so by their application name, else all but unknown clients'."""
    own = _named_at_work(database, WEB)
    if own is not None:
        return own
    active = database.number("active")
    if active is None:
        active = database.number("threads_running") or database.number("connections.active")
    return None if active is None else active - _unknown_clients_at_work(database, fleet)


def _tasks_wait_for(database: Instance, fleet: Fleet) -> bool:
    """Whether most of the running tasks are in the database. Only sessions that say so can tell."""
    running = sum(broker.number("active") or 0 for broker in fleet.instances("celery_queue"))
    at_work = _named_at_work(database, TASKS)
    return bool(running) and at_work is not None and at_work >= running / 2


def _named_at_work(database: Instance, name: re.Pattern[str]) -> t.Optional[float]:
    """Sessions at work on average of the clients whose application name says who they are; None when none does."""
    window = database.number("window")
    seconds = [row.number("active_seconds") for row in database.rows("clients") if name.search(row.word("application"))]
    known = [value for value in seconds if value is not None]
    return sum(known) / window if window and known and len(known) == len(seconds) else None


def _unknown_clients_at_work(database: Instance, fleet: Fleet) -> float:
    """Sessions of unknown clients that were at work on average: they are not the busy workers."""
    for view in fleet.instances("database_clients"):
        facts = view.facts
        if (facts.get("host"), facts.get("service"), facts.get("database_instance")) == database.key:
            seconds, window = view.number("unknown_active_seconds"), database.number("window")
            return seconds / window if seconds and window else 0.0
    return 0.0
