# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Brokers that keep everybody waiting, and that are emptied: their objects, and what is their consequence."""

from __future__ import annotations

import typing as t

import pytest

from .made_facts import waits
from .world import World


def _waiting(*edges: tuple[str, float, t.Optional[float]]) -> World:
    world = World()
    world.broker_slow()
    world.workers_exhausted("/order/")
    for number in range(1, 5):
        world.of(f"app{number}", "uwsgi")["waits"] = waits(*edges)
    return world


def test_a_slow_command_is_named_with_who_sends_it_and_what_to_use_instead() -> None:
    world = World()
    world.broker_slow()
    [cause] = world.diagnose()
    assert cause["statement"] == (
        "A slow command blocks the broker redis://q1: EVAL from 10.0.0.8 takes 310 ms, and 30 % of its time goes to EVAL. "
        "Redis does nothing else meanwhile."
    )
    assert cause["evidence"][0] == "EVAL: 5 calls of 302.0 ms, 30 % of the window."
    assert "Stop what sends EVAL from 10.0.0.8" in cause["first_fix"] and "no loop over many keys" in cause["first_fix"]
    assert cause["hosts"] == ["app1"]


def test_workers_that_wait_for_it_are_its_consequence_and_others_are_not() -> None:
    assert _waiting(("10.0.0.40:6379", 0.8, None)).causes() == ["broker_blocked"]
    assert _waiting(("10.0.0.40:6379", 0.1, None)).causes() == ["broker_blocked", "workers_exhausted"]


def test_a_queue_that_grows_meanwhile_is_its_consequence() -> None:
    world = World()
    world.broker_slow()
    broker = world.shared["launch_celery_queue"]["instances"][0]
    broker["queues"] = [{"name": "celery", "ready": 900, "growth_per_second": 12.0, "drain_seconds": None}]
    world.bad("celery_queue_growth", "fleet", instance="redis://q1", advice="Add workers.")
    [cause] = world.diagnose()
    assert cause["cause"] == "broker_blocked" and any("grows faster" in line for line in cause["evidence"])


def test_without_a_slow_log_the_mean_names_the_command() -> None:
    world = World()
    world.broker_slow()
    world.shared["launch_celery_queue"]["instances"][0]["broker"]["slow_commands"] = None
    assert "EVAL takes 302 ms" in world.diagnose()[0]["statement"]


def test_one_slow_command_now_and_then_is_a_finding_only() -> None:
    world = World()
    world.broker_slow()
    world.findings[0]["status"] = "warn"
    assert world.causes() == []


def test_an_alarm_of_rabbitmq() -> None:
    world = World()
    world.broker_slow()
    world.findings[0].update(
        check="celery_queue_broker_alarm", finding="alarm: memory on rabbit@mq1", advice="Let consumers empty the queues."
    )
    [cause] = world.diagnose()
    assert cause["statement"] == "The broker redis://q1 takes no messages: alarm: memory on rabbit@mq1."


@pytest.mark.parametrize(("status", "causes"), [("fail", ["cache_flushed"]), ("warn", ["database_overload"])])
def test_a_redis_that_is_emptied_again_and_again_explains_the_load_behind_it(status: str, causes: list[str]) -> None:
    world = World()
    world.broker_cleared()
    world.findings[0]["status"] = status
    world.disks_slow()
    assert world.causes() == causes
    if status == "fail":
        [cause] = world.diagnose()
        assert cause["tier"] == "celery" and "was emptied 4 times (FLUSHALL or FLUSHDB)" in cause["statement"]
