# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Somebody who accepts connections and says nothing is unknown, unless its process is seen to be stopped: then it is down."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.command import Commands
from ansible_collections.warroom.launch.plugins.module_utils._collect.host_tools import HostTools
from ansible_collections.warroom.launch.plugins.module_utils._collect.run import gather
from ansible_collections.warroom.launch.plugins.module_utils._collectors.memcached.collector import COLLECTOR as MEMCACHED
from ansible_collections.warroom.launch.plugins.module_utils._collectors.uwsgi.collector import COLLECTOR as UWSGI

LISTENS = """
import socket, sys, time
one = socket.socket(socket.AF_UNIX) if sys.argv[1] else socket.socket()
one.bind(sys.argv[1] or ("127.0.0.1", 0))
one.listen()
print(sys.argv[1] or "127.0.0.1:%d" % one.getsockname()[1], flush=True)
time.sleep(60)
"""


@pytest.fixture(params=["tcp", "unix"])
def silent(request: pytest.FixtureRequest, tmp_path: t.Any) -> t.Iterator[tuple[subprocess.Popen[str], str]]:
    """A process of its own that accepts connections (its kernel does) and never answers."""
    path = str(tmp_path / "s") if request.param == "unix" else ""
    with subprocess.Popen([sys.executable, "-c", LISTENS, path], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()
        process.kill()


def _state(process: subprocess.Popen[str]) -> str:
    with open(f"/proc/{process.pid}/stat", encoding="ascii") as stat:
        return stat.read().rpartition(")")[2].split()[0]


@pytest.mark.parametrize(("collector", "option"), [(MEMCACHED, "address"), (UWSGI, "stats")])
def test_silence_is_unknown_and_a_stopped_process_is_down(silent: tuple[subprocess.Popen[str], str], collector: t.Any, option: str) -> None:
    process, address = silent

    def read() -> dict[str, t.Any]:
        instance: dict[str, t.Any] = gather([(collector, {option: address})], 0.0, HostTools(Commands(None), timeout=0.3))[collector.key][
            "instances"
        ][0]
        return instance

    before = read()
    assert before["state"] == "unreadable" and "does it hang?" in before["problem"] or "is this the stats socket?" in before["problem"]
    os.kill(process.pid, signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED)
    assert _state(process) == "T"
    stopped = read()
    assert stopped["state"] == "down"
    assert f"{address} accepts connections and does not answer: its process (pid {process.pid}) is stopped" in stopped["problem"]
