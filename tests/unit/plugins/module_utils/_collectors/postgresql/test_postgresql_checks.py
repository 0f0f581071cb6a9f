# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checks of PostgreSQL over facts that its collector really made: each limit, and what must not be alarmed."""

from __future__ import annotations

import copy
import json

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collectors.postgresql import pooler, shape
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.catalogue import Catalogue, load
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.evaluate import evaluate


@pytest.fixture
def calm(fixture_file):
    return json.loads(fixture_file("postgresql/15/calm-facts.json"))


def judge(facts, phase="during"):
    found = evaluate("db1", {"launch_postgresql": {"instances": [facts]}}, Catalogue(load()).checks(), phase)
    for one in found:
        words = f"{one['finding']} {one['advice'] or ''}"
        if one["status"] in ("warn", "fail", "ok"):
            assert "None" not in words and "{" not in words and "unknown" not in words, one
            assert one["advice"] or one["status"] == "ok"
    return {one["check"].replace("postgresql_", "", 1): one for one in found}


def status(facts, check, phase="during"):
    return judge(facts, phase)[check]["status"]


@pytest.mark.parametrize("phase", ["during", "before"])
def test_a_calm_server_is_ok(calm, phase):
    assert {one["status"] for one in judge(calm, phase).values()} == {"ok", "skipped"}


MISSING = {
    **{"database": "shop", "schema": "public", "table": "child", "columns": ["parent_id"], "kind": "foreign_key", "rows_estimate": 200000},
    **{
        "statement_share_ratio": 0.6,
        "create_index": "CREATE INDEX CONCURRENTLY i ON public.child (parent_id);",
        "confirmed_by": ["the plan"],
    },
    **{"being_built": None, "invalid_index": None},
}
BLOCKER = {"pid": 7, "application": "web", "state": "active", "frees_the_others": "SELECT pg_cancel_backend(7)", "blocks_total": 3}
LIMIT = {"kind": "user", "name": "app", "limit": 20, "used": 19, "used_ratio": 0.95}
STATEMENT = {
    **{"share_ratio": 0.3, "mean_milliseconds": 5.0, "calls_per_second": 9.0, "rows_per_call": 1.0, "text": "select ?", "kind": "read"},
}


@pytest.mark.parametrize(
    ("check", "changes", "expected", "said"),
    [
        ("connections", {"connections_ratio": 0.71}, "warn", "usable"),
        ("connections", {"connections_ratio": 0.91}, "fail", "PgBouncer"),
        ("limits", {"limits_total": 1, "limits_ratio": 0.95, "limits": [LIMIT]}, "fail", "user app, 19 of 20"),
        ("idle_in_transaction", {"idle_in_transaction_longest_seconds": 6.0}, "warn", "pg_terminate_backend"),
        ("idle_in_transaction", {"idle_in_transaction_longest_seconds": 61.0}, "fail", "idle_in_transaction_session_timeout"),
        (
            "idle_transaction_blocks",
            {"idle_in_transaction_blocking": 1, "blockers": [BLOCKER], "lock_wait_longest_seconds": 0.3},
            "warn",
            "pg_cancel",
        ),
        (
            "idle_transaction_blocks",
            {"idle_in_transaction_blocking": 1, "blockers": [BLOCKER], "lock_wait_longest_seconds": 0.01},
            "ok",
            "",
        ),
        (
            "idle_transaction_blocks",
            {"idle_in_transaction_blocking": 1, "blockers": [BLOCKER], "lock_wait_longest_seconds": 2.0},
            "fail",
            "End it now",
        ),
        ("lock_waits", {"lock_wait_longest_seconds": 1.5, "blockers": [BLOCKER], "blockers_total": 1}, "warn", "pg_cancel_backend(7)"),
        ("lock_waits", {"lock_wait_longest_seconds": 11.0, "blockers": [BLOCKER]}, "fail", "pid 7"),
        ("long_queries", {"long_queries_longest_seconds": 2.0, "long_queries_total": 1}, "warn", "explain_pids"),
        (
            "long_queries",
            {"long_queries_longest_seconds": 2.0, "long_queries_on_lock": 1, "blockers": [BLOCKER]},
            "warn",
            "pg_cancel_backend(7)",
        ),
        ("long_queries", {"long_queries_longest_seconds": 2.0, "long_queries_on_io": 1}, "warn", "disk"),
        (
            "long_queries",
            {"long_queries_longest_seconds": 11.0, "missing_indexes_hurting": 1, "missing_indexes": [MISSING]},
            "fail",
            "CREATE INDEX",
        ),
        ("many_long_queries", {"long_queries_total": 5}, "fail", "in common"),
        ("missing_index", {"missing_indexes_hurting_rows": 20000, "missing_indexes": [MISSING]}, "warn", "CREATE INDEX CONCURRENTLY i ON"),
        ("missing_index", {"missing_indexes_hurting_rows": 200000, "missing_indexes": [MISSING]}, "fail", "AddIndexConcurrently"),
        (
            "missing_index",
            {"missing_indexes_hurting_rows": 2e5, "missing_indexes": [{**MISSING, "being_built": "by pid 9"}]},
            "fail",
            "on its way",
        ),
        (
            "missing_index",
            {"missing_indexes_hurting_rows": 2e5, "missing_indexes": [{**MISSING, "invalid_index": "a.b"}]},
            "fail",
            "left a.b behind",
        ),
        ("missing_index", {"missing_indexes_hurting_rows": 9999, "missing_indexes": [MISSING]}, "ok", ""),
        ("invalid_indexes", {"indexes_invalid_total": 1, "indexes_invalid": ["x"]}, "warn", "DROP INDEX"),
        ("expensive_statement", {"statements_busy_sessions": 1.0, "statements": [STATEMENT]}, "warn", "cheaper"),
        (
            "expensive_statement",
            {"statements_busy_sessions": 1.0, "statements": [{**STATEMENT, "mean_milliseconds": 1000.0}]},
            "fail",
            "cheaper",
        ),
        ("expensive_statement", {"statements_busy_sessions": 0.1, "statements": [STATEMENT]}, "skipped", ""),
        (
            "frequent_statement",
            {"statements_busy_sessions": 0.2, "statements": [{**STATEMENT, "calls_per_second": 60.0, "mean_milliseconds": 1.0}]},
            "warn",
            "prefetch_related",
        ),
        ("cache_hit", {"cache_hit_ratio": 0.97, "cache_blocks": 5000}, "warn", "shared_buffers"),
        ("cache_hit", {"cache_hit_ratio": 0.5, "cache_reads_per_second": 5000.0}, "fail", "shared_buffers"),
        ("cache_hit", {"cache_hit_ratio": 0.5, "cache_blocks": 10}, "skipped", ""),
        ("temporary_files", {"temp_bytes_per_second": 2e7, "temp_files": 3}, "warn", "work_mem"),
        ("deadlocks", {"deadlocks": 1, "deadlocks_per_minute": 12.0}, "warn", "same rows"),
        ("deadlocks", {"deadlocks": 2, "deadlocks_per_minute": 24.0}, "fail", "same rows"),
        ("rollbacks", {"rollback_ratio": 0.06}, "warn", "error log"),
        ("rollbacks", {"rollback_ratio": 0.3}, "fail", "error log"),
        ("replica_lag", {"replicas_total": 1, "replica_lag_longest_seconds": 6.0}, "warn", "Do not send reads"),
        ("replica_lag", {"replicas_total": 1, "replica_lag_longest_seconds": 31.0}, "fail", "Do not send reads"),
        ("replica_lag", {"replicas_total": 1, "replica_lag_longest_seconds": None}, "unknown", ""),
        (
            "slots",
            {"replication_slots_total": 1, "replication_slots_inactive": 1, "replication_slots_kept_bytes": 2 * 2**30},
            "warn",
            "disk is full",
        ),
        ("archiving", {"archiving": {"failing": True, "lifetime_failed": 3}}, "warn", "archive_command"),
        ("checkpoints", {"checkpoints": {"requested": 2}}, "warn", "max_wal_size"),
        ("wraparound", {"wraparound_ratio": 0.6}, "warn", "VACUUM"),
        ("wraparound", {"wraparound_ratio": 0.9}, "fail", "VACUUM"),
        ("statements_seen", {"statements_total": None}, "unknown", ""),
    ],
)
def test_limits(calm, check, changes, expected, said):
    found = judge({**calm, **changes})[check]
    assert found["status"] == expected, found
    assert said in f"{found['finding']} {found['advice']}"


@pytest.mark.parametrize(
    ("check", "changes", "expected"),
    [
        ("unindexed_references", {"missing_indexes_largest_rows": 20000, "missing_indexes_total": 2}, "warn"),
        ("autovacuum", {"autovacuum": {"enabled": False}}, "warn"),
        # a rehearsal of a server without the extension is a warning with the way out, not a wall of unknowns
        ("instrumented", {"statements_total": None, "unknown": {"statements_total": "it is not in this database"}}, "warn"),
        ("instrumented", {"statements_total": 0}, "ok"),
        ("statements_seen", {"statements_total": None}, "skipped"),
        ("restart_pending", {"settings_waiting_for_restart": ["shared_buffers"]}, "warn"),
        (
            "never_analyzed",
            {"tables_never_analyzed_total": 1, "tables_never_analyzed": [{"schema": "public", "name": "t", "rows_estimate": 5000}]},
            "warn",
        ),
        (
            "never_analyzed",
            {"tables_never_analyzed_total": 1, "tables_never_analyzed": [{"schema": "public", "name": "t", "rows_estimate": 200000}]},
            "fail",
        ),
        (
            "stale_statistics",
            {"tables_stale_ratio": 0.5, "tables_stale": [{"name": "t", "rows_estimate": 20000, "modified_ratio": 0.5}]},
            "warn",
        ),
        (
            "stale_statistics",
            {"tables_stale_ratio": 0.5, "tables_stale": [{"name": "t", "rows_estimate": 2000, "modified_ratio": 0.5}]},
            "skipped",
        ),
    ],
)
def test_limits_of_the_rehearsal(calm, check, changes, expected):
    assert status({**calm, **changes}, check, "before") == expected


def test_no_connection_left_is_the_finding_and_the_rest_is_quiet():
    found = judge({"name": "db1", "state": "up", **shape.exhausted("db1 is up and refuses connections: sorry", None)})
    assert found["connections_left"]["status"] == "fail" and "sorry" in found["connections_left"]["finding"]
    assert {one["status"] for name, one in found.items() if name not in ("connections_left", "answers")} == {"skipped"}


def test_what_is_hidden_is_unknown_and_never_ok(calm):
    hidden = copy.deepcopy(calm)
    why = '3 of 9 sessions are hidden from app: GRANT pg_monitor TO "app"'
    for name in shape._NEED_ALL_SESSIONS:
        hidden[name], hidden["unknown"][name] = None, why
    found = judge(hidden)
    for check in ("idle_in_transaction", "lock_waits", "long_queries", "many_long_queries", "idle_transaction_blocks"):
        assert found[check]["status"] == "unknown" and "GRANT pg_monitor" in found[check]["finding"], check


def test_a_replica_is_judged_by_itself(calm):
    own = {"receiver": "streaming", "streaming": True, "paused": False, "lag_seconds": 0.0, "behind_bytes": 0}
    assert status({**calm, "role": "replica", "replication": own}, "replica_own_lag") == "ok"
    found = judge({**calm, "role": "replica", "replication": {**own, "streaming": False, "receiver": "not running", "lag_seconds": 40.0}})
    assert found["replica_own_lag"]["status"] == "fail" and "take it out of the read pool" in found["replica_own_lag"]["advice"]


def test_a_pooler_has_checks_of_its_own():
    pool = {"database": "shop", "user": "app", "cl_active": 2, "cl_waiting": 3, "sv_active": 2, "sv_idle": 0, "maxwait": 6, "maxwait_us": 0}
    rows = {
        "POOLS": [pool],
        "LISTS": [{"list": "used_clients", "items": 19}],
        "CONFIG": [{"key": "max_client_conn", "value": "20"}],
        "CLIENTS": [],
    }
    found = judge({"name": "p", "state": "up", **pooler.facts(pooler.Reading(rows, 1.0), None, {}, 10)})
    assert found["pooler_waiting"]["status"] == "fail" and found["pooler_clients"]["status"] == "fail"
    assert {name for name, one in found.items() if one["status"] not in ("skipped",)} == {
        "answers",
        "connections_left",
        "pooler_waiting",
        "pooler_clients",
    }
