# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sockets of our own network namespace, asked from the kernel over netlink (what `ss` asks). Needs no tool, no library and no privilege."""

from __future__ import annotations

import os
import socket
import struct
import typing as t

from .._collect.problem import Problem

_SOCK_DIAG = 4  # NETLINK_SOCK_DIAG
_BY_FAMILY = 20  # SOCK_DIAG_BY_FAMILY
_ERROR, _DONE = 2, 3
_DUMP = 0x301  # NLM_F_REQUEST | NLM_F_DUMP
_HEADER = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")

#: States of a socket, as bits.
ESTABLISHED, SYN_SENT, CLOSE_WAIT, LISTEN, ALL = 1 << 1, 1 << 2, 1 << 8, 1 << 10, 2**32 - 1
#: What a row of a UNIX socket shows, as bits, and its attributes: the name, the inode of the peer, the queue.
SHOW_NAME, SHOW_PEER, SHOW_QUEUE = 1, 4, 16
NAME, PEER, QUEUE = 0, 2, 4
#: The attribute of a TCP socket's row that holds its `tcp_info`.
TCP_INFO = 2
#: Bytes of an answer beyond which it is not read on: some hundred thousand sockets.
MOST_BYTES = 32 * 1024 * 1024


def ask(request: bytes, about: str, seconds: float = 2.0) -> list[bytes]:
    """The rows of a dump. A Problem, that says what it was about, when the kernel does not give them."""
    bodies: list[bytes] = []
    received = 0
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _SOCK_DIAG) as conn:
            conn.settimeout(seconds)
            conn.send(_HEADER.pack(_HEADER.size + len(request), _BY_FAMILY, _DUMP, 1, 0) + request)
            while received < MOST_BYTES:
                data = conn.recv(1 << 20)
                received += len(data)
                place = 0
                while place + _HEADER.size <= len(data):
                    length, kind, _flags, _sequence, _pid = _HEADER.unpack_from(data, place)
                    body = data[place + _HEADER.size : place + length]
                    if kind == _DONE:
                        return bodies
                    if kind == _ERROR:
                        raise OSError(-struct.unpack_from("=i", body)[0], "netlink error")
                    bodies.append(body)
                    place += max(_HEADER.size, (length + 3) & ~3)
    except (OSError, struct.error, AttributeError) as error:
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else type(error).__name__
        raise Problem(f"the kernel does not report {about} ({reason})") from None
    raise Problem(f"the kernel does not report {about} (there are too many sockets)")


def unix_sockets(states: int, show: int, about: str) -> list[bytes]:
    """The rows of UNIX sockets in these states."""
    return ask(struct.pack("=BBHIIIII", socket.AF_UNIX, 0, 0, states, 0, show, ALL, ALL), about)


#: Bytes of the fixed part of a row.
UNIX_FIXED, INET_FIXED = 16, 72


def inet_sockets(
    family: socket.AddressFamily,
    protocol: int,
    states: int,
    about: str,
    info: bool = False,
    least_port: int = 0,
    greatest_port: int = 0,
) -> list[bytes]:
    """The rows of TCP or UDP sockets of a family in these states, with the kernel's `tcp_info` if so wished.

    `least_port`, `greatest_port`: only those whose own port is at least, and at most, this; the kernel leaves out the others.
    """
    request = struct.pack("=BBBBI", family, protocol, 1 << (TCP_INFO - 1) if info else 0, 0, states) + bytes(48)
    terms = [(_SOURCE_PORT_AT_LEAST, least_port), (_SOURCE_PORT_AT_MOST, greatest_port)]
    return ask(request + _own_port([term for term in terms if term[1]]), about)


_BYTECODE, _SOURCE_PORT_AT_LEAST, _SOURCE_PORT_AT_MOST = 1, 2, 3  # INET_DIAG_REQ_BYTECODE, INET_DIAG_BC_S_GE, INET_DIAG_BC_S_LE
_TERM = struct.Struct("=BBHBBH")


def _own_port(terms: t.Sequence[tuple[int, int]]) -> bytes:
    """The kernel's filter: operations of 8 bytes with their operand; "no" leads behind the end, which means that the row is left out."""
    if not terms:
        return b""
    behind = len(terms) * _TERM.size + 4
    program = b"".join(
        _TERM.pack(operation, _TERM.size, behind - place * _TERM.size, 0, 0, port) for place, (operation, port) in enumerate(terms)
    )
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(program), _BYTECODE) + program


def attributes(body: bytes, place: int = UNIX_FIXED) -> t.Iterator[tuple[int, bytes]]:
    """What stands behind the fixed part of a row."""
    while place + _ATTRIBUTE.size <= len(body):
        length, kind = _ATTRIBUTE.unpack_from(body, place)
        yield kind, body[place + _ATTRIBUTE.size : place + length]
        place += max(_ATTRIBUTE.size, (length + 3) & ~3)


def attribute(body: bytes, wanted: int, place: int) -> bytes:
    """The one attribute of this kind, empty without one: a look at a busy server does this for each connection, so it is kept cheap."""
    end = len(body) - _ATTRIBUTE.size
    while place <= end:
        length, kind = _ATTRIBUTE.unpack_from(body, place)
        if kind == wanted:
            return body[place + _ATTRIBUTE.size : place + length]
        place += (length + 3) & ~3 or _ATTRIBUTE.size
    return b""


def name_of(value: bytes) -> str:
    """The path of a UNIX socket, `@name` when it is abstract."""
    return ("@" if value.startswith(b"\0") else "") + value.strip(b"\0").decode("utf-8", "replace")
