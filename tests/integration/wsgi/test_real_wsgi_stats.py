# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real application servers of every kind: busy workers and waiting requests are what the application itself counts."""

from __future__ import annotations

import http.client
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.host_tools import HostTools
from ansible_collections.warroom.launch.plugins.module_utils._collectors.wsgi.collector import COLLECTOR
from tests.soak import counting_table
from tests.support.server import wait_until
from tests.support.tools import RealCommands
from tests.support.wsgi import Wsgi

#: `make soak` takes 200 samples of each kind.
SAMPLES = 20


@pytest.mark.parametrize("name", counting_table.cases())
def test_it_agrees_with_the_application(name: str) -> None:
    found = counting_table.row(name, 1, SAMPLES)
    assert found.passed, found.said


def asked(server: Wsgi, count: int, seconds: float = 8.0) -> list[http.client.HTTPConnection]:
    """So many requests that have no answer yet."""
    conns = [http.client.HTTPConnection("127.0.0.1", server.port, timeout=30) for _each in range(count)]
    for conn in conns:
        conn.request("GET", f"/{seconds}")
    return conns


def facts(server: Wsgi) -> dict[str, t.Any]:
    tools = HostTools(RealCommands())
    (options,) = [each for each in COLLECTOR.discover(tools) if each["name"] == f"127.0.0.1:{server.port}"]
    sampler = COLLECTOR.sampler(options, tools)
    sampler.first()
    sampler.watch(0.6)
    sampler.second()
    found = sampler.facts(0.6).done()
    assert all(found["unknown"].values())
    return found


@pytest.fixture(scope="module")
def sync() -> t.Iterator[Wsgi]:
    with Wsgi("gunicorn sync") as server:
        yield server


def test_the_facts_of_a_full_gunicorn(sync: Wsgi) -> None:
    conns = asked(sync, 5)
    wait_until(lambda: sync.counted() == (3, 3), "all three workers have a request")
    found = facts(sync)
    assert (found["workers"]["busy"], found["requests_waiting"], found["listen_queue"]) == (3, 2, 2)
    assert found["saturated"] and 0 < found["oldest_request_seconds"] < 30
    assert found["server"] == "gunicorn" and found["worker_class"] == "sync" and found["configured"]["processes"] == 3
    assert found["memory_bytes"] > 0 and found["addable"]["workers"] is not None and len(found["worker_list"]) == 3
    assert found["waits"]["sleep_ratio"] == 1.0, "the application sleeps"
    for conn in conns:
        conn.close()


def test_a_unix_socket_has_no_ages() -> None:
    words = ("gunicorn", "-b", "127.0.0.1:{port}", "-b", "unix:{dir}/app.sock", "-w", "1", "app:wsgi")
    with Wsgi("gunicorn sync", *words) as server:
        found = facts(server)
        assert {each["kind"] for each in found["sockets"]} == {"tcp", "unix"} and found["workers"]["busy"] == 0
