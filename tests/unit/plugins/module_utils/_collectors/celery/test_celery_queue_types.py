# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""RabbitMQ's figures of quorum queues and streams: right, or unknown with a reason, and never a false backlog or a false 0."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collectors.celery import api, queue_types
from ansible_collections.warroom.launch.plugins.module_utils._collectors.celery.broker import Length, Reading
from ansible_collections.warroom.launch.plugins.module_utils._collectors.celery.broker_url import Broker
from ansible_collections.warroom.launch.plugins.module_utils._collectors.celery.shape import Gathered
from ansible_collections.warroom.launch.plugins.module_utils._collectors.celery.shape import facts as built
from ansible_collections.warroom.launch.plugins.module_utils._collectors.celery.workers import Snapshot

STATS = {"pid": 7, "total": {"shop.mail": 10}, "pool": {"max-concurrency": 2}}


def snapshot(at: float, accepted: int, **kinds: t.Optional[str]) -> Snapshot:
    """A worker that consumes these queues, declared with these types; it has begun so many tasks."""
    active = [{"name": name, "queue_arguments": kind and {"x-queue-type": kind}} for name, kind in kinds.items()]
    replies = {"stats": {**STATS, "total": {"shop.mail": accepted}}, "active": [], "reserved": [], "scheduled": [], "active_queues": active}
    return Snapshot(at, 1000.0 + at, {command: {"w": reply} for command, reply in replies.items()})


def facts(
    declared: t.Mapping[str, tuple[int, int]], kinds: t.Mapping[str, t.Optional[str]], begun: int = 0, management: t.Any = None
) -> dict[str, t.Any]:
    """What is told where a passive declare gave these (messages, consumers) at every look; one worker consumes the queues of `kinds`."""
    got = Gathered(Broker("amqp://app:EXAMPLEPW@mq:5672//"), {"version": "3.13.7"}, ["w"])
    got.first, got.second = snapshot(0.0, 10, **kinds), snapshot(5.0, 10 + begun, **kinds)
    lengths = {name: Length(*counts) for name, counts in declared.items()}
    got.readings = [Reading(at, dict(lengths)) for at in (0.0, 2.5, 5.0)]
    if management is not None:
        got.management = api.rabbitmq_queues(json.dumps(management).encode())
    return built(got, 5.0, 10).done()


def row(found: t.Mapping[str, t.Any], name: str) -> dict[str, t.Any]:
    return next(dict(each) for each in found["queues"] if each["name"] == name)


def members(name: str, online: int, **more: t.Any) -> dict[str, t.Any]:
    nodes = ["rabbit@mq1", "rabbit@mq2", "rabbit@mq3"]
    return {"name": name, "type": "quorum", "state": "running", "members": nodes, "online": nodes[:online], **more}


def test_what_a_stream_keeps_is_no_backlog() -> None:
    """https://github.com/rabbitmq/rabbitmq-server/issues/10820"""
    found = facts({"mail": (3, 1), "events": (120_000, 0)}, {"mail": "classic", "events": "stream"}, begun=4)
    assert row(found, "events") == {**row(found, "events"), "ready": None, "type": "stream", "problem": queue_types.NO_BACKLOG}
    assert (found["ready_total"], found["unconsumed_total"], found["unconsumed"]) == (3, 0, [])
    assert found["worst"]["name"] == "mail" and found["growth_per_second"] == 0.0


def test_streams_alone_are_no_empty_queue() -> None:
    found = facts({"events": (120_000, 0)}, {"events": "stream"})
    assert found["ready_total"] is None and "streams only" in found["unknown"]["ready_total"]


def test_what_workers_hold_is_no_number_of_consumers() -> None:
    """https://github.com/rabbitmq/rabbitmq-server/pull/16185"""
    assert row(facts({"mail": (5, 12)}, {"mail": "quorum"}), "mail")["consumers"] == 1
    idle = facts({"mail": (5, 0)}, {"mail": "quorum"})
    assert row(idle, "mail")["consumers"] == 1 and idle["unconsumed_total"] == 0
    managed = facts({"mail": (5, 12)}, {}, management=[members("mail", 3, messages_ready=5, messages_unacknowledged=12, consumers=0)])
    assert row(managed, "mail")["consumers"] == 0 and managed["unconsumed"] == [{"name": "mail", "ready": 5}]
    untold = facts({"mail": (5, 12)}, {}, management=[members("mail", 3, messages_ready=5)])
    assert row(untold, "mail")["consumers"] is None and untold["unconsumed_total"] is None, "somebody consumes it, or did"
    assert row(facts({"mail": (5, 12)}, {"mail": None}), "mail")["consumers"] == 12, "of a type that is not known it stays as it is told"


def test_an_empty_answer_may_be_one_without_a_leader() -> None:
    found = facts({"mail": (0, 0)}, {"mail": "quorum"})
    assert row(found, "mail")["ready"] is None and found["ready_total"] is None and found["backlog_total"] is None
    assert found["unknown"]["ready_total"] == queue_types.MAY_LACK_LEADER


@pytest.mark.parametrize(("declared", "begun"), [((0, 3), 0), ((0, 0), 4)], ids=["messages are held", "its worker began tasks"])
def test_a_queue_that_works_has_a_leader(declared: tuple[int, int], begun: int) -> None:
    found = facts({"mail": declared}, {"mail": "quorum"}, begun)
    assert (row(found, "mail")["ready"], found["ready_total"]) == (0, 0)


def test_a_worker_of_several_queues_proves_neither() -> None:
    found = facts({"mail": (0, 0), "bills": (0, 2)}, {"mail": "quorum", "bills": "quorum"}, begun=4)
    assert (row(found, "mail")["ready"], row(found, "bills")["ready"]) == (None, 0)


@pytest.mark.parametrize(
    ("told", "problem"),
    [
        (members("mail", 3), None),
        (members("mail", 2), None),
        (members("mail", 1), queue_types.NO_LEADER),
        ({"name": "mail", "type": "quorum", "state": "running"}, None),
        ({"name": "mail", "type": "quorum", "state": "minority"}, queue_types.NO_LEADER),
        ({"name": "mail", "type": "quorum", "state": "down"}, queue_types.NO_LEADER),
        ({"name": "mail", "type": "quorum"}, queue_types.MAY_LACK_LEADER),
        ({"name": "mail", "type": "quorum", "members": "text", "online": None}, queue_types.MAY_LACK_LEADER),
    ],
)
def test_the_management_api_tells_whether_it_has_a_leader(told: dict[str, t.Any], problem: t.Optional[str]) -> None:
    found = facts({"mail": (0, 0)}, {}, management=[{"consumers": 1, "messages_ready": 0, **told}])
    assert row(found, "mail")["problem"] == problem and row(found, "mail")["ready"] == (0 if problem is None else None)
    assert found["unconsumed_total"] == 0


def test_what_nobody_consumes_is_not_known_of_a_queue_without_a_leader() -> None:
    found = facts({"mail": (0, 0)}, {}, management=[members("mail", 1, consumers=0)])
    assert found["unconsumed_total"] is None and found["unknown"]["unconsumed_total"] == queue_types.NO_LEADER


def test_a_classic_queue_is_as_it_is_told() -> None:
    found = facts({"mail": (0, 0), "lost": (4, 0)}, {"mail": None})
    assert (row(found, "mail")["ready"], found["ready_total"]) == (0, 4) and found["unconsumed"] == [{"name": "lost", "ready": 4}]
    assert row(found, "mail")["type"] is None and "management API" in found["unknown"]["queues[].type"]
