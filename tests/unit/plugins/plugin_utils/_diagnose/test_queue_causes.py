# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Queues that grow, are flooded, or have no worker."""

from __future__ import annotations

import typing as t

import pytest

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
