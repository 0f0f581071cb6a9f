# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Acts at a real Redis and a real Celery worker: done, refused, and taken back."""

from __future__ import annotations

import base64
import json
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._acts.act import Refused
from ansible_collections.warroom.launch.plugins.module_utils._collectors.celery import local
from tests.support.acts import Planned, act_at, planned
from tests.support.celery import Worker, read, send, sender
from tests.support.redis import Redis
from tests.support.server import wait_until

LIMIT = 64 << 20


@pytest.fixture(scope="module")
def store() -> t.Iterator[Redis]:
    with Redis("", f"maxmemory {LIMIT}") as running:
        yield running


def memory(store: Redis) -> Planned:
    return planned(act_at("raise_maxmemory", "redis", {"address": f"127.0.0.1:{store.port}"}, {}))


def limit(store: Redis) -> int:
    return int(store.client().config_get("maxmemory")["maxmemory"])


def test_a_full_redis_gets_more_memory_and_gives_it_back(store: Redis) -> None:
    made = memory(store)
    assert any("nearly full" in sentence for sentence in made.broken)
    assert "nearly full" in made.refusal() and limit(store) == LIMIT
    made = made._replace(limits={**made.limits, "used_ratio": 0.0})
    done = made.run()
    assert limit(store) == LIMIT * 5 // 4
    assert "again" in made.act.undo(done.state) and limit(store) == LIMIT
    assert "left alone" in made.act.undo(done.state)


@pytest.mark.parametrize(("guard", "value"), [("free_for_rise", 1e12), ("maxmemory_bytes", LIMIT * 2)])
def test_a_redis_guard_whose_limit_is_not_met_refuses(store: Redis, guard: str, value: float) -> None:
    made = memory(store)
    assert "a guard no longer holds" in made._replace(limits={**made.limits, "used_ratio": 0.0, guard: value}).refusal()
    assert limit(store) == LIMIT


def test_another_limit_than_the_plans_is_left_alone(store: Redis) -> None:
    made = memory(store)
    store.client().config_set("maxmemory", LIMIT + 1)
    try:
        assert "another limit" in made.refusal() and limit(store) == LIMIT + 1
    finally:
        store.client().config_set("maxmemory", LIMIT)


@pytest.fixture(scope="module")
def worker(store: Redis) -> t.Iterator[Worker]:
    with Worker(store.url, "-c", "1") as running:
        yield running


def pool(worker: Worker, add: int = 1) -> Planned:
    return planned(act_at("grow_pool", "celery", {"broker_url": worker.broker}, {"worker": worker.node, "add": add}))


def test_a_worker_gets_a_process_and_gives_it_back(worker: Worker) -> None:
    made = pool(worker)
    assert made.broken == [] and made.identity["processes"] == 1
    done = made.run()
    wait_until(lambda: pool(worker).identity["processes"] == 2, "it has two processes")
    assert "another number of processes" in made.refusal()
    made.act.undo(done.state)
    wait_until(lambda: pool(worker).identity["processes"] == 1, "it has one process again")
    assert "left alone" in made.act.undo(done.state)


def test_a_worker_gives_processes_back_while_its_tasks_wait(worker: Worker, store: Redis) -> None:
    """All its processes are busy but for a moment between two tasks."""
    made = pool(worker, 2)
    done = made.run()
    wait_until(lambda: pool(worker).identity["processes"] == 3, "it has three processes")
    try:
        send(sender(worker.broker), "shop.slow", 600, 0.2)
        assert "has 1 processes again" in made.act.undo(done.state)
        wait_until(lambda: pool(worker).identity["processes"] == 1, "it has one process again")
        assert store.client().llen("celery") > 0, "no task waited any more"
    finally:
        store.client().delete("celery")


@pytest.mark.parametrize(("guard", "value"), [("free_for_growth", 1e12), ("processes_by_core", 0.0)])
def test_a_worker_without_room_gets_none(worker: Worker, guard: str, value: float) -> None:
    made = pool(worker)
    assert "a guard no longer holds" in made._replace(limits={**made.limits, guard: value}).refusal()
    assert pool(worker).identity["processes"] == 1


def test_a_worker_that_is_not_there_is_told() -> None:
    with Redis() as empty, pytest.raises(Exception, match="does not answer"):
        planned(act_at("grow_pool", "celery", {"broker_url": empty.url}, {"worker": "gone@nowhere", "add": 1}))


def consumer(worker: Worker, queue: str = "mails") -> Planned:
    # how long all workers are waited for, of whom it is not known how many there are
    seconds = 1.0
    about = {"worker": worker.node, "queue": queue}
    return planned(act_at("consume_queue", "celery", {"broker_url": worker.broker}, about, seconds=seconds))


def message(task: str) -> str:
    """As Celery sends it: what the queue needs of it."""
    properties = {"delivery_tag": "a", "delivery_info": {"exchange": "", "routing_key": "mails"}, "body_encoding": "base64"}
    headers = {"lang": "py", "task": task, "id": "a", "retries": 0}
    body = base64.b64encode(json.dumps([[], {}, {}]).encode()).decode()
    return json.dumps(
        {"body": body, "content-encoding": "utf-8", "content-type": "application/json", "headers": headers, "properties": properties}
    )


@pytest.fixture
def mails(store: Redis) -> t.Iterator[t.Any]:
    client = store.client()
    client.delete("mails")
    yield client
    client.delete("mails")


def test_a_queue_without_a_consumer_gets_one(worker: Worker, mails: t.Any) -> None:
    mails.rpush("mails", message("shop.fails"))
    made = consumer(worker)
    assert made.broken == []
    done = made.run()
    wait_until(lambda: not mails.exists("mails"), "its message was taken")
    assert any("does not consume it yet" in sentence for sentence in consumer(worker).broken)
    assert "no longer consumes" in made.act.undo(done.state)
    mails.rpush("mails", message("shop.fails"))
    assert "nothing is left" in made.act.undo(done.state) and mails.llen("mails") == 1


@pytest.mark.parametrize("waiting", [message("another.task"), "no message", "{}", json.dumps({"headers": {"task": 3}})])
def test_a_task_that_the_worker_would_throw_away_is_not_given_to_it(worker: Worker, mails: t.Any, waiting: str) -> None:
    mails.rpush("mails", message("shop.add"), waiting)
    assert "knows the task" in consumer(worker).refusal() and mails.llen("mails") == 2


def test_an_empty_queue_is_left_alone(worker: Worker, mails: t.Any) -> None:
    assert "messages wait" in consumer(worker).refusal()


def reindexing(worker: Worker, rate: str = "30/m", task: str = "shop.slow") -> Planned:
    return planned(act_at("rate_limit", "celery", {"broker_url": worker.broker}, {"worker": worker.node, "task": task, "rate": rate}))


def rates(worker: Worker) -> set[str]:
    """The rate limits of its tasks, as Celery's own client sees them."""
    (replied,) = sender(worker.broker).control.inspect([worker.node], timeout=10).registered("rate_limit").values()
    return {line for line in replied if "[" in line}


@pytest.fixture
def runs_slow(worker: Worker, store: Redis) -> t.Iterator[None]:
    send(sender(worker.broker), "shop.slow", 2, 8)
    wait_until(lambda: not store.client().llen("celery"), "both were taken, one runs")
    yield
    # what still runs or waits at the worker is not waited for: its slot is freed with its task
    worker_control = sender(worker.broker).control
    for name in ("active", "reserved"):
        for tasks in (getattr(worker_control.inspect([worker.node], timeout=10), name)() or {}).values():
            worker_control.revoke([task["id"] for task in tasks], terminate=True, signal="SIGKILL")


@pytest.mark.usefixtures("runs_slow")
def test_a_task_is_begun_less_often_and_then_as_often_as_before(worker: Worker) -> None:
    made = reindexing(worker)
    assert made.broken == [] and rates(worker) == set()
    done = made.run()
    assert rates(worker) == {"shop.slow [rate_limit=30/m]"}
    assert "another rate limit" in made.refusal()
    assert any("no rate limit there yet" in sentence for sentence in reindexing(worker).broken)
    assert "another rate limit" in reindexing(worker, "5/m").act.undo(done.state)
    assert "no rate limit" in made.act.undo(done.state) and rates(worker) == set()
    assert "left alone" in made.act.undo(done.state)
    for guard, value in (("held_seconds", 0.0), ("task_share", 2.0), ("prefetch", 10**6), ("running", 9)):
        assert "a guard no longer holds" in made._replace(limits={**made.limits, guard: value}).refusal()
    assert "under the limit it begins" in reindexing(worker, "1/h").refusal() and rates(worker) == set()


@pytest.mark.parametrize("task", ["shop.add", "another.task"])
def test_a_task_that_does_not_run_there_is_not_limited(worker: Worker, task: str) -> None:
    assert "runs the task now" in reindexing(worker, task=task).refusal() and rates(worker) == set()


@pytest.mark.parametrize("rate", ["0/m", "30", "30/s", "30/m; x", "-1/m"])
def test_a_rate_of_another_form_is_refused(worker: Worker, rate: str) -> None:
    with pytest.raises(Refused, match="no rate of the form"):
        reindexing(worker, rate)


def test_a_worker_that_waits_for_its_limit_is_not_called_stalled(worker: Worker, store: Redis) -> None:
    control = sender(worker.broker).control
    control.rate_limit("shop.add", "1/h", destination=[worker.node], reply=True)
    try:
        send(sender(worker.broker), "shop.add", 12, 1)
        wait_until(lambda: store.client().hlen("unacked") == 4, "it holds what its prefetch allows")
        # what was delivered is "reserved" until the worker has asked the limit
        asked = control.inspect([worker.node], timeout=10)
        wait_until(lambda: [asked.active(), asked.reserved()] == 2 * [{worker.node: []}], "all that it holds waits for the limit")
        found = read(window=1.0, broker_url=worker.broker)
        assert (found["accepted"], found["reserved"], found["stalled_total"]) == (0, 0, 0) and found["ready_total"] > 0
    finally:
        control.rate_limit("shop.add", 0, destination=[worker.node], reply=True)
        store.client().delete("celery")


@pytest.mark.parametrize("made", [pool, consumer, reindexing], ids=lambda each: str(each.__name__))
def test_a_worker_of_another_host_is_left_alone(
    worker: Worker, monkeypatch: pytest.MonkeyPatch, made: t.Callable[[Worker], Planned]
) -> None:
    monkeypatch.setattr(local, "workers", lambda _processes: [])
    assert any("on this host" in sentence for sentence in made(worker).broken) and "on this host" in made(worker).refusal()


@pytest.mark.parametrize("act", ["grow_pool", "consume_queue", "rate_limit"])
def test_without_the_right_to_tell_the_workers_it_says_which(worker: Worker, store: Redis, act: str) -> None:
    store.client().execute_command("ACL", "SETUSER", "reader", "on", ">pw", "~*", "&*", "+@all", "-publish", "-@scripting", "-sadd")
    url = worker.broker.replace("redis://", "redis://reader:pw@")
    about = {"worker": worker.node, "add": 1, "queue": "mails", "task": "shop.slow", "rate": "30/m"}
    with pytest.raises(Refused, match=r"may not use remote control: ACL SETUSER reader \("):
        act_at(act, "celery", {"broker_url": url}, about).look()
