# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connected UNIX sockets and what is at their other end, asked from the kernel over netlink as `ss -x` does."""

from __future__ import annotations

import socket
import struct
import typing as t

from .backlog import ask

_ESTABLISHED = 1 << 1
_SHOW_NAME, _SHOW_PEER = 1, 4
_NAME, _PEER = 0, 2


class End(t.NamedTuple):
    """`peer`: the address `unix:/path` (`unix:@name` when abstract) that it was connected to; None when the other end has no name."""

    accepted: bool
    peer: t.Optional[str]


def connected() -> dict[int, End]:
    """By inode. A Problem when the kernel does not tell."""
    request = struct.pack("=BBHIIIII", socket.AF_UNIX, 0, 0, _ESTABLISHED, 0, _SHOW_NAME | _SHOW_PEER, 2**32 - 1, 2**32 - 1)
    names: dict[int, str] = {}
    peers: dict[int, int] = {}
    for body in ask(request):
        inode = struct.unpack_from("=I", body, 4)[0]
        place = 16
        peers[inode] = 0
        while place + 4 <= len(body):
            length, kind = struct.unpack_from("=HH", body, place)
            value = body[place + 4 : place + length]
            if kind == _NAME and value:
                names[inode] = ("@" if value.startswith(b"\0") else "") + value.strip(b"\0").decode("utf-8", "replace")
            elif kind == _PEER and len(value) >= 4:
                peers[inode] = struct.unpack_from("=I", value)[0]
            place += max(4, (length + 3) & ~3)
    return {inode: End(inode in names, f"unix:{names[peer]}" if peer in names else None) for inode, peer in peers.items()}
