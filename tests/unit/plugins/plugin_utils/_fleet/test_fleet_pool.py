# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The balance of a pool, over the facts of the whole fleet."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._fleet.memcached_pool import pools


def server(number: int, rate: float, **facts: t.Any) -> dict[str, t.Any]:
    usual = {
        "name": f"cache{number}:11211",
        "address": f"cache{number}:11211",
        "state": "up",
        "kind": "server",
        "pool": "default",
        "weight": 1.0,
        "identity": f"4{number}-1000",
        "window": 5.0,
        "operations": rate * 5,
        "operations_per_second": rate,
        "hit_ratio": 0.95,
        "items_total": 1000,
        "bytes": 1_000_000,
        "evictions_per_second": 0.0,
        "client_connections": 20,
        "connections": 21,
        "clients": None,
        "clients_total": None,
    }
    return {**usual, **facts}


def fleet(*servers: dict[str, t.Any]) -> dict[str, t.Any]:
    return {f"host{place}": {"facts": {"launch_memcached": {"schema": 1, "instances": [one]}}} for place, one in enumerate(servers)}


def one_pool(*servers: dict[str, t.Any]) -> dict[str, t.Any]:
    found = pools(fleet(*servers))
    assert len(found) == 1
    return found[0]


def test_an_even_pool_has_no_cause() -> None:
    pool = one_pool(server(1, 100), server(2, 110), server(3, 95))
    assert pool["servers_total"] == 3 and pool["operations"] == 1525 and pool["cause"] is None
    assert pool["skew_ratio"] == pytest.approx(1.082, abs=0.001) and pool["imbalance"] < 1.25


def test_formulas_by_hand() -> None:
    pool = one_pool(server(1, 300, hit_ratio=0.9), server(2, 100, hit_ratio=0.5))
    assert pool["skew_ratio"] == 1.5 and pool["cv"] == 0.5 and pool["hit_spread"] == 0.4
    assert pool["imbalance"] == 1.625 and pool["busiest"] == "cache1:11211" and pool["busiest_share"] == 0.75


@pytest.mark.parametrize(
    "servers, cause",
    [
        ([server(1, 600), server(2, 100), server(3, 100)], "hot key"),
        ([server(1, 600, items_total=6000), server(2, 100), server(3, 100)], "hashing or weights"),
        ([server(1, 600, bytes=9_000_000), server(2, 100), server(3, 100)], "hashing or weights"),
        (
            [
                server(1, 400, client_connections=40, items_total=4000),
                server(2, 400, client_connections=40),
                server(3, 100, client_connections=10),
            ],
            "differing client lists",
        ),
        ([server(1, 400), server(2, 400), server(3, 0, items_total=0, client_connections=0)], "a server gets nothing"),
        (
            [
                server(1, 400, clients=[{"name": "10.0.0.1"}], clients_total=1),
                server(2, 100, clients=[{"name": "10.0.0.2"}], clients_total=1),
            ],
            "differing client lists",
        ),
    ],
)
def test_the_cause_is_named(servers: list[dict[str, t.Any]], cause: str) -> None:
    pool = one_pool(*servers)
    assert pool["cause"] == cause
    assert pool["imbalance"] > 1.25
    assert pool["idle"] == (["cache3:11211"] if cause == "a server gets nothing" else [])


def test_weights_make_an_uneven_pool_even() -> None:
    assert one_pool(server(1, 300, weight=3.0), server(2, 100))["skew_ratio"] == 1.0
    assert one_pool(server(1, 100, weight=3.0), server(2, 300))["cause"] is not None


def test_one_server_seen_from_several_hosts_counts_once() -> None:
    pool = one_pool(server(1, 100), server(1, 101, name="127.0.0.1:11211", address="127.0.0.1:11211"), server(2, 100))
    assert pool["servers_total"] == 2


def test_of_several_who_saw_a_server_one_who_counted_is_taken() -> None:
    blind = server(1, 0, operations=None, operations_per_second=None, window=None)
    for order in ([blind, server(1, 500)], [server(1, 500), blind]):
        pool = one_pool(*order, server(2, 500))
        assert pool["servers_total"] == 2 and pool["imbalance"] == 1.0


def test_loopback_addresses_of_different_hosts_are_different_servers() -> None:
    same = {"identity": None, "name": "127.0.0.1:11211", "address": "127.0.0.1:11211"}
    pool = one_pool(server(1, 100, **same), server(2, 100, **same))
    assert pool["servers_total"] == 2
    assert {row["name"] for row in pool["servers"]} == {"host0 127.0.0.1:11211", "host1 127.0.0.1:11211"}


@pytest.mark.parametrize(
    "servers, word",
    [
        ([server(1, 30), server(2, 3)], "only 165 operations"),
        ([server(1, 500), server(2, 0, operations=None, operations_per_second=None)], "cache2:11211"),
        ([server(1, 0), server(2, 0)], "only 0 operations"),
    ],
)
def test_what_cannot_be_told_is_unknown(servers: list[dict[str, t.Any]], word: str) -> None:
    pool = one_pool(*servers)
    assert pool["imbalance"] is None and pool["skew_ratio"] is None and pool["cause"] is None
    assert word in pool["unknown"]["imbalance"]


def test_short_windows_need_fewer_operations() -> None:
    assert one_pool(server(1, 200, window=1.0, operations=200), server(2, 200, window=1.0, operations=200))["imbalance"] == 1.0


def test_pools_apart_and_proxies_and_the_dead_left_out() -> None:
    found = pools(fleet(server(1, 10, pool="b"), server(2, 10, pool="a"), server(3, 9, kind="proxy"), {"name": "x", "state": "down"}))
    assert [(pool["name"], pool["servers_total"]) for pool in found] == [("a", 1), ("b", 1)]


def test_plain_facts_and_broken_facts() -> None:
    assert pools({"h": {"launch_memcached": {"instances": [server(1, 1)]}}})[0]["servers_total"] == 1
    assert pools({"h": None, "i": {}, "j": {"facts": {"launch_memcached": []}}, "k": {"facts": None}}) == []
