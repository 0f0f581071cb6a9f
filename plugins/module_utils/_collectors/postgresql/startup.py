# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The first words with a server, spoken without libpq: does PostgreSQL answer there, and by which code does it refuse?

libpq gives the text of a refusal only, and that speaks the server's language. The message itself carries a code (SQLSTATE) and
the name of the server's routine that refused, which no locale changes.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import os
import socket
import ssl
import struct
import time
import typing as t

from ..._collect import stream
from ..._collect.problem import Hangs, HungUp, Problem
from ..._texts.plain import text

_PROTOCOL = 196608  # 3.0
_SSL_REQUEST = struct.pack("!II", 8, 80877103)
#: No message of a login is longer; a longer one is not PostgreSQL's.
_LONGEST = 65536
_SCRAM = b"SCRAM-SHA-256"
#: PostgreSQL is asked for TLS in the clear.
_IF_TLS = "is this PostgreSQL's own address, and not that of a proxy? See login_host, login_port"
#: The database of a PgBouncer that is its console, and its user there.
CONSOLE = "pgbouncer"
NO_PASSWORD = "no password was given"


class Refusal(t.NamedTuple):
    """Why a server does not let us in: SQLSTATE and routine where it told them, and its own words."""

    message: str
    code: t.Optional[str] = None
    routine: t.Optional[str] = None
    ours: t.Optional[str] = None  # the address that the server sees us come from; None over a UNIX socket


class _Broken(Exception):
    """The peer does not keep to the protocol, or has ended."""


class _Wire:
    """Messages over a socket, within `seconds` in all."""

    def __init__(self, conn: socket.socket, seconds: float) -> None:
        self.conn = conn
        self._deadline = time.monotonic() + seconds

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            left = self._deadline - time.monotonic()
            if left <= 0:
                raise _Broken
            self.conn.settimeout(left)
            chunk = self.conn.recv(count - len(data))
            if not chunk:
                raise _Broken
            data += chunk
        return data

    def receive(self) -> tuple[bytes, bytes]:
        """(kind, body)."""
        kind, length = struct.unpack("!cI", self._exactly(5))
        if not 4 <= length <= _LONGEST:
            raise _Broken
        return kind, self._exactly(length - 4)

    def send(self, kind: bytes, body: bytes) -> None:
        self.conn.sendall(kind + struct.pack("!I", len(body) + 4) + body)

    def authentication(self) -> tuple[int, bytes]:
        """(method, its data) of the next message, or the server's refusal."""
        kind, body = self.receive()
        if kind == b"E":
            raise _Refused(body)
        if kind != b"R" or len(body) < 4:
            raise _Broken
        return struct.unpack("!I", body[:4])[0], body[4:]


class _Refused(Exception):
    """An ErrorResponse."""

    def __init__(self, body: bytes) -> None:
        super().__init__()
        self.fields = {field[:1]: text(field[1:]) for field in body.split(b"\0") if field}


def greet(address: stream.Address, seconds: float) -> None:
    """Raise Down, Hangs or Problem unless PostgreSQL (or a pooler of it) answers at the address."""
    where = stream.shown(address)
    with stream.connect(address, seconds) as conn:
        try:
            conn.sendall(_SSL_REQUEST)
            answer = stream.read_all(conn, seconds, enough=bool)
        except TimeoutError:
            raise Hangs(
                f"{where} accepts connections and does not answer within {seconds:g} s: it hangs, or is no PostgreSQL", address, _IF_TLS
            ) from None
        except OSError:
            answer = b""
    # a server answers with one byte, a very old one with an error message; whatever says more is something else
    if answer not in (b"S", b"N") and answer[:1] != b"E":
        own = "is this PostgreSQL's own address? See login_host, login_port"
        if not answer:
            raise HungUp(f"what answers at {where} hangs up: {own}", address, _IF_TLS)
        raise Problem(f"what answers at {where} does not speak PostgreSQL's protocol{stream.instead(answer)}: {own}")


def refusal(
    address: stream.Address, user: str, database: str, password: t.Optional[str], seconds: float, encrypted: bool = True
) -> t.Optional[Refusal]:
    """By which code the server refuses this user there; None when it does not, or says it in a way that is not understood."""
    try:
        with contextlib.ExitStack() as stack:
            conn = stack.enter_context(stream.connect(address, seconds))
            ours = conn.getsockname()[0] if isinstance(address, tuple) else None
            if encrypted and isinstance(address, tuple):
                conn = _encrypted(stack, conn, seconds)
            words = ("user", user, "database", database, "")
            wire = _Wire(conn, seconds)
            wire.send(b"", struct.pack("!I", _PROTOCOL) + b"".join(word.encode() + b"\0" for word in words))
            try:
                return _log_in(wire, user, password)
            except _Refused as refused:
                fields = refused.fields
                return Refusal(fields.get(b"M", ""), fields.get(b"C"), fields.get(b"R"), ours)
    except (_Broken, Problem, OSError, ValueError, struct.error):
        return None


def _encrypted(stack: contextlib.ExitStack, conn: socket.socket, seconds: float) -> socket.socket:
    """TLS where the server offers it. Its certificate is not checked: nothing is sent that would serve another."""
    conn.settimeout(seconds)
    conn.sendall(_SSL_REQUEST)
    if conn.recv(1) != b"S":
        return conn
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return stack.enter_context(context.wrap_socket(conn))


def _log_in(wire: _Wire, user: str, password: t.Optional[str]) -> t.Optional[Refusal]:
    """Up to the point where the server takes us in (None) or refuses (raises)."""
    method, data = wire.authentication()
    if method in (3, 5, 10) and not password:
        return Refusal(NO_PASSWORD, "28P01")
    if method == 5 and password:
        inner = hashlib.md5(password.encode() + user.encode(), usedforsecurity=False).hexdigest()
        wire.send(b"p", b"md5" + hashlib.md5(inner.encode() + data[:4], usedforsecurity=False).hexdigest().encode() + b"\0")
        method, data = wire.authentication()
    elif method == 10 and password and _SCRAM in data.split(b"\0"):
        method = _scram(wire, password)
    if method != 0:
        return None  # a method that only libpq speaks, or a password in the clear, which is not sent twice
    kind, body = wire.receive()
    if kind == b"E":
        raise _Refused(body)
    return None


def _scram(wire: _Wire, password: str) -> int:
    """RFC 5802 without channel binding: proves that we know the password, and shows nothing that could be used again."""
    first = b"n=,r=" + base64.b64encode(os.urandom(18))
    wire.send(b"p", _SCRAM + b"\0" + struct.pack("!I", len(first) + 3) + b"n,," + first)
    method, server = wire.authentication()
    if method != 11:
        raise _Broken
    told = dict(part.split(b"=", 1) for part in server.split(b",") if b"=" in part)
    rounds = int(told.get(b"i", b"0"))
    if not 0 < rounds <= 1_000_000 or b"r" not in told:
        raise _Broken
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(told.get(b"s", b"")), rounds)
    key = hmac.digest(salted, b"Client Key", "sha256")
    last = b"c=biws,r=" + told[b"r"]
    signature = hmac.digest(hashlib.sha256(key).digest(), b",".join((first, server, last)), "sha256")
    proof = bytes(mine ^ theirs for mine, theirs in zip(key, signature))
    wire.send(b"p", last + b",p=" + base64.b64encode(proof))
    method, _server = wire.authentication()
    if method == 12:
        method, _server = wire.authentication()
    return method
