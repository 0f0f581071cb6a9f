# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the processes of a real prefork pool wait for."""

from __future__ import annotations

from tests.support.celery import Worker, read, send, sender
from tests.support.redis import Redis
from tests.support.server import wait_until
from tests.support.waiting_app import Slow


def test_tasks_that_wait_for_another_service_name_it_and_free_processes_do_not_count() -> None:
    with Redis() as redis, Slow() as slow, Worker(redis.url, "-c", "3") as worker:
        before = read(1, processes=True, broker_url=redis.url)["waits"]
        send(sender(redis.url), "shop.asks", 2, slow.place, 20)
        wait_until(lambda: slow.waiting == 2, "both tasks to wait")
        facts = read(1, processes=True, broker_url=redis.url)
        assert slow.waiting == 2, worker
    assert before["samples"] == 0
    (edge,) = facts["waits"]["edges"]
    assert 0 < edge.pop("round_trip_seconds") < 1
    assert edge == {"address": slow.address, "samples": facts["waits"]["samples"], "share_ratio": 1.0, "work": "shop.asks"}
    assert facts["waits"]["samples"] >= 2 and facts["waits"]["cpu_ratio"] == 0
