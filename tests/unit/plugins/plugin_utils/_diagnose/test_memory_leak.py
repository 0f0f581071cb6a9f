# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Workers that grow with every request, and those that only begin."""

from __future__ import annotations

import typing as t

import pytest

from .world import World


def _world(lifetime_requests: int = 400, **measures: t.Any) -> World:
    world = World()
    world.workers_leak()
    workers = world.of("app1", "uwsgi")
    workers.update(measures)
    for row in workers["worker_list"]:
        row["lifetime_requests"] = lifetime_requests
    return world


def test_the_workers_are_named_with_what_each_request_costs() -> None:
    [cause] = _world().diagnose()
    assert (cause["cause"], cause["hosts"]) == ("memory_leak", ["app1"])
    assert "8 of them grow by 8.0 MiB per request; the largest has 900 MiB" in cause["statement"]
    assert cause["evidence"][0] == "1 worker ended and 1 was replaced in the window." and "reload-on-rss" in cause["first_fix"]


@pytest.mark.parametrize(
    ("lifetime_requests", "measures"),
    [(5, {}), (400, {"requests": 4000}), (400, {"requests": None}), (400, {"respawns": 0}), (400, {"worker_list": []})],
    ids=["just started", "little per request", "requests unknown", "hurts nobody yet", "workers unknown"],
)
def test_growth_that_is_no_leak_or_hurts_nobody(lifetime_requests: int, measures: dict[str, t.Any]) -> None:
    assert _world(lifetime_requests, **measures).causes() == []


def test_what_it_does_to_the_machine_and_to_visitors_is_its_consequence() -> None:
    world = _world(respawns=0)
    world.bad("server_swapping", "app1", finding="app1 swaps 40 MiB/s", advice="Give it memory.")
    world.bad("uwsgi_exceptions", "app1", finding="9 exceptions for 50 requests", advice="Read its log.")
    [cause] = world.diagnose()
    assert cause["cause"] == "memory_leak" and "app1: app1 swaps 40 MiB/s." in cause["evidence"]
    consequences = [line for line in cause["evidence"] if line.startswith("Its consequence: ")]
    assert len(consequences) == 2 and "Memory is exhausted on app1" in consequences[0]


def test_a_full_disk_on_the_same_machine_is_another_matter() -> None:
    world = _world()
    world.bad("server_filesystems", "app1", finding="/var is full", advice="Make room.")
    world.bad("uwsgi_saturated", "app1")
    assert world.causes()[0] == "memory_leak" and not any("disk is full" in line for line in world.diagnose()[0]["evidence"])
