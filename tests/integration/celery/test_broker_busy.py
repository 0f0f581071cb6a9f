# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real Redis that a slow command blocks, and one that is emptied again and again: the cause is named with its object, and only then."""

from __future__ import annotations

import threading
import time
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._checks.catalogue import Catalogue, load
from ansible_collections.warroom.launch.plugins.plugin_utils._judge.pipeline import Asked, judge
from tests.gameday.faults_data import BUSY
from tests.support.celery import read
from tests.support.redis import Redis

CATALOGUE = Catalogue(load())


@pytest.fixture(scope="module")
def redis() -> t.Iterator[Redis]:
    with Redis() as one:
        yield one


def causes(redis: Redis, work: t.Callable[[t.Any], object]) -> tuple[dict[str, t.Any], list[dict[str, t.Any]]]:
    """The broker's facts and the causes while somebody does this work, again and again."""
    over = threading.Event()

    def run() -> None:
        with redis.client() as client:
            while not over.wait(0.3):
                work(client)

    worker = threading.Thread(target=run)
    worker.start()
    try:
        facts = read(1.5, lambda: time.sleep(1.5), timeout=1, broker_url=redis.url)
    finally:
        over.set()
        worker.join()
    report = judge([Asked("w1", {"launch_celery": {"schema": 1, "instances": [facts]}}, services=["celery"])], CATALOGUE)
    return facts["broker"], [cause for cause in report["diagnoses"] if cause["cause"] in ("broker_blocked", "cache_flushed")]


def test_a_script_that_blocks_the_broker_is_named(redis: Redis) -> None:
    broker, [cause] = causes(redis, lambda client: client.eval(BUSY, 0, 250))
    assert cause["cause"] == "broker_blocked" and "EVAL from 127.0.0.1 takes" in cause["statement"]
    assert broker["slowest_milliseconds"] >= 250 and broker["commands"][0]["name"] == "eval" and broker["flushes"] == 0


def test_a_redis_that_is_emptied_is_named(redis: Redis) -> None:
    broker, [cause] = causes(redis, lambda client: client.flushdb())
    assert cause["cause"] == "cache_flushed" and broker["flushes"] >= 2 and broker["slowest_milliseconds"] < 100


def test_ordinary_work_is_no_cause(redis: Redis) -> None:
    """Many quick commands, and blocking ones that only wait."""
    broker, named = causes(redis, lambda client: [client.blpop("nothing", 0.2), *(client.lpush("list", "x") for _each in range(300))])
    assert named == [] and broker["slowest_milliseconds"] < 100 and broker["flushes"] == 0
