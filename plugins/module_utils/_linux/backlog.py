# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many connections wait on listening sockets, asked from the kernel over netlink (what `ss -ltx` asks).

The only source for UNIX sockets, whose queue uWSGI itself always reports as 0. Needs no tool, no library and no
privilege, and sees the sockets of this network namespace.
"""

from __future__ import annotations

import dataclasses
import os
import socket
import struct
import typing as t

from .._collect.problem import Problem

PROC = "/proc"

_SOCK_DIAG = 4  # NETLINK_SOCK_DIAG
_BY_FAMILY = 20  # SOCK_DIAG_BY_FAMILY
_ERROR, _DONE = 2, 3
_DUMP = 0x301  # NLM_F_REQUEST | NLM_F_DUMP
_LISTEN = 1 << 10
_HEADER = struct.Struct("=IHHII")
_NAME, _QUEUE = 0, 4  # UNIX_DIAG_NAME, UNIX_DIAG_RQLEN


@dataclasses.dataclass(frozen=True)
class Backlog:
    """A listening socket: how many connections wait to be accepted, and how many may."""

    kind: str  # "tcp" | "unix"
    address: str  # IP address, or the path of a UNIX socket (`@name` when abstract)
    port: t.Optional[int]
    inode: int
    waiting: int
    limit: int


def listening(*kinds: str) -> list[Backlog]:
    """Every listening socket of these kinds ("tcp", "unix"; both without any). A Problem when the kernel does not tell."""
    found: list[Backlog] = []
    for kind in kinds or ("tcp", "unix"):
        if kind == "unix":
            found += [_unix(body) for body in _ask(struct.pack("=BBHIIIII", socket.AF_UNIX, 0, 0, _LISTEN, 0, 0x11, 2**32 - 1, 2**32 - 1))]
        else:
            for family in (socket.AF_INET, socket.AF_INET6):
                request = struct.pack("=BBBBI", family, socket.IPPROTO_TCP, 0, 0, _LISTEN) + bytes(48)
                found += [_tcp(body, family) for body in _ask(request)]
    return found


def _ask(request: bytes, seconds: float = 2.0) -> list[bytes]:
    bodies: list[bytes] = []
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _SOCK_DIAG) as conn:
            conn.settimeout(seconds)
            conn.send(_HEADER.pack(_HEADER.size + len(request), _BY_FAMILY, _DUMP, 1, 0) + request)
            while True:
                data = conn.recv(1 << 20)
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
        raise Problem(f"the kernel does not tell the backlog of listening sockets ({reason})") from None


def _unix(body: bytes) -> Backlog:
    inode = struct.unpack_from("=I", body, 4)[0]
    name, waiting, limit, place = "", 0, 0, 16
    while place + 4 <= len(body):
        length, kind = struct.unpack_from("=HH", body, place)
        value = body[place + 4 : place + length]
        if kind == _NAME:
            abstract = value.startswith(b"\0")
            name = ("@" if abstract else "") + value.strip(b"\0").decode("utf-8", "replace")
        elif kind == _QUEUE:
            waiting, limit = struct.unpack_from("=II", value)
        place += max(4, (length + 3) & ~3)
    return Backlog("unix", name, None, inode, waiting, limit)


def _tcp(body: bytes, family: socket.AddressFamily) -> Backlog:
    port = struct.unpack_from("!H", body, 4)[0]
    address = socket.inet_ntop(family, body[8:12] if family == socket.AF_INET else body[8:24])
    waiting, limit, _uid, inode = struct.unpack_from("=IIII", body, 56)
    return Backlog("tcp", address, port, inode, waiting, limit)


def overflows() -> dict[str, int]:
    """Connections this machine refused or dropped since boot because an accept queue was full; empty when unknown.

    `ListenOverflows` and `ListenDrops` of /proc/net/netstat: of all TCP sockets of the network namespace together.
    """
    try:
        with open(f"{PROC}/net/netstat", encoding="ascii", errors="replace") as handle:
            rows = [line.split() for line in handle if line.startswith("TcpExt:")]
    except OSError:
        return {}
    pairs = dict(zip(rows[0], rows[1])) if len(rows) == 2 else {}
    return {name: int(pairs[name]) for name in ("ListenOverflows", "ListenDrops") if pairs.get(name, "").isdigit()}


def somaxconn() -> t.Optional[int]:
    """The kernel's ceiling for any accept queue."""
    try:
        with open(f"{PROC}/sys/net/core/somaxconn", encoding="ascii") as handle:
            return int(handle.read())
    except (OSError, ValueError):
        return None
