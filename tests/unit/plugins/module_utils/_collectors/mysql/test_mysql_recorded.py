# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole collector over recordings of real servers."""

from __future__ import annotations

import json
import typing as t

import pytest

from tests.conftest import FIXTURES
from tests.support.mysql_rows import facts, recorded

RECORDINGS = ("mariadb-10.11/instrumented", "mariadb-10.11/default", "mysql-9.7/default", "mysql-9.7/without_ddl")


def of(name: str, **options: t.Any) -> dict[str, t.Any]:
    return facts(recorded(FIXTURES / "mysql" / f"{name}.json"), **options)


@pytest.mark.parametrize("name", RECORDINGS)
def test_no_literal_leaves_the_host(name: str) -> None:
    said = json.dumps(of(name), default=str)
    assert "EXAMPLE" not in said
    assert len(said) < 60000


@pytest.mark.parametrize("name", RECORDINGS)
def test_the_idle_transaction_is_at_the_root(name: str) -> None:
    found = of(name)
    (root,) = found["blockers"]
    assert found["idle_in_transaction"][0]["pid"] == root["pid"]  # others are between two statements for a moment
    assert root["state"] == "idle in transaction"
    assert root["blocks_total"] == (1 if name.endswith("without_ddl") else 3)
    assert root["frees_the_others"].startswith(f"KILL {root['pid']};")
    assert {row["lock"] for row in root["waiters"]} == ({"row lock"} if name.endswith("without_ddl") else {"row lock", "metadata lock"})
    assert found["lock_wait_longest_seconds"] > 1


@pytest.mark.parametrize("name", RECORDINGS)
def test_the_report_is_a_client_of_its_own(name: str) -> None:
    found = of(name)
    report = next(row for row in found["clients"] if row["user"] == "report")
    assert report["kind"] == "reads"
    assert report["time_share_ratio"] > 0
    assert report["application"] == (None if name.endswith("10.11/default") else "report")
    assert any(row["waits_for"] == "timer" and row["user"] == "report" for row in found["long_queries"])


@pytest.mark.parametrize("name", ["mariadb-10.11/instrumented", "mysql-9.7/without_ddl"])
def test_the_missing_index_and_its_statement(name: str) -> None:
    found = of(name)
    (row,) = found["missing_indexes"]
    assert (row["table"], row["columns"], row["refers_to"]) == ("orders", ["customer_id"], "customer")
    assert row["add_index"] == (
        "ALTER TABLE `shop`.`orders` ADD INDEX `orders_customer_id_idx` (`customer_id`), ALGORITHM=INPLACE, LOCK=NONE;"
    )
    assert row["confirmed_by"]
    assert "`customer_id` = ?" in row["statement"]
    assert found["statements"][0]["text"] == row["statement"]
    assert found["statements"][0]["no_index_ratio"] == 1.0


def test_a_schema_change_that_waits_hides_the_dictionary_of_mysql() -> None:
    found = of("mysql-9.7/default")
    assert found["missing_indexes"] is None
    assert "schema change" in found["unknown"]["missing_indexes_total"]


def test_mysql_tells_what_the_idle_session_did_last() -> None:
    assert of("mysql-9.7/default")["idle_in_transaction"][0]["query"] == "SELECT * FROM digit LIMIT ?"


def test_peak_with_its_date_where_the_server_knows_it() -> None:
    assert of("mysql-9.7/default")["connections"]["peak_at"] == "2026-11-25T03:39:30Z"
    assert of("mariadb-10.11/default")["connections"]["peak_at"] is None


def test_one_sample_has_no_rates_and_no_ratios_of_a_window() -> None:
    found = of("mariadb-10.11/instrumented", window=None)
    assert found["questions_per_second"] is None
    assert found["deadlocks"] is None
    for name in ("questions_per_second", "deadlocks", "statements_busy_sessions", "transactions", "buffer_pool_lookups"):
        # with a reason it is unknown; without, a check that applies to busy servers only would say that it does not apply
        assert "window 0" in found["unknown"][name]
    assert found["buffer_pool_hit_ratio"] is None
    assert found["lifetime_buffer_pool_hit_ratio"] is not None
    assert found["connections"]["used"] > 1
    assert found["statements"][0]["calls"] is None
    assert found["statements"][0]["lifetime_calls"] > 0
