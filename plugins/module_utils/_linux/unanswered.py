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
# struct tcp_info: tcpi_last_data_sent, tcpi_last_data_recv (milliseconds ago), tcpi_min_rtt (microseconds; the largest number: none yet),
# tcpi_data_segs_in, tcpi_data_segs_out
_SENT, _RECEIVED, _ROUND_TRIP, _SEGMENTS = 44, 52, 148, (152, 156)


@dataclasses.dataclass(frozen=True)
class Connection:
    """One end of a TCP connection; addresses as `ip:port`, IPv6 in brackets, IPv4 in its own form where it is mapped."""

    inode: int
    local: str
    peer: str
    unread: int
    sent_ago: t.Optional[int]
    received_ago: t.Optional[int]
    #: The shortest time to the other end and back that the kernel saw in the last minutes: the network alone, no work of the other end.
    round_trip_us: t.Optional[int] = None
    #: Packets with data that came and went over it; None where the kernel does not count them.
    received: t.Optional[int] = None
    sent: t.Optional[int] = None
    #: The other end has not accepted it yet.
    opening: bool = False

    @property
    def never_answered(self) -> bool:
        """Whether nothing came back over it yet: neither a greeting nor an answer."""
        return self.received == 0

    @property
    def quiet_for(self) -> t.Optional[int]:
        """Milliseconds since anything was last sent or received over it, or it was opened; 0 while it is being opened."""
        if self.opening:
            return 0
        return None if self.sent_ago is None or self.received_ago is None else min(self.sent_ago, self.received_ago)

    @property
    def awaits(self) -> t.Optional[bool]:
        """Whether its request is unanswered, or its greeting has not come; None when both happened within the kernel's tick."""
        if self.unread:
            return False
        if self.opening or self.never_answered:
            return True
        if self.sent_ago is None or self.received_ago is None or self.sent_ago == self.received_ago:
            return None
        return self.sent_ago < self.received_ago

    @property
    def local_port(self) -> int:
        return int(self.local.rpartition(":")[2])


class Connections:
    """TCP connections of this network namespace by inode. Those that nobody asks for are not taken apart."""

    def __init__(self, rows: t.Mapping[int, tuple[bytes, socket.AddressFamily]]) -> None:
        self._rows = rows

    def get(self, inode: int) -> t.Optional[Connection]:
        row = self._rows.get(inode)
        return None if row is None else _connection(*row)


def connections(opened_here: bool = False) -> Connections:
    """All established ones, or those that this host opened or is opening: the kernel leaves out a server's accepted ones, which may be
    very many.

    A Problem when the kernel does not say.
    """
    found = {}
    port = _first_ephemeral() if opened_here else 0
    states = sock_diag.ESTABLISHED | (sock_diag.SYN_SENT if opened_here else 0)
    for family in (socket.AF_INET, socket.AF_INET6):
        rows = sock_diag.inet_sockets(family, socket.IPPROTO_TCP, states, ABOUT, info=True, least_port=port)
        found.update({_inode(body)[1]: (body, family) for body in rows})
    return Connections(found)


def _first_ephemeral() -> int:
    """The first port that the kernel gives to connections that are opened here."""
    try:
        with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as handle:
            return int(handle.read().split()[0])
    except (OSError, ValueError, IndexError):
        return 0


def udp_peers() -> dict[int, str]:
    """With whom connected UDP sockets of this network namespace talk, by inode. A Problem when the kernel does not say."""
    found = {}
    for family in (socket.AF_INET, socket.AF_INET6):
        for body in sock_diag.inet_sockets(family, socket.IPPROTO_UDP, sock_diag.ESTABLISHED, ABOUT):
            found[_inode(body)[1]] = ends(body, family)[1]
    return found


def _connection(body: bytes, family: socket.AddressFamily) -> Connection:
    local, peer = ends(body, family)
    unread, inode = _inode(body)
    info = sock_diag.attribute(body, sock_diag.TCP_INFO, sock_diag.INET_FIXED)
    sent, received, trip = (_figure(info, place) for place in (_SENT, _RECEIVED, _ROUND_TRIP))
    received_packets, sent_packets = (_figure(info, place) for place in _SEGMENTS)
    nearest = None if trip == 2**32 - 1 else trip
    opening = 1 << body[1] == sock_diag.SYN_SENT
    return Connection(inode, local, peer, unread, sent, received, nearest, received_packets, sent_packets, opening)


def _figure(info: bytes, place: int) -> t.Optional[int]:
    return struct.unpack_from("=I", info, place)[0] if len(info) >= place + 4 else None


def _inode(body: bytes) -> tuple[int, int]:
    """(bytes to be read, inode)"""
    unread, _unsent, _uid, inode = struct.unpack_from("=IIII", body, 56)
    return unread, inode


def ends(body: bytes, family: socket.AddressFamily) -> tuple[str, str]:
    """(own end, other end) of a row of sock_diag."""
    ports = struct.unpack_from("!HH", body, 4)
    size = 4 if family == socket.AF_INET else 16
    hosts = [addresses.unmapped(socket.inet_ntop(family, body[start : start + size])) for start in (8, 24)]
    return addresses.with_port(hosts[0], ports[0]), addresses.with_port(hosts[1], ports[1])
