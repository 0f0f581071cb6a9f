# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Failures that people reported of Celery and of its other monitors, as replies, lengths and events, and what the facts must say."""

from __future__ import annotations

import datetime
import typing as t

import pytest
import redis

from ansible_collections.warroom.launch.plugins.module_utils._collect.host_tools import HostTools
from ansible_collections.warroom.launch.plugins.module_utils._collect.problem import TURNS_AWAY
from ansible_collections.warroom.launch.plugins.module_utils._collectors.celery import broker_load, collector, queues, refusal
from ansible_collections.warroom.launch.plugins.module_utils._collectors.celery.broker import Length, Reading
from ansible_collections.warroom.launch.plugins.module_utils._collectors.celery.broker_url import Broker
from ansible_collections.warroom.launch.plugins.module_utils._collectors.celery.shape import Gathered
from ansible_collections.warroom.launch.plugins.module_utils._collectors.celery.shape import facts as built
from ansible_collections.warroom.launch.plugins.module_utils._collectors.celery.tally import Tally
from ansible_collections.warroom.launch.plugins.module_utils._collectors.celery.workers import Snapshot, limits_a_task
from tests.support.tools import RealCommands

NODE = "w1@app1"
NOW = 1_800_000_000.0


def snapshot(at: float, total: int, active: int = 0, reserved: int = 0, slots: int = 4) -> Snapshot:
    task = {"id": "1", "name": "shop.mail", "time_start": NOW - 1}
    stats = {"pid": 9, "uptime": 1000, "total": {"shop.mail": total}, "pool": {"max-concurrency": slots}, "rusage": {}}
    replies = {
        "stats": stats,
        "active": [task] * active,
        "reserved": [task] * reserved,
        "scheduled": [],
        "active_queues": [{"name": "celery"}],
    }
    return Snapshot(at, NOW, {command: {NODE: reply} for command, reply in replies.items()})


def facts(first: Snapshot, second: Snapshot, ready: t.Sequence[int], url: str = "redis://h:6379/0", **more: t.Any) -> dict[str, t.Any]:
    consumers = more.pop("consumers", None)
    got = Gathered(Broker(url), {"redis_version": "7.0.15", "maxmemory": 0}, [NODE], first=first, second=second, tally=Tally(), **more)
    got.readings = [Reading(2.5 * place, {"celery": Length(count, consumers)}, unacked=0) for place, count in enumerate(ready)]
    return built(got, 5.0, 10).done()


@pytest.mark.parametrize(
    ("first", "second", "ready", "stalled"),
    [
        (snapshot(0, 100), snapshot(5, 100), (500, 500, 500), 1),
        (snapshot(0, 100), snapshot(5, 100), (500, 501, 502), 1),
        (snapshot(0, 100, active=1), snapshot(5, 100, active=1), (500, 500, 500), 1),  # three slots are free
        (snapshot(0, 100), snapshot(5, 101), (500, 500, 500), 0),
        (snapshot(0, 100, active=4), snapshot(5, 100, active=4), (500, 500, 500), 0),  # none is free: another fault
        (snapshot(0, 100, reserved=4), snapshot(5, 100, reserved=4), (500, 500, 500), 0),  # a rate limit
        (snapshot(0, 100), snapshot(5, 100), (0, 500, 500), 0),  # came within the window
        (snapshot(0, 100), snapshot(5, 100), (0, 0, 0), 0),
    ],
)
def test_workers_that_answer_and_consume_nothing(first: Snapshot, second: Snapshot, ready: t.Sequence[int], stalled: int) -> None:
    """https://github.com/celery/celery/issues/8030, https://github.com/celery/celery/issues/8091"""
    result = facts(first, second, ready)
    assert result["stalled_total"] == stalled
    assert result["stalled"] == ([{"name": "celery", "ready": ready[-1], "workers": 1}] if stalled else [])


def test_a_worker_that_waits_for_its_rate_limit_is_not_stalled() -> None:
    """What it holds because of a limit is in none of its lists: https://github.com/celery/celery/issues/8119"""
    limited = facts(snapshot(0, 100), snapshot(5, 100), (500, 500, 500), limited=[NODE])
    assert (limited["stalled_total"], limited["stalled"]) == (0, [])
    assert facts(snapshot(0, 100), snapshot(5, 100), (500, 500, 500), limited=["w2@app2"])["stalled_total"] == 1


@pytest.mark.parametrize(
    ("registered", "limits"),
    [
        (["shop.add", "shop.mail [rate_limit=10/m]"], True),
        (["shop.mail [exchange=a routing_key=b rate_limit=0.5/s]"], True),
        (["shop.add", "shop.mail [rate_limit=0]", "shop.old [rate_limit=None]", "a [rate_limit=1/m] b"], False),
        ([], False),
        ({"error": "x"}, False),
        (None, False),
    ],
)
def test_which_workers_limit_a_task(registered: t.Any, limits: bool) -> None:
    assert limits_a_task(registered) is limits


@pytest.mark.parametrize(("here", "expected"), [([(9, True)], True), ([(10, True)], False), ([], None)])
def test_whether_a_worker_runs_on_the_host_that_was_asked(here: t.Any, expected: t.Optional[bool]) -> None:
    assert facts(snapshot(0, 100), snapshot(5, 150), (5, 3, 5), local=here)["workers"][0]["here"] is expected


@pytest.mark.parametrize(("told", "expected"), [(0, 1), (40, 40), (1, 1)])
def test_a_quorum_queue_that_tells_its_unacknowledged_messages_as_consumers(told: int, expected: int) -> None:
    """https://github.com/rabbitmq/rabbitmq-server/pull/16185: 0 while nothing is in a worker's hands, though workers consume it"""
    result = facts(snapshot(0, 100), snapshot(5, 150), (5, 3, 5), "amqp://h//", consumers=told)
    assert (result["queues"][0]["consumers"], result["unconsumed_total"]) == (expected, 0)


def test_the_management_api_knows_the_consumers() -> None:
    row = {"name": "celery", "ready": 5, "consumers": 0, "growth_per_second": 0.0, "arrive_per_second": None, "consume_per_second": None}
    assert queues.with_management([row], {"celery": {"consumers": 3}}, NOW)[0]["consumers"] == 3


def test_a_queue_without_workers_has_no_consumer_whatever_else_is_asked() -> None:
    got = Gathered(Broker("amqp://h//"), first=snapshot(0, 0), readings=[Reading(0.0, {"typo": Length(7, 0)})])
    got.first = Snapshot(0.0, NOW)
    assert built(got, None, 10).done()["unconsumed"] == [{"name": "typo", "ready": 7}]


def heard(**outcomes: int) -> dict[str, t.Any]:
    tally = Tally()
    for kind, count in outcomes.items():
        name, _and, expired = kind.partition("_")
        for number in range(count):
            event = {"type": f"task-{name}", "uuid": f"{kind}{number}", "name": "shop.sync", "hostname": NODE, "timestamp": NOW}
            tally.take({**event, "expired": bool(expired), "exception": "OperationalError('x')"}, NOW)
    got = Gathered(Broker("redis://h:6379/0"), {}, [NODE], first=snapshot(0, 0), second=snapshot(5, 600), tally=tally)
    return built(got, 5.0, 10).done()


def test_tasks_that_are_retried_for_ever_never_fail() -> None:
    """https://github.com/RedHatProductSecurity/component-registry/pull/490"""
    result = heard(retried=500, succeeded=10)
    assert (result["failure_ratio"], result["sent_back_ratio"]) == (0.0, pytest.approx(0.980392))
    assert heard(rejected=40)["sent_back_ratio"] == 1.0 and heard(succeeded=3)["sent_back_ratio"] == 0.0


def test_tasks_that_expire_are_dropped_without_an_error() -> None:
    """https://github.com/google/turbinia/pull/1540"""
    result = heard(revoked_expired=9, revoked=3, succeeded=1)
    assert (result["expired"], result["expired_ratio"], result["tasks"][0]["expired"]) == (9, 0.9, 9)
    assert heard(revoked=3)["expired"] == 0


@pytest.mark.parametrize(("head", "oldest"), [(NOW - 40, 40.0), (NOW + 2, 0.0), (NOW + 7200, None)])
def test_a_message_that_was_sent_in_the_future_has_no_age(head: float, oldest: t.Optional[float]) -> None:
    """A publisher whose clock is two hours ahead: 0 s would hide a backlog"""
    row = {"name": "celery", "ready": 5, "consumers": 1, "growth_per_second": 0.0, "arrive_per_second": None, "consume_per_second": None}
    assert queues.with_management([row], {"celery": {"head_timestamp": head}}, NOW)[0]["oldest_seconds"] == oldest


@pytest.mark.parametrize(
    ("told", "refused"), [({"errorstat_OOM": {"count": 7}}, 7), ({}, 0), ({"errorstat_ERRORSTATS_DISABLED": {"count": 1}}, None)]
)
def test_a_broker_that_counts_its_errors_no_more(told: dict[str, t.Any], refused: t.Optional[int]) -> None:
    """https://github.com/redis/redis/pull/13141: 0 refusals for want of memory is not what it says"""
    assert broker_load._refused({"total_error_replies": 200, **told}) == refused


def scheduled(*etas: t.Any, url: str = "redis://h:6379/0", **options: t.Any) -> dict[str, t.Any]:
    """Facts of a worker that holds tasks for these times (seconds from now, or what it writes)."""
    told = [each if not isinstance(each, int) else datetime.datetime.fromtimestamp(NOW + each, NEPAL).isoformat() for each in etas]
    second = snapshot(5, 100)
    second.replies["scheduled"][NODE] = [{"eta": each, "priority": 6, "request": {"id": "1", "name": "shop.remind"}} for each in told]  # type: ignore[index]
    got = Gathered(Broker(url, dict(options)), {}, [NODE], first=snapshot(0, 100), second=second)
    got.readings = [Reading(0.0, {"celery": Length(0)}, unacked=len(told))]
    return built(got, 5.0, 10).done()


NEPAL = datetime.timezone(datetime.timedelta(hours=5, minutes=45))


@pytest.mark.parametrize(
    ("etas", "options", "furthest", "beyond"),
    [
        ((60, 1800), {}, 1800.0, 0),
        ((60, 21_600, 7200), {}, 21_600.0, 2),
        ((21_600,), {"visibility_timeout": 43_200}, 21_600.0, 0),
        ((-5,), {}, 0.0, 0),
        ((60, "not set"), {}, None, None),
        (("2027-01-15T08:00:00",), {}, None, None),  # in which time zone
        ((), {}, None, 0),
    ],
)
def test_tasks_due_after_the_visibility_timeout_run_twice(etas: t.Any, options: t.Any, furthest: t.Any, beyond: t.Any) -> None:
    """https://github.com/celery/kombu/issues/337, https://github.com/celery/celery/issues/2599, https://github.com/celery/celery/issues/3270:
    told before it happens, and the age of what is unacknowledged says nothing until then"""
    found = scheduled(*etas, **options)
    assert (found["scheduled_furthest_seconds"], found["scheduled_beyond_redelivery"]) == (furthest, beyond)


def test_rabbitmq_keeps_what_is_scheduled_for_as_long_as_its_worker_is_connected() -> None:
    found = scheduled(21_600, url="amqp://h//")
    assert found["scheduled_beyond_redelivery"] is None and found["scheduled_furthest_seconds"] == 21_600.0


@pytest.mark.parametrize("kind", [redis.exceptions.ConnectionError, redis.exceptions.ResponseError])
def test_a_redis_with_no_connection_left_neither_hangs_up_nor_refuses_the_command(kind: type[Exception]) -> None:
    """https://github.com/celery/celery/issues/2811, https://github.com/django/djangosnippets.org/issues/224: over TLS, by its library"""
    problem = refusal.connecting(kind("max number of clients reached"), Broker("rediss://:EXAMPLEPW@mq:6380/0"), 5.0)
    assert problem.state == "down" and TURNS_AWAY in str(problem) and "EXAMPLEPW" not in str(problem)


@pytest.mark.parametrize(
    ("options", "seconds", "assumed"),
    [
        ({}, 3600.0, True),
        ({"broker_transport_options": {}}, 3600.0, False),
        ({"broker_transport_options": {"global_keyprefix": "shop"}}, 3600.0, False),
        ({"broker_transport_options": {"visibility_timeout": 43_200}}, 43_200.0, False),
    ],
)
def test_the_visibility_timeout_of_a_url_alone_is_said_to_be_the_default(options: t.Any, seconds: float, assumed: bool) -> None:
    """https://github.com/celery/celery/issues/5935: it is the application's, and each worker and sender may have another"""
    broker = collector.CelerySampler({"broker_url": "redis://h:6379/0", **options}, HostTools(RealCommands()))._application().broker
    found = built(Gathered(broker, {}, []), None, 10).done()
    assert (found["redelivery_seconds"], found["redelivery_assumed"]) == (seconds, assumed)


@pytest.mark.parametrize(
    ("pool", "kind", "slots"),
    [
        ({"implementation": "celery.concurrency.eventlet:TaskPool", "max-concurrency": 500, "free-threads": 1}, "eventlet", 500),
        ({"implementation": "celery.concurrency.gevent:TaskPool", "max-concurrency": 50}, "gevent", 50),
        ({"implementation": "celery.concurrency.solo:TaskPool", "max-concurrency": 1, "processes": [9]}, "solo", 1),
        ({"implementation": "celery.concurrency.thread:TaskPool", "max-concurrency": 8, "threads": 3}, "threads", 8),
        ("N/A", None, None),
    ],
)  # fmt: skip
def test_pools_that_have_no_processes_tell_their_room_as_well(pool: t.Any, kind: t.Optional[str], slots: t.Optional[int]) -> None:
    """https://github.com/danihodovic/celery-exporter/pull/259: each pool tells other things of itself"""
    first, second = snapshot(0, 100), snapshot(5, 150)
    for one in (first, second):
        one.replies["stats"][NODE]["pool"] = pool
    found = built(Gathered(Broker("redis://h:6379/0"), {}, [NODE], first=first, second=second), 5.0, 10).done()
    assert (found["workers"][0]["pool"], found["workers"][0]["concurrency"], found["concurrency"]) == (kind, slots, slots)


def test_a_worker_that_was_switched_off_is_not_among_those_that_answer() -> None:
    """https://github.com/danihodovic/celery-exporter/issues/137, https://github.com/mher/flower/issues/7: it was counted for ever"""
    found = built(Gathered(Broker("redis://h:6379/0"), {}, [], first=Snapshot(0.0, NOW), second=Snapshot(5.0, NOW + 5)), 5.0, 10).done()
    assert found["workers"] == [] and found["active"] is None
