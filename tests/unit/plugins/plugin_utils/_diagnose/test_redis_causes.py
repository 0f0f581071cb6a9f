# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Causes in Redis: what blocks it is named, who waits for it is its consequence, and a full broker is said once."""

from __future__ import annotations

import typing as t

from .more_disasters import REDIS
from .world import World, fact, instance


def test_the_command_its_kind_of_key_and_the_client_are_named() -> None:
    world = World()
    world.redis_held()
    [cause] = world.diagnose()
    assert cause["statement"] == (
        "KEYS * from 10.0.0.7 holds up every client of cache1 (10.0.0.5:6379) (Redis runs one command at a time): KEYS took 812 ms."
    )
    assert cause["evidence"] == ["KEYS: 3 times, the longest 812 ms."] and cause["tier"] == "redis" and cause["hosts"] == ["cache1"]


def test_workers_that_wait_for_a_blocked_redis_are_its_consequence() -> None:
    world = World()
    world.workers_exhausted()
    assert world.causes() == ["workers_exhausted"]
    world.redis_held()
    assert world.causes() == ["redis_blocked"]


def test_a_broker_that_is_down_is_said_by_its_own_server() -> None:
    world = World()
    world.facts["app1"]["launch_celery"] = fact(instance("redis://10.0.0.5:6379/0", state="down"))
    world.bad("celery_answers", "app1", reason="no connection to the broker redis://10.0.0.5:6379/0: is it running?")
    assert [cause["tier"] for cause in world.diagnose()] == ["celery"]
    world.facts["cache1"] = {"launch_redis": fact(instance("10.0.0.6:6379", state="down"))}
    world.bad("redis_answers", "cache1", reason="connection to 10.0.0.6:6379 refused")
    assert sorted(cause["tier"] for cause in world.diagnose()) == ["celery", "redis"]
    world.of("cache1", "redis")["name"] = world.findings[-1]["instance"] = "10.0.0.5:6379"
    assert [cause["tier"] for cause in world.diagnose()] == ["redis"]


def test_a_full_thread_is_named_by_where_its_time_went() -> None:
    world = World()
    rows = [{"name": "GET", "calls": 90000, "calls_per_second": 18000.0, "milliseconds": 4200.0}]
    world.facts["cache1"] = {"launch_redis": fact(instance("10.0.0.5:6379", commands=rows, slow_commands=[], **REDIS))}
    world.bad("redis_main_thread", "cache1", finding="the thread is busy 99 % of the time", look="redis-cli info commandstats")
    [cause] = world.diagnose()
    assert cause["statement"].startswith("GET holds up every client of cache1")
    assert cause["evidence"] == ["GET: 18000 per second, 4200 ms in the window."]


def test_a_broker_that_is_the_cache_as_well_loses_messages() -> None:
    world = World()
    world.messages_evicted()
    [cause] = world.diagnose()
    assert cause["statement"].startswith("The broker cache1 (10.0.0.5:6379), which is cache as well, evicts keys, messages among them")
    assert cause["evidence"] == ["db0 (broker, cache): 5200 keys, 97 % of them expire."]


def test_a_blocked_broker_is_named_once_by_who_knows_more() -> None:
    world = World()
    world.broker_slow()
    assert world.causes() == ["broker_blocked"]
    world.redis_held()
    broker = world.shared["launch_celery_queue"]["instances"][0]["broker"]
    broker["identity"] = f"redis {REDIS['identity']}/0"
    assert world.causes() == ["redis_blocked"]


def _full(world: World, uses: dict[str, t.Any]) -> None:
    world.facts["cache1"] = {"launch_redis": fact(instance("10.0.0.5:6379", **{**REDIS, "used_as": uses}))}
    world.bad("redis_refused_writes", "cache1", finding="12 commands refused", advice="Raise the limit.", look="redis-cli info memory")


def test_a_full_server_is_said_once() -> None:
    world = World()
    _full(world, {"broker": True})
    [cause] = world.diagnose()
    assert cause["cause"] == "broker_full" and cause["statement"].startswith(
        "The broker cache1 (10.0.0.5:6379) is full and refuses new messages"
    )
    world.broker_spent()
    queue = world.shared["launch_celery_queue"]["instances"][0]
    queue["broker"] = {"identity": f"redis {REDIS['identity']}/0"}
    assert [one["statement"].split(" is full")[0] for one in world.diagnose()] == ["The broker redis://q1"]


def test_a_full_server_that_is_no_broker() -> None:
    world = World()
    _full(world, {"broker": False, "sessions": True})
    [cause] = world.diagnose()
    assert cause["tier"] == "redis" and cause["statement"].startswith("Redis on cache1 (10.0.0.5:6379) is full and refuses every write")
