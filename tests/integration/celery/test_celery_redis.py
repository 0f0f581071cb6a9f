# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real workers of every pool on a real Redis: counts are what was sent, and the broker is left as it was."""

from __future__ import annotations

import json
import signal
import time
import typing as t

import pytest

from tests.support import ansible
from tests.support.celery import Flower, Worker, done, idle, read, send, sender
from tests.support.documented import undocumented
from tests.support.redis import Redis
from tests.support.server import VENV, free_port, wait_until


@pytest.fixture(scope="module")
def redis() -> t.Iterator[Redis]:
    with Redis() as one:
        yield one


@pytest.fixture
def broker(redis: Redis) -> Redis:
    with redis.client() as client:
        client.flushall()
    return redis


def row(facts: dict[str, t.Any], name: str = "celery", rows: str = "queues") -> dict[str, t.Any]:
    return next(one for one in facts[rows] if one["name"] == name)


@pytest.mark.parametrize("pool, name", [("prefork", "prefork"), ("threads", "threads"), ("gevent", "gevent"), ("solo", "solo")])
def test_outcomes_of_every_pool_equal_what_was_sent(broker: Redis, pool: str, name: str) -> None:
    app = sender(broker.url, task_send_sent_event=True)
    with Worker(broker.url, "-P", pool, "-c", "2") as worker:
        send(app, "shop.add", 2, 1)
        idle(worker, 2)

        def traffic() -> None:
            send(app, "shop.add", 20, 1)
            send(app, "shop.fails", 3, "EXAMPLEPW-argument")
            send(app, "shop.retries", 2)
            send(app, "shop.slow", 1, 0.2)
            idle(worker, 2 + 20 + 3 + 2 + 1)
            time.sleep(0.3)  # the last events are on their way

        facts = read(2, traffic, broker_url=broker.url)
        log = done(worker)
    assert facts["state"] == "up", facts["problem"]
    assert (facts["succeeded"], facts["failed"], facts["retried"]) == (21, 5, 2)
    assert facts["succeeded"] == log["succeeded"] - 2 and facts["failed"] == log["raised unexpected"]
    assert facts["accepted"] == 20 + 3 + 2 * 2 + 1
    assert facts["failure_ratio"] == pytest.approx(5 / 26, abs=1e-6)
    assert row(facts, "shop.fails", "tasks")["exceptions"] == [{"name": "ValueError", "count": 3}]
    assert row(facts, "shop.slow", "tasks")["runtime_seconds"]["median"] >= 0.2
    assert facts["queue_wait_seconds"]["median"] is not None
    assert row(facts, worker.node, "workers")["pool"] == name
    assert facts["concurrency"] == (1 if pool == "solo" else 2)
    assert facts["events_enabled"] is True and facts["tasks_source"] == "events"
    assert undocumented("celery", facts) == []
    assert "EXAMPLEPW" not in json.dumps(facts)


def test_the_broker_is_left_as_it_was(broker: Redis) -> None:
    app = sender(broker.url)
    with Worker(broker.url, "-c", "1") as worker:
        send(app, "shop.add", 1, 1)
        idle(worker, 1)
        send(app, "shop.add", 3, 1, queue="nobody")
        before = broker.contents()
        for window in (0, 0, 0.2, 0.5):
            assert read(window, broker_url=broker.url)["state"] == "up"
        wait_until(lambda: broker.contents() == before, f"the keys to be as before: {before}, now {broker.contents()}", 5)
    with Redis() as empty:
        assert read(0.2, timeout=2, broker_url=empty.url)["state"] == "up"
        assert empty.contents() == {}


def test_a_queue_that_grows_and_one_without_a_consumer(broker: Redis) -> None:
    app = sender(broker.url)
    with Worker(broker.url, "-c", "1", "--prefetch-multiplier", "1") as worker:

        def traffic() -> None:
            for _burst in range(30):
                send(app, "shop.slow", 4, 0.4)
                time.sleep(0.1)

        send(app, "shop.add", 7, 1, queue="nobody")
        send(app, "shop.slow", 4, 0.4)
        wait_until(lambda: done(worker)["received"], "the worker to be busy")
        facts = read(3, traffic, broker_url=broker.url)
    queue = row(facts)
    assert queue["grows_always"] is True and queue["growth_per_second"] > 0 and queue["drains"] is False and queue["drain_seconds"] is None
    assert facts["worst"]["name"] == "celery" and facts["utilisation"] == 1.0
    assert queue["arrive_per_second"] > queue["consume_per_second"] > 0
    assert facts["unconsumed"] == [{"name": "nobody", "ready": 7}] and facts["unconsumed_total"] == 1
    assert row(facts, "nobody")["consumers"] == 0


def test_a_queue_that_drains_says_when(broker: Redis) -> None:
    app = sender(broker.url)
    send(app, "shop.slow", 300, 0.02)
    with Worker(broker.url, "-c", "1", "--prefetch-multiplier", "1"):
        facts = read(2, broker_url=broker.url)
    queue = row(facts)
    assert queue["growth_per_second"] < 0 and queue["drains"] is True
    assert queue["drain_seconds"] == pytest.approx(queue["ready"] / -queue["growth_per_second"], rel=0.01)
    assert facts["wait_seconds"] > 0


def test_c02_priorities_and_a_prefix(broker: Redis) -> None:
    options = {"priority_steps": [0, 3, 6, 9], "global_keyprefix": "shop:", "queue_order_strategy": "priority"}
    app = sender(broker.url, broker_transport_options=options)
    for priority, count in ((0, 2), (3, 2), (9, 1)):
        send(app, "shop.add", count, 1, priority=priority)
    facts = read(0, timeout=2, broker_url=broker.url, broker_transport_options=options)
    assert row(facts)["ready"] == facts["ready_total"] == 5
    assert facts["broker"]["identity"].endswith("shop:")
    text = json.dumps(facts)
    assert "\\u0006" not in text and "\\u0016" not in text
    assert read(0, timeout=2, broker_url=broker.url, queues=["celery"])["ready_total"] == 0, "without the prefix it is another queue"


def test_c02_other_separator_and_steps(broker: Redis) -> None:
    options = {"priority_steps": [0, 5], "sep": ":"}
    app = sender(broker.url, broker_transport_options=options)
    send(app, "shop.add", 3, 1, priority=0)
    send(app, "shop.add", 2, 1, priority=9)
    assert row(read(0, timeout=2, broker_url=broker.url, broker_transport_options=options))["ready"] == 5


def test_c04_waiting_unacked_reserved_and_scheduled_apart(broker: Redis) -> None:
    app = sender(broker.url)
    with Worker(broker.url, "-c", "2", "--prefetch-multiplier", "2", conf={"task_acks_late": True}):
        send(app, "shop.slow", 3, 8)
        send(app, "shop.add", 1, 1, countdown=600)
        wait_until(lambda: broker.contents().get("unacked", ()) and len(broker.contents()["unacked"]) == 4, "all taken")
        facts = read(0.5, broker_url=broker.url)
    assert facts["ready_total"] == 0 and facts["unacked"] == 4
    assert (facts["active"], facts["reserved"], facts["scheduled"]) == (2, 1, 1)
    assert facts["backlog_total"] == 1 and facts["utilisation"] == 1.0
    assert facts["oldest_active_seconds"] > 0 and facts["running"][0]["name"] == "shop.slow" and facts["running_total"] == 2
    assert facts["unacked_oldest_seconds"] > 0 and facts["redelivery_seconds"] == 3600


def test_held_messages_are_never_handed_out_again_by_us(broker: Redis) -> None:
    """kombu restores what is older than its own visibility timeout; the application's may be longer than the default."""
    app = sender(broker.url)
    with Worker(broker.url, "-c", "1", conf={"broker_transport_options": {"visibility_timeout": 1_000_000}, "task_acks_late": True}):
        send(app, "shop.slow", 1, 60)
        wait_until(lambda: broker.contents().get("unacked"), "the task to be taken")
        with broker.client() as client:
            for member in client.zrange("unacked_index", 0, -1):
                client.zadd("unacked_index", {member: time.time() - 7200})
            for _time in range(6):
                facts = read(0, broker_url=broker.url)
            assert client.llen("celery") == 0 and client.hlen("unacked") == 1
    assert facts["unacked_oldest_seconds"] > 7000


def test_c13_events_off_is_unknown_and_heartbeats_give_rates(broker: Redis) -> None:
    app = sender(broker.url)
    with Worker(broker.url, "-c", "1", events=False) as worker:
        idle_facts = read(0.5, broker_url=broker.url)

        def traffic() -> None:
            send(app, "shop.fails", 5, "x")
            idle(worker, 5)

        facts = read(1, traffic, broker_url=broker.url)
    for found in (idle_facts, facts):
        assert found["failed"] is None and found["failure_ratio"] is None
        assert "task events are off" in found["unknown"]["failure_ratio"]
    assert facts["events_enabled"] is False and idle_facts["events_enabled"] is None
    assert facts["accepted"] == 5
    assert row(facts, worker.node, "workers")["drift_seconds"] is not None, "no heartbeat was heard"


def test_c01_no_worker_a_stopped_one_and_one_that_hangs(broker: Redis) -> None:
    nobody = read(0.2, timeout=2, broker_url=broker.url)
    assert nobody["state"] == "up" and nobody["workers_total"] == 0 and nobody["active"] is None
    assert "no worker" in nobody["unknown"]["active"]
    with Worker(broker.url, "-c", "1") as worker:
        with worker.frozen():
            stopped = read(0.2, timeout=2, processes=True, broker_url=broker.url)
            assert stopped["workers_total"] is None
            assert "process is alive and does not answer" in stopped["unknown"]["workers_total"]
            assert "it is stopped (state T)" in stopped["unknown"]["workers_total"]
            pid = stopped["local"].pop("stopped_pids")
            assert stopped["local"] == {"processes": 1, "answering": 0, "stopped": 1, "answering_ratio": 0.0, "beats": []}
            assert worker.process and pid == [worker.process.pid]
        back = read(0.2, processes=True, broker_url=broker.url, workers=[worker.node, "w2@elsewhere"])
    assert back["workers_total"] == 1 and back["local"]["answering_ratio"] == 1
    assert back["workers_missing"] == ["w2@elsewhere"] and back["workers_missing_total"] == 1


def test_c08_a_solo_worker_answers_only_between_tasks(broker: Redis) -> None:
    app = sender(broker.url)
    with Worker(broker.url, "-P", "solo", conf={"task_acks_late": True}):
        send(app, "shop.slow", 1, 20)
        wait_until(lambda: broker.contents().get("unacked"), "the task to run")
        facts = read(0.2, timeout=2, broker_url=broker.url)
    assert facts["workers_total"] is None and "solo or busy worker" in facts["unknown"]["workers_total"]


def test_remote_control_off_is_not_workers_down(broker: Redis) -> None:
    with Worker(broker.url, "-c", "1", conf={"worker_enable_remote_control": False}) as worker:
        facts = read(4.5, timeout=2, broker_url=broker.url)
    assert facts["workers_total"] == 1 and facts["workers_replied"] is None
    assert "heartbeats come" in facts["unknown"]["workers_replied"]
    assert row(facts, worker.node, "workers")["answers"] is False


def test_c18_control_and_event_queues_are_no_backlog(broker: Redis, case: t.Any) -> None:
    with broker.client() as client:
        for entry in json.loads(case("C-18.json")):
            if entry["type"] == "list" and entry["len"]:
                client.rpush(entry["key"], *["x"] * entry["len"])
                exchange = "celery" if entry["key"] == "celery" else "celeryev" if "celeryev" in entry["key"] else "reply.celery.pidbox"
                client.sadd("_kombu.binding." + exchange, f"{entry['key']}\x06\x16\x06\x16{entry['key']}")
        before = broker.contents()
        facts = read(0, timeout=2, broker_url=broker.url)
        assert broker.contents() == before
    assert facts["ready_total"] == 4 and [one["name"] for one in facts["queues"]] == ["celery"]
    assert facts["control"] == {"queues_total": 2, "messages": 4012}
    assert any("4012 messages" in note for note in facts["notes"])


def test_a_million_waiting_messages_cost_no_more_than_one(broker: Redis) -> None:
    app = sender(broker.url)
    send(app, "shop.add", 1, 1)
    few = read(0, timeout=2, broker_url=broker.url)
    with broker.client() as client:
        script = "for i = 1, 1000000 do redis.call('rpush', KEYS[1], ARGV[1]) end"
        client.eval(script, 1, "celery", "x" * 20)
        sent = int(client.info("stats")["total_net_output_bytes"])
        many = read(0, timeout=2, broker_url=broker.url)
        assert int(client.info("stats")["total_net_output_bytes"]) - sent < 200_000, "messages were read"
    assert few["ready_total"] == 1 and many["ready_total"] == 1_000_001
    assert many["duration_ms"] < few["duration_ms"] + 5000


def test_a_dead_broker_is_down_at_once() -> None:
    facts = read(0, broker_url=f"redis://127.0.0.1:{free_port()}/0")
    assert facts["state"] == "down" and "connection to 127.0.0.1" in facts["problem"] and "refused" in facts["problem"]
    assert facts["duration_ms"] < 5000


def test_a_broker_that_hangs_or_dies_within_the_window() -> None:
    with Redis() as mortal:
        assert mortal.process is not None
        mortal.process.send_signal(signal.SIGSTOP)
        hung = read(0, timeout=2, broker_url=mortal.url)
        mortal.process.send_signal(signal.SIGCONT)
        assert hung["state"] == "down" and "is stopped by a signal" in hung["problem"] and hung["duration_ms"] < 10_000
        died = read(1, mortal.process.kill, timeout=2, broker_url=mortal.url)
        assert died["state"] == "down" and "it ended within the window" in died["problem"]


def test_passwords_with_special_characters_stay_secret() -> None:
    with Redis(password="EXAMPLEPW/@:%?#") as locked:
        args = {"broker_url": locked.url, "window": 0.2, "timeout": 2}
        good = ansible.run(
            "ansible", "localhost", "-vvv", "-m", "celery_stats", "-e", f"ansible_python_interpreter={VENV}/python", "-a", json.dumps(args)
        )
        assert '"state": "up"' in good.stdout, good.stdout + good.stderr
        wrong = read(0, broker_url=locked.url.replace("EXAMPLEPW", "EXAMPLEPW-wrong"))
        assert wrong["state"] == "unreadable" and "refuses the login" in wrong["problem"]
        none = read(0, broker_url=f"redis://127.0.0.1:{locked.port}/0")
        assert none["state"] == "unreadable" and "refuses the login" in none["problem"]
    assert "EXAMPLEPW" not in good.stdout + good.stderr + json.dumps(wrong)


def test_c06_tls_with_the_certificate_checked() -> None:
    with Redis(password="EXAMPLEPW", tls=True) as secure:
        checked = f"{secure.tls_url}?ssl_cert_reqs=required"
        facts = read(0.2, timeout=3, broker_url=f"{checked}&ssl_ca_certs={secure.dir}/cert.pem")
        assert facts["state"] == "up", facts["problem"]
        assert facts["broker"]["port"] == secure.tls_port
        untrusted = read(0, broker_url=checked)
        assert untrusted["state"] == "unreadable" and "certificate" in untrusted["problem"], untrusted["problem"]
        unsaid = read(0, broker_url=secure.tls_url)
        assert unsaid["state"] == "unreadable" and "ssl_cert_reqs" in unsaid["problem"]
        given = read(
            0, timeout=2, broker_url=secure.tls_url, broker_use_ssl={"ssl_cert_reqs": "required", "ssl_ca_certs": f"{secure.dir}/cert.pem"}
        )
        assert given["state"] == "up"
    assert "EXAMPLEPW" not in json.dumps([facts, untrusted, unsaid, given])


def test_flower_is_a_second_source_of_outcomes(broker: Redis) -> None:
    """Where we hear no event: here the project sends them to an exchange that a bare URL does not say."""
    app = sender(broker.url)
    with Worker(broker.url, "-c", "1", conf={"event_exchange": "shopev"}) as worker, Flower(worker) as flower:

        def heard() -> bool:
            send(app, "shop.add", 1, 1)  # until Flower listens its events are lost
            return flower.counted("task-succeeded") > 0

        wait_until(heard, "Flower to hear the worker")
        time.sleep(1.0)
        before = flower.counted("task-succeeded")

        def traffic() -> None:
            send(app, "shop.add", 4, 1)
            send(app, "shop.fails", 2, "x")
            wait_until(lambda: flower.counted("task-failed") == 2 and flower.counted("task-succeeded") == before + 4, "Flower to count")

        facts = read(1, traffic, broker_url=broker.url, flower_url=flower.url)
        silent = read(0.2, broker_url=broker.url, flower_url=f"http://127.0.0.1:{free_port()}")
    assert facts["tasks_source"] == "flower" and (facts["succeeded"], facts["failed"]) == (4, 2)
    assert row(facts, "shop.fails", "tasks")["failure_ratio"] == 1.0
    assert silent["state"] == "up" and any("Flower" in note for note in silent["notes"])


def test_a_user_that_may_read_lengths_only() -> None:
    rights = "~* &* -@all +ping +llen +select +client +hello +auth"
    with Redis("", f"user reader on >EXAMPLEPW {rights}") as strict:
        with strict.client() as client:
            client.rpush("celery", *"abc")
            client.set("broken", "no list")
        facts = read(0.4, timeout=3, broker_url=strict.url.replace("redis://", "redis://reader:EXAMPLEPW@"), queues=["celery", "broken"])
    assert facts["state"] == "up", facts["problem"]
    assert row(facts)["ready"] == 3 and row(facts, "broken")["ready"] is None and row(facts, "broken")["problem"]
    assert facts["workers_total"] is None and "may not use remote control" in facts["unknown"]["workers_total"]
    assert facts["unacked"] is None and facts["failed"] is None and facts["control"]["messages"] is None
    assert "EXAMPLEPW" not in json.dumps(facts)


def test_the_projects_own_application(broker: Redis) -> None:
    with Worker(broker.url, "-c", "1", "-Q", "celery,mail", conf={"task_default_queue": "celery"}) as worker:
        lines = ["import os", f"os.environ.update(WR_BROKER={broker.url!r})", "from shop import app"]
        lines += ["app.conf.broker_transport_options = {'visibility_timeout': 43200}", ""]
        (worker.dir / "project.py").write_text("\n".join(lines))
        facts = read(0, app="project:app", chdir=str(worker.dir), virtualenv=str(VENV.parent))
        assert facts["state"] == "up", facts["problem"]
        assert {one["name"] for one in facts["queues"]} == {"celery", "mail"} and facts["redelivery_seconds"] == 43200
        broken = read(0, app="nothere:app", chdir=str(worker.dir))
        found = ansible.facts("celery_stats", "launch_celery", {"window": 0.2})
    assert broken["state"] == "unreadable" and "cannot be imported" in broken["problem"]
    mine = [one for one in found if one["state"] == "up" and one["broker"]["port"] == broker.port]
    assert len(mine) == 1 and mine[0]["local"] == {
        "processes": 1,
        "answering": 1,
        "stopped": 0,
        "stopped_pids": [],
        "answering_ratio": 1.0,
        "beats": [],
    }
    assert mine[0]["events_enabled"] is True, "its worker was started with -E"


def test_two_workers_of_one_name_are_told(broker: Redis) -> None:
    with Worker(broker.url, "-c", "1"), Worker(broker.url, "-c", "1"):
        facts = read(0, broker_url=broker.url)
    assert facts["workers_twins"] == [{"name": "w1@wr-test", "workers": 2}]
    assert (facts["workers_total"], facts["concurrency"], facts["at_least"]["concurrency"]) == (2, None, 1)


class Guarded(Redis):
    """Without a default user: `full` may everything, `mon` may read, `deaf` may everything but has no channels (case N-13)."""

    USERS = {"full": "~* &* +@all", "mon": "%R~* resetchannels +@read +@connection -@dangerous", "deaf": "~* resetchannels +@all"}

    def __init__(self) -> None:
        super().__init__("", "user default off", *(f"user {name} on >EXAMPLE{name} {rules}" for name, rules in self.USERS.items()))

    def url_of(self, user: str) -> str:
        return f"redis://{user}:EXAMPLE{user}@127.0.0.1:{self.port}/0"

    def client(self) -> t.Any:
        import redis

        return redis.Redis(port=self.port, username="full", password="EXAMPLEfull")


def test_n13_users_without_channels_get_an_acl_line_that_works_and_no_worker_hangs() -> None:
    with Guarded() as broker, Worker(broker.url_of("full"), "-c", "1"):
        for user in ("mon", "deaf"):
            facts = read(0, processes=True, broker_url=broker.url_of(user))
            assert facts["state"] == "up" and facts["ready_total"] == 0, facts["problem"]
            said = facts["unknown"]["workers_replied"]
            assert said.startswith(f"this user may not use remote control: ACL SETUSER {user} (")
            assert "hangs" not in json.dumps(facts) and "EXAMPLE" not in json.dumps(facts)
            line = said.partition(": ")[2]
            with broker.client() as client:
                client.execute_command(*line.partition(" (")[0].split(), "(" + line.partition("(")[2])
            mended = read(0.5, processes=True, broker_url=broker.url_of(user))
            assert (mended["workers_replied"], mended["local"]["answering"]) == (1, 1), mended["unknown"].get("workers_replied")
            assert not any("events" in note for note in mended["notes"])
