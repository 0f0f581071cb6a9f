# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Failures that people reported of RabbitMQ and of what watches it, as its own answers and errors, and what must be said."""

from __future__ import annotations

import json
import types
import typing as t

import kombu
import pytest
from amqp import exceptions
from kombu import pidbox

from ansible_collections.warroom.launch.plugins.module_utils._collect.problem import TURNS_AWAY
from ansible_collections.warroom.launch.plugins.module_utils._collectors.celery import api, broker, refusal
from ansible_collections.warroom.launch.plugins.module_utils._collectors.celery.broker import Length, Reading
from ansible_collections.warroom.launch.plugins.module_utils._collectors.celery.broker_url import Broker
from ansible_collections.warroom.launch.plugins.module_utils._collectors.celery.remote import Remote
from ansible_collections.warroom.launch.plugins.module_utils._collectors.celery.shape import Gathered
from ansible_collections.warroom.launch.plugins.module_utils._collectors.celery.shape import facts as built
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.evaluate import judged
from ansible_collections.warroom.launch.plugins.plugin_utils._fleet.broker import brokers
from tests.support.check_cases import checks_of

URL = "amqp://app:EXAMPLEPW@mq:5672/shop"
MQ1, MQ2, MQ3 = (f"rabbit@mq{number}" for number in (1, 2, 3))


def node(name: str, **more: t.Any) -> dict[str, t.Any]:
    return {"name": name, "running": True, "mem_alarm": False, "disk_free_alarm": False, "partitions": [], **more}


def statuses(*nodes: dict[str, t.Any]) -> dict[str, str]:
    """What the checks of the broker say of these nodes, from the management API to the finding."""
    got = Gathered(Broker(URL), {"version": "3.12.14"}, management={}, readings=[Reading(0.0, {"celery": Length(0, 1)})])
    got.nodes = api.rabbitmq_nodes(json.dumps(nodes).encode())
    instance = {"state": "up", "window": 5.0, "name": "mq", "problem": None, "notes": [], **built(got, 5.0, 10).done()}
    (seen,) = brokers({"web1": {"facts": {"launch_celery": {"schema": 1, "instances": [instance]}}}})
    return {check.id: judged(check, "fleet", seen, "during")["status"] for check in checks_of("celery_queue")}


@pytest.mark.parametrize(
    ("nodes", "together", "alarm"),
    [
        ([node(MQ1), node(MQ2), node(MQ3)], "ok", "ok"),
        ([node(MQ1), node(MQ2), node(MQ3, partitions=[MQ2])], "fail", "ok"),  # only one of them sees it
        ([node(MQ1, partitions=[MQ2]), node(MQ2, partitions=[MQ1])], "fail", "ok"),
        ([node(MQ1), {"name": MQ2, "running": False, "type": "disc"}], "warn", "ok"),
        ([node(MQ1, disk_free_alarm=True), node(MQ2)], "ok", "fail"),
        ([node(MQ1, partitions=None)], "ok", "ok"),
    ],
)
def test_nodes_that_all_run_may_be_cut_off_from_each_other(nodes: t.Any, together: str, alarm: str) -> None:
    """https://github.com/centreon/centreon-plugins/issues/2699, https://github.com/kbudde/rabbitmq_exporter/issues/64,
    https://github.com/rabbitmq/rabbitmq-server/issues/12440: "running" is all that was looked at"""
    found = statuses(*nodes)
    assert (found["celery_queue_broker_nodes"], found["celery_queue_broker_alarm"]) == (together, alarm)


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("NOT_FOUND - no queue 'typo' in vhost 'shop'", broker.NO_SUCH_QUEUE),
        ("NOT_FOUND - home node 'rabbit@mq2' of durable queue 'mail' in vhost 'shop' is down or inaccessible", broker.NOT_REACHED),
        ("NOT_FOUND - failed to perform operation on queue 'mail' in vhost 'shop' due to timeout", broker.NOT_REACHED),
        ("NOT_FOUND - queue 'no queue ' in vhost 'shop' process is stopped by supervisor", broker.NOT_REACHED),
        ("", broker.NO_SUCH_QUEUE),
    ],
)
def test_a_queue_whose_node_is_down_is_no_missing_one(said: str, problem: str) -> None:
    """https://github.com/telephoneorg/docker-kazoo/issues/1, https://github.com/celery/py-amqp/issues/395,
    https://github.com/sentry-kubernetes/charts/issues/819, https://github.com/rabbitmq/rabbitmq-common/pull/216"""
    error = exceptions.NotFound(said, (50, 10), "Queue.declare")
    assert broker._why_no_length(error) == problem
    got = Gathered(Broker(URL), {}, readings=[Reading(at, {"celery": Length(3, 1), "mail": Length(problem=problem)}) for at in (0.0, 5.0)])
    found = built(got, 5.0, 10).done()
    assert found["ready_total"] == (3 if problem == broker.NO_SUCH_QUEUE else None)
    assert problem == broker.NO_SUCH_QUEUE or found["unknown"]["ready_total"] == problem


@pytest.mark.parametrize(
    "said",
    [
        "INTERNAL_ERROR - access to vhost 'shop' refused for user 'app': vhost 'shop' is down",
        "INTERNAL_ERROR - Feature `transient_nonexcl_queues` is deprecated.",
    ],
)
def test_an_internal_error_of_the_broker_is_no_restart_of_it(said: str) -> None:
    """https://github.com/DefectDojo/django-DefectDojo/issues/1026, https://github.com/celery/kombu/issues/2237"""
    error = exceptions.InternalError(said, (10, 40), "Connection.open")
    assert refusal.is_broken(error)
    told = str(refusal.connecting(error, Broker(URL), 5.0))
    assert "internal error (541)" in told and "restart_vhost -p shop" in told and "restarted" not in told and "EXAMPLEPW" not in told


@pytest.mark.parametrize(("url", "exclusive"), [(URL, True), ("redis://mq:6379/0", False)])
def test_our_queue_for_replies_is_one_that_rabbitmq_takes(url: str, exclusive: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """https://github.com/celery/kombu/pull/2531: before kombu 5.7 it was neither durable nor exclusive, which RabbitMQ 4.3 refuses"""

    def before(mailbox: pidbox.Mailbox) -> kombu.Queue:
        return kombu.Queue("x.reply.celery.pidbox", durable=False, auto_delete=True)

    monkeypatch.setattr(pidbox.Mailbox, "get_reply_queue", before)
    connection = types.SimpleNamespace(on_redis=url.startswith("redis"), kombu=kombu.Connection(url))
    assert Remote(t.cast(broker.Connection, connection)).mailbox.reply_queue.exclusive is exclusive


@pytest.mark.parametrize(
    ("said", "full"),
    [
        ("NOT_ALLOWED - access to vhost 'shop' refused for user 'app': connection limit (40) is reached", True),
        ("NOT_ALLOWED - connection refused for user 'app': user connection limit (40) is reached", True),
        ("NOT_ALLOWED - connection refused: node connection limit (40) is reached", True),
        ("NOT_ALLOWED - vhost shop not found", False),
        ("NOT_ALLOWED - access to vhost 'shop' refused for user 'app'", False),
    ],
)
def test_a_broker_with_no_connection_left_is_no_missing_permission(said: str, full: bool) -> None:
    """https://github.com/rabbitmq/rabbitmq-server/issues/1547, https://github.com/rcbops/rpc-openstack/issues/1025"""
    problem = refusal.connecting(exceptions.NotAllowed(said, (10, 40), "Connection.open"), Broker(URL), 5.0)
    assert (problem.state == "down", TURNS_AWAY in str(problem), "set_permissions" in str(problem)) == (full, full, not full)


@pytest.mark.parametrize(
    ("url", "use_ssl"),
    [
        ("amqps://u:pass@h/v", None),  # as CloudAMQP and Amazon MQ give it
        ("amqps://u:pass@h:5672/v", None),
        ("amqps://u:pass@h:1234/v", None),
        ("amqp://u:pass@h/v?ssl=1", None),
        ("pyamqp://u:pass@h/v?ssl=0", None),
        ("amqp://u:pass@h/v", None),
        ("amqp://u:pass@h/v", {"cert_reqs": "required"}),
        ("amqp://u:pass@h:5671/v", None),
    ],
)
def test_the_port_and_the_encryption_are_those_that_celery_uses(url: str, use_ssl: t.Any) -> None:
    """https://github.com/celery/kombu/issues/459, https://github.com/celery/kombu/issues/610: TLS was spoken to 5672 of an amqps:// URL"""
    connection = kombu.Connection(url, **({"ssl": use_ssl} if use_ssl else {}))
    usual = connection.transport.default_connection_params["port"]  # the transport of amqps:// turns encryption on when it is made
    made = Broker(url, use_ssl=use_ssl)
    assert (made.parts()["port"], made.encrypted) == (connection.port or usual, bool(connection.ssl))
