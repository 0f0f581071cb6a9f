# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real limits: a broker whose memory is full, worker slots that one task holds."""

from __future__ import annotations

import time
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._checks.catalogue import Catalogue, load
from ansible_collections.warroom.launch.plugins.plugin_utils._diagnose.task_queues import HELD_SECONDS
from ansible_collections.warroom.launch.plugins.plugin_utils._judge.pipeline import Asked, judge
from tests.support.celery import Worker, done, read, send, sender
from tests.support.redis import Redis
from tests.support.server import wait_until


@pytest.fixture(scope="module")
def redis() -> t.Iterator[Redis]:
    with Redis() as one:
        yield one


@pytest.fixture
def broker(redis: Redis) -> Redis:
    with redis.client() as client:
        client.flushall()
    return redis


def test_a_full_broker_is_no_missing_permission() -> None:
    with Redis() as broker, Worker(broker.url, "-c", "1"):
        with broker.client() as client:
            client.config_set("maxmemory", 1)
        facts = read(0, processes=True, broker_url=broker.url)
    assert facts["state"] == "up" and facts["broker"]["memory_limited"] is True
    assert "the broker is full" in facts["unknown"]["workers_replied"] and "may not" not in facts["unknown"]["workers_replied"]


def test_a_full_broker_says_how_full_it_is(broker: Redis) -> None:
    with broker.client() as client:
        try:
            client.config_set("maxmemory", client.info()["used_memory"] // 2)
            facts = read(0, timeout=2, broker_url=broker.url)
        finally:
            client.config_set("maxmemory", 0)
    assert facts["state"] == "up" and facts["broker"]["memory_ratio"] == 1.0
    assert facts["broker"]["eviction_policy"] == "noeviction"
    assert "the broker is full" in facts["unknown"]["workers_total"]


def test_slots_that_one_task_holds_are_stuck_and_not_too_few(broker: Redis) -> None:
    app = sender(broker.url)
    with Worker(broker.url, "-c", "2", "--prefetch-multiplier", "1") as worker:
        send(app, "shop.slow", 2, 60)
        wait_until(lambda: done(worker)["received"], "the worker to be busy")
        time.sleep(HELD_SECONDS - 1)  # the rest passes in the window

        def traffic() -> None:
            for _burst in range(20):  # longer than the window
                send(app, "shop.add", 2, 1)
                time.sleep(0.15)

        facts = read(2, traffic, broker_url=broker.url)
    report = judge([Asked("w1", {"launch_celery": {"schema": 1, "instances": [facts]}}, services=["celery"])], Catalogue(load()))
    causes = {cause["cause"]: cause for cause in report["diagnoses"]}
    assert "queue_growth" not in causes and "all 2 running tasks are old, most are shop.slow" in causes["tasks_stuck"]["statement"]
