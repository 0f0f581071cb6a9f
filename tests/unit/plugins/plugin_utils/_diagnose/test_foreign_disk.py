# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who takes the database's disk: a program of others, and never the database itself."""

from __future__ import annotations

import typing as t

import pytest

from .world import World


def _world(**program: t.Any) -> World:
    world = World()
    world.disk_taken()
    world.of("db1", "server")["processes_by_disk"][0].update(program)
    return world


def test_the_program_is_named_and_the_slow_database_is_its_consequence() -> None:
    world = _world()
    world.of("db1", "postgresql")["active"] = 20
    world.workers_exhausted()
    [cause] = world.diagnose()
    assert cause["cause"] == "foreign_disk" and cause["hosts"] == ["db1"]
    assert cause["statement"].startswith(
        "rsync (pid 977) takes the disk from the database on db1: it reads 30.0 MiB/s and writes 62.0 MiB/s, 85 %"
    )
    assert "The disk sdb is busy 99 % of the time, 38.0 ms per operation." in cause["evidence"]
    assert "postgresql backend (pid 41) reads 12.0 MiB/s and writes 1.0 MiB/s." in cause["evidence"]
    assert sum(line.startswith("Its consequence: ") for line in cause["evidence"]) == 2


@pytest.mark.parametrize(
    "program",
    [{"service": "postgresql"}, {"share_ratio": 0.3}, {"read_bytes_per_second": 0.0, "write_bytes_per_second": 9000.0}],
    ids=["the database itself", "one of several", "hardly anything"],
)
def test_a_disk_that_the_database_fills_is_its_own_overload(program: dict[str, t.Any]) -> None:
    assert _world(**program).causes() == ["database_overload"]


def test_without_root_nobody_is_blamed() -> None:
    world = _world()
    world.of("db1", "server")["processes_by_disk"] = None
    assert world.causes() == ["database_overload"]


@pytest.mark.parametrize(("wait", "causes"), [(38.0, ["foreign_disk"]), (0.4, [])])
def test_a_disk_that_is_busy_all_the_time_is_slow_when_its_operations_are(wait: float, causes: list[str]) -> None:
    """A busy CPU hides that it waits; a fast disk may be at work all the time."""
    world = _world()
    world.findings.clear()
    world.of("db1", "server")["disks"][0]["await_milliseconds"] = wait
    assert world.causes() == causes


def test_a_disk_without_a_database_is_no_matter_of_this_cause() -> None:
    world = _world()
    world.facts["app1"]["launch_server"] = world.facts["db1"]["launch_server"]
    del world.facts["db1"]["launch_server"]
    assert "foreign_disk" not in world.causes()
