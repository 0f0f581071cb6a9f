# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Disasters of a synthetic fleet beside those of `world`: each spoils facts as the modules would show it."""

from __future__ import annotations

import typing as t

from .made_facts import fact, instance


class Spoiled(t.Protocol):
    """What a disaster needs of the fleet."""

    facts: dict[str, dict[str, t.Any]]
    shared: dict[str, t.Any]

    def of(self, host: str, service: str) -> dict[str, t.Any]: ...

    def bad(self, check: str, host: str, **rest: t.Any) -> None: ...


TABLE = {"database": "shop", "schema": "public", "name": "shop_order", "rows_estimate": 200_000, "analyzed": True}
STALE = {**TABLE, "analyzed_seconds": 86_400.0, "modified_ratio": 0.6}
#: 1 ms before the window.
SLOWED = {
    "database": "shop",
    "text": 'SELECT * FROM "shop_order" WHERE "status" = $1',
    "calls": 100,
    "mean_milliseconds": 80.0,
    "share_ratio": 0.9,
    "lifetime_calls": 10_100,
    "lifetime_mean_milliseconds": 1.782,
}
AS_EVER = {**SLOWED, "text": "SELECT 1", "mean_milliseconds": 1.0, "lifetime_mean_milliseconds": 1.0, "share_ratio": 0.1}


def _broker(**measures: t.Any) -> dict[str, t.Any]:
    broker = {"name": "redis://q1", "transport": "redis", "host": "q1", "port": 6379, **measures}
    queues = {"name": "redis://q1", "state": "up", "broker": broker, "queues": [], "tasks": [], "hosts": ["app1"]}
    return {"schema": 1, "instances": [queues]}


REPEATED = {
    "text": 'SELECT * FROM "shop_product" WHERE "id" = $1 LIMIT $2',
    "kind": "read",
    "calls": 20_000,
    "calls_per_second": 4000.0,
    "mean_milliseconds": 0.08,
    "rows_per_call": 1.0,
    "share_ratio": 0.7,
    "lifetime_calls": 3_500_000,  # 40 per second before
}

COMPUTED = {
    "text": 'SELECT COUNT(*) FROM "shop_order" GROUP BY "day"',
    "kind": "read",
    "calls": 30,
    "calls_per_second": 6.0,
    "mean_milliseconds": 1400.0,
    "rows_per_call": 31.0,
    "share_ratio": 0.95,
}

EVAL = {"name": "eval", "calls": 5, "mean_milliseconds": 302.0, "share_ratio": 0.3}

REDIS = {
    "used_as": {"broker": True, "cache": True, "sessions": False, "results": None, "channels": False},
    "databases": [{"name": "db0", "key_count": 5200, "expiring_ratio": 0.97, "uses": ["broker", "cache"]}],
    "identity": "f" * 40,
}
KEYS = {
    "name": "KEYS",
    "key": "*",
    "client": "10.0.0.7",
    "client_name": "",
    "calls": 3,
    "milliseconds": 1900.0,
    "longest_milliseconds": 812.0,
}


class MoreDisasters:
    def broker_slow(self: Spoiled) -> None:
        """A script that runs for 300 ms, every second."""
        slow = [{"name": "eval", "milliseconds": 310.0, "client": "10.0.0.8"}]
        self.shared["launch_celery_queue"] = _broker(slowest_milliseconds=310.0, commands=[EVAL], slow_commands=slow)
        self.bad("celery_queue_broker_blocked", "fleet", instance="redis://q1", finding="eval took 310 ms", look="redis-cli")

    def broker_cleared(self: Spoiled) -> None:
        self.shared["launch_celery_queue"] = _broker(flushes=4)
        self.bad("celery_queue_broker_emptied", "fleet", instance="redis://q1", finding="4 FLUSHDB", look="redis-cli")

    def statistics_stale(self: Spoiled) -> None:
        scanned = {**TABLE, "sequential_scans": 100, "lifetime_sequential_scans": 103, "scanned_ratio": 1.0}
        self.of("db1", "postgresql").update(
            statements=[SLOWED, AS_EVER, {**AS_EVER, "text": "SELECT 2"}],
            statements_busy_sessions=3.0,
            sequential_scan_suspects=[scanned],
            tables_stale=[STALE],
            tables_never_analyzed=[],
        )
        self.bad("postgresql_stale_statistics", "db1", status="warn", finding="60 % of a table changed", look="psql")

    def queries_per_row(self: Spoiled) -> None:
        """Forty requests per second in all, each with 100 queries."""
        for number in range(1, 5):
            workers = self.of(f"app{number}", "uwsgi")
            workers.update(busy_ratio=0.9, in_flight=[{"pattern": "/orders/", "count": 7, "oldest_seconds": 0.4}])
            self.bad("uwsgi_workers_busy", f"app{number}", status="warn")
        self.of("db1", "postgresql").update(
            statements=[REPEATED], statements_calls_per_second=4400.0, statements_since_seconds=86_400.0, window=5.0, active=3
        )

    def key_expired(self: Spoiled) -> None:
        """Thirty workers on all four servers compute what one of them would have computed."""
        for number in range(1, 5):
            workers = self.of(f"app{number}", "uwsgi")
            workers.update(requests=400, in_flight=[{"pattern": "/", "count": 7, "oldest_seconds": 1.4}])
            self.bad("uwsgi_longest_request", f"app{number}", status="warn")
        misses = {"count": 31, "expired": 1, "flushed": 0, "absent": 30, "expired_ratio": 0.03}
        cache = {"address": "127.0.0.1:11211", "misses": misses, "overwrites": 29, "flushes": 0, "evictions": 0}
        self.facts["app1"]["launch_memcached"] = fact(instance("127.0.0.1:11211", **cache))
        self.of("db1", "postgresql").update(statements=[COMPUTED], active=3)

    def workers_leak(self: Spoiled) -> None:
        """Eight workers of app1 grow by 8 MiB with each of 50 requests; one was replaced."""
        pids = range(301, 309)
        self.of("app1", "server")["processes_growing"] = [
            {"pid": pid, "name": "uwsgi", "kind": "uwsgi worker", "service": "uwsgi", "grown_bytes": 50 << 20} for pid in pids
        ]
        self.of("app1", "uwsgi").update(
            worker_list=[{"pid": pid, "lifetime_requests": 400, "memory_bytes": 900 << 20} for pid in pids],
            requests=50,
            respawns=1,
            memory_bytes_per_worker_peak=900 << 20,
        )

    def column_missing(self: Spoiled) -> None:
        """New code on all four servers, whose migration was not run."""
        session = {"user": "shop", "application": "site", "address": "app1", "database": "shop", "sessions": 6}
        query = 'SELECT "shop_order"."id", "shop_order"."currency" FROM "shop_order" WHERE "shop_order"."customer_id" = $1'
        missing = {**session, "kind": "column", "name": "shop_order.currency", "query": query}
        self.of("db1", "postgresql")["undefined_names"] = [missing]
        for number in range(1, 5):
            self.bad("uwsgi_exceptions", f"app{number}", finding="30 exceptions for 50 requests", advice="Read its log.")

    def disk_taken(self: Spoiled) -> None:
        """A backup reads and writes beside the database, which waits for the same disk."""
        backup = {"pid": 977, "name": "rsync", "kind": "rsync", "service": None, "share_ratio": 0.85}
        own = {"pid": 41, "name": "postgres", "kind": "postgresql backend", "service": "postgresql", "share_ratio": 0.12}
        rates = {"read_bytes_per_second": 30.0 * 2**20, "write_bytes_per_second": 62.0 * 2**20}
        quiet = {"read_bytes_per_second": 12.0 * 2**20, "write_bytes_per_second": 1.0 * 2**20}
        disk = {"name": "sdb", "util_ratio": 0.99, "await_milliseconds": 38.0}
        self.of("db1", "server").update(processes_by_disk=[{**backup, **rates}, {**own, **quiet}], disks=[disk])
        self.bad("server_iowait_database", "db1", finding="31 % of the CPU time waits for disks", look="htop --sort-key IO_RATE")

    def redis_held(self: Spoiled) -> None:
        self.facts["cache1"] = {"launch_redis": fact(instance("10.0.0.5:6379", slow_commands=[KEYS], slow_commands_total=3, **REDIS))}
        self.bad("redis_blocked", "cache1", finding="KEYS took 812 ms", advice="Replace it by SCAN.", look="redis-cli slowlog get 10")

    def messages_evicted(self: Spoiled) -> None:
        self.facts["cache1"] = {"launch_redis": fact(instance("10.0.0.5:6379", **REDIS))}
        told = {"finding": "40 keys evicted in the window", "advice": "Give each a server.", "look": "redis-cli config get maxmemory*"}
        self.bad("redis_tasks_evictable", "cache1", **told)
