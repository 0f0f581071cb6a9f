# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The process table and listening sockets of this very machine."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._linux.processes import Listener, Process, Processes, nearest


def test_finds_a_process_and_its_listening_sockets(tmp_path: object) -> None:
    path = f"{tmp_path}/s.sock"
    code = (
        "import socket, sys, time; a = socket.create_server(('127.0.0.1', 0)); b = socket.socket(socket.AF_UNIX);"
        f" b.bind({path!r}); b.listen(); print(a.getsockname()[1], flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout is not None
            port = int(child.stdout.readline())
            table = Processes.read()
            row = next(row for row in table.rows if row.pid == child.pid)
            assert row.ppid == os.getpid() and row.uid == os.getuid() and row.argv[1] == "-c"
            assert [(one.kind, one.address, one.port) for one in table.listening(child.pid)] == [
                ("tcp", "127.0.0.1", port),
                ("unix", path, None),
            ]
            assert child.pid in [row.pid for row in table.children(os.getpid())]
        finally:
            child.kill()


def test_own_socket_on_ipv6_is_seen() -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as listener:
        found = Processes.read().listening(os.getpid())
        assert ("::1", listener.getsockname()[1]) in [(one.address, one.port) for one in found]


def test_a_vanished_process_is_no_error() -> None:
    assert Processes.read().listening(2**22 + 1) == []


def test_options_of_a_command_line() -> None:
    process = Process(1, 0, "uwsgi", 0, ("uwsgi", "--stats", "a", "--ini=b.ini", "-n", "c", "-P/d", "--stats=e"))
    assert process.option("--stats") == "e"
    assert process.option("--ini") == "b.ini"
    assert process.option("-n") == "c" and process.option("-P") == "/d"
    assert process.option("--none") is None and process.option("--sta") is None


def test_an_ended_process_that_nobody_collected_is_found_only_where_none_is_left() -> None:
    """https://github.com/DeepQuestAI/DeepStack-Base/issues/2, https://github.com/krallin/tini/issues/42: nobody collects them"""
    gone, runs = Process(7, 1, "redis-server", 0, (), "Z"), Process(9, 1, "redis-server", 0, ("redis-server",), "S")
    assert Processes([gone, runs], False).named("redis-server") == [runs]
    assert Processes([gone], False).named("redis-server") == [gone]


@pytest.mark.parametrize(
    ("place", "met"),
    [("127.0.0.1:8000", [7]), ("10.0.0.5:8000", [8]), ("localhost:8000", [7]), ("127.0.0.1:8001", []), ("/run/a.sock", [9])],
)
def test_who_is_bound_to_the_very_address_is_met(place: str, met: list[int]) -> None:
    listening = {
        8: [Listener("tcp", "0.0.0.0", 8000, 2)],
        7: [Listener("tcp", "127.0.0.1", 8000, 1)],
        9: [Listener("unix", "/run/a.sock", None, 3)],
    }
    assert nearest(listening, place) == met
