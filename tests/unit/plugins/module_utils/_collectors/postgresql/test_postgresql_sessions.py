# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sessions as connections, idle transactions, long queries and clients (cases P-05, P-06)."""

from __future__ import annotations

import json

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collectors.postgresql import connections
from ansible_collections.warroom.launch.plugins.module_utils._collectors.postgresql.fetch import About
from ansible_collections.warroom.launch.plugins.module_utils._sql import sessions
from ansible_collections.warroom.launch.plugins.module_utils._sql.clients import put_clients
from ansible_collections.warroom.launch.plugins.module_utils._sql.sessions import Activity, Manner
from tests.support.postgresql_rows import activity, session
from tests.support.tools import measures_of


@pytest.fixture
def busy(case):
    return activity(json.loads(case("P-05.json")))


LIMITS = {"max_connections": 100, "superuser_reserved_connections": 3, "reserved_connections": 7}


def slots(rows, limits=None):
    """The sessions against these limits."""
    limits = LIMITS if limits is None else limits
    about = About({"user": "mon"}, {name: {"setting": str(value)} for name, value in limits.items()}, {})
    activity = Activity(rows, Manner(), connections.veiled(about, [row for row in rows if sessions.is_client(row)]))
    return measures_of(connections.put_connections, about, activity)["connections"]


def test_p05_only_clients_run_long_queries_and_backups_are_told_apart(busy):
    found = measures_of(sessions.put_long_queries, Activity(busy, Manner(long_seconds=30)), {})
    assert [(row["pid"], row["kind"], row["age_seconds"]) for row in found["long_queries"]] == [
        (27, "client", 60.0),
        (26, "backup", 7200.0),
    ]
    assert found["long_queries_total"] == 1 and found["long_queries_longest_seconds"] == 60.0


def test_a_rule_exempts_queries_that_are_known(busy):
    found = measures_of(
        sessions.put_long_queries, Activity(busy, Manner(long_seconds=30, exempt=({"user": "^app$", "query": "slow"},))), {}
    )
    assert {row["pid"]: row["kind"] for row in found["long_queries"]} == {27: "exempt", 26: "backup"}
    assert found["long_queries_total"] == 0 and found["long_queries_longest_seconds"] == 0.0
    assert not sessions._matches(busy[6], {}), "a rule without fields must not exempt everything"


def test_p05_only_clients_take_connections(busy):
    found = slots(busy)
    assert (found["used"], found["walsenders"]) == (3, 1)


def test_both_reserves_are_taken_off_what_is_usable():
    found = slots([session(pid) for pid in range(80)])
    assert (found["usable"], found["free"], found["reserved"], found["max"]) == (90, 10, 10, 100)


def test_without_the_limit_nothing_is_usable_for_sure():
    found = slots([session()], {})
    assert found["usable"] is None and found["free"] is None and found["used"] == 1


def test_p06_queries_that_begin_after_now_have_age_zero_and_a_moved_clock_none(case):
    rows = activity(json.loads(case("P-06.json")))
    found = measures_of(sessions.put_long_queries, Activity(rows, Manner(long_seconds=0.0)), {})
    assert [(row["pid"], str(row["age_seconds"])) for row in found["long_queries"]] == [(31, "0.0")]
    assert found["long_queries_longest_seconds"] is None and "clock was moved back" in found["unknown"]["long_queries_longest_seconds"]
    assert found["at_least"]["long_queries_total"] == 1


def test_hidden_sessions_make_counts_by_state_unknown():
    hidden = {"pid": 9, "user": "other", "database": "shop", "hidden": True, "state": None, "backend_type": None, "now": 1000.0}
    found = slots([session(), hidden])
    assert found["used"] == 2 and found["hidden"] == 1 and found["active"] is None and found["waiting_on_lock"] is None


def test_p08_idle_in_transaction_is_measured_from_when_it_became_idle():
    rows = [
        session(1, "idle in transaction", state_change=940.0, xact_start=400.0, query="update t set a = 'EXAMPLE'"),
        session(2, "idle in transaction (aborted)", state_change=970.0),
        session(3, "active"),
    ]
    found = measures_of(sessions.put_idle_in_transaction, Activity(rows, Manner()), {1: {7, 8}})
    first = found["idle_in_transaction"][0]
    assert (first["pid"], first["age_seconds"], first["transaction_seconds"], first["blocks_total"]) == (1, 60.0, 600.0, 2)
    assert first["query"] == "update t set a = ?"
    assert found["idle_in_transaction_total"] == 2 and found["idle_in_transaction_longest_seconds"] == 60.0
    assert found["idle_in_transaction_blocking"] == 1


def test_long_queries_are_split_by_what_they_wait_for():
    rows = [session(1), session(2, wait_event_type="Lock"), session(3, wait_event_type="IO"), session(4, wait_event_type="Extension")]
    found = measures_of(sessions.put_long_queries, Activity(rows, Manner()), {2: 77})
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
    found = measures_of(put_clients, Activity(rows, Manner()), [working, working, other], 6.0)
    by_name = {row["application"]: row for row in found["clients"] if row["backend"] == "client backend"}
    report = by_name["report"]
    assert (report["address"], report["sessions"], report["active_seconds"], report["time_share_ratio"]) == ("local", 1, 6.0, 0.75)
    assert report["longest_query_seconds"] == 100.0 and report["kind"] == "reads"
    assert found["clients_total"] == 2 and found["clients"][0] is report


def test_without_samples_the_time_of_clients_is_unknown():
    row = measures_of(put_clients, Activity([session(1)], Manner()), [], None)["clients"][0]
    assert row["active_seconds"] is None and row["time_share_ratio"] is None and row["kind"] is None and row["session_share_ratio"] == 1.0


def test_how_long_hidden_sessions_query_is_unknown_and_not_nothing():
    hidden = {**session(pid=5), "hidden": True, "state": None, "query": None, "query_start": None}
    (found,) = measures_of(put_clients, Activity([hidden], Manner()), [], None)["clients"]
    assert found["longest_query_seconds"] is None and found["sessions"] == 1


def test_names_that_clients_give_themselves_are_cleaned():
    row = sessions.who(session(application="\x1b[31mroot\x07\n"))
    assert "\x1b" not in row["application"] and "\x07" not in row["application"]


def test_p07_every_state_is_counted_for_what_it_is(case):
    rows = activity(json.loads(case("P-07.json")))
    shown = Activity(rows, Manner(), connections.veiled(About({"user": "mon"}, {}, {}), rows))
    found = measures_of(sessions.put_idle_in_transaction, shown, {})
    aborted, idle = found["idle_in_transaction"]
    assert (aborted["pid"], aborted["state"], aborted["age_seconds"]) == (41, "idle in transaction (aborted)", 7200.0)
    assert found["at_least"]["idle_in_transaction_longest_seconds"] == 7200.0, "known parts decide a limit that they exceed"
    # P-08: idle for how long, and open for how long, are two facts
    assert (idle["pid"], idle["age_seconds"], idle["transaction_seconds"]) == (42, 2.0, 7200.0)
    used = slots(rows)
    assert (used["used"], used["active"], used["connecting"]) == (5, None, None)
    without = slots([row for row in rows if row["state"] != "disabled"])
    assert (without["active"], without["connecting"], without["idle_in_transaction"]) == (1, 1, 2)


def test_p07_sessions_that_do_not_say_what_they_do_are_unknown_and_never_ok(case):
    rows = [row for row in activity(json.loads(case("P-07.json"))) if row["state"] == "disabled"]
    shown = Activity(rows, Manner(), connections.veiled(About({"user": "mon"}, {}, {}), rows))
    for put, more in ((sessions.put_idle_in_transaction, ({},)), (sessions.put_long_queries, ({},)), (sessions.put_oldest_transaction, ())):
        found = measures_of(put, shown, *more)
        unknown = [name for name in found if name.endswith(("_longest_seconds", "transaction_seconds")) and name in found["unknown"]]
        assert unknown and all(found[name] is None and "track_activities" in found["unknown"][name] for name in unknown)


@pytest.mark.parametrize(
    ("changes", "seconds"),
    [
        ([{"state": "active"}], 20.0),
        ([{"state": "idle in transaction", "xact_start": 400.0}, {"state": "active"}], 600.0),
        ([{"state": "idle in transaction (aborted)", "xact_start": None, "state_change": 900.0}], 100.0),
        ([{"state": "idle", "xact_start": None}], 0.0),
        ([{"backend_type": "walsender", "xact_start": 1.0}], 0.0),
        ([{"application": "pg_dump", "xact_start": 1.0}], 0.0),
    ],
)
def test_the_oldest_open_transaction_in_any_state(changes, seconds):
    found = measures_of(sessions.put_oldest_transaction, Activity([session(pid, **one) for pid, one in enumerate(changes, 1)], Manner()))
    assert found["oldest_transaction_seconds"] == seconds
    assert (found["oldest_transaction"] is None) == (seconds == 0.0)
