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

from ..._collect import stream
from ..._collect.problem import Down, Problem
from ..._text.plain import text
from .broker_url import Broker

#: Far longer than any message waits: our connection must never hand out again what workers hold, as kombu does for
#: messages older than its own visibility timeout (an hour unless configured), whatever the application's is.
NEVER = 10**10

#: Bindings are looked for in at most so many keys of a Redis database, in steps of this size.
SCAN_STEP, SCAN_KEYS = 1000, 500_000
BINDING = "_kombu.binding."
CONTROL = ("pidbox", "celeryev")
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
    unacked_oldest_seconds: t.Optional[float] = None


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
        ssl = broker.ssl_arguments()
        self.kombu = connection(
            broker.url,
            connect_timeout=seconds,
            transport_options=_options(broker, seconds),
            **({"ssl": ssl} if ssl else {}),
        )

    def connect(self) -> None:
        """Connect, or raise Down or a Problem that says why not. Secrets are hidden by the caller."""
        where = self.broker.shown
        if self.on_redis and not self.broker.encrypted and not self.broker.several:
            self._say_ping()
        try:
            self.kombu.connect()
            _channel = self.kombu.default_channel
        except KeyError as error:
            raise Problem(f"this kombu has no transport {error}") from None
        except (ImportError, AttributeError) as error:
            raise Problem(f"kombu cannot speak to {where}: {error} (on Debian: python3-redis)") from None
        except Exception as error:  # pylint: disable=broad-exception-caught # each client library has its own family
            raise _refusal(error, where, self.seconds) from None

    def _say_ping(self) -> None:
        """Whether Redis says anything at all: its client library retries for many times the time-out before it gives up."""
        parts = self.broker.parts()
        late = Down(f"the broker {self.broker.shown} did not answer within {self.seconds:g} s: it hangs, or is no Redis")
        with stream.connect(parts["host"] if parts["port"] is None else (parts["host"], parts["port"]), self.seconds) as conn:
            try:
                conn.sendall(b"PING\r\n")  # whoever wants a login answers with an error, and answers
                if not stream.read_all(conn, self.seconds, enough=bool):
                    raise Problem(f"the broker {self.broker.shown} hangs up: does it want TLS (rediss://)?")
            except (ConnectionError, TimeoutError):
                raise late from None

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
            return Length(int(declared.message_count), int(declared.consumer_count))
        except self.kombu.channel_errors as error:
            missing = "404" in str(error) or "NOT_FOUND" in str(error)
            return Length(problem="no such queue" if missing else f"the broker does not tell ({type(error).__name__})")

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
            raise _refusal(error, self.broker.shown, self.seconds) from None
        return reading

    def _unacked(self, reading: Reading) -> None:
        channel, client, prefix = self._default(), self.redis(), self.broker.prefix
        try:
            reading.unacked = int(client.hlen(prefix + channel.unacked_key))
            oldest = client.zrange(prefix + channel.unacked_index_key, 0, 0, withscores=True)
        except self.kombu.channel_errors:
            return  # a user that may read lists only
        if oldest:
            reading.unacked_oldest_seconds = round(max(0.0, time.time() - float(oldest[0][1])), 3)

    def bindings(self) -> tuple[set[str], bool]:
        """Queues that Redis has bindings for, and whether all keys were looked at. SCAN, never KEYS."""
        found: set[str] = set()
        try:
            whole = self._scan(found)
        except self.kombu.channel_errors:
            whole = False  # a user that may not SCAN
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
        """Take away exchanges that did not exist before us, unless somebody uses them now."""
        for name in exchanges:
            with contextlib.suppress(Exception), self.channel() as channel:
                channel.exchange_delete(exchange=name, if_unused=True)

    def describe(self) -> dict[str, t.Any]:
        """The server: version, what identifies it by whatever address it is seen, memory."""
        if self.on_redis:
            try:
                return {text(name): value for name, value in self.redis().info().items()}
            except Exception:  # pylint: disable=broad-exception-caught # INFO may be forbidden; then it is unknown
                return {}
        properties = getattr(self.kombu.connection, "server_properties", None)
        return {text(name): value for name, value in properties.items()} if isinstance(properties, dict) else {}

    def close(self) -> None:
        with contextlib.suppress(Exception):
            self.kombu.release()


def _summed(counts: t.Sequence[t.Any]) -> Length:
    """The lists of one queue; a key of another type, or one that may not be read, is an error in place of its count."""
    wrong = [count for count in counts if isinstance(count, Exception)]
    if wrong:
        return Length(problem=f"the broker does not tell ({type(wrong[0]).__name__})")
    return Length(sum(int(count) for count in counts))


def is_control(name: str) -> bool:
    """Queues of remote control and events: no backlog of anybody (case C-18)."""
    return name.endswith("pidbox") or name.startswith("celeryev")


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


#: Errors of the client libraries over an answer that is none of their protocol's.
_OTHER_TONGUE = ("InvalidResponse", "UnexpectedFrame", "FrameSyntaxError", "ValueError", "UnicodeDecodeError")
_LOGIN = ("noauth", "wrongpass", "authentication", "access_refused", "accessrefused", "invalid password", "invalid username", "acl")


def _refusal(error: BaseException, where: str, seconds: float) -> Problem:
    said = str(error)
    lowered = said.lower()
    if any(word in lowered or word in type(error).__name__.lower() for word in _LOGIN):
        return Problem(f"the broker {where} refuses the login: check user and password in the broker URL")
    if "noperm" in lowered or "no permission" in lowered:
        return Problem(f"the broker {where} does not allow its user what reading needs")
    if "not_allowed" in lowered or "vhost" in lowered:
        return Problem(f"the broker {where} does not know this virtual host, or does not let this user in")
    if "protected mode" in lowered:
        return Problem(f"the broker {where} is in protected mode: it has no password and lets only its own host in")
    if type(error).__name__ == "ResponseError":  # its text may repeat what we sent
        return Problem(f"the broker {where} answers our first command with an error: is it Redis, and one of the last ten years?")
    if "certificate" in lowered:
        return Problem(f"the certificate of the broker {where} is not trusted: see ssl_ca_certs in its URL")
    if isinstance(error, (socket.gaierror,)) or "name or service not known" in lowered or "error -2" in lowered:
        return Problem(f"the host name of the broker {where} does not resolve")
    if "timed out" in lowered or isinstance(error, (socket.timeout, TimeoutError)):
        return Down(f"the broker {where} did not answer within {seconds:g} s: it is down, hangs, or a firewall drops the connection")
    if type(error).__name__ in _OTHER_TONGUE:
        return Problem(f"what answers at {where} does not speak as a broker does ({type(error).__name__}): is it another service's port?")
    return Down(f"no connection to the broker {where} ({type(error).__name__}): is it running?")
