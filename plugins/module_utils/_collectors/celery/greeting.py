# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The first bytes of a broker, looked at before a client library reads: those libraries read without a limit, and retry for long."""

from __future__ import annotations

import socket
import time
import typing as t

from ..._collect import resp, stream
from ..._collect.problem import Hangs, HungUp, Problem

#: RabbitMQ's first frame: a method on channel 0, of a size that a greeting has; or the protocol that it wants instead.
_FRAME, _LARGEST_GREETING = b"\x01\x00\x00", 1 << 17
#: RabbitMQ's frames have 128 KiB. Its library would wait for all of what is announced.
_LARGEST_FRAME = 1 << 20
#: What to do about a broker that speaks TLS.
_IF_TLS = "the broker URL begins with rediss:// or amqps:// then"


def redis(where: str, address: stream.Address, seconds: float) -> None:
    """Raise Down, Hangs or Problem unless Redis answers there."""
    with stream.connect(address, seconds) as conn:
        resp.greet(conn, address, seconds, f"the broker {where}", "a broker", _IF_TLS)


def ask_once(connection: t.Any) -> None:
    """Have a kombu connection to Redis ask each thing once: newer client libraries repeat three times what timed out."""
    from kombu.transport import redis as transport  # pylint: disable=import-outside-toplevel

    try:
        from redis.backoff import NoBackoff  # pylint: disable=import-outside-toplevel
        from redis.retry import Retry  # pylint: disable=import-outside-toplevel
    except ImportError:
        return  # an old library, that repeats nothing

    class Channel(transport.Channel):  # type: ignore[misc,unused-ignore]
        def _connparams(self, *how: t.Any, **more: t.Any) -> t.Any:
            return {**super()._connparams(*how, **more), "retry": Retry(NoBackoff(), 0)}

    connection.transport_cls = type("Transport", (transport.Transport,), {"Channel": Channel})


def check_amqp(connection: t.Any, where: str, seconds: float, encrypted: bool) -> None:
    """Have a kombu connection to RabbitMQ look at the server's first frame before it reads it, unless that is encrypted."""
    from kombu.transport import pyamqp  # pylint: disable=import-outside-toplevel

    class Connection(pyamqp.Connection):  # type: ignore[misc,unused-ignore]
        def Transport(self, *place: t.Any, **more: t.Any) -> t.Any:  # the library's name for it
            transport = super().Transport(*place, **more)
            original = transport.connect

            def connect() -> None:
                original()
                _look(transport.sock, where, seconds)

            read = transport._read

            def bounded(count: int, *rest: t.Any, **options: t.Any) -> t.Any:
                if count > _LARGEST_FRAME:
                    raise Problem(f"what answers at {where} does not speak as a broker does: it announces frames that no broker sends")
                return read(count, *rest, **options)

            settings = transport._get_tcp_socket_defaults

            def settable(sock: socket.socket) -> dict[int, t.Any]:
                # the library sets what it has just read: over the loopback the kernel refuses that size once something was received
                return {option: value for option, value in settings(sock).items() if option != socket.TCP_MAXSEG}

            transport._get_tcp_socket_defaults = settable
            if encrypted:
                return transport
            transport._read = bounded
            transport.connect = connect
            return transport

    connection.transport_cls = type("Transport", (pyamqp.Transport,), {"Connection": Connection})


def _look(sock: socket.socket, where: str, seconds: float) -> None:
    """Leave the bytes where they are."""
    deadline, before = time.monotonic() + seconds, sock.gettimeout()
    address = t.cast("stream.Address", sock.getpeername()[:2])
    first = b""
    while len(first) < 7 and time.monotonic() < deadline:
        sock.settimeout(max(0.01, deadline - time.monotonic()))
        try:
            first = sock.recv(7, socket.MSG_PEEK)
        except (TimeoutError, BlockingIOError):
            break
        except OSError:
            first = b""
        finally:
            sock.settimeout(before)
        if not first:
            raise HungUp(f"the broker {where} hangs up without an answer: is it another service's port?", address, _IF_TLS)
        if len(first) < 7:
            time.sleep(0.005)
    if not first:
        late = f"the broker {where} did not answer within {seconds:g} s: it hangs, or is no RabbitMQ"
        raise Hangs(late, address, _IF_TLS)
    if first[:4] == b"AMQP":
        raise Problem(f"what answers at {where} speaks another version of AMQP: is this RabbitMQ's own port?")
    if first[:3] != _FRAME or int.from_bytes(first[3:7], "big") > _LARGEST_GREETING:
        raise Problem(f"what answers at {where} does not speak as a broker does{stream.instead(first)}: is it another service's port?")
