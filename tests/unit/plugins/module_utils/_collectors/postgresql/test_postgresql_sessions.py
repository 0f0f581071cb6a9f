# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sessions as connections, idle transactions, long queries and clients (cases P-05, P-06)."""

from __future__ import annotations

import json

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._sql import sessions
from ansible_collections.warroom.launch.plugins.module_utils._sql.sessions import Manner
from tests.support.postgresql_rows import activity, session


@pytest.fixture
def busy(case):
    return activity(json.loads(case("P-05.json")))


LIMITS = {"max_connections": 100, "superuser_reserved_connections": 3, "reserved_connections": 7}


def test_only_clients_run_long_queries_and_backups_are_told_apart(busy):
    found = sessions.long_queries(busy, {}, Manner(long_seconds=30))
    assert [(row["pid"], row["kind"], row["age_seconds"]) for row in found["long_queries"]] == [
        (27, "client", 60.0),
        (26, "backup", 7200.0),
    ]
    assert found["long_queries_total"] == 1 and found["long_queries_longest_seconds"] == 60.0


def test_a_rule_exempts_queries_that_are_known(busy):
    found = sessions.long_queries(busy, {}, Manner(long_seconds=30, exempt=({"user": "^app$", "query": "slow"},)))
    assert {row["pid"]: row["kind"] for row in found["long_queries"]} == {27: "exempt", 26: "backup"}
    assert found["long_queries_total"] == 0 and found["long_queries_longest_seconds"] == 0.0
    assert not sessions._exempt(busy[6], ({},)), "a rule without fields must not exempt everything"


def test_only_clients_take_connections(busy):
    found = sessions.connections(busy, LIMITS)
    assert (found["used"], found["walsenders"]) == (3, 1)


def test_both_reserves_are_taken_off_what_is_usable():
    found = sessions.connections([session(pid) for pid in range(80)], LIMITS)
    assert (found["usable"], found["free"], found["reserved"], found["max"]) == (90, 10, 10, 100)


def test_without_the_limit_nothing_is_usable_for_sure():
    found = sessions.connections([session()], {"max_connections": None})
    assert found["usable"] is None and found["free"] is None and found["used"] == 1


def test_queries_that_begin_after_now_have_age_zero_and_a_moved_clock_none(case):
    rows = activity(json.loads(case("P-06.json")))
    found = sessions.long_queries(rows, {}, Manner(long_seconds=0.0))
    assert [(row["pid"], str(row["age_seconds"])) for row in found["long_queries"]] == [(31, "0.0")]


def test_hidden_sessions_make_counts_by_state_unknown():
    hidden = {"pid": 9, "user": "other", "database": "shop", "hidden": True, "state": None, "backend_type": None, "now": 1000.0}
    found = sessions.connections([session(), hidden], LIMITS)
    assert found["used"] == 2 and found["hidden"] == 1 and found["active"] is None and found["waiting_on_lock"] is None


def test_idle_in_transaction_is_measured_from_when_it_became_idle():
    rows = [
        session(1, "idle in transaction", state_change=940.0, xact_start=400.0, query="update t set a = 'EXAMPLE'"),
        session(2, "idle in transaction (aborted)", state_change=970.0),
        session(3, "active"),
    ]
    found = sessions.idle_in_transaction(rows, {1: {7, 8}}, Manner())
    first = found["idle_in_transaction"][0]
    assert (first["pid"], first["age_seconds"], first["transaction_seconds"], first["blocks_total"]) == (1, 60.0, 600.0, 2)
    assert first["query"] == "update t set a = ?"
    assert found["idle_in_transaction_total"] == 2 and found["idle_in_transaction_longest_seconds"] == 60.0
    assert found["idle_in_transaction_blocking"] == 1


def test_long_queries_are_split_by_what_they_wait_for():
    rows = [session(1), session(2, wait_event_type="Lock"), session(3, wait_event_type="IO"), session(4, wait_event_type="Extension")]
    found = sessions.long_queries(rows, {2: 77}, Manner())
    assert {row["pid"]: row["waits_for"] for row in found["long_queries"]} == {1: "cpu", 2: "lock", 3: "io", 4: "extension"}
    assert (found["long_queries_on_cpu"], found["long_queries_on_lock"], found["long_queries_on_io"]) == (1, 1, 1)
    assert next(row for row in found["long_queries"] if row["pid"] == 2)["root_blocker"] == 77


def test_clients_have_their_share_of_sessions_and_of_working_time():
    rows = [
        session(1),
        session(2, "idle"),
        session(3, address=None, application="report", query_start=900.0),
        session(9, backend_type="walsender"),
    ]
    working = [{"user": "app", "application": "report", "address": None, "query": "select 1"}]
    other = [*working, {"user": "app", "application": "web", "address": "10.0.0.1", "query": "insert into t values (1)"}]
    found = sessions.clients(rows, [working, working, other], 6.0, Manner())
    by_name = {row["application"]: row for row in found["clients"] if row["backend"] == "client backend"}
    report = by_name["report"]
    assert (report["address"], report["sessions"], report["active_seconds"], report["time_share_ratio"]) == ("local", 1, 6.0, 0.75)
    assert report["longest_query_seconds"] == 100.0 and report["kind"] == "reads"
    assert found["clients_total"] == 2 and found["clients"][0] is report


def test_without_samples_the_time_of_clients_is_unknown():
    row = sessions.clients([session(1)], [], None, Manner())["clients"][0]
    assert row["active_seconds"] is None and row["time_share_ratio"] is None and row["kind"] is None and row["session_share_ratio"] == 1.0


def test_how_long_hidden_sessions_query_is_unknown_and_not_nothing():
    hidden = {**session(pid=5), "hidden": True, "state": None, "query": None, "query_start": None}
    (found,) = sessions.clients([hidden], [], None, Manner())["clients"]
    assert found["longest_query_seconds"] is None and found["sessions"] == 1


def test_names_that_clients_give_themselves_are_cleaned():
    row = sessions.who(session(application="\x1b[31mroot\x07\n"))
    assert "\x1b" not in row["application"] and "\x07" not in row["application"]
