# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Workers that grow with every request, and those that only begin."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._fleet.growth import Growth

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


SLOW = Growth(rounds=9, seconds=2400.0, first=120.0 * 2**20, last=310.0 * 2**20, per_second=190.0 * 2**20 / 2400)


def _grown(growth: Growth = SLOW) -> World:
    """Eight workers, the largest of which grows too slowly for a window."""
    world = World()
    world.growing[("app1", "uwsgi", "127.0.0.1:1717")] = growth
    world.of("app1", "uwsgi")["respawns"] = 0
    world.of("app1", "server")["memory_available_bytes"] = 5700 << 20
    return world


def test_what_only_grows_over_the_rounds_is_a_risk_with_the_time_that_is_left() -> None:
    world = _grown()
    assert world.causes() == []
    [risk] = world.search.latent
    assert (risk["cause"], risk["hosts"]) == ("memory_leak", ["app1"])
    assert "within 40 min the largest grew from 120 to 310 MiB" in risk["statement"]
    assert risk["statement"].endswith("At this pace app1 has no memory left in about 2 h 30 min."), risk["statement"]


@pytest.mark.parametrize("harm", ["respawns", "oom_kills", "server_swapping", "uwsgi_exceptions"])
def test_it_is_a_cause_when_workers_are_replaced_or_memory_runs_out(harm: str) -> None:
    world = _grown()
    if harm == "respawns":
        world.of("app1", "uwsgi")["respawns"] = 2
    elif harm == "oom_kills":
        world.of("app1", "server")["oom_kills"] = 1
    else:
        world.bad(harm, "app1", status="warn", finding="it hurts", look="htop")
    [cause] = world.diagnose()
    assert cause["cause"] == "memory_leak" and len(cause["evidence"]) >= 2 and world.search.latent == []


@pytest.mark.parametrize(
    "growth",
    [SLOW._replace(last=140.0 * 2**20), SLOW._replace(first=20.0 * 2**20, last=45.0 * 2**20)],
    ids=["a sixth", "a few MiB"],
)
def test_workers_that_only_warm_up(growth: Growth) -> None:
    world = _grown(growth)
    assert world.causes() == [] and world.search.latent == []


def test_a_risk_explains_nothing_and_hides_no_cause() -> None:
    world = _grown()
    world.workers_exhausted(hosts=["app1"])
    assert world.causes() == ["workers_exhausted"] and [risk["cause"] for risk in world.search.latent] == ["memory_leak"]


def test_without_the_machines_memory_no_time_is_given() -> None:
    world = _grown()
    world.of("app1", "server")["memory_available_bytes"] = None
    world.causes()
    assert world.search.latent[0]["statement"].endswith("to 310 MiB.")


def test_workers_at_their_limit_leak_or_have_too_little() -> None:
    world = World()
    world.bad("uwsgi_worker_memory_limit", "app1", finding="a worker has taken 97 % of the address space that it may have")
    assert world.causes() == [] and [risk["cause"] for risk in world.search.latent] == ["memory_leak"]
    world.of("web1", "varnish_traffic")["errors"] = [{"pattern": "/account/", "status": 500, "count": 63}]
    world.bad("varnish_traffic_errors", "web1", finding="63 of 924 requests got a 5xx", advice="Read its log.")
    [cause] = world.diagnose()
    assert cause["cause"] == "memory_leak" and "97 % of the address space" in cause["statement"]
    assert "web1: 63 of 924 requests got a 5xx." in cause["evidence"], "what visitors get is its consequence"
