# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The part of the matrix that the modern flavour of the practice stack has: nginx, Gunicorn, Redis, Celery, PgBouncer, PostgreSQL."""

from __future__ import annotations

import contextlib
import functools
import typing as t

from . import faults_data as data
from . import faults_modern as modern
from . import faults_web as web
from .kind import Kind
from .kind import fault as any_fault
from .kind import ordinary as any_ordinary

fault = functools.partial(any_fault, flavour="modern")
ordinary = functools.partial(any_ordinary, flavour="modern")
_TASKS: dict[str, t.Any] = {"effects": ("tasks",)}

FAULTS: tuple[Kind, ...] = (
    # edge
    fault("nginx_wrong_upstream", modern.unreachable_upstream, 1, 1, 1, "upstream_failing", "edge", findings=("nginx_upstream_failing",)),
    fault("nginx_few_connections", modern.few_edge_connections, 40, 150, 400, "edge_exhausted", "edge",
          findings=("nginx_connections",)),
    # application
    fault("gunicorn_workers_wait", modern.sync_workers, 0.3, 3, 8, "workers_exhausted", "wsgi", "/report/",
          findings=("wsgi_workers_busy",)),
    fault("gunicorn_threads_queue", web.slow_page, 0.3, 3, 8, "workers_exhausted", "wsgi", "/report/", findings=("wsgi_workers_busy",)),
    fault("gunicorn_frozen", data.frozen, "gunicorn", "gunicorn", "gunicorn", "service_down", "wsgi"),
    fault("modern-slow_third_party", web.slow_api, 0.2, 4, 8, "outside_slow", "outside", "127.0.0.1", findings=("wsgi_workers_busy",)),
    fault("modern-cpu_heavy_page", web.busy_page, 10, 100, 300, "application_overload", "wsgi", findings=("wsgi_workers_busy",)),
    fault("modern-release_throws", web.throws, 0.02, 0.3, 1.0, "application_errors", "wsgi", findings=("nginx_errors",)),
    fault("modern-code_before_migration", web.before_migration, 1, 1, 1, "missing_migration", "database", "currency"),
    fault("modern-many_queries", web.many_queries, 20, 1500, 4000, "query_per_row", "wsgi", findings=("postgresql_frequent_statement",)),
    # Redis, cache and broker in one
    fault("redis_evicts_tasks", modern.evicting_broker, 100, 2000, 8000, "broker_evicts", "redis", findings=("redis_tasks_evictable",)),
    fault("redis_blocked", data.slow_broker, 20, 600, 950, "redis_blocked", "redis", "EVAL", findings=("redis_slow_time",)),
    fault("modern-broker_full", data.full_broker, 2**18, 2**14, 0, "broker_full", "celery", "maxmemory",
          findings=("redis_memory_left", "celery_queue_memory_left"), **_TASKS),
    fault("modern-broker_down", data.stopped, "redis", "redis", "redis", "service_down", "redis"),
    # queues
    fault("modern-producers_outrun_workers", data.producer, 6, 15, 60, "queue_growth", "celery", "celery",
          findings=("celery_queue_growth",), **_TASKS),
    fault("modern-tasks_fail", data.failing_tasks, 0.2, 1, 3, "tasks_failing", "celery", "charge_card",
          findings=("celery_queue_tasks_failing", "celery_queue_task_broken"), **_TASKS),
    # PgBouncer and what is behind it
    fault("pooler_too_small", modern.small_pool, (2, 0.2), (2, 0.6), (1, 0.6), "pool_too_small", "database",
          findings=("pgbouncer_waiting", "pgbouncer_mean_wait")),
    fault("pooler_down", data.stopped, "pgbouncer", "pgbouncer", "pgbouncer", "service_down", "database"),
    fault("modern-missing_index", data.no_index, 2, 10, 25, "missing_index", "database", "shop_order", "customer_id",
          findings=("postgresql_missing_index",)),
    fault("modern-unknown_client", data.unknown_client, 1, 3, 8, "unknown_client", "database", "warehouse-sync",
          findings=("database_unknown_client", "postgresql_long_queries")),
    fault("modern-idle_in_transaction", data.forgotten_commit, 0, 0.1, 0.5, "idle_in_transaction", "database", "invoices",
          findings=("postgresql_idle_in_transaction",)),
    fault("modern-migration_locks_table", data.locked_table, 0.1, 0.7, 1, "lock_chain", "database", "migrate",
          findings=("postgresql_lock_waits",)),
    fault("modern-postgresql_frozen", data.frozen, "postgresql", "postgresql", "postgresql", "service_down", "database"),
)  # fmt: skip

#: Ordinary, planned work of that stack.
ORDINARY: tuple[Kind, ...] = (
    ordinary("modern-nothing", lambda _stack, _knob: contextlib.nullcontext()),
    ordinary("modern-graceful_reload", data.graceful_reload),
    ordinary("modern-edge_reloaded", modern.renewed, "nginx"),
    ordinary("modern-pooler_reloaded", modern.renewed, "pgbouncer"),
    ordinary("modern-background_save", data.background_save),
    ordinary("modern-known_report", data.known_report, 4.0),
    ordinary("modern-burst_of_tasks", data.burst_of_tasks, 40),
    ordinary("modern-cache_emptied_once", modern.emptied_cache, 120.0),
)
ALONE = {"modern-cpu_heavy_page", "modern-many_queries", "modern-missing_index", "modern-unknown_client", "redis_evicts_tasks"}
