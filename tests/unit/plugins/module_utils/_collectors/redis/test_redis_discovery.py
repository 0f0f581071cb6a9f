# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers and sentinels among the processes of a host."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.host_tools import HostTools
from ansible_collections.warroom.launch.plugins.module_utils._collectors.redis import collector
from ansible_collections.warroom.launch.plugins.module_utils._linux.processes import Listener, Process, Processes


def _tools(monkeypatch: pytest.MonkeyPatch, rows: list[Process], listeners: list[Listener]) -> HostTools:
    processes = Processes(rows, False)
    monkeypatch.setattr(processes, "listening", lambda pid: listeners)
    return HostTools(None, _processes=processes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "name, title, listeners, address",
    [
        ("redis-server", "/usr/bin/redis-server 127.0.0.1:6379", [Listener("tcp", "127.0.0.1", 6379, 1)], "127.0.0.1:6379"),
        ("redis-server", "redis-server *:7001 [cluster]", [Listener("tcp", "0.0.0.0", 17001, 1), Listener("tcp", "0.0.0.0", 7001, 2)],
         "127.0.0.1:7001"),
        ("redis-sentinel", "redis-sentinel *:26379 [sentinel]", [Listener("tcp", "::", 26379, 1)], "[::1]:26379"),
        ("valkey-server", "valkey-server 10.0.0.5:6380", [], "10.0.0.5:6380"),
        ("keydb-server", "keydb-server *:6381", [], "127.0.0.1:6381"),
        ("dragonfly", "dragonfly --port 6390 --maxmemory=4g", [], "127.0.0.1:6390"),
        ("valkey-server", "valkey-server unixsocket:/run/v.sock", [Listener("unix", "/run/v.sock", None, 1)], "/run/v.sock"),
        ("redis-server", "redis-server --port 7777", [], "127.0.0.1:7777"),
    ],
)  # fmt: skip
def test_where_it_listens(name: str, title: str, listeners: list[Listener], address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    argv = tuple(title.split()) if "--port" in title else (title,)
    assert [row["address"] for row in collector.discover(_tools(monkeypatch, [Process(7, 1, name, 0, argv)], listeners))] == [address]


def test_a_child_that_saves_is_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    parent, child = Process(7, 1, "redis-server", 0, ("redis-server *:6379",)), Process(8, 7, "redis-server", 0, ("redis-rdb-bgsave",))
    found: list[dict[str, t.Any]] = collector.discover(_tools(monkeypatch, [parent, child], [Listener("tcp", "0.0.0.0", 6379, 1)]))
    assert [row["address"] for row in found] == ["127.0.0.1:6379"]
