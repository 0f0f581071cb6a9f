# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One GET, bounded in time and size as a whole. The clients of the standard library bound each read only, and an answer has many."""

from __future__ import annotations

import contextlib
import io
import re
import socket
import time
import typing as t

from . import stream
from .problem import Down, HungUp, Problem, Silent

if t.TYPE_CHECKING:  # each takes more time to load than a reading does: loaded where they are needed
    import http.client
    import ssl

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d{1,15})\r\n", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked\r\n", re.IGNORECASE)
_BEGIN = b"HTTP/"


class Answer(t.NamedTuple):
    """`seconds`: from the connection until the headers were there; `body_seconds`: from then until enough of the body was."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes
    seconds: float
    body_seconds: float


class _Received:
    """In place of a socket, for the parser of the standard library."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, *_how: t.Any) -> io.BytesIO:
        return io.BytesIO(self._data)


class _Reading:
    """Tells when enough has arrived: all of it, the part that is wanted, or what begins like no HTTP."""

    def __init__(self, keep: t.Optional[int]) -> None:
        self._keep = keep
        self.begun = self.last = time.monotonic()
        self.head_seconds: t.Optional[float] = None
        self._end: t.Optional[int] = None
        self._chunked = False

    def enough(self, data: bytearray) -> bool:
        self.last = time.monotonic()
        if not _BEGIN.startswith(data[: len(_BEGIN)]):
            return True
        if self.head_seconds is None:
            self._look_for_head(data)
        if self._chunked and data.endswith(b"0\r\n\r\n"):
            return True
        return self._end is not None and len(data) >= self._end

    def _look_for_head(self, data: bytearray) -> None:
        head = data.find(b"\r\n\r\n")
        if head < 0:
            return
        self.head_seconds = time.monotonic() - self.begun
        lines = bytes(data[: head + 2])
        length = _LENGTH.search(lines)
        self._chunked = _CHUNKED.search(lines) is not None
        ends = [head + 4 + size for size in (int(length.group(1)) if length else None, self._keep) if size is not None]
        self._end = min(ends, default=None)


def get(
    address: stream.Address,
    path: str,
    headers: t.Mapping[str, str],
    seconds: float,
    *,
    what: str,
    limit: int,
    keep: t.Optional[int] = None,
    encrypted: t.Union[bool, ssl.SSLContext] = False,
    via: t.Optional[stream.Address] = None,
) -> Answer:
    """The answer, with a body of at most `keep` bytes. Raises Down, Silent, HungUp or Problem; a body over `limit` is one.

    `encrypted`: over TLS, True as this host trusts it. `via`: where to connect to instead of what the name of `address` resolves to.
    """
    where, deadline, request = stream.shown(address), time.monotonic() + seconds, _request(path, headers)
    with contextlib.ExitStack() as stack:
        conn = stack.enter_context(_connected(via or address, seconds, what))
        if encrypted:
            conn = stack.enter_context(_encrypted(conn, address, None if encrypted is True else encrypted))
        reading = _Reading(keep)
        data = _exchange(conn, request, deadline, seconds, reading, limit, f"{what} at {where}", address)
    if not data:
        raise HungUp(f"{what} at {where} hangs up without an answer", address, "write https://")
    if not data.startswith(_BEGIN):
        secure = ": write https://" if stream.tongue(data) == "TLS" else f": is this the address of {what}?"
        raise Problem(f"what answers at {where} does not speak HTTP{stream.instead(data)}{secure}")
    return _parsed(data, reading, f"{what} at {where}")


def _connected(address: stream.Address, seconds: float, what: str) -> socket.socket:
    try:
        return stream.connect(address, seconds)
    except Down as down:
        raise Down(f"{what} cannot be reached: {down}") from None


def _request(path: str, headers: t.Mapping[str, str]) -> bytes:
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in {**headers, "Connection": "close"}.items()), "", ""]
    if any("\r" in line or "\n" in line for line in lines):
        raise Problem("the URL holds a line break; it is not fetched")
    return "\r\n".join(lines).encode("utf-8", "replace")


def _encrypted(conn: socket.socket, address: stream.Address, context: t.Optional[ssl.SSLContext]) -> socket.socket:
    from . import tls

    trust = "let this host trust its authority, or write http:// where that is safe"
    return tls.wrapped(conn, address, context or tls.trusted(), trust, "write http://, or give the address that speaks TLS")


def _exchange(
    conn: socket.socket, request: bytes, deadline: float, seconds: float, reading: _Reading, limit: int, what: str, address: stream.Address
) -> bytes:
    try:
        conn.settimeout(max(0.01, deadline - time.monotonic()))
        conn.sendall(request)
        return stream.read_all(conn, max(0.0, deadline - time.monotonic()), limit, reading.enough)
    except TimeoutError as late:
        received = late.args[0] if late.args and isinstance(late.args[0], bytes) else b""
        if not received:
            raise Silent(f"{what} did not answer within {seconds:.2g} s", address, "write https://") from None
        raise Problem(f"no complete answer of {what} within {seconds:.2g} s: it does not end") from None
    except Problem:
        raise Problem(f"the answer of {what} does not end: it is longer than {limit >> 20} MiB") from None
    except OSError:
        return b""


def _parsed(data: bytes, reading: _Reading, what: str) -> Answer:
    import http.client

    answer = http.client.HTTPResponse(t.cast(t.Any, _Received(data)), method="GET")
    try:
        answer.begin()
        try:
            body = answer.read()
        except http.client.IncompleteRead as cut:  # by us or by the peer: what arrived is read
            body = cut.partial
    except (http.client.HTTPException, ValueError):
        raise Problem(f"the answer of {what} is not complete: it begins as HTTP does and is none") from None
    head = reading.head_seconds or 0.0
    return Answer(answer.status, answer.headers, body, round(head, 6), round(max(0.0, reading.last - reading.begun - head), 6))
