# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Statements over the window and the lifetime, with the columns that the view has (cases P-01, P-14)."""

from __future__ import annotations

import json

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collectors.postgresql import queries, statements
from ansible_collections.warroom.launch.plugins.module_utils._collectors.postgresql.session import MARK
from ansible_collections.warroom.launch.plugins.module_utils._collectors.postgresql.statements import Statements, summed
from ansible_collections.warroom.launch.plugins.module_utils._sql.sessions import Manner
from tests.support.tools import measures_of


def counters(calls, milliseconds, **more):
    return {"dbid": 5, "queryid": "-1", "calls": calls, "total_exec_time": milliseconds, "rows": calls, **more}


def source(rows=(), timed=True, grant='GRANT pg_monitor TO "mon"'):
    return statements.Source(grant, timed, rows, {"dealloc": 0, "now": 9.0, "stats_reset": 1.0})


def row_of(first, second, seconds=10.0, text="select * from t where a = $1"):
    both = Statements(summed(first), summed(second), seconds)
    found = measures_of(statements.put, both, {(5, "-1"): text}, {5: "shop"}, Manner(), source())
    return found["statements"][0] if found["statements"] else None, found


def test_p01_columns_are_those_of_the_view(case):
    views = json.loads(case("P-01.json"))
    trap = views.pop("trap")
    for columns in (trap["has"], *views.values()):
        text = queries.statements("public", ["userid", "dbid", "queryid", "calls", *columns])
        asked = {word.strip(",") for word in text.split()}
        assert ("total_exec_time" in asked) == ("total_exec_time" in columns)
        assert ("total_time" in asked) == ("total_time" in columns)
        assert ("shared_blk_read_time" in asked) == ("shared_blk_read_time" in columns)


@pytest.mark.parametrize("name", ["13-bullseye", "15", "16", "17", "18"])
def test_every_version_gives_time_and_io(fixture_file, name):
    columns = fixture_file(f"postgresql/{name}/statements-columns.txt").decode().replace(",", "\n").split()
    asked = {word.strip(",") for word in queries.statements("public", columns).split()}
    assert "total_exec_time" in asked and asked & {"blk_read_time", "shared_blk_read_time"} and "total_time" not in asked
    lines = fixture_file(f"postgresql/{name}/statements.jsonl").decode().splitlines()
    rows = [{key: value for key, value in json.loads(line).items() if key in asked or key in ("dbid", "queryid")} for line in lines]
    found = summed(rows)
    assert found and all(entry["milliseconds"] is not None and entry["io_milliseconds"] is not None for entry in found.values())


def test_counters_of_the_old_name_are_read_and_missing_ones_are_none():
    entry = summed([{"dbid": 5, "queryid": "1", "calls": 2, "total_time": 7.5}])[(5, "1")]
    assert entry["milliseconds"] == 7.5 and entry["io_milliseconds"] is None


def test_p14_rows_of_one_statement_are_summed_and_hidden_ones_counted_apart(case):
    rows = json.loads(case("P-14.json"))
    rows = [{**row, "queryid": None if row["queryid"] is None else str(row["queryid"])} for row in rows]
    found = summed(rows)
    entry = found[(5, "-6123456789012345678")]
    assert (entry["calls"], entry["milliseconds"]) == (1003, 9109.75)
    assert statements.hidden(rows) == 1
    shown = measures_of(statements.put, Statements(found, None, None), {}, {5: "shop"}, Manner(), source(rows))
    assert shown["statements_total"] is None and "GRANT pg_monitor" in shown["unknown"]["statements_total"]
    assert {row["id"] for row in shown["statements"]} == {"-6123456789012345678"}, "exact, as text"


def test_rates_are_of_the_window_and_lifetime_values_stand_beside():
    row, found = row_of([counters(100, 5000.0)], [counters(120, 5100.0)])
    assert (row["calls"], row["calls_per_second"], row["mean_milliseconds"], row["share_ratio"]) == (20, 2.0, 5.0, 1.0)
    assert row["lifetime_calls"] == 120 and row["lifetime_mean_milliseconds"] == 42.5
    assert found["statements_calls_per_second"] == 2.0 and found["statements_busy_sessions"] == 0.01
    assert row["database"] == "shop" and row["text"] == "select * from t where a = ?" and row["kind"] == "read"


def test_a_reset_between_the_samples_is_never_negative_and_is_said():
    both = Statements(summed([counters(100, 5000.0)]), summed([counters(3, 30.0)]), 10.0)
    assert both.window[(5, "-1")]["calls"] == 3 and both.restarted == 1


def test_with_one_sample_only_the_lifetime_is_known():
    found = measures_of(statements.put, Statements(summed([counters(100, 5000.0)]), None, None), {}, {}, Manner(), source())
    (row,) = found["statements"]
    assert row["calls"] is None and row["share_ratio"] is None and row["lifetime_share_ratio"] == 1.0
    assert found["statements_calls_per_second"] is None


def test_our_own_statements_are_not_reported():
    row, _found = row_of([counters(1, 1.0)], [counters(2, 2.0)], text=f"SELECT {MARK} 1")
    assert row is None


def test_the_heads_of_all_lists_are_chosen():
    first = [counters(0, 0.0, queryid=str(number), shared_blks_read=0) for number in range(50)]
    second = [
        counters(1 + number, 500.0 - number, queryid=str(number), shared_blks_read=number % 7, shared_blks_hit=0) for number in range(50)
    ]
    chosen = Statements(summed(first), summed(second), 1.0).chosen(2)
    heads = {key[1]: lists for key, lists in chosen.items()}
    assert "milliseconds" in heads["0"] and "mean" in heads["0"] and "calls" in heads["49"] and "blocks_read" in heads["6"]


def test_a_statement_that_was_thrown_out_and_came_back_with_more_calls_counts_since_then():
    """https://github.com/zubkov-andrei/pg_profile/issues/116: calls alone do not show it"""
    found, facts = row_of([counters(10, 5.0, shared_blks_hit=9000)], [counters(40, 80.0, shared_blks_hit=200)])
    assert (found["calls"], found["mean_milliseconds"]) == (40, 2.0)


def test_the_same_statement_at_the_top_and_inside_of_a_function_is_one():
    """https://github.com/pganalyze/collector/pull/463, https://github.com/prometheus-community/postgres_exporter/pull/1013"""
    first = [counters(10, 5.0, toplevel=True), counters(1000, 500.0, toplevel=False)]
    second = [counters(1010, 510.0, toplevel=False), counters(12, 6.0, toplevel=True)]
    found, _facts = row_of(first, second)
    assert (found["calls"], found["milliseconds"], found["nested_calls"]) == (12, 11.0, 10)


def calling(calls, milliseconds):
    """A function and what it runs, counted by pg_stat_statements.track = all."""
    around = counters(calls, milliseconds, queryid="-2", toplevel=True)
    return [around, counters(10 * calls, 0.9 * milliseconds, toplevel=False), counters(2, 3.0, queryid="-3", toplevel=True)]


def told(first, second, mixed=False):
    texts = {(5, "-1"): "select x from t where a = $1", (5, "-2"): "select f($1)", (5, "-3"): "select 3"}
    both = Statements(summed(first), summed(second), 10.0, mixed)
    found = measures_of(statements.put, both, texts, {5: "shop"}, Manner(), source())
    return found, {row["id"]: row["share_ratio"] for row in found["statements"]}


def test_what_a_function_runs_is_counted_once_in_sums():
    """https://www.postgresql.org/docs/current/pgstatstatements.html (toplevel), https://github.com/powa-team/pg_stat_kcache/issues/24"""
    found, shares = told(calling(0, 0.0), calling(100, 4000.0))
    assert (found["statements_busy_sessions"], found["statements_calls_per_second"]) == (0.4, 10.0)
    assert (shares["-2"], shares["-1"]) == (1.0, 0.9)
    assert {row["id"]: row["nested_calls"] for row in found["statements"] if row["calls"]} == {"-1": 1000, "-2": 0}
    # the function goes on, and is counted when it has ended
    running = [counters(0, 0.0, queryid="-2", toplevel=True), counters(50, 5000.0, toplevel=False), counters(3, 4.0, queryid="-3")]
    found, shares = told(calling(0, 0.0), running)
    assert (found["statements_busy_sessions"], shares["-1"]) == (0.5, 1.0)


def test_what_an_old_extension_does_not_tell_apart_is_no_sum():
    rows = [[{name: value for name, value in row.items() if name != "toplevel"} for row in calling(*one)] for one in ((0, 0.0), (9, 90.0))]
    found, shares = told(*rows, mixed=True)
    assert found["statements_busy_sessions"] is None and "ALTER EXTENSION" in found["unknown"]["statements_busy_sessions"]
    assert found["statements"][0]["nested_calls"] is None and shares["-2"] < 1.0
    assert any("larger than told" in note for note in found["notes"])


@pytest.mark.parametrize(("grant", "total"), [("GRANT pg_monitor TO mon", None), (None, 2)])
def test_statements_that_a_hosting_service_hides_from_everybody(grant, total):
    """https://github.com/prometheus-community/postgres_exporter/pull/370: those of rdsadmin"""
    rows = [counters(10, 5.0), {**counters(3, 1.0), "queryid": None, "dbid": 7}]
    found = measures_of(statements.put, Statements(summed(rows), None, None), {}, {5: "shop"}, Manner(), source(rows, grant=grant))
    assert (found["statements_total"], found["statements_hidden"]) == (total, 1)
    assert total is not None or (found["at_least"]["statements_total"] == 2 and grant in found["unknown"]["statements_total"])
