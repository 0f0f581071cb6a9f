# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Against a real Redis; redis-cli is the second opinion."""

from __future__ import annotations

import json
import subprocess
import threading
import time
import typing as t

import pytest
import redis

from ansible_collections.warroom.launch.plugins.module_utils._collect.options import _check
from ansible_collections.warroom.launch.plugins.module_utils._collect.run import gather
from ansible_collections.warroom.launch.plugins.module_utils._collectors.redis.collector import COLLECTOR
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.catalogue import Catalogue, load
from ansible_collections.warroom.launch.plugins.plugin_utils._judge.pipeline import Asked, judge
from tests.support import ansible
from tests.support.documented import undocumented
from tests.support.redis import Redis
from tests.support.tools import RealCommands, tools_with

#: A script that keeps the server busy for 150 ms.
BUSY = """local now = redis.call('TIME') local ends = now[1] * 1000000 + now[2] + 150000
repeat now = redis.call('TIME') until now[1] * 1000000 + now[2] > ends return 1"""


def read(server: Redis, window: float = 0.0, meanwhile: t.Optional[t.Callable[[], t.Any]] = None, **options: t.Any) -> dict[str, t.Any]:
    """One instance; `meanwhile` runs inside the window."""
    entry = _check(COLLECTOR, {"address": f"127.0.0.1:{server.port}", **options})

    class Sampler(COLLECTOR.sampler):  # type: ignore[name-defined,misc]
        def watch(self, seconds: float) -> None:
            if meanwhile is not None:
                meanwhile()
            super().watch(seconds)

    collector = type(COLLECTOR)(COLLECTOR.service, COLLECTOR.options, Sampler, COLLECTOR.discover, COLLECTOR.places)
    return gather([(collector, entry)], window, tools_with(RealCommands(), timeout=5.0))["launch_redis"]["instances"][0]


def cli(server: Redis, *words: str) -> str:
    """redis-cli, the vendor's own tool."""
    command = ["redis-cli", "-p", str(server.port), "--no-auth-warning", *(["-a", server.password] if server.password else []), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout.replace("\r", "")


def told(server: Redis, section: str) -> dict[str, str]:
    return dict(line.split(":", 1) for line in cli(server, "info", section).splitlines() if ":" in line)


@pytest.fixture(scope="module")
def server() -> t.Iterator[Redis]:
    with Redis("", "maxmemory 3mb", "maxmemory-policy allkeys-lru") as one:
        yield one


def test_numbers_agree_with_what_was_sent_and_with_redis_cli(server: Redis) -> None:
    with server.client() as client:

        def traffic() -> None:
            for number in range(40):
                client.set(f":1:page:{number}", b"x" * 100, ex=600)
            for number in range(50):
                client.get(f":1:page:{number}")

        client.ping()
        facts = read(server, 0.3, traffic)
        memory, clients = told(server, "memory"), told(server, "clients")
    assert facts["state"] == "up", facts["problem"]
    assert (facts["reads"], facts["hit_ratio"], facts["operations"], facts["key_count"]) == (50, 0.8, 90, 40)
    calls = {row["name"]: row["calls"] for row in facts["commands"]}
    assert calls["SET"] == 40 and calls["GET"] == 50
    assert facts["limit_bytes"] == int(memory["maxmemory"]) == 3 << 20 and facts["policy"] == memory["maxmemory_policy"]
    assert facts["bytes"] == pytest.approx(int(memory["used_memory"]), abs=1 << 20)
    assert facts["connections_limit"] == int(clients["maxclients"])
    assert facts["used_as"] == {"broker": False, "cache": True, "sessions": False, "results": False, "channels": False}
    assert facts["latency_milliseconds"]["samples"] >= 1 and undocumented("redis", facts) == []


def test_what_is_written_over_what_was_there_is_told_from_new_keys(server: Redis) -> None:
    with server.client() as client, redis.Redis(port=server.port, db=5) as other:
        client.set("kept", b"x")

        def traffic() -> None:
            for number in range(20):
                client.set(f"new:{number}", b"x", ex=600)
            for _each in range(7):
                client.execute_command("SETEX", "kept", 600, b"y")
            client.delete("new:1")
            client.get("nothing")

        found = read(server, 0.2, traffic)
        assert (found["overwrites"], found["misses"]) == (7, 1), found["unknown"]
        assert read(server, 0.2, other.flushdb)["overwrites"] is None


def test_what_blocks_is_named_and_judged(server: Redis) -> None:
    with server.client() as client:
        facts = read(server, 0.2, lambda: [client.eval(BUSY, 0) for _each in range(4)])
    row = facts["slow_commands"][0]
    assert row["name"] == "EVAL" and row["client"] == "127.0.0.1" and row["calls"] == 4 and row["longest_milliseconds"] >= 150
    assert facts["slow_time_ratio"] > 0.3 and "redis.call" not in json.dumps(facts)
    report = judge([Asked("cache1", {"launch_redis": {"schema": 1, "instances": [facts]}}, services=["redis"])], Catalogue(load()))
    [cause] = report["diagnoses"]
    assert cause["cause"] == "redis_blocked" and "EVAL from 127.0.0.1 holds up every client" in cause["statement"]


def test_a_broker_in_a_cache_that_evicts(server: Redis) -> None:
    with server.client() as client:
        client.sadd("_kombu.binding.celery.pidbox", "x")

        def fill() -> None:
            for number in range(800):
                client.set(f":1:big:{number}", b"x" * 5000)

        facts = read(server, 0.2, fill)
        client.delete("_kombu.binding.celery.pidbox")
    assert facts["state"] == "up", facts["problem"]
    assert facts["evictions"] > 100 and 0.8 < facts["fill_ratio"] <= 1.0 and facts["used_as"]["cache"]
    if facts["used_as"]["broker"]:  # the key itself may have been evicted meanwhile: that is the point
        assert facts["tasks_evictable"] is True
    with server.client() as client:
        client.config_set("maxmemory-policy", "noeviction")
        facts = read(server, 0.2, lambda: _fill_until_refused(client))
        client.config_set("maxmemory-policy", "allkeys-lru")
    assert facts["refused_writes"] >= 5 and facts["policy"] == "noeviction"


def _fill_until_refused(client: t.Any) -> None:
    refused = 0
    for number in range(900):
        try:
            client.set(f"more:{number}", b"x" * 5000)
        except redis.exceptions.OutOfMemoryError:
            refused += 1
            if refused == 5:
                return


def test_reading_costs_the_server_little_and_leaves_its_keys(server: Redis) -> None:
    cli(server, "flushall")
    cli(server, "set", ":1:page", "x")
    before = server.contents()
    cli(server, "config", "resetstat")
    facts = read(server, 1.0)
    spent = told(server, "commandstats")
    used = {name: dict(part.split("=") for part in value.split(",")) for name, value in spent.items()}
    assert facts["state"] == "up" and set(before) == set(server.contents())
    assert sum(int(row["usec"]) for name, row in used.items() if name != "cmdstat_config|resetstat") < 5000
    assert not {"cmdstat_keys", "cmdstat_scan"} & set(used)


def test_the_acl_line_makes_known_what_was_refused() -> None:
    with Redis() as server, server.client() as client:
        client.execute_command("ACL", "SETUSER", "monitor", "on", ">EXAMPLEPW", "+info", "+ping")
        facts = read(server, 0.1, login_user="monitor", login_password="EXAMPLEPW")
        assert facts["state"] == "up" and facts["slow_longest_milliseconds"] is None
        line = facts["unknown"]["slow_longest_milliseconds"].partition(": ")[2]
        assert line.startswith("ACL SETUSER monitor +ping")
        client.execute_command(*line.split())
        facts = read(server, 0.1, login_user="monitor", login_password="EXAMPLEPW")
    assert facts["slow_longest_milliseconds"] == 0.0 and facts["clients"] and facts["used_as"]["broker"] is False
    assert facts["notes"] == [] and "EXAMPLEPW" not in json.dumps(facts)


def test_a_password_and_tls() -> None:
    with Redis("EXAMPLEPW", tls=True) as server:
        assert "login_password" in read(server)["problem"]
        assert "refuses the login" in read(server, login_password="EXAMPLEWRONG")["problem"]
        assert read(server, login_password="EXAMPLEPW")["state"] == "up"
        place = {"address": f"127.0.0.1:{server.tls_port}", "tls": True}
        assert read(server, **place, login_password="EXAMPLEPW", ca_cert=str(server.dir / "cert.pem"))["state"] == "up"
        assert "is not trusted" in read(server, **place)["problem"]
        assert "speaks TLS" in read(server, address=place["address"])["problem"]


def test_a_replica_of_a_primary_and_its_end(server: Redis) -> None:
    with Redis("", f"replicaof 127.0.0.1 {server.port}", "repl-diskless-sync-delay 0") as replica:
        deadline = time.monotonic() + 20
        while told(replica, "replication").get("master_link_status") != "up" and time.monotonic() < deadline:
            time.sleep(0.1)
        facts = read(replica)
        assert facts["role"] == "replica" and facts["source"]["link_up"] is True
        primary = read(server)
    assert primary["role"] == "primary" and primary["replicas_total"] == 1
    assert primary["replicas"][0]["address"] == f"127.0.0.1:{replica.port}"


def test_a_script_that_never_ends_is_down_with_the_way_out() -> None:
    with Redis("", "busy-reply-threshold 50") as server, server.client() as client:
        thread = threading.Thread(target=_until_killed, args=(client,))
        thread.start()
        time.sleep(0.5)
        facts = read(server)
        cli(server, "script", "kill")
        thread.join()
    assert facts["state"] == "down" and "SCRIPT KILL" in facts["problem"]


def _until_killed(client: t.Any) -> None:
    with pytest.raises(redis.exceptions.ResponseError):
        client.eval("while true do end", 0)


def test_ad_hoc_it_finds_the_servers_of_this_host(server: Redis) -> None:
    found = ansible.facts("redis_stats", "launch_redis", {"window": 0.2})
    here = [facts for facts in found if facts.get("identity") == told(server, "server")["run_id"]]
    assert [facts["address"] for facts in here] == [f"127.0.0.1:{server.port}"] and here[0]["listens"] == [f"127.0.0.1:{server.port}"]
