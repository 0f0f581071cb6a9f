# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Relations between two causes: whether the shallower one is, on these very instances, what the deeper one looks like from there."""

from __future__ import annotations

import dataclasses
import typing as t

from .._checks.services import in_tiers
from .._fleet.observed import Instance
from .brokers import workers_wait_for as workers_wait_for_broker
from .cause import Cause
from .extent import keys_of, may_use
from .fleet_view import Fleet
from .machine import MEMORY
from .waits import tasks_wait_for, workers_wait_for


@dataclasses.dataclass(frozen=True)
class Relation:
    """A predicate over (deeper cause, shallower cause, fleet), and how the documentation says it of the shallower one.

    What belongs to two sites is never asked for (see `causes.explains`).
    """

    words: str
    holds: t.Callable[[Cause, Cause, Fleet], bool]
    #: What the two must have one of in common, where that is so.
    shares: t.Optional[t.Callable[[Cause, Fleet], t.Collection[t.Any]]] = None


def _same_instance(deep: Cause, shallow: Cause, fleet: Fleet) -> bool:
    return deep.at is not None and shallow.at is not None and deep.at.key == shallow.at.key


def _same_machines(deep: Cause, shallow: Cause, fleet: Fleet) -> bool:
    return set(shallow.hosts) <= set(deep.hosts)


def _database_there(deep: Cause, shallow: Cause, fleet: Fleet) -> bool:
    return any(may_use(shallow, database, fleet) for database in _databases_of(deep, fleet))


def _workers_wait(deep: Cause, shallow: Cause, fleet: Fleet) -> bool:
    used = [database for database in _databases_of(deep, fleet) if may_use(shallow, database, fleet)]
    return any(workers_wait_for(database, fleet) for database in used)


def _tasks_wait(deep: Cause, shallow: Cause, fleet: Fleet) -> bool:
    """Of a queue that is in a database itself: whatever slows that database down, its workers wait for."""
    if _is_database(shallow.at):
        return shallow.at in _databases_of(deep, fleet)
    used = [database for database in _databases_of(deep, fleet) if may_use(shallow, database, fleet)]
    return any(tasks_wait_for(database, shallow.at, fleet) for database in used)


def _same_pages(deep: Cause, shallow: Cause, fleet: Fleet) -> bool:
    """Most of the busy workers are in the pages that the accelerator lets through."""
    in_flight = [(row.word("pattern"), row.amount("count")) for row in shallow.rows]
    whole = sum(count for _pattern, count in in_flight)
    return not deep.patterns or not whole or sum(count for pattern, count in in_flight if pattern in deep.patterns) >= whole / 2


def _same_waiters(deep: Cause, shallow: Cause, fleet: Fleet) -> bool:
    return bool(set(keys_of(deep, fleet)) & set(keys_of(shallow, fleet)))


def _broker_waits(deep: Cause, shallow: Cause, fleet: Fleet) -> bool:
    return deep.at is not None and workers_wait_for_broker(deep.at, shallow, fleet)


def _lacks_memory(deep: Cause, shallow: Cause, fleet: Fleet) -> bool:
    return shallow.variant == MEMORY and _same_machines(deep, shallow, fleet)


def _needs_it(deep: Cause, shallow: Cause, fleet: Fleet) -> bool:
    """Of databases their clients show it; else what needs a tier is taken to need all of it within one site."""
    return not _is_database(deep.at) or all(may_use(shallow, database, fleet) for database in _databases_of(deep, fleet))


def _leads_there(deep: Cause, shallow: Cause, fleet: Fleet) -> bool:
    """It is connected to it; or it may be, for it is to no other server. What is down has no connections that tell."""
    if shallow.at is None:
        return False
    graph, pooler, down = fleet.graph, shallow.at.key, keys_of(deep, fleet)
    answers = {graph.depends(pooler, key) for key in down}
    behind = graph.behind(pooler) if pooler in graph.nodes else ()
    others = [key for key in behind if key[1] in in_tiers("database") and key[1] != shallow.at.service and key not in down]
    return True in answers or (None in answers and not others)


def _gets_too_much(deep: Cause, shallow: Cause, fleet: Fleet) -> bool:
    """Only the workers at the address that gets too much are full."""
    if deep.at is None or not deep.rows or shallow.at is None or set(shallow.hosts) != {shallow.at.host}:
        return False
    address = deep.rows[0].word("address") or deep.rows[0].word("name")
    return any(edge.source == deep.at.key and edge.address == address for edge in fleet.graph.edges_to(shallow.at.key))


def _clients_there(deep: Cause, shallow: Cause, fleet: Fleet) -> bool:
    """Workers on its machines use the shallower cause's servers, or may."""
    users = [workers for service in in_tiers("application") for host in deep.hosts for workers in fleet.on_host(host, service)]
    return any(fleet.graph.depends(user.key, key) is not False for user in users for key in keys_of(shallow, fleet))


def _at(cause: Cause, _fleet: Fleet) -> t.Collection[t.Any]:
    return () if cause.at is None else (cause.at.key,)


def _machines(cause: Cause, _fleet: Fleet) -> t.Collection[t.Any]:
    return cause.hosts


SAME_INSTANCE = Relation("of the same instance", _same_instance, _at)
SAME_MACHINES = Relation("on the same machines", _same_machines, _machines)
CLIENTS_THERE = Relation("when its clients run there", _clients_there)
DATABASE_THERE = Relation("when a database runs there", _database_there)
WORKERS_WAIT = Relation("when the busy workers wait for its database", _workers_wait)
TASKS_WAIT = Relation("when the running tasks wait for its database, or the queue is in it", _tasks_wait)
SAME_PAGES = Relation("when the busy workers are in the pages that it lets through", _same_pages)
SAME_WAITERS = Relation("of the workers that wait for it", _same_waiters, keys_of)
BROKER_WAITS = Relation("when the busy workers wait for its address", _broker_waits)
LACKS_MEMORY = Relation("for lack of memory, on the same machines", _lacks_memory, _machines)
GETS_TOO_MUCH = Relation("of the server that gets too much", _gets_too_much)
LEADS_THERE = Relation("of a pooler that has no other server", _leads_there)
NEEDS_IT = Relation("of what needs it", _needs_it)


def _databases_of(deep: Cause, fleet: Fleet) -> list[Instance]:
    """The database that the cause is about, or those on its machines."""
    if deep.at is not None:
        return [deep.at]
    return fleet.databases_on(deep.hosts)


def _is_database(at: t.Optional[Instance]) -> bool:
    return at is not None and at.service in in_tiers("database")
