# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A statement that became slow on a table with stale statistics, and what looks alike."""

from __future__ import annotations

import typing as t

import pytest

from .more_disasters import AS_EVER, SLOWED, STALE
from .world import World


def _world(statement: t.Optional[dict[str, t.Any]] = None, **measures: t.Any) -> World:
    world = World()
    world.statistics_stale()
    server = world.of("db1", "postgresql")
    server["statements"][0] = {**SLOWED, **(statement or {})}
    server.update(measures)
    return world


def test_a_statement_whose_plan_turned_bad_names_its_table() -> None:
    world = _world(active=20)
    world.disks_slow()
    world.workers_exhausted()
    [cause] = world.diagnose()
    assert cause["cause"] == "stale_statistics" and "the statistics of public.shop_order are stale" in cause["statement"]
    assert "takes 80 ms, 80 times what it took before, 90 % of the server's time" in cause["statement"]
    assert 'ANALYZE "public"."shop_order";' in cause["first_fix"] and cause["look"] == "psql"
    assert any("100 sequential scans of shop_order in the window, 3 before it" in line for line in cause["evidence"])
    consequences = [line for line in cause["evidence"] if line.startswith("Its consequence: ")]
    assert len(consequences) == 2 and "All workers of" in consequences[1]


def test_a_table_that_was_never_analysed_is_one() -> None:
    never = {**STALE, "analyzed": False, "analyzed_seconds": None, "modified_ratio": 1.0}
    world = _world(tables_stale=[], tables_never_analyzed=[never])
    world.findings[0]["check"] = "postgresql_never_analyzed"
    assert "(it was never analysed)" in world.diagnose()[0]["statement"]


@pytest.mark.parametrize(
    "statement",
    [
        {"lifetime_mean_milliseconds": 80.0},
        {"lifetime_calls": 110},
        {"share_ratio": 0.1},
        {"mean_milliseconds": 0.4, "lifetime_mean_milliseconds": 0.01},
        {"text": "SELECT * FROM shop_order_line"},
        {"database": "other"},
        {"lifetime_calls": None},
        {"calls": None, "mean_milliseconds": None},
    ],
    ids=["as slow as ever", "too few calls before", "small share", "quick", "another table", "another database", "unknown", "not called"],
)
def test_what_is_no_changed_plan(statement: dict[str, t.Any]) -> None:
    assert _world(statement).causes() == []


def test_what_slows_every_statement_is_no_plan() -> None:
    slow = {**AS_EVER, "mean_milliseconds": 20.0}
    assert _world(statements=[SLOWED, slow, {**slow, "text": "SELECT 2"}]).causes() == []


def test_fresh_statistics_or_a_small_table_or_a_database_at_rest_name_nothing() -> None:
    world = _world()
    world.findings.clear()
    assert world.causes() == []
    assert _world(tables_stale=[{**STALE, "rows_estimate": 900}]).causes() == []
    assert _world(statements_busy_sessions=0.01).causes() == []


def test_a_lock_that_holds_the_statement_up_is_the_deeper_cause() -> None:
    world = _world()
    world.lock_chain()
    assert world.causes() == ["lock_chain"]
