# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many connections wait on listening sockets, asked from the kernel over netlink (what `ss -ltx` asks).

The only source for UNIX sockets, whose queue uWSGI itself always reports as 0. Needs no tool, no library and no
privilege, and sees the sockets of this network namespace.
"""

from __future__ import annotations

import dataclasses
import socket
import struct
import typing as t

from . import sock_diag

PROC = "/proc"
ABOUT = "the backlog of listening sockets"


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
    """Every listening socket of these kinds ("tcp", "unix"; both without any). A Problem when the kernel does not say."""
    found: list[Backlog] = []
    for kind in kinds or ("tcp", "unix"):
        if kind == "unix":
            found += map(_unix, sock_diag.unix_sockets(sock_diag.LISTEN, sock_diag.SHOW_NAME | sock_diag.SHOW_QUEUE, ABOUT))
        else:
            for family in (socket.AF_INET, socket.AF_INET6):
                found += [_tcp(body, family) for body in sock_diag.inet_sockets(family, socket.IPPROTO_TCP, sock_diag.LISTEN, ABOUT)]
    return found


def _unix(body: bytes) -> Backlog:
    inode = struct.unpack_from("=I", body, 4)[0]
    name, waiting, limit = "", 0, 0
    for kind, value in sock_diag.attributes(body):
        if kind == sock_diag.NAME:
            name = sock_diag.name_of(value)
        elif kind == sock_diag.QUEUE:
            waiting, limit = struct.unpack_from("=II", value)
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
