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

from .backlog import ask

_ESTABLISHED = 1 << 1
_INFO = 2  # INET_DIAG_INFO
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
        request = struct.pack("=BBBBI", family, socket.IPPROTO_TCP, 1 << (_INFO - 1), 0, _ESTABLISHED) + bytes(48)
        for body in ask(request):
            row = _connection(body, family)
            found[row.inode] = row
    return found


def _connection(body: bytes, family: socket.AddressFamily) -> Connection:
    ports = struct.unpack_from("!HH", body, 4)
    size = 4 if family == socket.AF_INET else 16
    ends = [address_of(body[start : start + size], port) for start, port in zip((8, 24), ports)]
    unread, _unsent, _uid, inode = struct.unpack_from("=IIII", body, 56)
    info = next((value for kind, value in _attributes(body, 72) if kind == _INFO), b"")
    sent, received = (struct.unpack_from("=I", info, place)[0] if len(info) >= place + 4 else None for place in (_SENT, _RECEIVED))
    return Connection(inode, ends[0], ends[1], unread, sent, received)


def _attributes(body: bytes, place: int) -> t.Iterator[tuple[int, bytes]]:
    while place + 4 <= len(body):
        length, kind = struct.unpack_from("=HH", body, place)
        yield kind, body[place + 4 : place + length]
        place += max(4, (length + 3) & ~3)


def address_of(packed: bytes, port: int) -> str:
    if len(packed) == 16 and packed[:12] == bytes(10) + b"\xff\xff":
        packed = packed[12:]
    if len(packed) == 4:
        return f"{socket.inet_ntop(socket.AF_INET, packed)}:{port}"
    return f"[{socket.inet_ntop(socket.AF_INET6, packed)}]:{port}"
