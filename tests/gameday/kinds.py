# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The matrix: every kind of fault and of ordinary work, how bad each severity is, and what is true of it."""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t

from . import faults_data as data
from . import faults_web as web
from . import kinds_modern as modern
from .kind import Kind, absent, fault, ordinary

SEEDS = (1, 2)
_CACHES = "memcached_1 memcached_2 memcached_3"
_TASKS: dict[str, t.Any] = {"effects": ("tasks",)}

FAULTS: tuple[Kind, ...] = (
    # accelerator
    fault("passes_what_it_should_cache", web.passes, 0.1, 0.5, 1.0, "accelerator_fault", "varnish", "/product/<id>/",
          findings=("varnish_pass_ratio", "varnish_hit_ratio")),
    fault("cookie_for_anonymous", web.cookie_for_all, 0.1, 0.5, 1.0, "accelerator_fault", "varnish", "/product/<id>/",
          findings=("varnish_pass_ratio", "varnish_hit_ratio", "varnish_hit_for_miss")),
    fault("legacy_redirects", web.legacy_redirects, 5, 40, 120, "accelerator_fault", "varnish", "/old/<id>/",
          findings=("varnish_traffic_redirects", "varnish_traffic_redirect_url")),
    fault("ban_storm", web.ban_storm, 20, 2, 0.5, "bans_storm", "varnish", findings=("varnish_invalidations",)),
    fault("varnish_thread_limit", web.few_threads, 120, 240, 600, "threads_exhausted", "varnish", "thread_pool_max",
          findings=("varnish_threads",)),
    fault("wrong_backend_port", web.wrong_backend, 1, 1, 1, "backend_unreachable", "varnish", findings=("varnish_backend_errors",)),
    fault("accelerator_bypassed", web.bypass, 5, 60, 150, "accelerator_bypassed", "varnish", findings=("accelerator_bypass",)),
    absent("certificate_expired", "certificate_expired", "edge", "the practice stack has no TLS"),
    absent("unbalanced_balancer", "outlier", "edge", "the practice stack has no balancer"),
    # application
    fault("slow_page", web.slow_page, 0.3, 3, 8, "workers_exhausted", "uwsgi", "/report/", findings=("uwsgi_workers_busy",)),
    fault("slow_third_party", web.slow_api, 0.2, 4, 8, "outside_slow", "outside", "127.0.0.1", findings=("uwsgi_response_time",)),
    fault("cpu_heavy_page", web.busy_page, 10, 100, 300, "application_overload", "uwsgi", "/account/", findings=("uwsgi_workers_busy",)),
    fault("memory_leak", web.leaks, 1, 16, 64, "memory_leak", "uwsgi", findings=("uwsgi_worker_memory",)),
    fault("release_throws", web.throws, 0.02, 0.3, 1.0, "application_errors", "uwsgi", "/account/", findings=("uwsgi_exceptions",)),
    fault("many_queries", web.many_queries, 20, 200, 600, "query_per_row", "uwsgi", "/account/",
          findings=("postgresql_frequent_statement",)),
    fault("code_before_migration", web.before_migration, 1, 1, 1, "missing_migration", "database", "currency"),
    fault("wrong_allowed_hosts", web.wrong_hosts, 1, 1, 1, "requests_refused", "uwsgi", "/account/"),
    fault("cache_stampede", web.stampede, 0.1, 3, 6, "workers_exhausted", "uwsgi", "/account/", findings=("uwsgi_workers_busy",)),
    # caches
    fault("memcached_frozen", data.frozen, "memcached_2", "memcached_2", _CACHES, "service_down", "memcached"),
    fault("memcached_down", data.stopped, "memcached_2", "memcached_2", "memcached_2", "service_down", "memcached"),
    fault("memcached_too_small", data.small_cache, 100, 2000, 8000, "cache_exhausted", "memcached", findings=("memcached_evictions",)),
    fault("different_server_lists", data.other_servers, 2, 2, 1, "unbalanced_pool", "memcached", findings=("memcached_pool_balance",)),
    fault("cache_emptied", data.emptied, 30, 5, 0.5, "cache_flushed", "memcached", findings=("memcached_flushed",)),
    # queues
    fault("producers_outrun_workers", data.producer, 6, 15, 60, "queue_growth", "celery", "celery",
          findings=("celery_queue_growth",), **_TASKS),
    fault("nobody_consumes", data.no_consumer, 1, 1, 1, "queue_growth", "celery", "celery", **_TASKS),
    fault("tasks_fail", data.failing_tasks, 0.2, 1, 3, "tasks_failing", "celery", "charge_card",
          findings=("celery_queue_tasks_failing", "celery_queue_task_broken"), **_TASKS),
    fault("slots_stuck", data.stuck_slots, 40, 3, 1, "tasks_stuck", "celery", "send_receipt", findings=("celery_queue_stuck",), **_TASKS),
    fault("workers_frozen", data.frozen, "celery", "celery", "celery", "service_down", "celery", **_TASKS),
    fault("broker_full", data.full_broker, 2**18, 2**14, 0, "broker_full", "celery", "maxmemory",
          findings=("celery_queue_memory", "celery_queue_memory_left", "celery_queue_broker_refuses"), **_TASKS),
    fault("broker_blocked", data.slow_broker, 20, 600, 950, "broker_blocked", "celery"),
    fault("broker_down", data.stopped, "redis", "redis", "redis", "service_down", "celery"),
    # databases
    fault("missing_index", data.no_index, 2, 25, 50, "missing_index", "database", "shop_order", "customer_id",
          findings=("postgresql_missing_index",)),
    fault("unknown_client", data.unknown_client, 1, 3, 8, "unknown_client", "database", "warehouse-sync",
          findings=("database_unknown_client", "postgresql_long_queries")),
    fault("idle_in_transaction", data.forgotten_commit, 0, 0.1, 0.5, "idle_in_transaction", "database", "invoices",
          findings=("postgresql_idle_in_transaction",)),
    fault("migration_locks_table", data.locked_table, 0.1, 0.7, 1, "lock_chain", "database", "migrate",
          findings=("postgresql_lock_waits",)),
    fault("mariadb_tables_locked", data.mariadb_locked, 0.1, 0.7, 1, "lock_chain", "database", findings=("mysql_lock_waits",)),
    fault("connections_spent", data.idle_sessions, 12, 2, 1, "connection_budget", "database", findings=("postgresql_connections_left",)),
    fault("mariadb_connections_spent", data.mariadb_sessions, 12, 2, 1, "connection_budget", "database",
          findings=("mysql_connections_left",)),
    fault("postgresql_frozen", data.frozen, "postgresql", "postgresql", "postgresql", "service_down", "database"),
    fault("mariadb_down", data.stopped, "mariadb", "mariadb", "mariadb", "service_down", "database"),
    fault("slow_proxy_to_database", web.latency, 1, 100, 300, "outside_slow", "outside", "127.0.0.1", findings=("uwsgi_response_time",)),
    absent("database_far_away", "network_slow", "network", "a delay between hosts needs netem in the kernel, or a second host"),
    absent("stale_statistics", "stale_statistics", "database", "a plan that turns bad needs more rows than the practice stack has"),
    # machine
    fault("disk_writer", data.disk_writer, 5, 100, 1000, "foreign_disk", "server", findings=("server_iowait_database",)),
    fault("cpu_hog", data.cpu_hog, 1, 4, 16, "machine_exhausted", "server", "python", findings=("server_cpu_busy", "server_load")),
    fault("no_descriptors", web.few_descriptors, 4, 1, 0, "machine_exhausted", "server", findings=("server_descriptors",)),
    absent("disk_full", "machine_exhausted", "server", "a small filesystem needs root and a mount of its own"),
    *modern.FAULTS,
)  # fmt: skip


#: Ordinary, planned work: nothing is to be named.
ORDINARY: tuple[Kind, ...] = (
    ordinary("nothing", lambda _stack, _knob: contextlib.nullcontext()),
    ordinary("log_rotation", data.log_rotation),
    ordinary("known_report", data.known_report, 4.0),
    ordinary("backup_of_a_table", data.backup),
    ordinary("vacuum", data.housekeeping, "VACUUM ANALYZE shop_customer"),
    ordinary(
        "index_built_concurrently",
        data.housekeeping,
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS points_now ON shop_customer (points)",
    ),
    ordinary("graceful_reload", data.graceful_reload),
    ordinary("page_published", data.published_page, 20.0),
    ordinary("burst_of_tasks", data.burst_of_tasks, 40),
    ordinary("background_save", data.background_save),
    ordinary("health_checks", data.health_checks, 0.5),
    ordinary("more_visitors", data.more_visitors, 30.0),
    *modern.ORDINARY,
)
#: How often ordinary work is recorded.
ORDINARY_SEEDS = range(1, 6)

#: Faults that can stand beside each other: neither explains the other.
PAIRS: tuple[tuple[str, str], ...] = (
    ("unknown_client", "tasks_fail"),
    ("missing_index", "memcached_too_small"),
    ("idle_in_transaction", "producers_outrun_workers"),
    ("release_throws", "nobody_consumes"),
    ("passes_what_it_should_cache", "tasks_fail"),
    ("unknown_client", "different_server_lists"),
    ("slow_page", "producers_outrun_workers"),
    ("memcached_frozen", "unknown_client"),
    ("release_throws", "memcached_too_small"),
    ("connections_spent", "tasks_fail"),
)
KINDS = {kind.name: kind for kind in (*FAULTS, *ORDINARY)}
#: What takes so much of the machine that the cells of another recorder would feel it.
ALONE = {
    "passes_what_it_should_cache", "cookie_for_anonymous", "accelerator_bypassed", "cpu_heavy_page", "many_queries", "memcached_too_small",
    "different_server_lists", "missing_index", "unknown_client", "disk_writer", "cpu_hog", "no-op-more_visitors",
    *modern.ALONE,
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Wanted:
    """A cell of the matrix."""

    kinds: tuple[Kind, ...]
    severity: str
    seed: int

    @property
    def kind(self) -> str:
        return "+".join(kind.name for kind in self.kinds)

    @property
    def flavour(self) -> str:
        """Of the practice stack."""
        return self.kinds[0].flavour

    @property
    def alone(self) -> bool:
        """Whether it is recorded only while no other recorder is at work."""
        return any(kind.name in ALONE for kind in self.kinds)

    @property
    def name(self) -> str:
        return f"{self.kind}/{self.severity}-{self.seed}"

    def truth(self) -> dict[str, t.Any]:
        return {"causes": [kind.truth() for kind in self.kinds if kind.cause]}


def matrix() -> t.Iterator[Wanted]:
    """Every cell that can be recorded: each kind once before any kind again, the clear ones first."""
    for seed in range(1, max(*SEEDS, *ORDINARY_SEEDS) + 1):
        if seed in SEEDS:
            yield from _faults("visible", seed)
        if seed in ORDINARY_SEEDS:
            yield from (Wanted((kind,), "none", seed) for kind in ORDINARY)
        if seed in SEEDS:
            yield from (Wanted((KINDS[first], KINDS[second]), "visible", seed) for first, second in PAIRS)
            yield from _faults("severe", seed)
            yield from _faults("faint", seed)


def _faults(severity: str, seed: int) -> t.Iterator[Wanted]:
    return (Wanted((kind,), severity, seed) for kind in FAULTS if kind.inject)
