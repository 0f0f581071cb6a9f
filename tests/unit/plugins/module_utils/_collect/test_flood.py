# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A connection that receives more than any service sends is shut down; the others stay."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect import flood, stream
from tests.support import replay


def pours(conn: socket.socket) -> None:
    while True:
        conn.sendall(b"x" * 65536)


def swallow(conn: socket.socket, piece: int = 1 << 20, pause: float = 0.0) -> int:
    """Read as a client library does, until the connection ends."""
    size = 0
    with contextlib.suppress(OSError):
        while data := conn.recv(piece):
            size += len(data)
            time.sleep(pause)
    return size


def test_a_flood_is_cut_and_its_neighbour_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flood, "MOST_BYTES", 3_000_000)
    monkeypatch.setattr(flood, "MOST_BYTES_PER_SECOND", 0)
    with (
        replay.peer(pours) as bad,
        replay.peer(replay.answers({b"ping": b"pong\r\n"})) as good,
        stream.connect(stream.parse_address(bad), 5) as flooded,
        stream.connect(stream.parse_address(good), 5) as healthy,
        flood.Guard() as guard,
    ):
        assert swallow(flooded) >= 3_000_000
        healthy.sendall(b"ping\r\n")
        assert healthy.recv(10) == b"pong\r\n"
        port = int(bad.rpartition(":")[2])
        assert guard.cut == {("127.0.0.1", port)}
        assert "sends without end" in (guard.reason(bad, []) or "") and "sends without end" in (guard.reason("db", [port]) or "")
        assert guard.reason(good, []) is None and guard.reason("db", [3306]) is None


@pytest.mark.parametrize("family", ["tcp", "unix"])
def test_the_busiest_connection_is_cut_when_memory_grows(family: str, monkeypatch: pytest.MonkeyPatch, tmp_path: t.Any) -> None:
    monkeypatch.setattr(flood, "MOST_MEMORY", 0)
    monkeypatch.setattr(flood, "MOST_GROWTH", -(1 << 50))
    monkeypatch.setattr(flood, "_BUSY", 1000)
    path = str(tmp_path / "s") if family == "unix" else None
    with replay.peer(pours, path) as bad, stream.connect(stream.parse_address(bad), 5) as conn, flood.Guard():
        reader = threading.Thread(target=lambda: swallow(conn, 1 << 15, 0.001), daemon=True)
        reader.start()
        reader.join(60)
        assert not reader.is_alive()


def test_quiet_connections_stay_when_memory_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flood, "MOST_MEMORY", 0)
    monkeypatch.setattr(flood, "MOST_GROWTH", -(1 << 50))
    with replay.peer(replay.answers({b"ping": b"pong\r\n"})) as good, stream.connect(stream.parse_address(good), 5) as conn:
        guard = flood.Guard()
        for _look in range(5):
            guard.look()
            conn.sendall(b"ping\r\n")
            assert conn.recv(10) == b"pong\r\n"
        assert not guard.cut
