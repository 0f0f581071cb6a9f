# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What it costs to look at an application server with 200 connections: our processor time, and how much of it is one look of `ss`."""

from __future__ import annotations

import contextlib
import http.client
import resource
import subprocess
import time

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.host_tools import HostTools
from ansible_collections.warroom.launch.plugins.module_utils._collectors.wsgi.collector import COLLECTOR
from tests.support.server import wait_until
from tests.support.tools import RealCommands
from tests.support.wsgi import Wsgi

pytestmark = [pytest.mark.bench, pytest.mark.timeout(300)]

CONNECTIONS, ROUNDS, WINDOW = 200, 5, 5.0
#: Seconds of processor time of a whole window.
MOST = 0.05
_GUNICORN = ("gunicorn", "-b", "127.0.0.1:{port}", "-w", "4", "-t", "120")
#: kind → its command line.
SERVERS: dict[str, tuple[str, ...]] = {
    "sync": (*_GUNICORN, "app:wsgi"),
    "gthread": (*_GUNICORN, "--threads", "10", "app:wsgi"),
    "asgi": (*_GUNICORN, "-k", "asgi", "app:asgi"),
    "uvicorn": ("uvicorn", "--port", "{port}", "--workers", "4", "app:asgi"),
}


@pytest.mark.parametrize("kind", SERVERS)
def test_two_hundred_connections_cost_under_50_ms(kind):
    with Wsgi(kind, *SERVERS[kind]) as server, contextlib.ExitStack() as stack:
        for _each in range(CONNECTIONS):
            conn = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
            stack.callback(conn.close)
            conn.request("GET", "/90")
        wait_until(lambda: still(server), "the workers to have taken what they can", 60)
        running = server.counted()[1]
        spent, found = zip(*[looked_at(server) for _round in range(ROUNDS)])
        floor = min(of_ss(server.port) for _round in range(ROUNDS))
    least = min(spent)  # what else the machine does only adds to it
    print(f"{kind}: {1000 * least:.1f} ms of CPU for {found[-1]['samples']} looks, {least / floor:.1f} times one call of ss")
    assert {(facts["requests_waiting"], facts["requests_running"]) for facts in found} == {(CONNECTIONS - running, running)}
    assert all(facts["samples"] > 2 for facts in found), "it is not cheap because it does not look"
    assert least < MOST


def still(server: Wsgi) -> bool:
    before = server.counted()
    time.sleep(1)
    return server.counted() == before


def looked_at(server: Wsgi) -> tuple[float, dict]:
    """(processor seconds, the facts) of discovery and a window."""
    begun = time.process_time()
    tools = HostTools(RealCommands())
    (options,) = [each for each in COLLECTOR.discover(tools) if each["name"] == server.name]
    sampler = COLLECTOR.sampler(options, tools)
    sampler.first()
    sampler.watch(WINDOW)
    sampler.second()
    found = sampler.facts(WINDOW).done()
    return time.process_time() - begun, found


def of_ss(port: int) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(["ss", "-tni", f"sport = :{port}"], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
