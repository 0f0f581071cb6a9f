# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which columns miss an index, and the statement that adds it."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.facts import Unknown
from ansible_collections.warroom.launch.plugins.module_utils._collectors.mysql.indexes import (
    Dictionary,
    Evidence,
    Table,
    add_index,
    put_missing,
    scans,
    table_of,
)
from ansible_collections.warroom.launch.plugins.module_utils._collectors.mysql.statements import Statements, summed
from ansible_collections.warroom.launch.plugins.module_utils._sql.sessions import Manner
from tests.support.tools import measures_of

ORDERS = Table("shop", "orders")


def dictionary(indexes: dict[str, list[str]], columns: t.Sequence[str] = ("customer_id",), rows: int = 20000, mtype: int = 6) -> Dictionary:
    names = {"PRIMARY": ["id"], **indexes}
    return Dictionary(
        [{"table_id": "7", "name": "shop/orders"}, {"table_id": "8", "name": "shop/customers"}],
        [{"index_id": str(one), "name": name, "table_id": "7", "type": "0"} for one, name in enumerate(names)],
        [
            {"index_id": str(one), "name": column, "pos": str(pos)}
            for one, own in enumerate(names.values())
            for pos, column in enumerate(own)
        ],
        [{"table_id": "7", "name": name, "mtype": str(mtype)} for name in columns],
        [{"table_id": "7", "name": "shop/orders", "num_rows": str(rows)}],
    )


def candidates(**options: t.Any) -> list[str]:
    return [column for _table, column, _stem in dictionary(**options).candidates()]


def test_an_index_serves_only_the_column_that_leads_it() -> None:
    assert candidates(indexes={}) == ["customer_id"]
    assert candidates(indexes={"a": ["status_id", "customer_id"]}) == ["customer_id"]
    assert candidates(indexes={"a": ["customer_id", "status_id"]}) == []
    assert candidates(indexes={"a": ["customer_id"]}) == []


def test_what_is_no_suspect() -> None:
    assert candidates(indexes={}, rows=9999) == []
    assert candidates(indexes={}, columns=["id", "paid", "uuid", "name"]) == []
    assert candidates(indexes={}, mtype=5) == []  # a text
    assert candidates(indexes={}, columns=["customerId", "parent_uuid"]) == ["customerId", "parent_uuid"]


def test_a_partitioned_table_is_the_sum_of_its_parts() -> None:
    parts = [{"table_id": str(one), "name": f"shop/orders#P#p{one}"} for one in range(4)]
    found = Dictionary(
        parts,
        [{"index_id": str(one), "name": "PRIMARY", "table_id": str(one), "type": "3"} for one in range(4)],
        [{"index_id": str(one), "name": "id", "pos": "0"} for one in range(4)],
        [{"table_id": str(one), "name": "customer_id", "mtype": "6"} for one in range(4)],
        [{**row, "num_rows": "3000"} for row in parts],
    )
    assert [(table, column) for table, column, _stem in found.candidates()] == [(ORDERS, "customer_id")]
    assert found.rows[ORDERS] == 12000


def test_a_table_whose_indexes_are_not_told_is_not_accused() -> None:
    columns = [{"table_id": "7", "name": "customer_id", "mtype": "6"}]
    sizes = [{"table_id": "7", "name": "shop/orders", "num_rows": "99999"}]
    found = Dictionary([{"table_id": "7", "name": "shop/orders#p#p0"}], [], [], columns, sizes)
    assert list(found.candidates()) == []
    assert found.untold == ["shop.orders"]


def test_names_of_files_are_decoded_and_systems_left_out() -> None:
    assert table_of("sh@002dop/or@0020ders#p#p0#sp#s1") == Table("sh-op", "or ders")
    assert table_of(None) == Table("", "")
    rows = [{"table_id": "1", "name": "mysql/user"}, {"table_id": "2", "name": "shop/#sql-ib12"}, {"table_id": "3", "name": "SYS_FOREIGN"}]
    assert Dictionary(rows, [], []).untold == []


@pytest.mark.parametrize(
    ("table", "column", "statement"),
    [
        (Table("shop", "or`d"), "a_id", "ALTER TABLE `shop`.`or``d` ADD INDEX `or``d_a_id_idx` (`a_id`), ALGORITHM=INPLACE, LOCK=NONE;"),
        (Table("shop", "Order"), "a_id", "ALTER TABLE `shop`.`Order` ADD INDEX `Order_a_id_idx` (`a_id`), ALGORITHM=INPLACE, LOCK=NONE;"),
    ],
)
def test_names_are_quoted(table: Table, column: str, statement: str) -> None:
    assert add_index(table, column) == statement


def test_index_names_are_short_and_free() -> None:
    line = add_index(Table("s", "t" * 64), "customer_id")
    assert len(line.split("`")[5]) <= 64
    assert "`orders_customer_id_idx2`" in add_index(ORDERS, "customer_id", {"orders_customer_id_idx"})


def digest(calls: int, no_index: int, text: str, schema: str = "shop", picoseconds: int = 10**10) -> tuple[dict[str, t.Any], str]:
    row = {"schema_name": schema, "digest": text[:64], "count_star": str(calls), "sum_timer_wait": str(calls * picoseconds)}
    return {**row, "sum_no_index_used": str(no_index), "sum_rows_examined": str(calls * 20000), "sum_rows_sent": str(calls)}, text


def found(*digests: tuple[dict[str, t.Any], str], running: t.Sequence[dict[str, t.Any]] = ()) -> dict[str, t.Any]:
    statements = Statements({}, summed([row for row, _text in digests]), 2.0)
    texts = {(row["schema_name"], row["digest"]): text for row, text in digests}
    return measures_of(put_missing, dictionary({}), Evidence(statements, texts, [], {ORDERS: 500.0}, running, Manner(dialect="mysql")))


def test_a_statement_that_filters_without_an_index_confirms() -> None:
    one = found(digest(10, 10, "SELECT * FROM `orders` WHERE `customer_id` = ?"), digest(10, 0, "SELECT ?"))
    (row,) = one["missing_indexes"]
    assert one["missing_indexes_hurting"] == 1
    assert len(row["confirmed_by"]) == 2
    assert (row["statement_share_ratio"], row["rows_estimate"], row["rows_scanned_per_second"]) == (0.5, 20000, 500.0)
    assert row["statements"][0]["examined_per_sent"] == 20000
    assert row["statements"][0]["calls_per_second"] == 5.0


@pytest.mark.parametrize(
    "other",
    [
        digest(10, 0, "SELECT * FROM `orders` WHERE `customer_id` = ?"),  # used an index
        digest(10, 10, "SELECT `customer_id` FROM `orders` WHERE `note` = ?"),  # filters on another column
        digest(10, 10, "SELECT * FROM `orders_old` WHERE `customer_id` = ?"),  # another table
        digest(10, 10, "SELECT * FROM `orders` WHERE `customer_id` = ?", schema="archive"),  # another database
    ],
)
def test_what_does_not_confirm(other: tuple[dict[str, t.Any], str]) -> None:
    one = found(other)
    assert (one["missing_indexes_hurting"], one["missing_indexes_suspected"]) == (0, 1)
    assert one["missing_indexes"][0]["confirmed_by"] == []


@pytest.mark.parametrize(
    ("looks", "hurting", "at_least"),
    [
        ([[]], None, {"missing_indexes_hurting": 0, "missing_indexes_hurting_rows": 0}),
        ([[{"query": "SELECT * FROM orders WHERE customer_id = 7", "database": "shop"}]] * 2, 1, None),
    ],
)
def test_without_counted_statements_a_column_that_was_not_caught_is_no_zero(looks: t.Any, hurting: t.Any, at_least: t.Any) -> None:
    """performance_schema is off by default on MariaDB: https://mariadb.com/docs/server/reference/system-tables/performance-schema"""
    off = Unknown("performance_schema is off (the default of MariaDB)")
    one = measures_of(put_missing, dictionary({}), Evidence(off, {}, looks, off, [], Manner(dialect="mysql")))
    assert one["missing_indexes_hurting"] == hurting and one.get("at_least") == at_least
    assert hurting is not None or "performance_schema is off" in one["unknown"]["missing_indexes_hurting"]


def test_another_database_may_be_named_in_the_statement() -> None:
    assert found(digest(1, 1, "SELECT * FROM `shop` . `orders` WHERE `customer_id` = ?", schema="x"))["missing_indexes_hurting"] == 1


def test_an_index_that_is_being_built_is_said() -> None:
    build = {"pid": 12, "query": "ALTER TABLE orders ADD INDEX x (customer_id)"}
    other = {"pid": 13, "query": "ALTER TABLE orders ADD COLUMN customer_id INT"}
    assert found(running=[build])["missing_indexes"][0]["being_built"] == "session 12 is adding it"
    assert found(running=[other])["missing_indexes"][0]["being_built"] is None


def test_without_digests_what_was_seen_running() -> None:
    seen = {"database": "shop", "query": "select * from orders where customer_id = 7"}
    evidence = Evidence(
        Unknown("performance_schema is off"),
        {},
        [[seen], [seen], [{"database": "shop", "query": "select 1"}]],
        {},
        [],
        Manner(dialect="mysql"),
    )
    row = measures_of(put_missing, dictionary({}), evidence)["missing_indexes"][0]
    assert row["confirmed_by"] == ["seen running in 2 looks"]
    assert row["statement"] == "select * from orders where customer_id = ?"
    assert row["statement_share_ratio"] == 0.666667


def test_scans_are_of_the_window_and_never_negative() -> None:
    first = [
        {"object_schema": "shop", "object_name": "orders", "count_read": "100"},
        {"object_schema": "shop", "object_name": "b", "count_read": "9"},
    ]
    second = [{**first[0], "count_read": "300"}, {**first[1], "count_read": "3"}]
    assert scans(first, second, 2.0) == {ORDERS: 100.0}
    assert scans(first, Unknown("off"), 2.0) == Unknown("off") and isinstance(scans(first, second, None), Unknown)


def test_a_column_that_points_to_nothing_and_hurts_nobody_is_left_out() -> None:
    evidence = Evidence(Statements({}, {}, 2.0), {}, [], {}, [], Manner(dialect="mysql"))
    assert measures_of(put_missing, dictionary({}, columns=["external_id"]), evidence)["missing_indexes"] == []
    assert measures_of(put_missing, dictionary({}), evidence)["missing_indexes_total"] == 1


def test_definitions_are_equal_whatever_an_index_is_called() -> None:
    one, other = (dictionary({name: ["customer_id"]}).definitions() for name in "xy")
    assert [row["definition"] for row in one] == [row["definition"] for row in other] == ["orders (customer_id)", "orders (id)"]
