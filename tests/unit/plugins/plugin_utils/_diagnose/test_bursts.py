# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Workers that are all busy for moments only: no share of the time says so, and visitors wait."""

from __future__ import annotations

import typing as t

import pytest

from .world import World

BURSTS = {"all_busy_samples": 10, "listen_queue_samples": 9, "samples": 21, "busy_ratio": 0.63}


def _world(late: bool = True, **measures: t.Any) -> World:
    world = World()
    world.of("app1", "uwsgi").update({**BURSTS, **measures})
    if late:
        world.bad("varnish_traffic_slow_passes", "web1", status="warn")
    return world


def test_workers_that_are_exhausted_again_and_again_are_named() -> None:
    [cause] = _world().diagnose()
    assert (cause["cause"], cause["hosts"]) == ("workers_exhausted", ["app1"])
    assert "busy again and again: none was free in 10 of 21 samples, and requests waited in 9" in cause["statement"]


@pytest.mark.parametrize(
    "measures",
    [{"all_busy_samples": 3}, {"listen_queue_samples": 2}, {"samples": 4}, {"samples": None}, {"all_busy_samples": None}],
    ids=str,
)
def test_moments_that_are_few_or_unknown_are_everyday_life(measures: dict[str, t.Any]) -> None:
    assert _world(**measures).causes() == []


def test_bursts_that_no_visitor_feels_are_none() -> None:
    assert _world(late=False).causes() == []


def test_application_servers_with_a_queue_of_their_own_count_that() -> None:
    assert _world(listen_queue_samples=0, requests_waiting_samples=9).causes() == ["workers_exhausted"]
    assert _world(requests_waiting_samples=0).causes() == []


def test_the_page_is_known_when_the_last_moment_was_between_two_bursts() -> None:
    seen = [{"pattern": "/basket/", "samples": 60, "share_ratio": 0.8}, {"pattern": "/", "samples": 15, "share_ratio": 0.2}]
    [cause] = _world(in_flight=[], pages_seen=seen).diagnose()
    assert cause["statement"].endswith("most workers are in /basket/.")
