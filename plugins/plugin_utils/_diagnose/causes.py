# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one table of causes, deepest first: what each is called, when it is said, its rule, and which causes it explains by which relation.

The engine's order, `docs/diagnosis.md` and what becomes evidence of what all follow from here. A cause explains only what stands
below it.
"""

from __future__ import annotations

from . import (
    accelerator,
    accelerator_limits,
    brokers,
    cache_servers,
    database,
    database_members,
    dependencies,
    foreign_disk,
    machine,
    memory_leak,
    migrations,
    query_counts,
    service_down,
    stampede,
    statistics_stale,
    stores,
    task_queues,
    workers_stopped,
)
from . import causes_shown as shown
from .cause import Cause
from .cause_kind import (
    APPLICATION,
    DOWN_MACHINE,
    EDGE,
    ERRORS,
    FRONT,
    GIVES_ERRORS,
    IN_FRONT,
    POOL,
    QUEUES,
    SLOW_MACHINE,
    SLOW_STATEMENTS,
    SPENT_MACHINE,
    TASKS,
    WAITERS,
    WAITING,
    CauseKind,
    Explains,
)
from .extent import apart
from .fleet_view import Fleet
from .relations import (
    BROKER_WAITS,
    CLIENTS_THERE,
    DATABASE_THERE,
    LACKS_MEMORY,
    LEADS_THERE,
    NEEDS_IT,
    SAME_INSTANCE,
    SAME_MACHINES,
    SAME_PAGES,
    SAME_WAITERS,
    WORKERS_WAIT,
)

CAUSES: tuple[CauseKind, ...] = (
    CauseKind(
        "memory_leak",
        "uwsgi",
        "Workers leak memory",
        "workers that have served 20 requests or more grow by 256 KiB per request or more, or the largest by a quarter over the last "
        "rounds of a watch, or one has taken nearly all of the address space that it may have, and they are replaced, raise exceptions, or "
        "take the machine's memory; as long as they only grow it is a latent risk",
        memory_leak.memory_leak,
        (
            Explains(("machine_exhausted",), LACKS_MEMORY),
            Explains((*APPLICATION, "application_errors"), SAME_WAITERS),
            Explains(FRONT, NEEDS_IT),
        ),
    ),
    CauseKind(
        "machine_exhausted",
        "server",
        "A machine is exhausted",
        "a machine swaps or has no memory, disk space, file descriptors, processes or local ports left, a filesystem of it hangs, its "
        "hypervisor, a CPU quota or a program of no service takes its CPU away, and something suffers from it",
        machine.exhausted,
        (
            Explains(("service_down",), SAME_MACHINES, DOWN_MACHINE),
            Explains(APPLICATION, SAME_MACHINES, (*SLOW_MACHINE, *SPENT_MACHINE)),
            Explains(("database_overload", "connection_budget", "pool_too_small", *QUEUES), SAME_MACHINES, SLOW_MACHINE),
            Explains(ERRORS, SAME_MACHINES),
            Explains(APPLICATION, WORKERS_WAIT, (*SLOW_MACHINE, *SPENT_MACHINE)),
            # a client without descriptors leaves out the servers that it cannot connect to
            Explains(("unbalanced_pool",), CLIENTS_THERE, SPENT_MACHINE),
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
            Explains(("pool_too_small",), LEADS_THERE, ("database",)),
            Explains(APPLICATION, NEEDS_IT, ("cache", "store")),
            Explains(("unbalanced_pool", "cache_exhausted"), NEEDS_IT, ("cache",)),
            Explains(("accelerator_bypassed",), NEEDS_IT, ("edge", "accelerator")),
            Explains(("application_errors",), NEEDS_IT, ("database", "cache", "store", "queue")),
            Explains(FRONT, NEEDS_IT, ("database", "cache", "store", "queue", "application")),
            Explains(EDGE, NEEDS_IT, ("accelerator",)),
            Explains(("queue_growth",), NEEDS_IT, (service_down.WORKERS,)),
            Explains(("tasks_failing",), NEEDS_IT, ("database", "cache", "store", "queue", service_down.WORKERS)),
        ),
    ),
    CauseKind(
        "workers_stopped",
        "uwsgi",
        "Workers are stopped",
        "a signal or a debugger has stopped some of the workers (state T), and requests waited",
        workers_stopped.workers_stopped,
        (Explains(("workers_exhausted", "workers_stuck"), SAME_INSTANCE), IN_FRONT),
    ),
    CauseKind(
        "cluster_member_out",
        "database",
        "A member left its cluster",
        "a Galera node refuses statements, a member of Group Replication left its group or has lost its majority, a replica of MySQL no "
        "longer follows its source, or the application reads from a replica of PostgreSQL that is too far behind or no longer receives "
        "anything",
        database_members.cluster_member_out,
        (Explains((*ERRORS, "workers_exhausted", *QUEUES), NEEDS_IT, (database_members.NODE, database_members.MEMBER)),),
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
        "Varnish does not cache what it could",
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
        "a third or more of the requests that the workers take, or of the connections to them where requests are not counted, did not come "
        "from Varnish, and every accelerator was counted",
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
            Explains(("stale_statistics", *SLOW_STATEMENTS, "pool_too_small"), SAME_MACHINES),
            WAITING,
            TASKS,
            Explains(ERRORS, DATABASE_THERE),
        ),
    ),
    CauseKind(
        "idle_in_transaction",
        "database",
        "A session is idle in a transaction",
        "a session is idle in an open transaction and blocks others, or has been for too long",
        database.idle_in_transaction,
        (
            Explains(("lock_chain", "stale_statistics", *SLOW_STATEMENTS), SAME_INSTANCE),
            POOL,
            WAITING,
            TASKS,
            GIVES_ERRORS,
        ),
    ),
    CauseKind(
        "lock_chain",
        "database",
        "A session blocks others",
        "a session that works has blocked others for a second or more",
        database.lock_chain,
        (Explains(("stale_statistics", *SLOW_STATEMENTS), SAME_INSTANCE), POOL, WAITING, TASKS, GIVES_ERRORS),
    ),
    CauseKind(
        "missing_index",
        "database",
        "An index is missing",
        "a plan, or scans and statements together, confirm it, and its statements matter",
        database.missing_index,
        (
            Explains(("stale_statistics", "query_per_row", *SLOW_STATEMENTS), SAME_INSTANCE),
            POOL,
            WAITING,
            TASKS,
            GIVES_ERRORS,
        ),
    ),
    CauseKind(
        "stale_statistics",
        "database",
        "The planner's statistics are stale",
        "a statement of PostgreSQL takes five times what it took before the window and a third of the time, its table changed since it was "
        "analysed (or never was), and the other statements are as fast as before",
        statistics_stale.stale_statistics,
        (Explains(SLOW_STATEMENTS, SAME_INSTANCE), POOL, WAITING, TASKS, GIVES_ERRORS),
    ),
    CauseKind(
        "missing_migration",
        "database",
        "A migration is missing",
        "pages or tasks fail, and statements name tables or columns that it does not have (PostgreSQL: by its log, or by the "
        "last statements of sessions)",
        migrations.missing_migration,
        (GIVES_ERRORS,),
    ),
    CauseKind(
        "unknown_client",
        "database",
        "An unknown client uses the database",
        "a client that neither the inventory nor `launch_check_known_clients` explains takes a notable share of the working time",
        database.unknown_client,
        (Explains(("database_overload",), SAME_INSTANCE), POOL, WAITING, TASKS, GIVES_ERRORS),
    ),
    CauseKind(
        "query_per_row",
        "uwsgi",
        "A page runs one statement again and again",
        "workers are slow or busy, in a database or computing, and a quick statement of few rows is run ten times per request or more and "
        "five times as often as before the window (thirty times per request where nothing earlier is known); uWSGI counts its requests, "
        "nginx, HAProxy or Varnish in front counts those of other servers",
        query_counts.query_per_row,
        (Explains(APPLICATION, SAME_WAITERS), Explains(("database_overload", "connection_budget"), SAME_INSTANCE), POOL, IN_FRONT),
    ),
    CauseKind(
        "cache_stampede",
        "uwsgi",
        "Workers compute one cached value at once",
        "workers are slow or busy; for each item of memcached or Redis that expired three reads or more missed and wrote over each "
        "other; and about as often one statement of 50 ms or more ran, which takes half of a database's time and is not run by two of "
        "three requests",
        stampede.cache_stampede,
        (Explains(APPLICATION, SAME_WAITERS), Explains(("database_overload", "connection_budget"), SAME_INSTANCE), POOL, IN_FRONT),
    ),
    CauseKind(
        "application_and_database_overload",
        "database",
        "Application and database are both overloaded",
        "both tiers are at their limits, and nothing explains either",
        None,
        (Explains(("workers_exhausted",), WORKERS_WAIT), Explains(("connection_budget",), SAME_INSTANCE), GIVES_ERRORS),
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
        (WAITING, TASKS, GIVES_ERRORS),
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
        "statement of it; it names a task of Celery whose runs are half or more of the sessions at work",
        database.overload,
        (Explains(("connection_budget",), SAME_INSTANCE), POOL, WAITING, TASKS, GIVES_ERRORS),
    ),
    CauseKind(
        "connection_budget",
        "database",
        "A database runs out of connections",
        "a database has hardly a connection left, or none",
        database.connection_budget,
        (POOL, GIVES_ERRORS),
    ),
    CauseKind(
        "pool_too_small",
        "database",
        "A connection pool is too small",
        "clients wait in a pooler for longer than its checks allow, at the moment or on average, and a pool has no idle server connection",
        database_members.pool_too_small,
        (WAITING, TASKS, GIVES_ERRORS),
    ),
    CauseKind(
        "broker_blocked",
        "celery",
        "The broker keeps everybody waiting",
        "a command of Redis takes 100 ms or more and a tenth of its time, or RabbitMQ has an alarm of memory or disk",
        brokers.broker_blocked,
        (Explains(("outside_slow", *APPLICATION), BROKER_WAITS), Explains(QUEUES, NEEDS_IT), IN_FRONT),
    ),
    CauseKind(
        "network_slow",
        "network",
        "The network between two tiers is slow",
        "half of the busy workers wait for another tier that is 3 ms or more away and works on fewer of their questions than wait, or is "
        "20 ms away",
        dependencies.network_slow,
        WAITERS,
    ),
    CauseKind(
        "names_slow",
        "network",
        "Name resolution is slow",
        "half of the busy workers wait for a name server",
        dependencies.names_slow,
        WAITERS,
    ),
    CauseKind(
        "outside_slow",
        "outside",
        "A service outside the fleet is slow",
        "half of the busy workers, or of the running tasks of a queue in trouble, wait for an address where no instance of the check is",
        dependencies.outside_slow,
        WAITERS,
    ),
    *shown.CAUSES,
)

#: What every cause explains: a host that differs because the cause is there.
OF_EVERY_CAUSE = Explains(("outlier",), SAME_MACHINES)

KINDS: dict[str, CauseKind] = {kind.name: kind for kind in CAUSES}
ORDER: dict[str, int] = {kind.name: place for place, kind in enumerate(CAUSES)}


def explains(deep: Cause, shallow: Cause, fleet: Fleet) -> bool:
    """Whether the shallower cause is only what the deeper one looks like from elsewhere."""
    if deep.is_risk or apart(deep, shallow, fleet):
        return False
    if shallow.variant == task_queues.OWN and not SAME_INSTANCE.holds(deep, shallow, fleet):
        return False  # what fails by its own doing only its queue's cause says as well
    return any(entry.holds(deep, shallow, fleet) for entry in (*KINDS[deep.cause].explains, OF_EVERY_CAUSE))
