# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real RabbitMQ: classic and quorum queues, missing ones, its management API, and what is left behind."""

from __future__ import annotations

import json
import os
import shlex
import signal
import time
import typing as t

import pytest

from tests.support import ansible
from tests.support.celery import Worker, idle, read, send, sender
from tests.support.rabbitmq import RabbitMQ
from tests.support.server import VENV, free_port, wait_until


@pytest.fixture(scope="module")
def rabbitmq() -> t.Iterator[RabbitMQ]:
    with RabbitMQ() as one:
        yield one


@pytest.fixture
def broker(rabbitmq: RabbitMQ) -> RabbitMQ:
    rabbitmq.empty()
    return rabbitmq


def row(facts: dict[str, t.Any], name: str) -> dict[str, t.Any]:
    return next(one for one in facts["queues"] if one["name"] == name)


def quorum(broker: RabbitMQ, name: str) -> None:
    broker.ask(f"queues/%2F/{name}", "PUT", {"durable": True, "arguments": {"x-queue-type": "quorum"}})


def test_counts_are_what_was_sent_and_the_management_api_agrees(broker: RabbitMQ) -> None:
    app = sender(broker.url)
    quorum(broker, "mail")
    with Worker(broker.url, "-c", "2") as worker:
        send(app, "shop.add", 1, 1)
        idle(worker, 1)
        with app.connection_for_write() as connection:
            producer = connection.Producer()
            for _number in range(6):
                producer.publish({"x": 1}, routing_key="mail", exchange="")
        wait_until(lambda: broker.ask("queues/%2F/mail").get("messages_ready") == 6, "the management API to count", 30)

        def traffic() -> None:
            send(app, "shop.add", 5, 1)
            send(app, "shop.fails", 3, "x")
            idle(worker, 9)
            time.sleep(0.3)

        facts = read(2, traffic, broker_url=broker.url, management_url=broker.management_url)
    assert facts["state"] == "up", facts["problem"]
    assert (facts["succeeded"], facts["failed"]) == (5, 3) and facts["broker"]["transport"] == "rabbitmq"
    assert row(facts, "mail")["ready"] == 6 and row(facts, "mail")["consumers"] == 0
    assert row(facts, "celery")["consumers"] == 1 and row(facts, "celery")["problem"] is None
    assert facts["unconsumed"] == [{"name": "mail", "ready": 6}], "a queue that was not named is found by the management API"
    assert facts["unacked"] is not None and facts["control"]["queues_total"] >= 1
    assert facts["broker"]["version"] == broker.ask("overview")["rabbitmq_version"]
    assert "EXAMPLEPW" not in json.dumps(facts)


def test_c10_a_missing_queue_costs_only_itself(broker: RabbitMQ) -> None:
    app = sender(broker.url)
    send(app, "shop.add", 3, 1)
    quorum(broker, "mail")
    facts = read(0, timeout=2, broker_url=broker.url, queues=["celery", "typo", "mail"])
    assert row(facts, "celery")["ready"] == 3 and row(facts, "mail")["ready"] == 0
    assert row(facts, "typo") == {**row(facts, "typo"), "ready": None, "problem": "no such queue"}
    assert facts["ready_total"] == 3 and any("typo" in note for note in facts["notes"])
    assert broker.queues() == ["celery", "mail"], "something was created"


def test_the_broker_is_left_as_it_was(broker: RabbitMQ) -> None:
    def state() -> tuple[list[str], list[str]]:
        return broker.queues(), sorted(str(one["name"]) for one in broker.ask("exchanges"))

    for exchange in ("celeryev", "celery.pidbox", "reply.celery.pidbox"):
        if exchange in state()[1]:
            broker.ask(f"exchanges/%2F/{exchange}", "DELETE")
    before = state()
    assert read(0.2, timeout=2, broker_url=broker.url)["workers_total"] == 0
    wait_until(lambda: state() == before, "an idle broker to be as before", 10)
    with Worker(broker.url, "-c", "1"):
        before = state()
        for window in (0, 0.3):
            assert read(window, broker_url=broker.url)["workers_total"] == 1
        wait_until(lambda: state() == before, "the broker to be as before", 10)


NATIVE = {
    "task_default_queue": "shop", "task_default_queue_type": "quorum", "task_default_exchange_type": "topic",
    "worker_detect_quorum_queues": True, "broker_native_delayed_delivery_queue_type": "quorum",
    "broker_transport_options": {"confirm_publish": True},
}  # fmt: skip


@pytest.mark.parametrize("managed", [True, False])
def test_n12_tasks_that_wait_for_their_time_in_the_broker_are_no_backlog(broker: RabbitMQ, managed: bool) -> None:
    with Worker(broker.url, "-c", "1", conf=NATIVE) as worker:
        app = sender(broker.url, **NATIVE)
        send(app, "shop.add", 25, 1, countdown=600)
        send(app, "shop.add", 3, 1)
        idle(worker, 3)
        wait_until(lambda: broker.ask("queues/%2F/celery_delayed_9").get("messages_ready") == 25, "the delayed queue to hold them", 30)
        facts = read(0.5, broker_url=broker.url, **({"management_url": broker.management_url} if managed else {}))
    # where the server counts consumers of a quorum queue, these prove that an empty one has a leader
    assert (facts["ready_total"], facts["unconsumed_total"], facts["delayed_total"]) == (0, 0, 25), facts["queues"]
    assert row(facts, "shop")["type"] == "quorum" and row(facts, "shop")["consumers"] == 1
    assert not [queue for queue in facts["queues"] if "delayed" in queue["name"]]


def test_a_user_without_rights_gets_a_line_that_works(broker: RabbitMQ) -> None:
    broker.ask("users/mon", "PUT", {"password": "EXAMPLEmon", "tags": ""})
    broker.ask("permissions/%2F/mon", "PUT", {"configure": "^$", "write": "^$", "read": ".*"})
    url = f"amqp://mon:EXAMPLEmon@127.0.0.1:{broker.port}//"
    with Worker(broker.url, "-c", "1"):
        said = read(0, broker_url=url)["unknown"]["workers_replied"]
        command = shlex.split(said.partition(": ")[2])
        assert command[:5] == ["rabbitmqctl", "set_permissions", "-p", "/", "mon"], said
        broker.ask("permissions/%2F/mon", "PUT", dict(zip(("configure", "write", "read"), command[5:])))
        facts = read(0.5, broker_url=url)
    assert facts["workers_replied"] == 1, facts["unknown"].get("workers_replied")
    assert not any("events" in note for note in facts["notes"])


def test_growth_and_drain(broker: RabbitMQ) -> None:
    app = sender(broker.url)
    with Worker(broker.url, "-c", "1", "--prefetch-multiplier", "1"):
        send(app, "shop.slow", 2, 1)

        def traffic() -> None:
            for _burst in range(30):  # a busy machine may keep the sender waiting: it needs two in the time between two looks
                send(app, "shop.slow", 2, 1)
                time.sleep(0.1)

        facts = read(3, traffic, broker_url=broker.url)
    assert row(facts, "celery")["grows_always"] is True and facts["worst"]["name"] == "celery"
    assert facts["growth_per_second"] > 0 and row(facts, "celery")["arrive_per_second"] > row(facts, "celery")["consume_per_second"]


def test_a_stopped_worker_and_a_wrong_login(broker: RabbitMQ) -> None:
    with Worker(broker.url, "-c", "1") as worker, worker.frozen():
        facts = read(0, timeout=2, broker_url=broker.url, queues=["celery"])
    assert facts["workers_total"] is None and "the broker has consumers" in facts["unknown"]["workers_total"]
    wrong = read(0, broker_url=broker.url.replace("EXAMPLEPW", "EXAMPLEPWwrong"))
    assert wrong["state"] == "unreadable" and "refuses the login" in wrong["problem"] and "EXAMPLEPW" not in json.dumps(wrong)
    assert "virtual host" in read(0, broker_url=broker.url[:-1] + "nowhere")["problem"]
    unmanaged = read(0, timeout=2, broker_url=broker.url, management_url=f"http://127.0.0.1:{free_port()}")
    assert unmanaged["state"] == "up" and any("management" in note for note in unmanaged["notes"])


def test_a_dead_broker_and_one_that_hangs(broker: RabbitMQ) -> None:
    dead = read(0, broker_url=f"amqp://guest:guest@127.0.0.1:{free_port()}//")
    assert dead["state"] == "down" and dead["duration_ms"] < 5000
    assert broker.process is not None
    os.killpg(broker.process.pid, signal.SIGSTOP)
    try:
        hung = read(0, timeout=2, broker_url=broker.url)
    finally:
        os.killpg(broker.process.pid, signal.SIGCONT)
    assert hung["state"] == "down" and "is stopped by a signal" in hung["problem"]


def test_from_the_command_line_without_a_secret(broker: RabbitMQ) -> None:
    args = {"broker_url": broker.url, "management_url": broker.management_url, "window": 0.2, "timeout": 2}
    done = ansible.run(
        "ansible", "localhost", "-vvv", "-m", "celery_stats", "-e", f"ansible_python_interpreter={VENV}/python", "-a", json.dumps(args)
    )
    assert '"state": "up"' in done.stdout, done.stdout + done.stderr
    assert "EXAMPLEPW" not in done.stdout + done.stderr
