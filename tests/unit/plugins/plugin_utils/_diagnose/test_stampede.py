# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stampede on one key, and misses and expensive statements that have nothing to do with each other."""

from __future__ import annotations

import typing as t

import pytest

from .made_facts import fact, instance, waits
from .more_disasters import COMPUTED
from .world import World

MISSES = {"count": 31, "expired": 1}


def _world(cache: t.Optional[dict[str, t.Any]] = None, row: t.Optional[dict[str, t.Any]] = None) -> World:
    world = World()
    world.key_expired()
    world.of("app1", "memcached").update(cache or {})
    world.of("db1", "postgresql")["statements"] = [{**COMPUTED, **(row or {})}]
    return world


def test_the_cache_the_statement_and_the_page_are_named() -> None:
    world = _world()
    world.workers_exhausted("/")
    world.disks_slow()
    [cause] = world.diagnose()
    assert cause["cause"] == "cache_stampede" and cause["hosts"] == ["app1", "app2", "app3", "app4"]
    assert "expires in memcached app1 (127.0.0.1:11211): 30 misses for 1 expired, and 30 calls" in cause["statement"]
    assert COMPUTED["text"] in cause["statement"] and "The busy workers are in /." in cause["evidence"]
    consequences = [line for line in cause["evidence"] if line.startswith("Its consequence: ")]
    assert len(consequences) == 2, "the workers and the database are busy with it"


@pytest.mark.parametrize(
    "cache",
    [
        {"misses": {**MISSES, "expired": 0}},
        {"misses": {**MISSES, "expired": 20}},
        {"overwrites": 1},
        {"overwrites": None},
        {"misses": {"count": None, "expired": 1}},
        {"flushes": 1},
        {"evictions": 5},
        {"evictions": None},
    ],
    ids=["never there", "many items expired", "nobody wrote again", "unknown", "misses unknown", "emptied", "too small", "size unknown"],
)
def test_misses_of_other_reasons(cache: dict[str, t.Any]) -> None:
    assert "cache_stampede" not in _world(cache).causes()


@pytest.mark.parametrize(
    "row",
    [{"calls": 900}, {"calls": 12}, {"kind": "write"}, {"mean_milliseconds": 8.0}, {"share_ratio": 0.2}, {"mean_milliseconds": None}],
    ids=["more often than misses", "more rarely", "a write", "cheap", "most time is another's", "unknown"],
)
def test_statements_that_are_not_what_is_cached(row: dict[str, t.Any]) -> None:
    assert "cache_stampede" not in _world(row=row).causes()


def test_what_every_request_runs_is_not_cached() -> None:
    world = _world()
    for number in range(1, 5):
        world.of(f"app{number}", "uwsgi")["requests"] = 10
    assert world.causes() == []
    world.of("app2", "uwsgi")["requests"] = None
    assert world.causes() == [], "how many there were is not known"


def test_workers_that_are_well_or_wait_elsewhere_have_none() -> None:
    world = _world()
    world.findings.clear()
    assert world.causes() == []
    world = _world()
    for number in range(1, 5):
        world.of(f"app{number}", "uwsgi")["waits"] = waits(("203.0.113.9:443", 0.9, None))
    assert "cache_stampede" not in world.causes()


def test_redis_that_is_a_cache() -> None:
    world = _world()
    del world.facts["app1"]["launch_memcached"]
    world.facts["app1"]["launch_redis"] = fact(instance("127.0.0.1:6379", misses=31, expired=1, overwrites=29, evictions=0))
    [cause] = world.diagnose()
    assert cause["cause"] == "cache_stampede" and "expires in Redis app1 (127.0.0.1:6379)" in cause["statement"]


def test_a_missing_index_is_deeper() -> None:
    world = _world()
    world.missing_index()
    [cause] = world.diagnose()
    assert cause["cause"] == "missing_index" and any("compute the same value at once" in line for line in cause["evidence"])
