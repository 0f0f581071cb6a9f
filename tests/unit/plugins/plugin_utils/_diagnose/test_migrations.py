# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Code before its migration: the column is named, and the errors are its consequence."""

from __future__ import annotations

from .world import World, fact, instance


def test_the_column_is_named_and_the_errors_follow_from_it() -> None:
    world = World()
    world.column_missing()
    world.bad_release()
    world.tasks_fail()
    [cause] = world.diagnose()
    assert cause["cause"] == "missing_migration" and "it has no column shop_order.currency: the code is newer" in cause["statement"]
    assert cause["evidence"][0].startswith('shop (site) from app1, 6 sessions: SELECT "shop_order"."id"')
    assert sum(line.startswith("Its consequence: ") for line in cause["evidence"]) == 2


def test_a_typing_error_of_somebody_is_no_cause() -> None:
    world = World()
    world.column_missing()
    world.findings.clear()
    assert world.causes() == []


def test_errors_without_such_a_name_are_the_applications() -> None:
    world = World()
    world.column_missing()
    world.of("db1", "postgresql")["undefined_names"] = []
    assert world.causes() == ["application_errors"]


def test_what_mysql_lacks_is_named_too() -> None:
    world = World()
    world.column_missing()
    rows = world.of("db1", "postgresql").pop("undefined_names")
    world.facts["db2"] = {"launch_mysql": fact(instance("3306", undefined_names=[{**rows[0], "name": "currency"}]))}
    [cause] = world.diagnose()
    assert cause["cause"] == "missing_migration" and "MySQL db2 (3306) fail because it has no column currency" in cause["statement"]
    assert cause["hosts"] == ["db2"]
