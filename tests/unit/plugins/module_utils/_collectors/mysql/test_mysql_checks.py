# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checks of MySQL over facts that its collector really makes: each limit, and what must not be alarmed."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collectors.mysql import shape
from ansible_collections.warroom.launch.plugins.module_utils._text.plain import plain
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.catalogue import Catalogue, load
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.evaluate import evaluate
from tests.conftest import FIXTURES
from tests.support.mysql_rows import facts, recorded

CALM: dict[str, t.Any] = {
    "idle_in_transaction": [], "idle_in_transaction_total": 0,
    "idle_in_transaction_longest_seconds": 0.0, "idle_in_transaction_blocking": 0,
    "long_queries": [], "long_queries_total": 0, "long_queries_longest_seconds": 0.0, "long_queries_on_lock": 0,
    "blockers": [], "blockers_total": 0, "lock_wait_longest_seconds": 0.0, "missing_indexes": [], "missing_indexes_total": 0,

    "missing_indexes_hurting": 0, "missing_indexes_hurting_rows": 0, "statements": [],
    "statements_busy_sessions": 2.0, "buffer_pool_lookups": 5000,
    "buffer_pool_hit_ratio": 0.999, "disk_reads_per_second": 1.0, "transactions": 500, "rollback_ratio": 0.0,
    "temporary_tables_per_second": 5.0, "temporary_disk_ratio": 0.0, "temporary_disk_tables_per_second": 0.0,
}  # fmt: skip


@pytest.fixture(scope="module")
def base() -> dict[str, t.Any]:
    found = facts(recorded(FIXTURES / "mysql" / "mariadb-10.11" / "instrumented.json"))
    return {"name": "x", "state": "up", "window": 5.0, **plain(found), **CALM}


def judged(instance: dict[str, t.Any], phase: str = "during") -> dict[str, str]:
    found = evaluate("db1", {"launch_mysql": {"instances": [instance]}}, Catalogue(load()).checks(), phase=phase)
    for one in found:
        said = one["finding"] or ""
        assert "None" not in said and "{" not in said and "null" not in said, one
        assert "unknown" not in said or one["status"] == "unknown", one
        if one["status"] in ("warn", "fail"):
            assert one["advice"] and "{" not in one["advice"], one
    return {one["check"].replace("mysql_", ""): one["status"] for one in found}


def statement(**measures: t.Any) -> dict[str, t.Any]:
    row = {
        "text": "SELECT ?",
        "share_ratio": 0.05,
        "no_index_ratio": 0.0,
        "examined_per_sent": 1.0,
        "mean_milliseconds": 1.0,
        "calls_per_second": 1.0,
    }
    return {**row, "disk_tables_per_call": 0.0, **measures}


def index(rows: int, confirmed: bool = True) -> dict[str, t.Any]:
    proof = ["statements that filter on it and use no index"] if confirmed else []
    return {
        "place": "shop.orders (customer_id)",
        "table": "orders",
        "columns": ["customer_id"],
        "rows_estimate": rows,
        "confirmed_by": proof,
        "add_index": "ALTER TABLE …",
    }


def test_a_calm_server_is_ok(base: dict[str, t.Any]) -> None:
    base = {**base, "statements": [statement(share_ratio=0.04)]}
    found = judged(base)
    assert set(found.values()) == {"ok", "skipped"}
    skipped = {name for name, status in found.items() if status == "skipped"}
    before = {"connections_peak", "unindexed_references", "instrumented"}
    assert skipped == {"replication_runs", "replication_lag", "aborted_connects", *before}
    assert {name for name, status in judged(base, "before").items() if status == "ok"} >= before


CONNECTIONS = {"used": 12, "max": 400, "peak": 400, "peak_at": "2026-11-20 10:00:00"}


@pytest.mark.parametrize(
    ("check", "measures", "status"),
    [
        ("connections", {"connections_ratio": 0.71}, "warn"),
        ("connections", {"connections_ratio": 0.91}, "fail"),
        ("connections", {"connections_ratio": 0.03, "connections": CONNECTIONS, "lifetime_connections_peak_ratio": 1.0}, "ok"),
        ("refused_connections", {"refused_connections": 1}, "fail"),
        ("idle_in_transaction", {"idle_in_transaction_longest_seconds": 6.0}, "warn"),
        ("idle_in_transaction", {"idle_in_transaction_longest_seconds": 61.0}, "fail"),
        ("idle_transaction_blocks", {"idle_in_transaction_blocking": 1, "lock_wait_longest_seconds": 0.2}, "ok"),
        ("idle_transaction_blocks", {"idle_in_transaction_blocking": 1, "lock_wait_longest_seconds": 2.0}, "fail"),
        ("lock_waits", {"lock_wait_longest_seconds": 2.0, "blockers_total": 1}, "warn"),
        ("lock_waits", {"lock_wait_longest_seconds": 11.0, "blockers_total": 1}, "fail"),
        ("long_queries", {"long_queries_longest_seconds": 1.5, "long_queries_total": 1}, "warn"),
        ("long_queries", {"long_queries_longest_seconds": 12.0, "long_queries_total": 1}, "fail"),
        ("many_long_queries", {"long_queries_total": 4}, "ok"),
        ("many_long_queries", {"long_queries_total": 5, "long_queries_on_lock": 2}, "fail"),
        ("missing_index", {"missing_indexes_hurting": 1, "missing_indexes_hurting_rows": 20000, "missing_indexes": [index(20000)]}, "warn"),
        (
            "missing_index",
            {"missing_indexes_hurting": 1, "missing_indexes_hurting_rows": 200000, "missing_indexes": [index(200000)]},
            "fail",
        ),
        ("missing_index", {"missing_indexes_total": 1, "missing_indexes": [index(200000, confirmed=False)]}, "ok"),
        ("no_index_used", {"statements": [statement(no_index_ratio=0.5, share_ratio=0.06)]}, "warn"),
        ("no_index_used", {"statements": [statement(no_index_ratio=1.0, share_ratio=0.5, examined_per_sent=1500.0)]}, "fail"),
        ("no_index_used", {"statements": [statement(no_index_ratio=1.0, share_ratio=0.01)]}, "ok"),
        ("no_index_used", {"statements": [statement(no_index_ratio=1.0, share_ratio=0.9)], "statements_busy_sessions": 0.01}, "skipped"),
        (
            "no_index_used",
            {"statements": None, "statements_busy_sessions": None, "unknown": {"statements_busy_sessions": "off"}},
            "unknown",
        ),
        ("expensive_statement", {"statements": [statement(share_ratio=0.25)]}, "warn"),
        ("expensive_statement", {"statements": [statement(share_ratio=0.25, mean_milliseconds=1200.0)]}, "fail"),
        ("frequent_statement", {"statements": [statement(share_ratio=0.15, calls_per_second=60.0)]}, "warn"),
        ("frequent_statement", {"statements": [statement(share_ratio=0.15, calls_per_second=60.0, mean_milliseconds=9.0)]}, "ok"),
        ("buffer_pool", {"buffer_pool_hit_ratio": 0.97}, "warn"),
        ("buffer_pool", {"buffer_pool_hit_ratio": 0.85}, "warn"),
        ("buffer_pool", {"buffer_pool_hit_ratio": 0.85, "disk_reads_per_second": 500.0}, "fail"),
        ("buffer_pool", {"buffer_pool_hit_ratio": None, "buffer_pool_lookups": 10}, "skipped"),
        ("temporary_disk_tables", {"temporary_disk_ratio": 0.5, "temporary_disk_tables_per_second": 50.0}, "warn"),
        ("deadlocks", {"deadlocks": 1, "deadlocks_per_minute": 12.0}, "warn"),
        ("deadlocks", {"deadlocks": 2, "deadlocks_per_minute": 24.0}, "fail"),
        ("rollbacks", {"rollback_ratio": 0.06}, "warn"),
        ("rollbacks", {"rollback_ratio": 0.21}, "fail"),
        ("rollbacks", {"rollback_ratio": 0.5, "transactions": 4}, "skipped"),
        ("aborted_connects", {"aborted_connects": 5, "aborted_connects_ratio": 0.5}, "warn"),
        ("aborted_connects", {"aborted_connects": 1, "aborted_connects_ratio": 0.5}, "ok"),
        ("replication_runs", {"replication": [{"name": "a"}], "replication_broken": 1}, "fail"),
        ("replication_lag", {"replication": [{"name": "a"}], "replication_broken": 0, "replication_lag_seconds": 6}, "warn"),
        ("replication_lag", {"replication": [{"name": "a"}], "replication_broken": 0, "replication_lag_seconds": 31}, "fail"),
        ("replication_lag", {"replication": [{"name": "a"}], "replication_broken": 1, "replication_lag_seconds": None}, "skipped"),
    ],
)
def test_limits(base: dict[str, t.Any], check: str, measures: dict[str, t.Any], status: str) -> None:
    assert judged({**base, **measures})[check] == status


@pytest.mark.parametrize(
    ("check", "measures", "status"),
    [
        ("connections_peak", {"lifetime_connections_peak_ratio": 1.0, "connections": CONNECTIONS}, "warn"),
        ("connections_peak", {"lifetime_connections_peak_ratio": 1.0, "connections": {**CONNECTIONS, "peak_at": None}}, "warn"),
        ("unindexed_references", {"missing_indexes_total": 1, "missing_indexes": [index(20000, confirmed=False)]}, "warn"),
        ("instrumented", {"performance_schema": False}, "warn"),
        # on, and closed to the user that is to read it during the launch
        ("instrumented", {"performance_schema": True, "statements_total": None, "unknown": {"statements_total": "GRANT SELECT"}}, "warn"),
        ("instrumented", {"performance_schema": None, "unknown": {"performance_schema": "it was not told"}}, "unknown"),
    ],
)
def test_limits_of_the_rehearsal(base: dict[str, t.Any], check: str, measures: dict[str, t.Any], status: str) -> None:
    assert judged({**base, **measures}, "before")[check] == status


def test_a_server_without_a_free_connection_fails_once_and_the_rest_is_unknown() -> None:
    instance = {"name": "x", "state": "up", **shape.exhausted("db:3306 is up and refuses connections: too many connections")}
    found = judged(instance)
    assert found["connections_left"] == "fail"
    assert found["connections"] == "skipped"
    assert found["long_queries"] == "unknown"
    assert {name for name, status in found.items() if status in ("ok", "warn")} == {"answers"}


def test_hidden_sessions_are_unknown_and_never_ok(base: dict[str, t.Any]) -> None:
    hidden = {name: None for name in shape._NEED_ALL_SESSIONS}
    found = judged({**base, **hidden, "unknown": dict.fromkeys(hidden, "GRANT PROCESS …")})
    for check in ("idle_in_transaction", "idle_transaction_blocks", "lock_waits", "long_queries", "many_long_queries"):
        assert found[check] == "unknown"
