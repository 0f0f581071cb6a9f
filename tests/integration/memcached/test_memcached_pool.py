# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A pool of three real servers behind a client: every way to spoil its balance is named, the balanced pool passes."""

from __future__ import annotations

import threading
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.base import Collector, Sampler
from ansible_collections.warroom.launch.plugins.module_utils._collect.options import _check
from ansible_collections.warroom.launch.plugins.module_utils._collect.run import gather
from ansible_collections.warroom.launch.plugins.module_utils._collectors.memcached.collector import COLLECTOR
from ansible_collections.warroom.launch.plugins.plugin_utils._fleet.memcached_pool import pools
from tests.support.memcached import Memcached, pool
from tests.support.tools import RealCommands, tools_with

Traffic = t.Callable[[t.Any, list[Memcached]], None]


def hashed(servers: list[Memcached]) -> t.Any:
    """The client as an application has it: one list of servers, keys spread by hash."""
    from pymemcache.client.hash import HashClient

    return HashClient([("127.0.0.1", server.port) for server in servers], no_delay=True, timeout=10)


def even(client: t.Any, _servers: list[Memcached]) -> None:
    for number in range(3000):
        client.set(f"page:{number}", b"x" * 200, noreply=False)
        client.get(f"page:{number}")


def hot_key(client: t.Any, servers: list[Memcached]) -> None:
    even(client, servers)
    for _number in range(12000):
        client.get("page:7")


def wrong_weights(_client: t.Any, servers: list[Memcached]) -> None:
    # a client that knows the first server six times, as one with a weight of six does
    from pymemcache.client.base import Client

    clients = [Client(("127.0.0.1", server.port), no_delay=True) for server in servers]
    spread = [clients[0]] * 6 + clients[1:]
    for number in range(3000):
        spread[number % len(spread)].set(f"page:{number}", b"x" * 200, noreply=False)
        spread[number % len(spread)].get(f"page:{number}")
    for client in clients:
        client.close()


def differing_lists(client: t.Any, servers: list[Memcached]) -> None:
    client.processes = [hashed(servers[:2]) for _process in range(4)]  # these stay connected, as application processes do
    for process in client.processes:
        even(process, servers)
    even(client, servers)


def a_server_unknown_to_the_clients(_client: t.Any, servers: list[Memcached]) -> None:
    client = hashed(servers[:2])
    even(client, servers)
    client.close()


@pytest.mark.parametrize(
    "traffic, cause",
    [
        (even, None),
        (hot_key, "hot key"),
        (wrong_weights, "hashing or weights"),
        (differing_lists, "differing client lists"),
        (a_server_unknown_to_the_clients, "a server gets nothing"),
    ],
)
def test_the_cause_of_an_unbalanced_pool(traffic: Traffic, cause: t.Optional[str]) -> None:
    with pool(3) as stack:
        servers: list[Memcached] = stack.servers  # type: ignore[attr-defined]
        client = hashed(servers)
        gate = threading.Barrier(len(servers))

        class Watching(COLLECTOR.sampler):  # type: ignore[name-defined,misc]
            def watch(self: Sampler, seconds: float) -> None:
                if gate.wait(30) == 0:
                    traffic(client, servers)
                gate.wait(120)

        collector = Collector(COLLECTOR.service, COLLECTOR.options, Watching, COLLECTOR.discover, COLLECTOR.places, COLLECTOR.libraries)
        wanted = [(collector, _check(COLLECTOR, {"address": server.address, "pool": "pages"})) for server in servers]
        facts = gather(wanted, 100, tools_with(RealCommands()))
        client.close()
    found = pools({"cache": {"facts": facts}})[0]
    assert found["name"] == "pages" and found["servers_total"] == 3
    assert found["operations"] >= 6000
    assert found["cause"] == cause, found
    assert (found["imbalance"] > 1.25) == (cause is not None)
    if cause in ("hot key", "hashing or weights"):
        assert found["busiest_share"] > 0.5
