# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What keeps Redis busy, from its own answers as redis-py gives them, and RabbitMQ's alarms."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.facts import Facts, Unknown
from ansible_collections.warroom.launch.plugins.module_utils._collect.problem import Problem
from ansible_collections.warroom.launch.plugins.module_utils._collectors.celery import api, broker_load
from ansible_collections.warroom.launch.plugins.module_utils._collectors.celery.broker_url import Broker

REDIS, RABBITMQ = Broker("redis://h:6379/0"), Broker("amqp://h//")


class Client:
    """Answers of one round trip, in the order of the questions; an exception in place of what the user may not read."""

    def __init__(self, *answers: t.Any) -> None:
        self.answers, self.asked = list(answers), []

    def pipeline(self, transaction: bool) -> Client:
        assert transaction is False
        return self

    def info(self, *section: str) -> None:
        self.asked.append(("info", *section))

    def slowlog_get(self, count: int) -> None:
        self.asked.append(("slowlog", count))

    def execute(self, raise_on_error: bool) -> list[t.Any]:
        return self.answers


def stats(**commands: tuple[int, int]) -> dict[str, t.Any]:
    """As redis-py 4 gives INFO commandstats of Redis 7.0."""
    rows = {
        f"cmdstat_{name}": {"calls": calls, "usec": usec, "usec_per_call": 1.0, "rejected_calls": 0, "failed_calls": 0}
        for name, (calls, usec) in commands.items()
    }
    return {**rows, "cmdstat_client|setinfo": {"calls": 1, "usec": 9}}


def slow(number: int, command: bytes, microseconds: int) -> dict[str, t.Any]:
    client = {"client_address": b"10.0.0.8:51234", "client_name": b"bi-export"}
    return {"id": number, "start_time": 1795993200, "duration": microseconds, "command": command, **client}


def measured(first: broker_load.Load, second: t.Optional[broker_load.Load], broker: Broker = REDIS, alarms: t.Any = ()) -> t.Any:
    facts = Facts()
    broker_load.put(facts, broker, first, second, 5.0, alarms)
    return facts.done()


def test_one_round_trip_tells_commands_and_the_slow_log_without_arguments() -> None:
    client = Client({"run_id": "abc"}, stats(llen=(10, 40)), [slow(7, b"EVAL redis.call('keys', 'SECRET') 0", 310_000)])
    server, load = broker_load.ask(client)
    assert client.asked == [("info",), ("info", "commandstats"), ("slowlog", broker_load.SLOW_ENTRIES)]
    assert server == {"run_id": "abc"} and load.commands == {"llen": (10, 40), "client|setinfo": (1, 9)}
    assert load.slow == [broker_load.Slow(7, "eval", 310.0, "10.0.0.8")]


def test_the_window_decides() -> None:
    _server, before = broker_load.ask(Client({}, stats(llen=(10, 40), eval=(50, 15_000_000)), [slow(7, b"EVAL x", 900_000)]))
    after_stats = stats(llen=(30, 120), eval=(55, 16_510_000), flushdb=(2, 30), flushall=(1, 10))
    entries = [slow(9, b"EVAL x", 310_000), slow(8, b"9'; y", 1), slow(7, b"EVAL x", 900_000)]
    _server, after = broker_load.ask(Client({}, after_stats, entries))
    broker = measured(before, after)["broker"]
    assert broker["commands"][0] == {"name": "eval", "calls": 5, "mean_milliseconds": 302.0, "share_ratio": 0.302}
    assert broker["slow_commands"][0] == {"name": "eval", "milliseconds": 310.0, "client": "10.0.0.8"}
    assert [row["name"] for row in broker["slow_commands"]] == ["eval", "a command"]
    assert (broker["slowest_milliseconds"], broker["flushes"], broker["alarms"]) == (310.0, 3, None)


def test_without_a_slow_log_the_slowest_mean_is_the_least_that_is_known() -> None:
    _server, before = broker_load.ask(Client({}, stats(eval=(50, 15_000_000)), PermissionError("no SLOWLOG")))
    _server, after = broker_load.ask(Client({}, stats(eval=(55, 16_510_000)), PermissionError("no SLOWLOG")))
    facts = measured(before, after)
    assert facts["broker"]["slowest_milliseconds"] == 302.0 and facts["broker"]["slow_commands"] is None
    assert "SLOWLOG" in facts["unknown"]["broker.slow_commands"]


@pytest.mark.parametrize(
    "answers", [(PermissionError(), PermissionError(), PermissionError()), ("odd", {"cmdstat_x": 7, 3: None}, [3, {}])]
)
def test_what_may_not_be_read_or_is_odd_is_unknown(answers: t.Any) -> None:
    server, load = broker_load.ask(Client(*answers))
    assert server == {}
    facts = measured(load, load)
    assert facts["broker"]["slowest_milliseconds"] is None and facts["unknown"]["broker.slowest_milliseconds"]
    assert measured(load, None)["broker"]["commands"] is None


def test_counters_that_were_reset_say_so() -> None:
    before, after = broker_load.Load({"eval": (50, 9e6)}, []), broker_load.Load({"eval": (1, 10)}, [])
    assert "reset" in measured(before, after)["unknown"]["broker.commands"]


@pytest.mark.parametrize(
    ("before", "after", "refused"),
    [
        ({"total_error_replies": 2}, {"total_error_replies": 16, "errorstat_OOM": {"count": 14}}, 14),
        ({"total_error_replies": 2, "errorstat_OOM": {"count": 2}}, {"total_error_replies": 2, "errorstat_OOM": {"count": 2}}, 0),
        ({"total_error_replies": 9, "errorstat_OOM": {"count": 9}}, {"total_error_replies": 1}, None),
        ({"total_error_replies": 2}, {"total_error_replies": 3, "errorstat_OOM": "odd"}, None),
        ({}, {}, None),
    ],
    ids=["refused", "none in the window", "reset", "odd", "before 6.2"],
)
def test_what_found_no_memory_is_counted(before: dict[str, t.Any], after: dict[str, t.Any], refused: t.Optional[int]) -> None:
    loads = [broker_load.ask(Client(info, stats(), []))[1] for info in (before, after)]
    facts = measured(*loads)
    assert facts["broker"]["refused"] == refused and ("broker.refused" in facts["unknown"]) is (refused is None)


def test_alarms_of_rabbitmq() -> None:
    nodes = [
        {"name": "rabbit@mq1", "mem_alarm": True, "disk_free_alarm": False, "running": True},
        {"name": "rabbit@mq2", "mem_alarm": False, "disk_free_alarm": True},
        "odd",
    ]
    told = api.rabbitmq_nodes(json.dumps(nodes).encode())
    assert told.alarms == ["memory on rabbit@mq1", "disk on rabbit@mq2"]
    nothing = broker_load.Load()
    assert measured(nothing, nothing, RABBITMQ, told)["broker"]["alarms"] == told.alarms
    assert measured(nothing, nothing, RABBITMQ, Unknown("no management API"))["unknown"]["broker.alarms"] == "no management API"
    with pytest.raises(Problem, match="not a list of nodes"):
        api.rabbitmq_nodes(b"{}")
