# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fetch: memcached's text protocol over TCP, UNIX sockets and TLS, with ASCII authentication, and latency probes."""

from __future__ import annotations

import contextlib
import socket
import time
import typing as t

from ..._collect import stream
from ..._collect.problem import Full, HungUp, Problem, Silent
from ..._texts.redact import clean
from . import parse

DEFAULT_PORT = 11211
#: Read by the latency probes; nobody sets it.
PROBE_KEY = "warroom.launch.probe"


#: What to do about a server that speaks TLS.
_IF_TLS = "set the option tls"


class Closed(HungUp):
    """The peer hung up instead of answering."""


class Session:
    """One connection. It only reads: the login is sent only to a server that asked for one (elsewhere it would be a `set`)."""

    def __init__(self, options: t.Mapping[str, t.Any], seconds: float) -> None:
        self.address = stream.parse_address(options["address"], DEFAULT_PORT)
        self.seconds = seconds
        self._login = (options.get("username"), options.get("password"))
        begun = time.perf_counter()
        self.conn = stream.connect(self.address, seconds)
        try:
            if self.conn.family != socket.AF_UNIX:
                self.conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if options.get("tls"):
                self.conn = _wrapped(self.conn, self.address, options)
        except BaseException:
            self.close()
            raise
        self.connect_seconds = time.perf_counter() - begun

    @property
    def shown(self) -> str:
        return stream.shown(self.address)

    def ask(self, command: str, limit: int = 1024 * 1024) -> bytes:
        """The whole answer to one command, after logging in when the server wants that."""
        answer = self._exchange(command.encode() + b"\r\n", limit)
        if not parse.wants_login(answer):
            return answer
        self._log_in()
        return self._exchange(command.encode() + b"\r\n", limit)

    def get(self, key: str) -> bytes:
        """The answer to a get; a Problem when it is not one."""
        answer = self._exchange(f"get {key}\r\n".encode())
        if not answer.startswith((b"END", b"VALUE")):
            raise Problem(f"{self.shown} answers a get with {clean(answer[:40])!r}")
        return answer

    def _exchange(self, request: bytes, limit: int = 1024 * 1024) -> bytes:
        where = self.shown
        try:
            self.conn.settimeout(self.seconds)
            self.conn.sendall(request)
            answer = stream.read_all(self.conn, self.seconds, limit, parse.complete)
        except TimeoutError as late:
            got = late.args[0] if late.args and isinstance(late.args[0], bytes) else b""
            parse.refuse_foreign(got, where)
            what = f"no {'complete ' if got else ''}answer from {where} within {self.seconds:g} s"
            raise Silent(f"{what}; does it want SASL or TLS (option tls), or does it hang?", self.address, _IF_TLS) from None
        except OSError as error:
            if not stream.is_hang_up(error):
                raise
            answer = b""
        parse.refuse_foreign(answer, where)
        if answer.startswith(parse.FULL):
            raise Full(where, "as many are connected as its option -c allows")
        if not parse.complete(answer):
            raise Closed(
                f"{where} closed without {'a complete' if answer else 'an'} answer; does it want TLS (option tls), or is it a proxy that "
                "has no stats?",
                self.address,
                _IF_TLS,
            )
        return answer

    def _log_in(self) -> None:
        username, password = self._login
        if not username or password is None:
            raise Problem(f"authentication required by {self.shown}: give the options username and password")
        words = f"{username} {password}".encode()
        answer = self._exchange(b"set auth 0 0 %d\r\n%s\r\n" % (len(words), words))
        if not answer.startswith(b"STORED"):
            raise Problem(f"authentication failed at {self.shown}: check the options username and password, it does not know these")

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.conn.close()


def _wrapped(conn: socket.socket, address: stream.Address, options: t.Mapping[str, t.Any]) -> socket.socket:
    from ..._collect import tls  # loads ssl

    context = tls.trusted(options.get("ca_cert") or None)
    if not options.get("validate_certs", True):
        context = tls.unchecked()
    elif isinstance(address, str):
        context.check_hostname = False  # the path of a UNIX socket is no name in a certificate
    return tls.wrapped(
        conn, address, context, "give its authority in ca_cert, or set validate_certs to false", "set the option tls to false"
    )


def _greeted(options: t.Mapping[str, t.Any], seconds: float) -> Session:
    """A session that is logged in where that is needed."""
    session = Session(options, seconds)
    try:
        session.ask("version")
    except Closed:
        session.close()
        return Session(options, seconds)  # twemproxy hangs up on commands other than those of data
    except BaseException:
        session.close()
        raise
    return session


def _getter(session: Session) -> t.Callable[[], t.Any]:
    """One get: by the client library that applications use, or in its absence by the protocol itself."""
    try:
        from pymemcache.client.base import Client  # pylint: disable=import-outside-toplevel
    except ImportError:
        return lambda: session.get(PROBE_KEY)
    client = Client(("", 0), no_delay=True)
    client.sock = session.conn
    return lambda: client.get(PROBE_KEY)


def probe(options: t.Mapping[str, t.Any], count: int, seconds: float) -> tuple[float, list[float]]:
    """Seconds to connect, and of each of `count` gets of a key of ours that does not exist, as a client sees them.

    On a connection of its own and with a limit in all, so that a slow server costs no more than `seconds`.
    """
    session = _greeted(options, seconds)
    get = _getter(session)
    taken: list[float] = []
    deadline = time.monotonic() + seconds
    try:
        while len(taken) < count and time.monotonic() < deadline:
            session.conn.settimeout(max(deadline - time.monotonic(), 0.001))
            begun = time.perf_counter()
            get()
            taken.append(time.perf_counter() - begun)
    except Exception as error:  # pylint: disable=broad-exception-caught # whatever a strange server makes the library raise
        raise Problem(f"a get failed after {len(taken)} of {count}: {type(error).__name__}") from None
    finally:
        session.close()
    return session.connect_seconds, taken
