# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A query per row of a list, and what is called often for other reasons."""

from __future__ import annotations

import typing as t

import pytest

from .made_facts import waits
from .more_disasters import REPEATED
from .world import World


def _world(row: t.Optional[dict[str, t.Any]] = None, **measures: t.Any) -> World:
    world = World()
    world.queries_per_row()
    world.of("db1", "postgresql").update({"statements": [{**REPEATED, **(row or {})}], **measures})
    return world


def test_the_statement_and_the_page_are_named() -> None:
    world = _world()
    world.workers_exhausted("/orders/")
    [cause] = world.diagnose()
    assert cause["cause"] == "query_per_row" and cause["hosts"] == ["app1", "app2", "app3", "app4"]
    where = "(the busy workers are in /orders/) on PostgreSQL db1 (5432)"
    assert f"one quick statement 100 times per request {where}, 99 times as often as before" in cause["statement"]
    assert cause["statement"].endswith('SELECT * FROM "shop_product" WHERE "id" = $1 LIMIT $2.')
    assert "prefetch_related" in cause["first_fix"]
    assert any("All workers of" in line for line in cause["evidence"])


@pytest.mark.parametrize(
    "row",
    [
        {"lifetime_calls": 345_600_000},
        {"calls_per_second": 300.0, "calls": 1500},
        {"mean_milliseconds": 25.0},
        {"rows_per_call": 500.0},
        {"kind": "write"},
        {"rows_per_call": None},
        {"nested_calls": 49_000},  # https://www.postgresql.org/docs/current/pgstatstatements.html: track = all
    ],
    ids=["as often as ever", "a few per request", "slow by itself", "many rows at once", "a write", "rows unknown", "run by a trigger"],
)
def test_what_is_no_query_per_row(row: dict[str, t.Any]) -> None:
    assert _world(row).causes() == []


def test_where_nothing_earlier_is_known_it_must_be_many() -> None:
    assert _world(statements_since_seconds=6.0).causes() == ["query_per_row"]
    assert _world({"calls_per_second": 1000.0}, statements_since_seconds=6.0, statements_calls_per_second=1100.0).causes() == []


def test_calls_of_others_and_unknown_requests_blame_no_page() -> None:
    assert _world(statements_calls_per_second=40_000.0).causes() == [], "its part of all calls is small"
    world = _world()
    world.of("app2", "uwsgi")["requests_per_second"] = None
    assert world.causes() == []


def test_workers_that_are_well_or_wait_elsewhere_have_no_such_page() -> None:
    world = _world()
    world.findings.clear()
    assert world.causes() == []
    world = _world()
    for number in range(1, 5):
        world.of(f"app{number}", "uwsgi")["waits"] = waits(("203.0.113.9:443", 0.9, None))
    assert "query_per_row" not in world.causes()
