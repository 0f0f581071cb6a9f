# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Queues that grow, are flooded, or have no worker."""

from __future__ import annotations

import typing as t

import pytest

from .made_facts import fact, instance
from .world import World


@pytest.mark.parametrize(
    ("comes", "goes", "wait", "causes"),
    [(20.7, 5.0, 39.0, ["queue_growth"]), (20.7, 15.0, 39.0, []), (20.7, 5.0, 3.0, []), (20.7, None, None, [])],
)
def test_a_flooded_queue_is_a_cause_before_its_wait_has_reached_the_limit(
    comes: float, goes: t.Optional[float], wait: t.Optional[float], causes: list[str]
) -> None:
    site = World()
    site.queue_backlog()
    site.findings[-1]["status"] = "warn"
    row = site.shared["launch_celery_queue"]["instances"][0]["queues"][0]
    row.update(arrive_per_second=comes, consume_per_second=goes, wait_seconds=wait)
    assert site.causes() == causes


def test_a_queue_without_workers_does_not_grow_because_they_are_slow() -> None:
    site = World()
    site.workers_gone()
    only = site.diagnose()[0]
    assert only["statement"].startswith("No worker consumes the queue celery on redis://q1: 900 messages wait")
    assert only["first_fix"] == "Start the workers."
    site.workers_stopped()
    assert site.causes() == ["service_down"]


def test_a_queue_without_a_worker_is_named_although_another_grows_faster() -> None:
    site = World()
    site.queue_unserved()
    only = site.diagnose()
    assert [one["statement"].split(":")[0] for one in only] == ["No worker consumes the queue mails on redis"]
    assert "40 messages wait, +0.5 per second" in only[0]["statement"]
    assert only[0]["first_fix"] == "Start a worker with -Q mails."


def test_a_flooded_queue_beside_one_without_a_worker_is_a_second_fault() -> None:
    site = World()
    site.queue_unserved()
    flooded = site.shared["launch_celery_queue"]["instances"][0]["queues"][0]
    flooded.update(arrive_per_second=20.0, consume_per_second=8.0, wait_seconds=90.0)
    told = [one["statement"] for one in site.diagnose()]
    assert [text.split(" on ")[0] for text in told] == ["No worker consumes the queue mails", "The queue celery"]
    assert site.diagnose()[1]["first_fix"] == "Add workers."


def tasks_wait(world: World, service: str = "postgresql", **measures: t.Any) -> None:
    rows = [
        {"name": "default", "database": "shop", "table": "public.tasks", "waiting": 3, "oldest_seconds": 12.0},
        {"name": "mail", "database": "shop", "table": "public.tasks", "waiting": 1, "oldest_seconds": 400.0},
    ]
    world.of("db1", service).update(task_queues=rows, role="primary", **measures)
    world.bad(f"{service}_task_queue", "db1", finding="4 tasks wait, the oldest for 6 min 40 s", advice="Start more workers.")


def test_tasks_of_django_that_wait_in_a_database() -> None:
    world = World()
    tasks_wait(world)
    [cause] = world.diagnose()
    assert (cause["cause"], cause["tier"], cause["hosts"]) == ("queue_growth", "postgresql", ["db1"])
    assert cause["statement"].endswith("4 tasks wait, the oldest for 6 min 40 s.") and cause["first_fix"] == "Start more workers."
    assert cause["evidence"][0] == "mail (shop, public.tasks): 1 task waits, the oldest for 6 min 40 s."


def test_tasks_of_django_that_wait_in_mysql() -> None:
    world = World()
    world.facts["db1"]["launch_mysql"] = fact(instance("3306", clients=[]))
    tasks_wait(world, "mysql")
    [cause] = world.diagnose()
    assert (cause["cause"], cause["tier"]) == ("queue_growth", "mysql")


def test_a_replica_has_the_same_rows() -> None:
    world = World()
    tasks_wait(world)
    world.of("db1", "postgresql")["role"] = "replica"
    assert world.causes() == []


def test_what_holds_the_database_up_holds_its_tasks_up() -> None:
    world = World()
    world.lock_chain()
    deeper = world.causes()
    tasks_wait(world)
    assert world.causes() == deeper == ["lock_chain"]
