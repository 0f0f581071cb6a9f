# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fetch: the broker through kombu. Lengths only, never a message, so a million waiting ones cost no more than none."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import socket
import threading
import time
import typing as t

from ..._collect import libraries, stream, tls
from ..._collect.derived import age, total
from ..._collect.facts import Maybe, Unknown
from ..._collect.problem import Problem
from ..._collect.sampling import amount, count
from ..._texts.plain import text
from . import broker_load, greeting, refusal
from .broker_load import Load
from .broker_url import Broker

#: Far longer than any message waits: our connection must never hand out again what workers hold, as kombu does for
#: messages older than its own visibility timeout (an hour unless configured), whatever the application's is.
NEVER = 10**10

#: Bindings are looked for in at most so many keys of a Redis database, in steps of this size.
SCAN_STEP, SCAN_KEYS = 1000, 500_000
BINDING = "_kombu.binding."
NO_SUCH_QUEUE = "no such queue"
AHEAD = "its time lies in the future: the clock of the machine that took or sent it is ahead of ours"
NOT_REACHED = "it is there, and RabbitMQ cannot reach it: its node is down, or does not answer in time (rabbitmqctl cluster_status)"
NO_COUNT = "the broker answers something that is no count"
#: What a client library raises over an answer of another kind than the protocol has for the question.
NONSENSE = (TypeError, ValueError, AttributeError, LookupError, OverflowError)
_IMPORTING = threading.Lock()


@dataclasses.dataclass
class Length:
    """One queue at one moment."""

    ready: t.Optional[int] = None
    consumers: t.Optional[int] = None  # RabbitMQ only
    problem: t.Optional[str] = None


@dataclasses.dataclass
class Reading:
    """All queues at one moment, and on Redis what workers took and have not finished."""

    at: float
    lengths: dict[str, Length]
    unacked: t.Optional[int] = None
    unacked_oldest_seconds: t.Optional[Maybe[float]] = None


class Connection:
    """A connection of our own; every wait on it is bounded."""

    def __init__(self, broker: Broker, seconds: float) -> None:
        with _IMPORTING:  # kombu puts another object in its own place meanwhile: a second thread would get half a module
            import kombu  # pylint: disable=import-outside-toplevel

            connection = kombu.Connection

        # kombu logs what we report ourselves; without a handler that would land on stderr
        logging.getLogger("kombu").addHandler(logging.NullHandler())
        self.broker = broker
        self.seconds = seconds
        self.lost = False  # it hangs or is gone: closing it politely would only wait again
        ssl = broker.ssl_arguments()
        self.kombu = connection(
            broker.url,
            connect_timeout=seconds,
            transport_options=_options(broker, seconds),
            **({"ssl": ssl} if ssl else {}),
        )

    def connect(self) -> None:
        """Connect, or raise Down or a Problem that says why not. Secrets are hidden by the caller."""
        where, parts = self.broker.shown, self.broker.parts()
        if self.on_redis:
            libraries.require("redis", "python3-redis")
            if self.broker.scheme in ("redis", "rediss", "redis+socket"):
                greeting.ask_once(self.kombu)
        if not self.broker.several and self.broker.scheme != "sentinel":
            self._greet(where, parts["host"] if parts["port"] is None else (parts["host"], parts["port"]))
        try:
            self.kombu.connect()
            _channel = self.kombu.default_channel
        except Problem:
            raise
        except ImportError as error:
            raise Problem(f"kombu cannot speak to {where}: {error}") from None
        except KeyError as error:
            raise Problem(f"this kombu has no transport {error}") from None
        except Exception as error:  # pylint: disable=broad-exception-caught # each client library has its own family
            raise refusal.connecting(error, self.broker, self.seconds) from None

    def _greet(self, where: str, address: stream.Address) -> None:
        """Whether a broker answers at all: the client libraries read without a limit, and retry for many times the time-out."""
        if self.broker.encrypted or not self.on_redis:
            stream.resolve(address)
        if self.broker.encrypted:
            tls.must_be_spoken(address, self.seconds, refusal.WITHOUT_TLS)
        if not self.on_redis:
            greeting.check_amqp(self.kombu, where, self.seconds, self.broker.encrypted)
        elif not self.broker.encrypted:
            greeting.redis(where, address, self.seconds)

    @contextlib.contextmanager
    def channel(self) -> t.Iterator[t.Any]:
        """A channel of its own: RabbitMQ closes it when a queue is missing (case C-10)."""
        channel = self.kombu.channel()
        try:
            yield channel
        finally:
            with contextlib.suppress(Exception):
                channel.close()

    @property
    def refusals(self) -> tuple[type[BaseException], ...]:
        """What the client libraries raise when the broker refuses something, or is gone; newer ones wrap it."""
        from kombu.exceptions import OperationalError  # pylint: disable=import-outside-toplevel

        return (*self.kombu.channel_errors, *self.kombu.connection_errors, OperationalError, socket.timeout, TimeoutError)

    @property
    def on_redis(self) -> bool:
        return self.broker.family == "redis"

    def _default(self) -> t.Any:
        return self.kombu.default_channel

    def redis(self) -> t.Any:
        """The plain Redis client under kombu's channel, on the same connections."""
        import redis  # pylint: disable=import-outside-toplevel

        client = self._default().client
        return redis.Redis(connection_pool=client.connection_pool)

    def length(self, name: str) -> Length:
        """By a passive declare, that creates nothing."""
        try:
            with self.channel() as channel:
                declared = channel.queue_declare(queue=name, passive=True)
            return _told(count(declared.message_count), count(declared.consumer_count))
        except self.kombu.channel_errors as error:
            return Length(problem=_why_no_length(error))

    def _lists(self, names: list[str]) -> dict[str, Length]:
        """On Redis a queue is a list per priority; an empty one does not exist. One round trip for all of them."""
        channel, pipeline = self._default(), self.redis().pipeline(transaction=False)
        separator, steps = text(channel.sep), list(channel.priority_steps)
        for name in names:
            for step in steps:
                pipeline.llen(f"{self.broker.prefix}{name}{separator}{step}" if step else f"{self.broker.prefix}{name}")
        counts = pipeline.execute(raise_on_error=False)
        return {name: _summed(counts[place * len(steps) : (place + 1) * len(steps)]) for place, name in enumerate(names)}

    def read(self, names: t.Iterable[str]) -> Reading:
        try:
            lengths = self._lists(list(names)) if self.on_redis else {name: self.length(name) for name in names}
            reading = Reading(time.monotonic(), lengths)
            if self.on_redis:
                self._unacked(reading)
        except self.kombu.connection_errors + (socket.timeout, TimeoutError) as error:
            self.lost = True
            raise refusal.connecting(error, self.broker, self.seconds) from None
        return reading

    def _unacked(self, reading: Reading) -> None:
        channel, client, prefix = self._default(), self.redis(), self.broker.prefix
        try:
            reading.unacked = count(client.hlen(prefix + channel.unacked_key))
            oldest = client.zrange(prefix + channel.unacked_index_key, 0, 0, withscores=True)
            since = amount(oldest[0][1]) if oldest else None
        except (*self.kombu.channel_errors, *NONSENSE):
            return  # a user that may read lists only, or no answer to what was asked
        if since is not None:
            reading.unacked_oldest_seconds = age(time.time(), since, "", AHEAD)

    def delayed(self) -> Maybe[int]:
        """Messages that wait for their time in the broker itself. All of these queues exist, or none does."""
        if self.on_redis or self.length(DELAYED[-1]).problem == NO_SUCH_QUEUE:
            return 0
        lengths = [self.length(name) for name in DELAYED]
        return total(Unknown(one.problem or "it could not be read") if one.ready is None else one.ready for one in lengths)  # type: ignore[return-value]

    def bindings(self) -> tuple[set[str], bool]:
        """Queues that Redis has bindings for, and whether all keys were looked at. SCAN, never KEYS."""
        found: set[str] = set()
        try:
            whole = self._scan(found)
        except (*self.kombu.channel_errors, *NONSENSE):
            whole = False  # a user that may not SCAN, or no answer to what was asked
        return found - {""}, whole

    def _scan(self, found: set[str]) -> bool:
        client, prefix = self.redis(), self.broker.prefix
        separator = text(getattr(self._default(), "sep", "\x06\x16"))
        cursor, seen, deadline = 0, 0, time.monotonic() + self.seconds / 2
        while True:
            cursor, keys = client.scan(cursor, match=f"{prefix}{BINDING}*", count=SCAN_STEP)
            for key in keys:
                if client.type(key) in (b"set", "set"):
                    found |= {text(member).rpartition(separator)[2] for member in client.smembers(key)}
            seen += SCAN_STEP
            if not int(cursor):
                return True
            if seen >= SCAN_KEYS or time.monotonic() > deadline:
                return False

    def existing(self, exchanges: t.Iterable[str]) -> set[str]:
        """Which of these exchanges RabbitMQ has. Redis has bindings only, and kombu takes ours away."""
        if self.on_redis:
            return set(exchanges)
        found = set()
        for name in exchanges:
            with contextlib.suppress(*self.kombu.channel_errors), self.channel() as channel:
                channel.exchange_declare(exchange=name, type="direct", passive=True)
                found.add(name)
        return found

    def forget(self, exchanges: t.Iterable[str]) -> None:
        """Delete exchanges that did not exist before us, unless they are in use now."""
        for name in exchanges:
            with contextlib.suppress(Exception), self.channel() as channel:
                channel.exchange_delete(exchange=name, if_unused=True)

    def describe(self) -> tuple[dict[str, t.Any], Load]:
        """The server: version, what identifies it by whatever address it is seen, memory; and what keeps it busy."""
        if self.on_redis:
            try:
                return broker_load.ask(self.redis())
            except Exception:  # pylint: disable=broad-exception-caught # INFO may be forbidden; then it is unknown
                return {}, Load()
        properties = getattr(self.kombu.connection, "server_properties", None)
        return ({text(name): value for name, value in properties.items()} if isinstance(properties, dict) else {}), Load()

    def close(self) -> None:
        with contextlib.suppress(Exception):
            if self.lost and self.on_redis:
                for name in ("_pool", "_async_pool"):
                    pool = getattr(self._default(), name, None)
                    if pool is not None:
                        pool.disconnect()
                return
            self.kombu.release()


def _why_no_length(error: BaseException) -> str:
    """RabbitMQ has one number for a queue that is not there and for one that it cannot reach; its words differ, in every language."""
    if refusal.kind_of(error) != refusal.MISSING:
        return f"the broker does not say ({type(error).__name__})"
    return NOT_REACHED if "NOT_FOUND" in str(error) and "NOT_FOUND - no queue " not in str(error) else NO_SUCH_QUEUE


def _summed(counts: t.Sequence[t.Any]) -> Length:
    """The lists of one queue; a key of another type, or one that may not be read, is an error in place of its count."""
    wrong = [each for each in counts if isinstance(each, Exception)]
    if wrong:
        return Length(problem=f"the broker does not say ({type(wrong[0]).__name__})")
    whole = [count(each) for each in counts]
    return _told(None if not whole or None in whole else sum(each or 0 for each in whole))


def _told(ready: t.Optional[int], consumers: t.Optional[int] = None) -> Length:
    return Length(ready, consumers, None if ready is not None else NO_COUNT)


def is_control(name: str) -> bool:
    """Queues of remote control and events: no backlog of anybody (case C-18)."""
    return name.endswith("pidbox") or name.startswith("celeryev")


#: Where tasks with an ETA wait on RabbitMQ with quorum queues: no worker takes from these, by design (case N-12).
DELAYED = tuple(f"celery_delayed_{level}" for level in range(28))


def is_delayed(name: str) -> bool:
    return name in DELAYED


def _options(broker: Broker, seconds: float) -> dict[str, t.Any]:
    options = dict(broker.transport_options)
    if broker.family == "redis":
        steps = options.get("priority_steps")
        if isinstance(steps, list):
            options["priority_steps"] = [int(step) for step in steps]
        # a long poll of ours ends before this
        options.update(visibility_timeout=NEVER, socket_timeout=seconds + 1, socket_connect_timeout=seconds, max_connections=20)
        options.pop("health_check_interval", None)
    else:
        # SSL and heartbeat settings stay; publisher confirms would only make us wait
        options = {name: value for name, value in options.items() if name in ("login_method",)}
        options.update(read_timeout=seconds, write_timeout=seconds)
    return options
