# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fetch: the document of uWSGI's stats server, over TCP, UNIX or abstract sockets, raw or over HTTP.

A raw stats server sends as soon as it is connected to. One with `stats-http` says nothing until it gets a request, and
blocks the master for up to four seconds meanwhile. Neither says which it is, so: listen for a moment, then ask.
"""

from __future__ import annotations

import contextlib
import re
import socket
import time
import typing as t

from ..._collect import stream
from ..._collect.problem import HungUp, Problem, Silent

#: Seconds to wait for a raw server's first byte (it needs 1 to 3 ms) before asking in HTTP.
PATIENCE = 0.25

#: A document of four thousand workers; the parsed one takes ten times as much.
MOST_BYTES = 4 * 1024 * 1024

_IF_TLS = "the stats server of uWSGI has none: is this the application's port, or that of a proxy?"

_EVERYWHERE = {"": "127.0.0.1", "*": "127.0.0.1", "0.0.0.0": "127.0.0.1", "[::]": "[::1]"}
_STATUS = re.compile(rb"^HTTP/\d\.\d (\d{3})")


class Address(t.NamedTuple):
    socket: stream.Address
    http: bool
    path: str


def address(where: str) -> Address:
    """Where the stats server listens, as uWSGI's own configuration, its other readers or a browser would write it."""
    text, path, http = where.strip(), "/", False
    scheme, separator, rest = text.partition("://")
    if separator:
        scheme = scheme.lower()
        if scheme not in ("http", "tcp", "unix"):
            raise Problem(f"the stats address may be http://, tcp:// or unix://, not {scheme}://; uWSGI has no other stats server")
        http, text = scheme == "http", rest
        if http:
            text, slash, tail = rest.rpartition("@")[2].partition("/")
            path = slash + tail or "/"
    if not text.startswith(("/", "@", "unix:")):
        host, colon, port = text.rpartition(":")
        text = _EVERYWHERE.get(host, host) + colon + port if colon else text
    return Address(stream.parse_address(text, 80 if http else None), http, path)


class Reader:
    """Reads one stats server again and again, remembering how it wants to be spoken to."""

    def __init__(self, where: str) -> None:
        self.address = address(where)
        self.shown = stream.shown(self.address.socket)
        self._ask_first = self.address.http
        self._known = False

    @property
    def local(self) -> bool:
        """Whether the stats server runs on this host, so that its process ids and sockets are this host's."""
        return stream.is_local(self.address.socket)

    @property
    def transport(self) -> str:
        if not isinstance(self.address.socket, str):
            return "tcp"
        return "abstract" if self.address.socket.startswith("@") else "unix"

    @property
    def place(self) -> str:
        """The address as uWSGI's other readers want it; without any user name or password."""
        return f"http://{self.shown}" if self.http and self.transport == "tcp" else self.shown

    @property
    def http(self) -> bool:
        """Whether the server answered in HTTP."""
        return self._known and self._ask_first

    def read(self, seconds: float) -> bytes:
        """The document's bytes, within `seconds` in all. A truncated response is requested once more the other way."""
        deadline = time.monotonic() + seconds
        body, asked = self._once(deadline, seconds, patience=0.0 if self._ask_first else (seconds if self._known else PATIENCE))
        if not _whole(body) and time.monotonic() < deadline - 0.1:
            # sending to a raw server may cut its answer short, and being silent to an HTTP server gets none
            body = self._once(deadline, seconds, patience=seconds if asked else 0.0)[0] or body
        if not body:
            raise HungUp(f"nothing received from {self.shown}, it hangs up; is this the stats socket?", self.address.socket, _IF_TLS)
        if not body.lstrip().startswith((b"{", b"[", b'"')):
            raise self._not_uwsgi(body)
        return body

    def _once(self, deadline: float, seconds: float, patience: float) -> tuple[bytes, bool]:
        """One response, and whether it needed a request: one is sent when nothing arrives within `patience` seconds."""
        with self._connect(max(0.1, deadline - time.monotonic())) as conn:
            try:
                asked = not patience or (patience < seconds and not _speaks(conn, min(patience, seconds / 4)))
                if asked:
                    self._ask(conn)
                data = stream.read_all(conn, max(0.0, deadline - time.monotonic()), MOST_BYTES, self._foreign)
            except TimeoutError as late:
                got = len(late.args[0]) if late.args and isinstance(late.args[0], bytes) else 0
                what = f"only {got} bytes of an answer" if got else "nothing"
                said = f"{what} received from {self.shown} within {seconds:g} s; is this the stats socket?"
                raise Silent(said, self.address.socket, _IF_TLS) from None
        return self._body(data), asked

    def _foreign(self, data: bytearray) -> bool:
        """Whether enough came: never, but what begins like no document and does not end is not read to the last byte."""
        begin = bytes(data[:64]).lstrip()
        if len(data) > 65536 and not begin.startswith((b"{", b"HTTP/")):
            raise self._not_uwsgi(begin)
        return False

    def _not_uwsgi(self, data: bytes) -> Problem:
        return Problem(f"what answers at {self.shown} is not uWSGI's stats server{stream.instead(data[:64])}; is this the stats socket?")

    def _connect(self, seconds: float) -> socket.socket:
        place = self.address.socket
        if self.transport != "abstract" or not isinstance(place, str):
            return stream.connect(place, seconds)
        try:
            # uWSGI's own abstract names end in a NUL, which people leave out and other programs' names lack
            return stream.connect(place + "\0", seconds)
        except Problem:
            return stream.connect(place, seconds)

    def _ask(self, conn: socket.socket) -> None:
        host = self.shown if self.transport == "tcp" else "localhost"
        request = f"GET {self.address.path} HTTP/1.0\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        with contextlib.suppress(OSError):  # it closed already; what it sent before can still be read
            conn.sendall(request.encode("utf-8", "replace"))

    def _body(self, data: bytes) -> bytes:
        status = _STATUS.match(data)
        if not status:
            if _whole(data):
                self._known, self._ask_first = True, False
            return data
        if status.group(1) != b"200":
            raise Problem(f"{self.shown} answered HTTP {status.group(1).decode()}, not uWSGI's stats; is this the stats socket?")
        self._known, self._ask_first = True, True
        head, _sep, body = data.partition(b"\r\n\r\n")
        if not body.lstrip().startswith((b"{", b"[", b'"')):
            kind = re.search(rb"(?i)content-type: *([a-z/+-]{1,40})", head)
            shown = kind.group(1).decode() if kind else "no content type"
            raise Problem(f"{self.shown} answered HTTP with {shown}, not uWSGI's stats; is this the application's port?")
        return body


def _speaks(conn: socket.socket, seconds: float) -> bool:
    """Whether anything (or the end) arrives by itself within `seconds`; nothing is taken from the stream."""
    conn.settimeout(seconds)
    try:
        conn.recv(1, socket.MSG_PEEK)
    except (socket.timeout, TimeoutError):
        return False
    except OSError:
        return True
    return True


def _whole(body: bytes) -> bool:
    return body[:64].lstrip().startswith(b"{") and body[-64:].rstrip().endswith(b"}")
