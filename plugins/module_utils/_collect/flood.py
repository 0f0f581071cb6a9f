# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A bound on what the client libraries receive: they keep what a peer sends until an answer is whole, if it never is.

The kernel counts what each TCP connection of ours received. A connection that received more than any service sends, or the
busiest one when our memory grows beyond its bound, is shut down, whatever library holds it: it sees the peer hang up.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import struct
import threading
import time
import typing as t

from .stream import shown

#: What one connection may have received: so much, and so much more for each second of its age.
MOST_BYTES, MOST_BYTES_PER_SECOND = 32 * 1024 * 1024, 8 * 1024 * 1024
#: Memory of this process from which on the busiest connection is shut down; the bound of a module is 150 MB.
MOST_MEMORY = 105 * 1024 * 1024
#: What a connection must have received since the last look to be the cause of growing memory.
#: What a process that is large already may still gain: it is the growth that a flood causes.
MOST_GROWTH = 40 * 1024 * 1024
_BUSY = 512 * 1024
#: Bytes that wait in a UNIX socket, which has no counter, when its peer sends faster than we read.
_WAITING = 4096
_PAUSE = 0.02
_PAGE = os.sysconf("SC_PAGE_SIZE")
_BYTES_RECEIVED = 128  # the place of tcpi_bytes_received in tcp_info, since Linux 4.1
_FIONREAD = 0x541B


class Guard:
    """Looks at the connections of this process while instances are sampled. Use as a context manager."""

    def __init__(self) -> None:
        self._ended = threading.Event()
        self._since: dict[str, float] = {}
        self._received: dict[str, int] = {}
        self._begun_with = _memory()
        self.cut: set[tuple[str, int]] = set()  # addresses of the peers

    def __enter__(self) -> Guard:
        threading.Thread(target=self._watch, name="flood guard", daemon=True).start()
        return self

    def __exit__(self, *_exc: t.Any) -> None:
        self._ended.set()

    def _watch(self) -> None:
        while not self._ended.wait(_PAUSE):
            with contextlib.suppress(OSError):
                self.look()

    def look(self) -> None:
        """One look at all connections."""
        busiest: t.Optional[socket.socket] = None
        most = _BUSY
        grown = _memory() > max(MOST_MEMORY, self._begun_with + MOST_GROWTH)
        with contextlib.ExitStack() as stack:
            for inode, conn in _connections():
                stack.enter_context(conn)
                gained, too_much = self._account(inode, conn, grown)
                if too_much:
                    self._shut(conn)
                elif gained > most:
                    busiest, most = conn, gained
            if grown and busiest is not None:
                self._shut(busiest)

    def _account(self, inode: str, conn: socket.socket, grown: bool) -> tuple[int, bool]:
        """(bytes received since the last look, whether they are more than any service sends)."""
        if conn.family == socket.AF_UNIX:
            waiting = _waiting(conn) if grown else 0
            return (_BUSY + waiting if waiting >= _WAITING else 0), False
        received = _received(conn)
        age = time.monotonic() - self._since.setdefault(inode, time.monotonic())
        gained = received - self._received.get(inode, 0)
        self._received[inode] = received
        return gained, received > MOST_BYTES + MOST_BYTES_PER_SECOND * age

    def _shut(self, conn: socket.socket) -> None:
        with contextlib.suppress(OSError):
            peer = conn.getpeername()
            conn.shutdown(socket.SHUT_RDWR)
            if isinstance(peer, tuple):
                self.cut.add((str(peer[0]), int(peer[1])))

    def reason(self, name: str, places: t.Iterable[t.Any]) -> t.Optional[str]:
        """Why the instance of this name, that is reached at these places, lost its connection, if it was the guard."""
        said = " ".join([name, *map(str, places)])
        for address in self.cut:
            if shown(address) in said or f":{address[1]}" in said or str(address[1]) in said.split():
                return (
                    f"what answers at {shown(address)} sends without end, more than any answer of this service holds, "
                    "so it was hung up on: is it another service's port?"
                )
        return None


def _memory() -> int:
    with open("/proc/self/statm", encoding="ascii") as handle:
        return int(handle.read().split()[1]) * _PAGE


def _connections() -> t.Iterator[tuple[str, socket.socket]]:
    """(inode, a descriptor of ours) of every stream socket of this process."""
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            link = os.readlink(f"/proc/self/fd/{name}")
            if link.startswith("socket:["):
                conn = socket.socket(fileno=os.dup(int(name)))
                if conn.type == socket.SOCK_STREAM and conn.family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX):
                    yield link, conn
                else:
                    conn.close()


def _received(conn: socket.socket) -> int:
    info = conn.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    return int(struct.unpack_from("=Q", info, _BYTES_RECEIVED)[0]) if len(info) >= _BYTES_RECEIVED + 8 else 0


def _waiting(conn: socket.socket) -> int:
    try:
        return int(struct.unpack("i", fcntl.ioctl(conn.fileno(), _FIONREAD, b"\0\0\0\0"))[0])
    except OSError:
        return 0  # one that listens
