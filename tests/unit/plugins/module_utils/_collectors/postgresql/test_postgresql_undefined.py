# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which names of a statement are looked up: tables and their columns in double quotes, and nothing that only looks so."""

from __future__ import annotations

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collectors.postgresql.undefined import _of_session, names

ORDER = {"shop_order"}


@pytest.mark.parametrize(
    ("text", "tables", "columns"),
    [
        ('SELECT "shop_order"."id" FROM "shop_order" WHERE "shop_order"."currency" = $1', ORDER, {"id", "currency"}),
        ('SELECT T3."x" FROM "shop_order" INNER JOIN "shop_customer" T3 ON (T3."id" = "shop_order"."customer_id")',
         {"shop_order", "shop_customer"}, {"customer_id"}),
        ('INSERT INTO "shop_order" ("id", "currency") VALUES ($1, $2) RETURNING "shop_order"."id"', ORDER, {"id", "currency"}),
        ('UPDATE "shop_order" SET "total" = $1 WHERE "shop_order"."id" = $2', ORDER, {"id"}),
        ('WITH "recent" AS (SELECT 1 AS "id") SELECT "recent"."nothing" FROM "recent"', set(), set()),
        ('SELECT "public"."shop_order"."id" FROM "public"."shop_order"', ORDER, set()),
        ('SELECT 1 FROM "generate_series"($1, $2)', set(), set()),
        ("SELECT currency FROM shop_order", set(), set()),
        ('SELECT "alias"."c" FROM (SELECT 1 AS "c") "alias"', set(), set()),
        ("", set(), set()),
    ],
)  # fmt: skip
def test_names_of_a_statement(text: str, tables: set[str], columns: set[str]) -> None:
    found, pairs = names(text)
    assert found == tables and {column for _table, column in pairs} == columns
    assert {table for table, _column in pairs} <= tables


def test_a_name_that_the_server_may_have_cut_is_left_alone() -> None:
    long = 'SELECT "shop_order"."id" FROM "shop_order" WHERE ' + "1 = 1 AND " * 98 + '"shop_order"."curr'
    row = {"query": long + '"', "address": None}
    assert _of_session(row, "shop").columns == {("shop_order", "id")}
