# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What busy workers and running tasks wait for: as their hosts saw it, else by how many sessions of theirs are at work in a database."""

from __future__ import annotations

import re
import typing as t

from .._fleet.observed import Instance
from .._fleet.waiting import Waits, waits_of
from .by_edge import pages_by_edge
from .extent import users_among
from .fleet_view import Fleet

#: Busy workers of which at least this part has a session at work in the database are waiting for it.
WAITING_SHARE = 0.3
#: Running tasks, likewise.
TASKS_SHARE = 0.5
#: Application names of sessions that are the workers' own, and not a task's, a job's or a person's.
WEB = re.compile(r"(?i)\b(?:u?wsgi|gunicorn|web)\b")
TASKS = re.compile(r"(?i)\bcelery\b")


#: Of the requests that were seen in the window, the part from which a kind of page is one that the workers are in.
SEEN_SHARE = 0.25


def pages_of(workers: Instance, fleet: Fleet) -> list[str]:
    """What the workers are in, as their server tells it, else as the log of the edge before them does."""
    return pages_seen(workers) or pages_by_edge(workers, fleet)


def pages_seen(workers: Instance) -> list[str]:
    """What the workers are in; where they were free at the window's last moment, what they were mostly in before."""
    now = [row.word("pattern") for row in workers.rows("in_flight")]
    before = (row.word("pattern") for row in workers.rows("pages_seen") if row.amount("share_ratio") >= SEEN_SHARE)
    return list(dict.fromkeys(now or before))


def workers_wait_for(database: Instance, fleet: Fleet) -> bool:
    """Whether the busy workers are in the database: without measures the deeper cause gets the benefit of the doubt."""
    seen = _seen_waiting(users_among(fleet.applications(), database, fleet), database, fleet)
    if seen is not None:
        return seen >= WAITING_SHARE
    busy, at_work = busy_workers(database, fleet), sessions_at_work(database, fleet)
    return not busy or at_work is None or at_work >= WAITING_SHARE * busy


def busy_workers(database: Instance, fleet: Fleet) -> float:
    """Busy workers of the applications that use this database, or may."""
    return fleet.once(_busy, users_among(fleet.applications(), database, fleet))


def _busy(_fleet: Fleet, users: list[Instance]) -> float:
    return sum(workers.number("workers.busy") or 0 for workers in users)


def _looks(fleet: Fleet, users: list[Instance]) -> list[Waits]:
    return [waits for waits in (waits_of(each, fleet.graph) for each in users) if waits is not None]


def _seen_waiting(users: list[Instance], database: Instance, fleet: Fleet) -> t.Optional[float]:
    """The part of all looks at these workers that saw them wait for the database; None where it cannot be told."""
    looks = [(waits.samples, waits.share_of(database.key)) for waits in fleet.once(_looks, users)]
    known = [(samples, share) for samples, share in looks if share is not None]
    whole = sum(samples for samples, _share in known)
    return sum(samples * share for samples, share in known) / whole if whole else None


def sessions_at_work(database: Instance, fleet: Fleet) -> t.Optional[float]:
    """Sessions at work that can be the workers': those that say so by their application name, else all but unknown clients'."""
    own = _named_at_work(database, WEB)
    if own is not None:
        return own
    active = active_sessions(database)
    return None if active is None else active - _unknown_clients_at_work(database, fleet)


def active_sessions(database: Instance) -> t.Optional[float]:
    """Sessions at work at the moment, whoever's."""
    active = database.number("active")
    return database.number("threads_running") or database.number("connections.active") if active is None else active


def tasks_wait_for(database: Instance, broker: t.Optional[Instance], fleet: Fleet) -> bool:
    """Whether most of the running tasks of the broker are in the database. Of sessions only those that say so can tell."""
    seen = _seen_waiting(users_among(fleet.instances("celery"), database, fleet), database, fleet)
    if seen is not None:
        return seen >= TASKS_SHARE
    running = sum(each.number("active") or 0 for each in ([broker] if broker else fleet.instances("celery_queue")))
    at_work = _named_at_work(database, TASKS)
    return bool(running) and at_work is not None and at_work >= TASKS_SHARE * running


def _named_at_work(database: Instance, name: re.Pattern[str]) -> t.Optional[float]:
    """Sessions at work on average of the clients whose application name says who they are; None when none does."""
    window = database.number("window")
    seconds = [row.number("active_seconds") for row in database.rows("clients") if name.search(row.word("application"))]
    known = [value for value in seconds if value is not None]
    return sum(known) / window if window and known and len(known) == len(seconds) else None


def _unknown_clients_at_work(database: Instance, fleet: Fleet) -> float:
    """Sessions of unknown clients that were at work on average: they are not the busy workers."""
    view = fleet.once(_views).get(database.key)
    seconds, window = view.number("unknown_active_seconds") if view is not None else None, database.number("window")
    return seconds / window if seconds and window else 0.0


def _views(fleet: Fleet) -> dict[tuple[str, ...], Instance]:
    """By the key of the database whose clients each shows."""
    views = reversed(fleet.instances("database_clients"))
    return {tuple(str(view.facts.get(name)) for name in ("host", "service", "database_instance")): view for view in views}
