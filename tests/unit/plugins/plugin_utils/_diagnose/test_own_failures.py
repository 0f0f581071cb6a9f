# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tasks that fail for want of a service, and those that fail by their own doing meanwhile."""

from __future__ import annotations

import typing as t

import pytest

from .world import World


def _world(*exceptions: tuple[str, int]) -> World:
    """The database has no connection left, and tasks fail with these exceptions."""
    world = World()
    world.tasks_fail()
    world.bad("postgresql_connections", "db1", finding="97 of 97 connections in use", advice="Give it room.")
    tasks = [
        {"name": f"shop.tasks.t{count}", "failed": count, "exceptions": [{"name": name, "count": count}]} for name, count in exceptions
    ]
    for instance in world.shared["launch_celery_queue"]["instances"]:
        instance["tasks"] = tasks
    return world


@pytest.mark.parametrize(
    "exceptions",
    [
        (("OperationalError", 7),),
        (("ConnectionDoesNotExistError", 7), ("WorkerLostError", 3)),
        (("OperationalError", 7), ("CardDeclined", 2)),
    ],
    ids=["the database", "names of other drivers", "two of their own"],
)
def test_what_fails_for_want_of_the_database_is_its_consequence(exceptions: t.Any) -> None:
    assert _world(*exceptions).causes() == ["connection_budget"]


def test_what_fails_by_its_own_doing_is_a_cause_of_its_own() -> None:
    assert _world(("OperationalError", 7), ("CardDeclined", 5)).causes() == ["connection_budget", "tasks_failing"]
