# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A peer that answers what a test tells it: whole, in small pieces, late, silent, or by closing at once."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
import typing as t

Answer = t.Callable[[socket.socket], None]


def sends(data: bytes, piece: int = 0, pause: float = 0.0, wait_for: bytes = b"") -> Answer:
    """Send the bytes (in pieces with pauses), after the peer sent `wait_for` when that is given."""

    def answer(conn: socket.socket) -> None:
        got = b""
        while wait_for and wait_for not in got:
            chunk = conn.recv(4096)
            if not chunk:
                return
            got += chunk
        for start in range(0, len(data), piece or len(data) or 1):
            conn.sendall(data[start : start + (piece or len(data))])
            if pause:
                time.sleep(pause)

    return answer


def silent(conn: socket.socket) -> None:
    """Accept and say nothing until the peer gives up."""
    while conn.recv(4096):
        pass


def answers(replies: dict[bytes, bytes], end: bytes = b"\r\n") -> Answer:
    """A line protocol: each line in, the reply of that line out; an unknown line gets ERROR."""

    def answer(conn: socket.socket) -> None:
        pending = b""
        while True:
            chunk = conn.recv(4096)
            if not chunk:
                return
            pending += chunk
            while end in pending:
                line, _sep, pending = pending.partition(end)
                conn.sendall(replies.get(line, b"ERROR\r\n"))

    return answer


@contextlib.contextmanager
def peer(answer: Answer, path: t.Optional[str] = None) -> t.Iterator[str]:
    """Listen on a free loopback port (or a UNIX path, or `@abstract`) and answer every connection; gives the address."""
    if path is None:
        listener = socket.create_server(("127.0.0.1", 0))
        address = f"127.0.0.1:{listener.getsockname()[1]}"
    else:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind("\0" + path[1:] if path.startswith("@") else path)
        listener.listen()
        address = path
    closing = threading.Event()

    def serve(conn: socket.socket) -> None:
        with conn, contextlib.suppress(OSError):
            answer(conn)
            # closed with something unread, the kernel resets the connection: the peer could lose the answer, or fail to send on
            conn.shutdown(socket.SHUT_WR)
            conn.settimeout(5)
            while conn.recv(4096):
                pass

    def accept() -> None:
        while not closing.is_set():
            try:
                conn, _peer = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(conn,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield address
    finally:
        closing.set()
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
