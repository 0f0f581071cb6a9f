# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one table of causes, deepest first: what each is called, when it is said, its rule, and which causes it explains by which relation.

The engine's order, `docs/diagnosis.md` and what becomes evidence of what all follow from here. A cause explains only what stands
below it.
"""

from __future__ import annotations

import dataclasses
import typing as t

from . import (
    accelerator,
    accelerator_limits,
    application,
    brokers,
    cache_servers,
    database,
    database_members,
    dependencies,
    errors,
    foreign_disk,
    machine,
    memory_leak,
    migrations,
    outliers,
    query_counts,
    refused,
    service_down,
    statistics_stale,
    stores,
    task_queues,
)
from .cause import Cause
from .extent import apart
from .fleet_view import Fleet
from .relations import (
    BROKER_WAITS,
    DATABASE_THERE,
    LACKS_MEMORY,
    NEEDS_IT,
    SAME_INSTANCE,
    SAME_MACHINES,
    SAME_PAGES,
    SAME_WAITERS,
    TASKS_WAIT,
    WORKERS_WAIT,
    Relation,
)

Rule = t.Callable[[Fleet], t.Iterator[Cause]]


@dataclasses.dataclass(frozen=True)
class Explains:
    """These causes are consequences when the relation holds; of a cause with variants, only of these (of all when none is named)."""

    causes: tuple[str, ...]
    relation: Relation
    variants: tuple[str, ...] = ()

    def holds(self, deep: Cause, shallow: Cause, fleet: Fleet) -> bool:
        if shallow.cause not in self.causes or (self.variants and deep.variant not in self.variants):
            return False
        return self.relation.holds(deep, shallow, fleet)


@dataclasses.dataclass(frozen=True)
class CauseKind:
    """One row of the table."""

    name: str
    #: The tier it is in; "" where its rule says so case by case.
    tier: str
    title: str
    #: For the documentation: when it is named.
    said_when: str
    #: None for a cause that is made of two others.
    rule: t.Optional[Rule]
    explains: tuple[Explains, ...] = ()
    #: The two causes that it stands for when both hold and nothing explains either.
    both_of: tuple[str, ...] = ()
    #: Named only when it explains something: alone, its finding says all there is to say.
    only_with_consequences: bool = False


#: Causes that are only the application tier's view of something that waits or works too much.
APPLICATION = ("workers_exhausted", "application_overload")
#: Causes that are what visitors and tasks get when something behind them does not respond in time.
ERRORS = ("application_errors", "backend_unreachable", "tasks_failing")

#: Causes that are themselves what visitors or tasks suffer.
SUFFERED = (
    *ERRORS, "service_down", "missing_migration", "requests_refused", "threads_exhausted", "tasks_stuck", "queue_growth", "broker_full",
)  # fmt: skip

#: What a queue shows of something that its tasks wait for.
QUEUES = ("tasks_stuck", "queue_growth")

_WAITING = Explains(APPLICATION, WORKERS_WAIT)
_TASKS = Explains(QUEUES, TASKS_WAIT)
_ERRORS = Explains(ERRORS, NEEDS_IT)
#: What an accelerator shows of an application that does not respond in time.
_IN_FRONT = Explains(("backend_unreachable", "threads_exhausted"), NEEDS_IT)
_WAITERS = (
    Explains((*APPLICATION, *QUEUES, "application_errors", "tasks_failing"), SAME_WAITERS),
    _IN_FRONT,
)
#: A pooler's clients wait as long as its sessions work.
_POOL = Explains(("pool_too_small",), NEEDS_IT)
_SLOW_MACHINE = (machine.HANGS, machine.MEMORY, machine.CPU)
_DOWN_MACHINE = (machine.HANGS, machine.MEMORY, machine.DISK, machine.DESCRIPTORS)

CAUSES: tuple[CauseKind, ...] = (
    CauseKind(
        "memory_leak",
        "uwsgi",
        "Workers leak memory",
        "workers that have served 20 requests or more grow by 256 KiB per request or more, and are replaced, throw, or take the machine's "
        "memory",
        memory_leak.memory_leak,
        (
            Explains(("machine_exhausted",), LACKS_MEMORY),
            Explains((*APPLICATION, "application_errors"), SAME_WAITERS),
            Explains(("backend_unreachable", "threads_exhausted"), NEEDS_IT),
        ),
    ),
    CauseKind(
        "machine_exhausted",
        "server",
        "A machine is exhausted",
        "a machine swaps or has no memory, disk space or file descriptors left, a filesystem of it hangs, or a program of no service takes "
        "most of its CPU, and something suffers from it",
        machine.exhausted,
        (
            Explains(("service_down",), SAME_MACHINES, _DOWN_MACHINE),
            Explains(APPLICATION, SAME_MACHINES, (*_SLOW_MACHINE, machine.DESCRIPTORS)),
            Explains(("database_overload", "connection_budget", "pool_too_small", *QUEUES), SAME_MACHINES, _SLOW_MACHINE),
            Explains(ERRORS, SAME_MACHINES),
            Explains(APPLICATION, WORKERS_WAIT, (*_SLOW_MACHINE, machine.DESCRIPTORS)),
            Explains(ERRORS, DATABASE_THERE),
        ),
        only_with_consequences=True,
    ),
    CauseKind(
        "service_down",
        "",
        "A service is down",
        "a service that should run does not respond, or its processes are stopped",
        service_down.service_down,
        (
            Explains(("workers_exhausted", *QUEUES), NEEDS_IT, ("database", "queue", "store")),
            Explains(APPLICATION, NEEDS_IT, ("cache", "store")),
            Explains(("unbalanced_pool", "cache_exhausted"), NEEDS_IT, ("cache",)),
            Explains(("accelerator_bypassed",), NEEDS_IT, ("accelerator",)),
            Explains(("application_errors",), NEEDS_IT, ("database", "cache", "store", "queue")),
            Explains(("backend_unreachable", "threads_exhausted"), NEEDS_IT, ("database", "cache", "store", "queue", "application")),
            Explains(("queue_growth",), NEEDS_IT, (service_down.WORKERS,)),
            Explains(("tasks_failing",), NEEDS_IT, ("database", "cache", "store", "queue", service_down.WORKERS)),
        ),
    ),
    CauseKind(
        "cluster_member_out",
        "database",
        "A member left its cluster",
        "a Galera node refuses statements, a replica of MySQL no longer follows its source, or the application reads from a replica of "
        "PostgreSQL that is too far behind or no longer receives anything",
        database_members.cluster_member_out,
        (Explains((*ERRORS, "workers_exhausted", *QUEUES), NEEDS_IT, (database_members.NODE,)),),
    ),
    CauseKind(
        "bans_storm",
        "varnish",
        "Bans or purges empty Varnish",
        "a tenth or more of the lookups missed in the window with pages that bans or purges had removed",
        accelerator_limits.bans_storm,
        (Explains(("accelerator_fault",), SAME_INSTANCE), Explains(APPLICATION, SAME_PAGES)),
    ),
    CauseKind(
        "accelerator_fault",
        "varnish",
        "Varnish does not cache what it may",
        "Varnish fails its limits for hits or passes with responses that may be cached, or has the application compute redirects again and "
        "again, or crashed or was started just now; not when it mostly gets errors from the application, and never for responses that are "
        "private by their own word or were declared uncached",
        accelerator.fault,
        (Explains(APPLICATION, SAME_PAGES),),
    ),
    CauseKind(
        "accelerator_bypassed",
        "varnish",
        "Requests bypass Varnish",
        "a third or more of the requests that the workers take did not come from Varnish, and every accelerator was counted",
        accelerator.bypassed,
        (Explains(APPLICATION, SAME_PAGES),),
    ),
    CauseKind(
        "foreign_disk",
        "server",
        "Another program takes the database's disk",
        "a disk under a database is slow, and a program that is no database moves half or more of all bytes there (seen by root only)",
        foreign_disk.foreign_disk,
        (
            Explains(("stale_statistics", "database_overload", "connection_budget", "pool_too_small"), SAME_MACHINES),
            _WAITING,
            _TASKS,
            Explains(ERRORS, DATABASE_THERE),
        ),
    ),
    CauseKind(
        "idle_in_transaction",
        "database",
        "A session is idle in its transaction",
        "a session is idle in an open transaction and blocks others, or has been for too long",
        database.idle_in_transaction,
        (
            Explains(("lock_chain", "stale_statistics", "database_overload", "connection_budget"), SAME_INSTANCE),
            _POOL,
            _WAITING,
            _TASKS,
            _ERRORS,
        ),
    ),
    CauseKind(
        "lock_chain",
        "database",
        "A session blocks others",
        "a session that works has blocked others for a second or more",
        database.lock_chain,
        (Explains(("stale_statistics", "database_overload", "connection_budget"), SAME_INSTANCE), _POOL, _WAITING, _TASKS, _ERRORS),
    ),
    CauseKind(
        "missing_index",
        "database",
        "An index is missing",
        "a plan, or scans and statements together, confirm it, and its statements matter",
        database.missing_index,
        (
            Explains(("stale_statistics", "query_per_row", "database_overload", "connection_budget"), SAME_INSTANCE),
            _POOL,
            _WAITING,
            _TASKS,
            _ERRORS,
        ),
    ),
    CauseKind(
        "stale_statistics",
        "database",
        "The planner's statistics are stale",
        "a statement of PostgreSQL takes five times what it took before the window and a third of the time, its table changed since it was "
        "analysed (or never was), and the other statements are as fast as before",
        statistics_stale.stale_statistics,
        (Explains(("database_overload", "connection_budget"), SAME_INSTANCE), _POOL, _WAITING, _TASKS, _ERRORS),
    ),
    CauseKind(
        "missing_migration",
        "database",
        "A migration is missing",
        "pages or tasks fail, and the last statements of sessions name tables or columns that PostgreSQL does not have",
        migrations.missing_migration,
        (_ERRORS,),
    ),
    CauseKind(
        "unknown_client",
        "database",
        "An unknown client uses the database",
        "a client that neither the inventory nor `launch_check_known_clients` explains takes a notable share of the working time",
        database.unknown_client,
        (Explains(("database_overload",), SAME_INSTANCE), _POOL, _WAITING, _TASKS, _ERRORS),
    ),
    CauseKind(
        "query_per_row",
        "uwsgi",
        "A page runs one statement again and again",
        "workers are slow or busy, in a database or computing, and a quick statement of few rows is run ten times per request or more and "
        "five times as often as before the window (thirty times per request where nothing earlier is known)",
        query_counts.query_per_row,
        (Explains(APPLICATION, SAME_WAITERS), Explains(("database_overload", "connection_budget"), SAME_INSTANCE), _POOL, _IN_FRONT),
    ),
    CauseKind(
        "application_and_database_overload",
        "database",
        "Application and database are both overloaded",
        "both tiers are at their limits, and nothing explains either",
        None,
        (Explains(("workers_exhausted",), WORKERS_WAIT), Explains(("connection_budget",), SAME_INSTANCE), _ERRORS),
        both_of=("database_overload", "application_overload"),
    ),
    CauseKind(
        "cache_flushed",
        "memcached",
        "A cache is emptied again and again",
        "flush_all emptied a memcached in the window, or FLUSHALL or FLUSHDB the broker's Redis twice or more; it explains others when "
        "that happened twice or more",
        cache_servers.cache_flushed,
        (Explains(("database_overload", *APPLICATION), NEEDS_IT, (cache_servers.AGAIN,)),),
    ),
    CauseKind(
        "redis_blocked",
        "redis",
        "A command blocks Redis",
        "a command in the slow log of the window took half a second, slow commands took a third of the window, or the one thread that runs "
        "all commands is full",
        stores.commands_block,
        (_WAITING, _TASKS, _ERRORS),
    ),
    CauseKind(
        "broker_evicts",
        "redis",
        "The broker evicts messages",
        "a Redis that is a broker evicts any key (allkeys-…), and evicted some in the window",
        stores.broker_evicts,
    ),
    CauseKind(
        "database_overload",
        "database",
        "A database is overloaded",
        "a database fills its machine's CPU, waits for disks, or runs many long queries at once, or saturated workers are mostly in one "
        "statement of it",
        database.overload,
        (Explains(("connection_budget",), SAME_INSTANCE), _POOL, _WAITING, _TASKS, _ERRORS),
    ),
    CauseKind(
        "connection_budget",
        "database",
        "A database runs out of connections",
        "a database has hardly a connection left, or none",
        database.connection_budget,
        (_POOL, _ERRORS),
    ),
    CauseKind(
        "pool_too_small",
        "database",
        "A connection pool is too small",
        "clients wait in a pooler for longer than its check allows, and a pool has no idle server connection",
        database_members.pool_too_small,
        (_WAITING, _TASKS, _ERRORS),
    ),
    CauseKind(
        "broker_blocked",
        "celery",
        "The broker keeps everybody waiting",
        "a command of Redis takes 100 ms or more and a tenth of its time, or RabbitMQ has an alarm of memory or disk",
        brokers.broker_blocked,
        (Explains(("outside_slow", *APPLICATION), BROKER_WAITS), Explains(QUEUES, NEEDS_IT), _IN_FRONT),
    ),
    CauseKind(
        "network_slow",
        "network",
        "The network between two tiers is slow",
        "half of the busy workers wait for another tier that is 3 ms or more away and works on fewer of their questions than wait, or is "
        "20 ms away",
        dependencies.network_slow,
        _WAITERS,
    ),
    CauseKind(
        "names_slow",
        "network",
        "Name resolution is slow",
        "half of the busy workers wait for a name server",
        dependencies.names_slow,
        _WAITERS,
    ),
    CauseKind(
        "outside_slow",
        "outside",
        "A service outside the fleet is slow",
        "half of the busy workers, or of the running tasks of a queue in trouble, wait for an address where no instance of the check is",
        dependencies.outside_slow,
        _WAITERS,
    ),
    CauseKind(
        "workers_exhausted",
        "uwsgi",
        "All workers are busy",
        "all workers are busy, and the CPU is not full of their work",
        application.workers_exhausted,
        (_IN_FRONT,),
    ),
    CauseKind(
        "application_overload",
        "uwsgi",
        "The application fills the CPU",
        "the workers' own computing fills the machine",
        application.overload,
        (_IN_FRONT,),
    ),
    CauseKind(
        "broker_full",
        "celery",
        "The broker is full",
        "Redis uses 99 % or more of its memory limit and refuses new messages, or any other write where it is no broker (noeviction)",
        task_queues.broker_full,
        (Explains(("application_errors", "tasks_failing", *QUEUES), NEEDS_IT),),
    ),
    CauseKind(
        "application_errors",
        "uwsgi",
        "The application returns errors",
        "the application throws, or most 5xx are its own (not 502, 503, 504)",
        errors.application_errors,
        (Explains(("backend_unreachable",), NEEDS_IT),),
    ),
    CauseKind(
        "requests_refused",
        "uwsgi",
        "The application refuses requests",
        "a twentieth or more of the requests are refused with a 4xx (1 % where the baseline had none), most of them with a 400 of the "
        "application (ALLOWED_HOSTS)",
        refused.requests_refused,
    ),
    CauseKind(
        "backend_unreachable",
        "varnish",
        "Varnish does not reach its backends",
        "Varnish gets no response from any backend, or fetches fail",
        errors.backend_unreachable,
        (Explains(("threads_exhausted",), NEEDS_IT),),
    ),
    CauseKind(
        "threads_exhausted",
        "varnish",
        "Varnish has no thread left",
        "requests waited in the window while a thread pool was at its limit, a thread could not be made, or requests were dropped",
        accelerator_limits.threads_exhausted,
    ),
    CauseKind(
        "tasks_stuck",
        "celery",
        "Worker slots are stuck",
        "messages wait, no task was begun in the window, and every worker slot is held by a task of ten seconds or more",
        task_queues.tasks_stuck,
        (Explains(("queue_growth",), SAME_INSTANCE),),
    ),
    CauseKind(
        "queue_growth",
        "celery",
        "A queue grows",
        "messages wait and no worker consumes them, or a queue fails its limits, or grows while its messages already wait too long, or "
        "grows with twice as many arriving as are consumed and a wait of 30 s",
        task_queues.queue_growth,
        (Explains(("tasks_failing",), SAME_INSTANCE),),
    ),
    CauseKind(
        "tasks_failing",
        "celery",
        "Tasks fail",
        "more than a twentieth of the tasks fail",
        task_queues.tasks_failing,
    ),
    CauseKind(
        "unbalanced_pool",
        "memcached",
        "A cache pool is unbalanced",
        "one cache server does far more than the others, or another nothing",
        cache_servers.unbalanced_pool,
        (Explains(("cache_exhausted",), SAME_MACHINES),),
    ),
    CauseKind(
        "cache_exhausted",
        "memcached",
        "A cache is too small",
        "a memcached evicts more than ten items per second, or refuses connections or stores",
        cache_servers.cache_exhausted,
    ),
    CauseKind(
        "outlier",
        "",
        "One host differs from its siblings",
        "one of at least four hosts that run the same is far from the others' median",
        outliers.outlier,
    ),
)

#: What every cause explains: a host that differs because the cause is there.
OF_EVERY_CAUSE = Explains(("outlier",), SAME_MACHINES)

KINDS: dict[str, CauseKind] = {kind.name: kind for kind in CAUSES}
ORDER: dict[str, int] = {kind.name: place for place, kind in enumerate(CAUSES)}


def explains(deep: Cause, shallow: Cause, fleet: Fleet) -> bool:
    """Whether the shallower cause is only what the deeper one looks like from elsewhere."""
    if apart(deep, shallow, fleet):
        return False
    return any(entry.holds(deep, shallow, fleet) for entry in (*KINDS[deep.cause].explains, OF_EVERY_CAUSE))
