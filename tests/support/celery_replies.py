# Copyright (c) 2026, the warroom.launch authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A broker and its workers from memory: replies of Redis, RabbitMQ, its management API, Flower, workers and events, as recorded."""

from __future__ import annotations

import contextlib
import copy
import types
import typing as t
from unittest import mock

import redis

from ansible_collections.warroom.launch.plugins.module_utils._collectors.celery import broker as broker_module
from ansible_collections.warroom.launch.plugins.module_utils._collectors.celery import collector as collector_module
from ansible_collections.warroom.launch.plugins.module_utils._collectors.celery.broker import Connection
from ansible_collections.warroom.launch.plugins.module_utils._collectors.celery.collector import CelerySampler
from ansible_collections.warroom.launch.plugins.module_utils._collectors.celery.remote import Remote

from .reply_source import NOW, Clock, Facts, Source, lines, part, recorded, recorded_text, rows, written
from .tools import FakeCommands, tools_with

NODE = "w1@warroom"
_COMMANDS = ("stats", "active", "reserved", "scheduled", "active_queues")


class _Client(redis.Redis):
    """The client library over answers from memory: what it makes of a reply is its own."""

    def __init__(self, answers: t.Any) -> None:
        super().__init__(protocol=2)
        self._answers, self._asked = answers, []

    def execute_command(self, *words: t.Any, **options: t.Any) -> t.Any:
        command = str(words[0])
        options.pop("keys", None)  # for its cache of replies
        answer = self._answers(command, *words[1:])
        if isinstance(answer, str):
            answer = answer.encode("utf-8", "replace")
        return self.response_callbacks[command](answer, **options) if command in self.response_callbacks else answer

    def pipeline(self, *_words: t.Any, **_options: t.Any) -> t.Any:
        self._asked = []
        return types.SimpleNamespace(llen=self._asked.append, execute=self._execute)

    def _execute(self, **_options: t.Any) -> list[t.Any]:
        found = []
        for name in self._asked:
            try:
                found.append(self.execute_command("LLEN", name))
            except Exception as error:  # as the library does with raise_on_error=False
                found.append(error)
        return found


class _Broker(Connection):
    """`document` is what it answers now."""

    document: t.Any = None

    def __init__(self, broker: t.Any, seconds: float) -> None:
        self.broker, self.seconds, self.lost = broker, seconds, False
        properties = types.SimpleNamespace(server_properties=part(self.document, "properties"))
        self.kombu = types.SimpleNamespace(
            connection_errors=(ConnectionError,), channel_errors=(redis.ResponseError, LookupError), connection=properties
        )

    def connect(self) -> None:
        """It is there."""

    def existing(self, exchanges: t.Iterable[str]) -> set[str]:
        return set(exchanges)

    def close(self) -> None:
        """Nothing to close."""

    def _default(self) -> t.Any:
        return types.SimpleNamespace(
            sep="\x06\x16", priority_steps=[0, 3], unacked_key="unacked", unacked_index_key="unacked_index", queue_declare=self._declare
        )

    @contextlib.contextmanager
    def channel(self) -> t.Iterator[t.Any]:
        yield self._default()

    def redis(self) -> t.Any:
        return _Client(self._answer)

    def _answer(self, command: str, *words: t.Any) -> t.Any:
        if command == "INFO":
            return lines(part(self.document, "INFO"), ":", "\r\n")
        if command == "SCAN":
            return part(self.document, "SCAN")
        told = part(part(self.document, command), str(words[0]))
        return 0 if told is None and command == "LLEN" and str(words[0]).endswith("3") else told

    def _declare(self, queue: str, passive: bool) -> t.Any:
        assert passive
        told = part(part(self.document, "declared"), queue)
        if told is None:
            raise LookupError(404)
        counts = rows(told)
        # by their places: where one is lost, which of both it is is not known
        messages, consumers = counts[:2] if counts[1:] else (None, None)
        return types.SimpleNamespace(message_count=messages, consumer_count=consumers)


class _Workers(Remote):
    document: t.Any = None

    def __init__(self, *_arguments: t.Any) -> None:  # pylint: disable=super-init-not-called
        self.twins = {}
        self.mailbox = types.SimpleNamespace(multi_call=self._replies, call=self._call, abcast=lambda *_words: None)

    def _replies(self, command: str, *_arguments: t.Any, **_options: t.Any) -> t.Any:
        return rows(part(part(self.document, "inspect"), command))

    def _call(self, _to: t.Any, command: str, *_arguments: t.Any, **_options: t.Any) -> t.Any:
        return self._replies(command)


class _Listener:
    """Each time that it is listened to the events come once more."""

    document: t.Any = None
    queue = types.SimpleNamespace(name="celeryev.ours")

    def __init__(self, _connection: t.Any, _exchange: str, tally: t.Any) -> None:
        self.tally = tally

    def __enter__(self) -> _Listener:
        return self

    def __exit__(self, *_exc: t.Any) -> None:
        """Nothing to end."""

    def listen(self, _seconds: float) -> None:
        for event in rows(part(self.document, "events")):
            self.tally.take(event, NOW)


def read(broker_url: str, first: t.Any, second: t.Any, **options: t.Any) -> Facts:
    """The facts of one instance whose parts answer `first`, and from the middle of the window on `second`."""
    clock = Clock(NOW)

    def answer(document: t.Any) -> None:
        _Broker.document = _Workers.document = _Listener.document = document

    def get(_url: str, path: str, *_more: t.Any) -> bytes:
        if path == "/metrics":
            return lines(part(_Broker.document, "metrics")).encode("utf-8", "replace")
        return written(part(_Broker.document, "management"))

    parts = {"Connection": _Broker, "Remote": _Workers, "Listener": _Listener, "time": clock}
    with contextlib.ExitStack() as stack:
        stack.enter_context(mock.patch.multiple(collector_module, **parts))
        stack.enter_context(mock.patch.object(broker_module, "time", clock))
        stack.enter_context(mock.patch.object(collector_module.api, "get", get))
        answer(first)
        probe = CelerySampler({"broker_url": broker_url, **options}, tools_with(FakeCommands()))
        probe.first()
        probe.watch(1.0)
        answer(second)
        probe.second()
        return probe.facts(5.0).done()


def _inspect() -> dict[str, t.Any]:
    replies = {command: [recorded(f"celery/5.7.0/inspect-{command}.json")] for command in ("ping", *_COMMANDS)}
    for reply in replies["stats"][0].values():
        reply["prefetch_count"] = reply.get("prefetch_count", 8)
    return replies


def _events() -> list[dict[str, t.Any]]:
    """As Celery documents them ("Monitoring and Management Guide", section "Event Reference")."""
    common = {"hostname": NODE, "utcoffset": 0, "timestamp": NOW - 0.01, "pid": 7, "clock": 5}
    beat = {**common, "type": "worker-heartbeat", "freq": 2.0, "active": 2, "processed": 40, "sw_ident": "py-celery"}
    task = {**common, "uuid": "8e778acc-eb4b-43ae-8e58-816efc13c7d6", "name": "ctasks.slow"}
    ended = {**task, "type": "task-succeeded", "runtime": 0.25, "result": "3"}
    failed = {**task, "type": "task-failed", "exception": "ValueError('x')", "traceback": ""}
    sent, started = {**task, "type": "task-sent", "queue": "slow"}, {**task, "type": "task-started"}
    return [
        beat,
        sent,
        {**task, "type": "task-received"},
        started,
        ended,
        failed,
        {**task, "type": "task-retried", "exception": "KeyError()"},
    ]


_INFO = (
    ("redis_version", "7.0.15"), ("run_id", "5c7bd4d1b9d5cbbd2e6fb5c1c79d3b0c2ffb4b4f"), ("uptime_in_seconds", "86400"),
    ("used_memory", "1048576"), ("maxmemory", "4194304"), ("maxmemory_policy", "noeviction"), ("connected_clients", "4"),
    ("db0", "keys=4,expires=0,avg_ttl=0"),
)  # fmt: skip


def _queue(name: str, ready: int, unacked: int, **more: t.Any) -> dict[str, t.Any]:
    """As RabbitMQ documents it ("HTTP API Reference", `/api/queues/vhost`)."""
    rate = {"publish": 10, "publish_details": {"rate": 1.5}, "deliver_get": 9, "deliver_get_details": {"rate": 1.25}}
    counts = {"messages": ready + unacked, "messages_ready": ready, "messages_unacknowledged": unacked, "consumers": 1}
    head = {"head_message_timestamp": int(NOW) - 30}
    return {"name": name, "vhost": "/", "type": "classic", "state": "running", **counts, "message_stats": rate, **head, **more}


def _quorum(on_rabbitmq: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The same with quorum queues, as one worker declares them and the management API shows them, and a stream of another application."""
    nodes = ["rabbit@mq1", "rabbit@mq2", "rabbit@mq3"]
    inspect = copy.deepcopy(on_rabbitmq["inspect"])
    for queue in inspect["active_queues"][0][NODE]:
        queue["queue_arguments"] = {"x-queue-type": "quorum"}
    limited = {"delivery_limit": 20, "arguments": {"x-queue-type": "quorum"}, "effective_policy_definition": {}}
    management = [
        {**row, "type": "quorum", "leader": nodes[0], "members": nodes, "online": nodes, **limited} for row in on_rabbitmq["management"][:2]
    ]
    stream = _queue("slow", 120_000, 0, type="stream", members=nodes, online=nodes, consumers=0)
    return {
        **on_rabbitmq,
        "inspect": inspect,
        "declared": {**on_rabbitmq["declared"], "celery": [30, 2]},
        "management": [management[0], {**stream, "name": "events"}, management[1], *on_rabbitmq["management"][2:]],
    }


def sources() -> list[Source]:
    common = {"inspect": _inspect(), "events": _events()}
    on_redis = {
        **common,
        "INFO": [list(pair) for pair in _INFO],
        "SCAN": ["0", ["_kombu.binding.celery", "_kombu.binding.celery.pidbox"]],
        "TYPE": {"_kombu.binding.celery": "set", "_kombu.binding.celery.pidbox": "set"},
        "SMEMBERS": {
            "_kombu.binding.celery": ["celery\x06\x16\x06\x16celery", "slow\x06\x16\x06\x16slow"],
            "_kombu.binding.celery.pidbox": ["\x06\x16\x06\x16w1@warroom.celery.pidbox"],
        },
        "LLEN": {"celery": 30, "slow": 12, "w1@warroom.celery.pidbox": 0},
        "HLEN": {"unacked": 4},
        "ZRANGE": {"unacked_index": ["8e778acc", str(NOW - 40)]},
    }
    on_rabbitmq = {
        **common,
        "properties": {"product": "RabbitMQ", "version": "4.1.0", "cluster_name": "rabbit@mq1"},
        "declared": {"celery": [30, 1], "slow": [12, 1], **{f"celery_delayed_{level}": [5 * (level == 3), 0] for level in range(28)}},
        "management": [
            _queue("celery", 30, 2),
            _queue("slow", 12, 2),
            _queue("w1@warroom.celery.pidbox", 0, 0),
            _queue("celery_delayed_3", 5, 0, consumers=0),
        ],
        "metrics": [["#", "HELP", "flower_events_total", "Number", "of", "events"], *_metrics()],
    }
    quorum = _quorum(on_rabbitmq)
    kinds = frozenset({"x-queue-type", "leader"})
    apart = {"management_url": "http://127.0.0.1:15672", "flower_url": "http://127.0.0.1:5555"}
    return [
        Source("celery", "redis", on_redis, lambda first, second: read("redis://127.0.0.1:6379/0", first, second)),
        Source("celery", "rabbitmq alone", on_rabbitmq, lambda first, second: read("amqp://127.0.0.1:5672//", first, second)),
        Source("celery", "rabbitmq", on_rabbitmq, lambda first, second: read("amqp://127.0.0.1:5672//", first, second, **apart)),
        Source("celery", "quorum alone", quorum, lambda first, second: read("amqp://127.0.0.1:5672//", first, second), kinds),
        Source("celery", "quorum", quorum, lambda first, second: read("amqp://127.0.0.1:5672//", first, second, **apart), kinds),
    ]


def _metrics() -> list[list[str]]:
    counted = [line.rsplit(" ", 1) for line in (recorded_text("celery/flower-2.2.0/metrics.txt")).splitlines()]
    return [words for words in counted if words[0].startswith("flower_events_total")][:12]
