# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connected UNIX sockets and what is at their other end, asked from the kernel over netlink as `ss -x` does."""

from __future__ import annotations

import struct
import typing as t

from . import sock_diag

ABOUT = "who is connected to UNIX sockets"


class End(t.NamedTuple):
    """`peer`: the address `unix:/path` (`unix:@name` when abstract) that it was connected to; None when the other end has no name."""

    accepted: bool
    peer: t.Optional[str]


def connected() -> dict[int, End]:
    """By inode. A Problem when the kernel does not say."""
    names: dict[int, str] = {}
    peers: dict[int, int] = {}
    for body in sock_diag.unix_sockets(sock_diag.ESTABLISHED, sock_diag.SHOW_NAME | sock_diag.SHOW_PEER, ABOUT):
        inode = struct.unpack_from("=I", body, 4)[0]
        peers[inode] = 0
        for kind, value in sock_diag.attributes(body):
            if kind == sock_diag.NAME and value:
                names[inode] = sock_diag.name_of(value)
            elif kind == sock_diag.PEER and len(value) >= 4:
                peers[inode] = struct.unpack_from("=I", value)[0]
    return {inode: End(inode in names, f"unix:{names[peer]}" if peer in names else None) for inode, peer in peers.items()}
