# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two samples as facts, from recorded answers of several versions."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.host_tools import HostTools
from ansible_collections.warroom.launch.plugins.module_utils._collect.run import gather
from ansible_collections.warroom.launch.plugins.module_utils._collectors.memcached import collector, parse, shape
from ansible_collections.warroom.launch.plugins.module_utils._collectors.memcached.samples import Latency, Sample
from ansible_collections.warroom.launch.plugins.module_utils._linux.processes import Listener, Process, Processes


def facts(*readings: t.Any) -> dict[str, t.Any]:
    return shape.facts(*readings, 10).done()


def sample(fixture_file: t.Any, version: str, **changes: int) -> Sample:
    def part(name: str) -> dict[str, str]:
        return parse.stats(fixture_file(f"memcached/{version}/{name}.txt"), "x")

    stats = part("stats")
    for name, change in changes.items():
        stats[name] = str(int(stats.get(name, 0)) + change)
    return Sample(stats, parse.rows(part("stats_items")), parse.rows(part("stats_slabs")), part("stats_settings"))


def pair(fixture_file: t.Any, version: str = "1.6.18", window: float = 2.0, **changes: int) -> dict[str, t.Any]:
    return facts(sample(fixture_file, version), sample(fixture_file, version, **changes), window, Latency([0.001], [0.0001, 0.0003]))


@pytest.mark.parametrize("version", ["1.6.9", "1.6.18", "1.6.38", "1.6.45"])
def test_every_version_gives_the_main_measures(fixture_file: t.Any, version: str) -> None:
    found = pair(fixture_file, version, get_hits=90, get_misses=10, cmd_get=100, cmd_set=20, total_connections=4)
    assert found["hit_ratio"] == 0.9 and found["gets"] == 100 and found["gets_per_second"] == 50
    assert found["operations"] == 120 and found["operations_per_second"] == 60 and found["operations_per_connection"] == 30
    assert found["version_numbers"] == [int(part) for part in version.split(".")]
    assert found["connections_limit"] and found["limit_bytes"] and found["identity"]


def test_what_a_version_lacks_is_unknown(fixture_file: t.Any) -> None:
    found = pair(fixture_file, "1.6.9")
    assert found["too_large"] is None and "store_too_large" in found["unknown"]["too_large"]


def test_misses_by_cause(fixture_file: t.Any) -> None:
    found = pair(fixture_file, get_misses=10, get_expired=6, get_flushed=1, cmd_get=10)
    assert found["hit_ratio"] == 0.0, "a window without hits is 0, not unknown"
    assert found["misses"] == {"count": 10, "expired": 6, "flushed": 1, "absent": 3, "expired_ratio": 0.6}


def test_stores_over_what_was_there_are_those_by_which_the_items_did_not_grow(fixture_file: t.Any) -> None:
    assert pair(fixture_file, total_items=30, curr_items=12, cmd_set=40)["overwrites"] == 18
    gone = {"get_expired": 2, "evictions": 3, "delete_hits": 4, "reclaimed": 5, "crawler_reclaimed": 1}
    assert pair(fixture_file, total_items=30, curr_items=-9, **gone)["overwrites"] == 24
    assert pair(fixture_file, total_items=3, delete_hits=4)["overwrites"] == 0
    assert facts(sample(fixture_file, "1.6.18"), None, None, Latency())["overwrites"] is None


def test_hits_and_misses_are_not_swapped_and_a_window_without_misses_is_all_hits(fixture_file: t.Any) -> None:
    assert pair(fixture_file, get_hits=10, cmd_get=10)["hit_ratio"] == 1.0
    assert pair(fixture_file)["lifetime_hit_ratio"] == pytest.approx(2432 / 8400, abs=1e-6)


def test_evictions_name_the_size_class_and_the_age(fixture_file: t.Any) -> None:
    first, second = sample(fixture_file, "1.6.18"), sample(fixture_file, "1.6.18", evictions=30, evicted_unfetched=15)
    second.classes[14]["evicted"] = str(int(second.classes[14]["evicted"]) + 30)
    found = facts(first, second, 2.0, Latency())
    assert found["evictions_per_second"] == 15 and found["evicted_unfetched_ratio"] == 0.5
    assert found["evicting"] == [{"slab_class": 14, "chunk_bytes": 1856, "evictions": 30, "age_seconds": 83, "out_of_memory": 0}]
    assert found["eviction_age_seconds"] == 83
    # by hand: class 14 uses 879 chunks of 1856 for 1374428 bytes, class 22 171 chunks of 11104 for 1549885
    assert found["wasted_bytes"] == 879 * 1856 - 1374428 + 171 * 11104 - 1549885


@pytest.mark.parametrize("changes, word", [({"cmd_get": -8400}, "reset"), ({"uptime": -1300}, "restarted"), ({"pid": 1}, "restarted")])
def test_m12_no_rate_after_a_reset_or_a_restart(fixture_file: t.Any, changes: dict[str, int], word: str) -> None:
    found = pair(fixture_file, **{"get_hits": 5, **changes})
    assert found["hit_ratio"] is None and word in found["unknown"]["hit_ratio"]
    assert found["operations_per_second"] is None and found["evictions"] is None
    assert any(word in note for note in found["notes"])


def test_one_sample_gives_lifetime_values_only(fixture_file: t.Any) -> None:
    found = facts(sample(fixture_file, "1.6.18"), None, None, Latency())
    assert found["hit_ratio"] is None and "one sample" in found["unknown"]["hit_ratio"]
    assert found["lifetime_hit_ratio"] and found["lifetime_evictions"] == 1830 and found["fill_ratio"]


def test_the_limit_of_connections_before_1_5_1_is_in_the_settings(fixture_file: t.Any) -> None:
    one = sample(fixture_file, "1.6.18")
    del one.stats["max_connections"]
    assert facts(one, None, None, Latency())["connections_limit"] == 64


def test_in_a_container_every_pid_is_1_and_identifies_nobody(fixture_file: t.Any) -> None:
    one = sample(fixture_file, "1.6.18")
    one.stats["pid"] = "1"
    found = facts(one, None, None, Latency())
    assert found["identity"] is None and found["unknown"]["identity"]


def test_clients_by_address() -> None:
    addresses = ["tcp:0.0.0.0:11211", "tcp:10.0.0.7:58350", "tcp6:[2001:db8::7]:4000", "unix:/run/m.sock", "tcp:10.0.0.7:58351"]
    lines = [f"STAT {number}:addr {address}" for number, address in enumerate(addresses)]
    lines += [f"STAT {number}:state {'conn_read' if number else 'conn_listening'}" for number in range(len(addresses))]
    connections = parse.rows(parse.stats("\r\n".join([*lines, "END", ""]).encode(), "x"))
    assert parse.clients(connections) == {"10.0.0.7": 2, "2001:db8::7": 1, "unix": 1}


def test_clients_with_most_connections_come_first(fixture_file: t.Any) -> None:
    one = sample(fixture_file, "1.6.18")
    one.clients = {"10.0.0.7": 2, "10.0.0.8": 5}
    found = facts(one, None, None, Latency())
    assert found["clients"] == [{"name": "10.0.0.8", "connections": 5}, {"name": "10.0.0.7", "connections": 2}]
    assert found["clients_total"] == 2 and found["client_connections"] == 7


def _tools(monkeypatch: pytest.MonkeyPatch, argv: tuple[str, ...], listeners: list[Listener]) -> HostTools:
    processes = Processes([Process(7, 1, "memcached", 65534, argv)], False)
    monkeypatch.setattr(processes, "listening", lambda pid: listeners)
    return HostTools(None, _processes=processes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "argv, listeners, expected",
    [
        (("memcached",), [Listener("tcp", "::", 11211, 1), Listener("tcp", "0.0.0.0", 11211, 2)], {"address": "127.0.0.1:11211"}),
        (("memcached", "-Z"), [Listener("tcp", "10.0.0.5", 11212, 2)], {"address": "10.0.0.5:11212", "tls": True}),
        (("memcached",), [Listener("tcp", "::1", 11211, 2)], {"address": "[::1]:11211"}),
        (("memcached",), [Listener("unix", "/run/m.sock", None, 2)], {"address": "/run/m.sock"}),
        (("memcached", "-s", "/run/m.sock"), [], {"address": "/run/m.sock"}),
        (("memcached", "-l", "0.0.0.0", "-p", "11300"), [], {"address": "127.0.0.1:11300"}),
        (("memcached", "-u", "memcache"), [], {"address": "127.0.0.1"}),
    ],
)
def test_discovery(monkeypatch: pytest.MonkeyPatch, argv: tuple[str, ...], listeners: list[Listener], expected: dict[str, t.Any]) -> None:
    assert collector.discover(_tools(monkeypatch, argv, listeners)) == [expected]


def test_a_server_in_a_container_that_is_not_reached_is_not_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Process, "elsewhere", lambda self, kind: kind == "net")
    tools = _tools(monkeypatch, ("memcached", "-p", "1"), [])
    found = collector.discover(tools)
    assert found == [{"address": "127.0.0.1:1", "_elsewhere": 7}]
    facts = gather([(collector.COLLECTOR, {**found[0], "pool": "default", "weight": 1.0})], 0, tools)["launch_memcached"]["instances"][0]
    assert facts["state"] == "unreadable" and "runs in a container" in facts["problem"]


def test_texts_of_a_strange_server_are_short_and_clean(fixture_file: t.Any) -> None:
    one = sample(fixture_file, "1.6.18")
    one.stats.update(version="1.6.18\x1b[31m\u202e" + "x" * 100_000, pid="{{ 7*7 }}" * 10_000)
    one.stats.update(curr_connections="1030", max_connections="1024")
    found = facts(one, None, None, Latency())
    assert found["version"].startswith("1.6.18 [31m x") and len(found["version"]) <= 120
    assert found["identity"] is None
    assert found["connections"] == 1030 and found["connections_ratio"] == 1.0
