# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which connections of a server hold a request, on real sockets, and by the kernel's figures."""

from __future__ import annotations

import contextlib
import os
import select
import socket

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._linux import backlog, opened, served
from tests.support.server import wait_until


@pytest.mark.parametrize(
    ("unread", "sent", "received", "segments", "expected"),
    [
        (40, 900, 900, (0, 0), True),
        (0, 900, 900, (0, 0), False),
        (0, 900, 900, (1, 0), True),
        (0, 0, 900, (0, 1), False),
        (0, 900, 100, (2, 1), True),
        (0, 100, 900, (2, 2), False),
        (0, 500, 500, (2, 2), None),
        (0, 500, 500, None, None),
        (0, 900, 100, None, True),
    ],
)
def test_a_request_without_its_answer(
    unread: int, sent: int, received: int, segments: tuple[int, int] | None, expected: bool | None
) -> None:
    assert served._holds_request(unread, sent, received, segments) is expected


def test_a_server_that_is_bound_to_any_address_has_no_connection_of_one_that_is_bound_to_its_own() -> None:
    with contextlib.ExitStack() as stack:
        own, every, to_own, to_every = (stack.enter_context(socket.socket()) for _each in range(4))
        for server, host in ((own, "127.0.0.1"), (every, "0.0.0.0")):
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            server.bind((host, own.getsockname()[1]))
            server.listen(5)
        to_own.connect(own.getsockname())
        to_every.connect(("127.0.0.2", own.getsockname()[1]))
        rows = [row for row in backlog.listening("tcp") if row.port == own.getsockname()[1]]
        counted = {row.address: (row.waiting, len(served.connections(row, rows))) for row in rows}
        assert counted == {"127.0.0.1": (1, 1), "0.0.0.0": (1, 1)}


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::1"])
def test_the_connections_of_a_listening_socket(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with contextlib.ExitStack() as stack:
        server, silent, asking, waiting = (stack.enter_context(socket.socket(family)) for _each in range(4))
        server.bind((host, 0))
        server.listen(5)
        port = server.getsockname()[1]
        here = "::1" if ":" in host else "127.0.0.1"
        (listener,) = [row for row in backlog.listening("tcp") if row.port == port]
        silent.connect((here, port))
        first, _address = server.accept()
        asking.connect((here, port))
        second, _address = server.accept()
        waiting.connect((here, port))
        with first, second:
            asking.sendall(b"GET")
            assert second.recv(3) == b"GET"
            waiting.sendall(b"GET")
            inodes = {os.fstat(conn.fileno()).st_ino: name for conn, name in ((first, "silent"), (second, "asking"))}

            def found() -> dict[str, served.Served]:
                return {inodes.get(row.inode, "waiting"): row for row in served.connections(listener)}

            wait_until(lambda: found()["waiting"].unread == 3, "the third request has come")
            rows = found()
            assert {name: row.request for name, row in rows.items()} == {"silent": False, "asking": True, "waiting": True}
            assert rows["waiting"].inode == 0 and rows["asking"].age is not None


def test_what_a_process_watches() -> None:
    with socket.socket() as server, select.epoll() as loop:
        loop.register(server.fileno(), select.EPOLLIN)
        found = opened.of(os.getpid())
        assert found is not None and os.fstat(server.fileno()).st_ino in found.inodes and loop.fileno() in found.epolls
        assert opened.watched(os.getpid(), loop.fileno()) == {server.fileno()}
    assert opened.of(2**22 + 1) is None and opened.watched(os.getpid(), 10**6) == set()
