# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connections of a listening TCP socket, accepted or not, and which of them hold a request: asked over netlink, as `ss -ti` does.

A request that came later than the last answer is unanswered, and the time since its last byte came is its age. Needs no privilege.
"""

from __future__ import annotations

import socket
import struct
import typing as t

from . import addresses, sock_diag
from .backlog import Backlog

ABOUT = "which connections await an answer"
#: One whose client has gone (CLOSE_WAIT) still holds who works for it.
_STATES = sock_diag.ESTABLISHED | sock_diag.CLOSE_WAIT
# struct tcp_info: tcpi_last_data_sent and tcpi_last_data_recv (milliseconds ago), tcpi_data_segs_in and tcpi_data_segs_out
_TIMES, _SEGMENTS = struct.Struct("=I4xI"), struct.Struct("=II")
_TIMES_AT, _SEGMENTS_AT = 44, 152
# struct inet_diag_msg: idiag_rqueue, idiag_wqueue, idiag_uid, idiag_inode
_ROW, _ROW_AT = struct.Struct("=IIII"), 56
_ANY = ("0.0.0.0", "::")


class Served(t.NamedTuple):
    """A connection as its server's kernel knows it. `inode`: 0 until it is accepted."""

    inode: int
    #: Whether a request came that has no answer; None when request and answer fell into one tick of the kernel's clock.
    request: t.Optional[bool] = None
    #: Bytes that the server has not read yet.
    unread: int = 0
    #: Seconds since data came last.
    age: t.Optional[float] = None


def connections(listener: Backlog, others: t.Iterable[Backlog] = ()) -> list[Served]:
    """Those of one listening TCP socket; others of its port and address are not told apart. A Problem when the kernel does not tell.

    `others`: every listening socket: to an address that one of them is bound to, one that is bound to any address gets no connection.
    """
    port = listener.port or 0
    family = socket.AF_INET6 if ":" in listener.address else socket.AF_INET
    rows = sock_diag.inet_sockets(family, socket.IPPROTO_TCP, _STATES, ABOUT, info=True, least_port=port, greatest_port=port)
    if listener.address not in _ANY:
        packed = socket.inet_pton(family, listener.address)
        rows = [body for body in rows if body[8 : 8 + len(packed)] == packed]
    else:
        taken = {socket.inet_pton(family, row.address) for row in others if row.port == port and _is_one_of(row.address, family)}
        rows = [body for body in rows if body[8 : 8 + (4 if family == socket.AF_INET else 16)] not in taken]
    return [_served(body) for body in rows]


def _is_one_of(address: str, family: socket.AddressFamily) -> bool:
    """Whether it is a single address of the family."""
    return address not in _ANY and (":" in address) == (family == socket.AF_INET6)


def _served(body: bytes) -> Served:
    unread, _unsent, _uid, inode = _ROW.unpack_from(body, _ROW_AT)
    info = sock_diag.attribute(body, sock_diag.TCP_INFO, sock_diag.INET_FIXED)
    if len(info) < _TIMES_AT + _TIMES.size:
        return Served(inode, True if unread else None, unread)
    sent, received = _TIMES.unpack_from(info, _TIMES_AT)
    segments = _SEGMENTS.unpack_from(info, _SEGMENTS_AT) if len(info) >= _SEGMENTS_AT + _SEGMENTS.size else None
    return Served(inode, _holds_request(unread, sent, received, segments), unread, received / 1000)


def _holds_request(unread: int, sent: int, received: int, segments: t.Optional[tuple[int, int]]) -> t.Optional[bool]:
    """`sent`, `received`: how long ago; `segments`: with data, that came and that went, where the kernel counts them (since 4.6)."""
    if unread:
        return True
    if segments is not None and 0 in segments:
        return segments[0] > 0  # nothing was asked, or nothing answered yet
    return None if sent == received else received < sent


def address_of(listener: Backlog) -> str:
    """As people write it: `ip:port`, or the path of a UNIX socket."""
    return listener.address if listener.port is None else addresses.with_port(listener.address, listener.port)
