# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Failures that people reported of other tools, as the statistics of a server, and what the facts must say."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collectors.memcached import parse, shape
from ansible_collections.warroom.launch.plugins.module_utils._collectors.memcached.samples import Latency, Sample

SERVER = {
    **{
        "pid": 7,
        "uptime": 100,
        "time": 1_800_000_000,
        "version": "1.5.22",
        "threads": 4,
        "cmd_get": 910,
        "get_hits": 900,
        "get_misses": 10,
    },
    **{"curr_connections": 7, "max_connections": 1000, "listen_disabled_num": 0, "total_connections": 0, "rejected_connections": 0},
}


def facts(first: dict[str, t.Any], **later: t.Any) -> dict[str, t.Any]:
    samples = [Sample({name: str(value) for name, value in one.items()}) for one in (first, {**first, **later})]
    return shape.facts(samples[0], samples[1], 5.0, Latency(), 10).done()


@pytest.mark.parametrize(
    ("total", "rejected", "more", "seen"),
    [
        (134_864, 134_863, 10, None),  # one apart, over a UNIX socket
        (20, 20, 10, None),
        (134_864, 120_000, 10, 10),  # refused in earnest, in the past and now
        (12, 5, 5, 5),
    ],
)
def test_a_server_that_counts_each_connection_as_rejected(total: int, rejected: int, more: int, seen: t.Optional[int]) -> None:
    """https://github.com/memcached/memcached/issues/918"""
    first = {**SERVER, "total_connections": total, "rejected_connections": rejected}
    result = facts(first, total_connections=total + more, rejected_connections=rejected + more)
    assert result["rejected"] == seen
    assert seen is not None or "implausible" in result["unknown"]["rejected"]


@pytest.mark.parametrize(
    ("states", "down"),
    [
        ({"num_servers_up": 1, "num_servers_new": 2, "num_servers_closed": 1, "num_servers_down": 0}, 0),
        ({"num_servers_up": 1, "num_servers_new": 2, "num_servers_down": 1}, 1),
        ({"num_servers_up": 1, "num_servers_new": 2, "num_servers_closed": 1}, 0),
        ({"num_servers_up": 1}, 3),
        ({"num_servers_up": 5}, None),
    ],
)
def test_a_server_that_the_proxy_has_not_asked_yet_is_not_down(states: dict[str, int], down: t.Optional[int]) -> None:
    """https://github.com/facebook/mcrouter/issues/304, https://github.com/facebook/mcrouter/issues/150: new, and closed when idle"""
    result = facts({"version": "mcrouter 41.0.0", "pid": 5, "uptime": 9, "time": 1_800_000_000, "num_servers": 4, **states})
    assert result["proxy"]["servers_down"] == down


@pytest.mark.parametrize(("enabled", "counted"), [("no", (0, 0)), ("yes", (3, 5))])
def test_a_server_that_refuses_to_be_emptied_was_not(enabled: str, counted: tuple[int, int]) -> None:
    """memcached -F counts the attempts in cmd_flush all the same."""
    first, second = (Sample({**{name: str(value) for name, value in SERVER.items()}, "cmd_flush": count}) for count in ("2", "5"))
    second.settings = {"flush_enabled": enabled}
    found = shape.facts(first, second, 5.0, Latency(), 10).done()
    assert (found["flushes"], found["lifetime_flushes"]) == counted


@pytest.mark.parametrize(
    ("counted", "moved", "evicted"),
    [
        ({"evictions": 5}, {"evictions": 5}, 0),
        ({"evictions": 5, "slab_reassign_evictions_nomem": 2}, {"slab_reassign_evictions_nomem": 52}, 50),
        ({"evictions": 5, "slab_reassign_evictions_nomem": 2}, {"evictions": 25, "slab_reassign_evictions_nomem": 12}, 30),
    ],
)
def test_what_the_slab_mover_throws_out_is_evicted(counted: dict[str, int], moved: dict[str, int], evicted: int) -> None:
    """https://github.com/memcached/memcached/issues/284: it is not among the evictions"""
    found = facts({**SERVER, **counted}, **moved)
    assert (found["evictions"], found["evictions_per_second"]) == (evicted, evicted / 5)


def test_what_is_on_flash_fills_no_memory() -> None:
    """https://github.com/memcached/memcached/pull/923: bytes above limit_maxbytes"""
    size = {"bytes": 3 << 30, "limit_maxbytes": 1 << 30, "curr_items": 10}
    found = facts({**SERVER, **size, "extstore_page_evictions": 0})
    assert found["fill_ratio"] is None and "flash" in found["unknown"]["fill_ratio"]
    assert facts({**SERVER, **size, "bytes": 1 << 29})["fill_ratio"] == 0.5


def test_a_limit_that_no_machine_reaches_is_none() -> None:
    """https://github.com/memcached/memcached/issues/267: `cache_memlimit 11237418240`, which takes megabytes"""
    size = {"bytes": 11 << 30, "curr_items": 10}
    found = facts({**SERVER, **size, "limit_maxbytes": 2_776_087_813_685_248})
    assert found["fill_ratio"] is None and "megabytes" in found["unknown"]["fill_ratio"]
    assert facts({**SERVER, **size, "limit_maxbytes": 22 << 30})["fill_ratio"] == 0.5


def test_the_limit_of_another_engine() -> None:
    """https://github.com/prometheus/memcached_exporter/issues/47: Couchbase says 64 MiB, and what its engine may hold"""
    size = {"bytes": 3_866_242_172, "limit_maxbytes": 67_108_864, "engine_maxbytes": 4_294_967_296, "curr_items": 222_167}
    found = facts({**SERVER, **size, "version": "2.0.1_linux_1_gb5e981f"})
    assert (found["limit_bytes"], found["fill_ratio"]) == (4_294_967_296, pytest.approx(0.9, abs=0.001))


def test_sockets_that_listen_for_datagrams_are_no_clients() -> None:
    """https://github.com/memcached/memcached/pull/60: one per thread, in the words of memcached 1.6.18 -U 11211; 6: as with -l ::"""
    rows = {number: {"UDP": "UDP", "addr": f"udp{six}:{host}:11211", "state": "conn_read"}
            for number, (six, host) in enumerate([("", "127.0.0.1"), ("", "127.0.0.1"), ("6", "[::]"), ("6", "[::]")], 24)}  # fmt: skip
    listens = {"addr": "tcp:127.0.0.1:11211", "state": "conn_listening"}
    web = {"addr": "tcp:10.0.0.5:50636", "listen_addr": "tcp:127.0.0.1:11211", "state": "conn_read", "secs_since_last_cmd": "0"}
    assert parse.clients({23: listens, **rows, 28: web}) == {"10.0.0.5": 1}
