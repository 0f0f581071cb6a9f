# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Statements under load, and the index that they miss."""

from __future__ import annotations

import contextlib
import json
import typing as t

import pymysql
import pytest

from tests.support.documented import undocumented
from tests.support.mysql import Database, load, read, rows_of

SLOW = "SELECT * FROM orders WHERE customer_id = 7 AND note <> 'EXAMPLEnote'"


def test_the_index_that_is_missed_is_named_with_who_suffers(counting: Database) -> None:
    with load(counting, SLOW):
        found = read(counting, window=1.5)
    assert [(row["database"], row["table"], row["columns"]) for row in found["missing_indexes"]] == [("shop", "orders", ["customer_id"])]
    row = found["missing_indexes"][0]
    assert row["confirmed_by"]
    assert row["statement_share_ratio"] > 0.9
    assert row["statements"][0]["examined_per_sent"] >= 50
    assert 15000 < row["rows_estimate"] < 25000
    assert row["rows_scanned_per_second"] > 0
    assert found["missing_indexes_hurting"] == 1
    assert found["statements"][0]["text"].startswith("SELECT * FROM `orders` WHERE `customer_id` = ?")
    assert found["statements"][0]["no_index_ratio"] == 1.0
    assert found["table_scans"][0]["table"] == "orders"
    assert "EXAMPLE" not in json.dumps(found)
    counting.query(row["add_index"].rstrip(";"))
    try:
        assert read(counting)["missing_indexes"] == []
        assert "orders (customer_id)" in [one["definition"] for one in read(counting)["index_definitions"]]
    finally:
        counting.query("ALTER TABLE shop.orders DROP INDEX orders_customer_id_idx")


def test_without_performance_schema_looks_at_the_process_list_confirm_it(by_default: Database) -> None:
    with load(by_default, SLOW.replace("SELECT *", "SELECT SQL_NO_CACHE SLEEP(0.00001), COUNT(*)")):
        found = read(by_default, window=3.0)
    assert found["statements"] is None
    assert "performance_schema = ON" in found["unknown"]["statements"]
    assert found["statements_sampled"][0]["share_ratio"] == 1.0
    assert [row["columns"] for row in found["missing_indexes"]] == [["customer_id"]]
    assert found["missing_indexes"][0]["statement"].endswith("FROM orders WHERE customer_id = ? AND note <> ?")
    assert found["missing_indexes"][0]["confirmed_by"]
    assert "EXAMPLE" not in json.dumps(found)


def test_what_was_asked_is_counted_and_what_we_ask_is_not(counting: Database) -> None:
    with counting.session() as client:
        before = read(counting, window=0.3)
        assert before["questions_per_second"] == 0
        found = read(
            counting,
            window=1.5,
            meanwhile=lambda: [rows_of(client, f"SELECT name FROM customer WHERE id = {number}") for number in range(50)],
        )
    row = next(row for row in found["statements"] if row["calls"] == 50)
    assert (row["kind"], row["database"], row["no_index_ratio"]) == ("read", "shop", 0.0)
    assert round(found["questions_per_second"] * found["window"]) == 50
    counted = f"SELECT count_star FROM performance_schema.events_statements_summary_by_digest WHERE digest = '{row['id']}'"
    assert [int(count[0]) for count in counting.query(counted)] == [row["lifetime_calls"]]


def test_a_reset_of_the_digests_is_said(instrumented: Database) -> None:
    with load(instrumented, "SELECT 1"):
        truncate = "TRUNCATE performance_schema.events_statements_summary_by_digest"
        found = read(instrumented, window=1.0, meanwhile=lambda: instrumented.query(truncate))
    assert "the statement digests were reset within the window" in found["notes"]
    assert all((row["calls"] or 0) >= 0 for row in found["statements"])


@pytest.mark.parametrize("query_text", ["none", "full"])
def test_texts_leave_the_host_as_they_may(by_default: Database, query_text: str) -> None:
    with by_default.busy("SELECT SLEEP(60) FROM customer WHERE name = 'EXAMPLEname' OR id = 1"):
        found = read(by_default, long_query_seconds=0.0, query_text=query_text)
    expected = None if query_text == "none" else "SELECT SLEEP(60) FROM customer WHERE name = 'EXAMPLEname' OR id = 1"
    assert [row["query"] for row in found["long_queries"]] == [expected]


KEEPS_STATEMENTS = ["named_by_lock_tables", pytest.param("mysql", marks=[pytest.mark.versions, pytest.mark.timeout(900)])]


@pytest.mark.parametrize("kind", KEEPS_STATEMENTS)
def test_names_that_statements_use_in_vain_are_told(kind: str, request: pytest.FixtureRequest) -> None:
    """Code before its migration: a column and a table that are not there."""

    def misses(*connections: t.Any) -> None:
        for connection in connections:
            for statement in ("SELECT currency FROM orders WHERE id = 7", "SELECT * FROM coupon WHERE code = 'EXAMPLEcode'"):
                with contextlib.suppress(pymysql.err.MySQLError):
                    rows_of(connection, statement)

    server: Database = request.getfixturevalue(kind)
    with server.session(program_name="shop") as one, server.session(program_name="shop") as other:
        found = read(server, window=0.3, meanwhile=lambda: misses(one, other))
    rows = {row["name"]: row for row in found["undefined_names"]}
    assert {name: (row["kind"], row["sessions"], row["application"]) for name, row in rows.items()} == {
        "currency": ("column", 2, "shop"),
        "shop.coupon": ("table", 2, "shop"),
    }
    assert rows["currency"]["query"].startswith("SELECT `currency`" if "`" in rows["currency"]["query"] else "SELECT currency")
    assert undocumented("mysql", found) == [] and "EXAMPLE" not in str(found)


def test_a_server_that_keeps_no_failed_statements_says_how_it_would(instrumented: Database) -> None:
    off = read(instrumented, window=0.3)
    assert off["undefined_names"] is None and "events_statements_history" in off["unknown"]["undefined_names"]
