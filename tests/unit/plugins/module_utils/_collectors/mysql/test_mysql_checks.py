# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checks of MySQL over facts that its collector really makes; the limits have their cases in tests/checks."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collectors.mysql import shape
from ansible_collections.warroom.launch.plugins.module_utils._texts.plain import plain
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.evaluate import evaluate
from tests.conftest import FIXTURES
from tests.support.check_cases import catalogue
from tests.support.mysql_rows import facts, recorded

CALM: dict[str, t.Any] = {
    "oldest_transaction_seconds": 0.0, "oldest_transaction": None, "statements_unnamed_time_ratio": 0.0,
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
    found = evaluate("db1", {"launch_mysql": {"instances": [instance]}}, catalogue().checks(), phase=phase)
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


def test_a_calm_server_is_ok(base: dict[str, t.Any]) -> None:
    base = {**base, "statements": [statement(share_ratio=0.04)]}
    found = judged(base)
    assert set(found.values()) == {"ok", "skipped"}
    skipped = {name for name, status in found.items() if status == "skipped"}
    before = {"connections_peak", "unindexed_references", "instrumented"}
    no_table = {"task_queue"}
    alone = {"replication_runs", "replication_lag", "galera_serves", "galera_synced", "galera_flow_control", "group_serves", "group_online"}
    assert skipped == {*alone, *before, *no_table}
    assert {name for name, status in judged(base, "before").items() if status == "ok"} >= before


def test_a_server_without_a_free_connection_fails_once_and_the_rest_is_skipped() -> None:
    instance = {"name": "x", "state": "up", **shape.exhausted("db:3306 is up and refuses connections: too many connections").done()}
    found = judged(instance)
    assert found["connections_left"] == "fail"
    assert {status for name, status in found.items() if name not in ("answers", "connections_left")} == {"skipped"}


def test_hidden_sessions_are_unknown_and_never_ok(base: dict[str, t.Any]) -> None:
    hidden = {name: None for name in shape._NEED_ALL_SESSIONS}
    found = judged({**base, **hidden, "unknown": dict.fromkeys(hidden, "GRANT PROCESS …")})
    for check in ("idle_in_transaction", "idle_transaction_blocks", "lock_waits", "long_queries", "many_long_queries"):
        assert found[check] == "unknown"
