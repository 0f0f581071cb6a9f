# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Established TCP connections as the kernel knows them, and which of them await an answer: asked over netlink, as `ss -ti` does.

Where a thread waits in poll, select or epoll, no system call names the connection. But its socket tells when data was last sent and last
received: what was sent after anything was received, with nothing left to read, is a request without its answer.
"""

from __future__ import annotations

import dataclasses
import socket
import struct
import typing as t

from . import addresses, sock_diag

ABOUT = "which connections await an answer"
_SENT, _RECEIVED = 44, 52  # struct tcp_info: tcpi_last_data_sent, tcpi_last_data_recv (milliseconds ago)


@dataclasses.dataclass(frozen=True)
class Connection:
    """One end of a TCP connection; addresses as `ip:port`, IPv6 in brackets, IPv4 in its own form where it is mapped."""

    inode: int
    local: str
    peer: str
    unread: int
    sent_ago: t.Optional[int]
    received_ago: t.Optional[int]

    @property
    def awaits(self) -> t.Optional[bool]:
        """Whether its request is unanswered; None when both happened within the kernel's tick."""
        if self.unread:
            return False
        if self.sent_ago is None or self.received_ago is None or self.sent_ago == self.received_ago:
            return None
        return self.sent_ago < self.received_ago

    @property
    def local_port(self) -> int:
        return int(self.local.rpartition(":")[2])


def connections() -> dict[int, Connection]:
    """Established TCP connections of this network namespace by inode. A Problem when the kernel does not tell."""
    found = {}
    for family in (socket.AF_INET, socket.AF_INET6):
        for body in sock_diag.tcp_sockets(family, sock_diag.ESTABLISHED, ABOUT, info=True):
            row = _connection(body, family)
            found[row.inode] = row
    return found


def _connection(body: bytes, family: socket.AddressFamily) -> Connection:
    ports = struct.unpack_from("!HH", body, 4)
    size = 4 if family == socket.AF_INET else 16
    hosts = [addresses.unmapped(socket.inet_ntop(family, body[start : start + size])) for start in (8, 24)]
    local, peer = (addresses.with_port(host, port) for host, port in zip(hosts, ports))
    unread, _unsent, _uid, inode = struct.unpack_from("=IIII", body, 56)
    info = next((value for kind, value in sock_diag.attributes(body, sock_diag.INET_FIXED) if kind == sock_diag.TCP_INFO), b"")
    sent, received = (struct.unpack_from("=I", info, place)[0] if len(info) >= place + 4 else None for place in (_SENT, _RECEIVED))
    return Connection(inode, local, peer, unread, sent, received)
