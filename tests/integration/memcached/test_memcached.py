# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Against real memcached servers; its own tool is the second opinion."""

from __future__ import annotations

import json
import os
import pwd
import signal
import threading
import time
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.host_tools import HostTools
from ansible_collections.warroom.launch.plugins.module_utils._collect.options import _check
from ansible_collections.warroom.launch.plugins.module_utils._collect.run import gather
from ansible_collections.warroom.launch.plugins.module_utils._collectors.memcached.collector import COLLECTOR
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.catalogue import Catalogue, load
from ansible_collections.warroom.launch.plugins.plugin_utils._judge.pipeline import Asked, judge
from tests.support import ansible
from tests.support.documented import undocumented
from tests.support.memcached import PASSWORD, USERNAME, Memcached, settled
from tests.support.server import wait_until
from tests.support.tools import RealCommands, tools_with


def read(window: float = 0.0, meanwhile: t.Optional[t.Callable[[], t.Any]] = None, **options: t.Any) -> dict[str, t.Any]:
    """One instance; `meanwhile` runs inside the window."""
    tools: HostTools = tools_with(RealCommands(), timeout=5.0)
    entry = _check(COLLECTOR, options)
    if meanwhile is None:
        return gather([(COLLECTOR, entry)], window, tools)["launch_memcached"]["instances"][0]
    entered = threading.Event()

    class Sampler(COLLECTOR.sampler):  # type: ignore[name-defined,misc]
        def watch(self, seconds: float) -> None:
            entered.set()
            meanwhile()

    collector = type(COLLECTOR)(COLLECTOR.service, COLLECTOR.options, Sampler, COLLECTOR.discover, COLLECTOR.places, COLLECTOR.libraries)
    found = gather([(collector, entry)], window, tools)["launch_memcached"]["instances"][0]
    assert entered.is_set(), found["problem"]
    return found


@pytest.fixture(scope="module")
def server() -> t.Iterator[Memcached]:
    with Memcached() as one:
        yield one


def test_counts_are_what_was_sent(server: Memcached) -> None:
    client = server.client()
    client.version()
    settled(server, 1)

    def traffic() -> None:
        for number in range(40):
            client.set(f"k{number}", b"x" * 100, noreply=False)
        for number in range(50):
            client.get(f"k{number}")
        client.set("short", b"x", expire=-1, noreply=False)
        client.get("short")
        client.delete("k0", noreply=False)
        time.sleep(0.2)

    facts = read(1, traffic, address=server.address)
    client.close()
    assert facts["state"] == "up" and facts["kind"] == "server"
    assert (facts["gets"], facts["sets"], facts["operations"]) == (51, 41, 51 + 41 + 1)
    assert facts["hit_ratio"] == pytest.approx(40 / 51, abs=1e-6)
    assert facts["misses"]["count"] == 11
    assert facts["connections_opened"] == 0 and facts["client_connections"] == 1
    assert undocumented("memcached", facts) == []
    assert facts["latency_milliseconds"]["samples"] == 50 and 0 < facts["latency_milliseconds"]["median"] < 1000
    assert facts["items_total"] == 39


def test_numbers_agree_with_memcached_tool(server: Memcached) -> None:
    facts = read(0, address=server.address)
    theirs = server.stats()
    assert facts["version"] == theirs["version"]
    assert facts["items_total"] == int(theirs["curr_items"]) and facts["bytes"] == int(theirs["bytes"])
    assert facts["limit_bytes"] == int(theirs["limit_maxbytes"]) == 16 * 1024 * 1024
    assert facts["connections_limit"] == int(theirs["max_connections"])


def test_reading_leaves_the_cache_as_it_was(server: Memcached) -> None:
    before = server.stats()
    read(0.1, address=server.address)
    after = server.stats()
    for name in ("cmd_set", "curr_items", "total_items", "cmd_touch", "cmd_flush", "delete_hits", "auth_cmds"):
        assert before[name] == after[name], name


def test_login_is_not_sent_to_a_server_that_does_not_ask(server: Memcached) -> None:
    before = server.stats()["cmd_set"]
    assert read(0, address=server.address, username=USERNAME, password=PASSWORD)["state"] == "up"
    assert server.stats()["cmd_set"] == before


def test_evictions_too_large_flush_and_reset() -> None:
    with Memcached(megabytes=2) as small:
        client = small.client()

        def press() -> None:
            for number in range(1500):
                client.set(f"k{number}", b"x" * 5000, noreply=False)
            with pytest.raises(Exception, match="too large"):
                client.set("big", b"x" * 2_000_000, noreply=False)

        facts = read(1, press, address=small.address)
        assert facts["evictions"] > 100 and facts["evicting"][0]["evictions"] > 0 and facts["eviction_age_seconds"] is not None
        assert sum(row["evictions"] for row in facts["evicting"]) == facts["evictions"]
        assert facts["evicted_unfetched_ratio"] == 1.0
        if "store_too_large" in small.stats():
            assert facts["too_large"] == 1
        else:
            assert facts["too_large"] is None and facts["unknown"]["too_large"]
        assert 0 < facts["wasted_ratio"] < 1
        assert read(1, lambda: client.flush_all(noreply=False), address=small.address)["flushes"] == 1

        def reset() -> None:
            with small.connected() as conn:
                conn.sendall(b"stats reset\r\n")
                conn.recv(100)

        facts = read(1, reset, address=small.address)
        client.close()
        assert facts["hit_ratio"] is None and "reset" in facts["unknown"]["hit_ratio"]
        assert any("reset" in note for note in facts["notes"])


def test_rejected_connections() -> None:
    with Memcached("-c", "32") as tiny:
        clients = []

        def crowd() -> None:
            for _number in range(60):
                client = tiny.client(ignore_exc=True)
                clients.append(client)
                client.get("x")

        facts = read(1, crowd, address=tiny.address)
        for client in clients:
            client.close()
        assert facts["state"] == "up" and facts["rejected"] > 0 and facts["connections_limit"] == 32


def test_a_unix_socket_by_a_short_name_from_the_command_line() -> None:
    with Memcached(unix=True) as server:
        found = ansible.facts("memcached_stats", "launch_memcached", {"address": "unix:" + server.address, "window": 0.2})
    assert found[0]["state"] == "up" and found[0]["latency_milliseconds"]["samples"] == 50 and found[0]["client_connections"] == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_m11_a_socket_of_another_user() -> None:
    with Memcached(unix=True) as server:
        assert server.socket_path is not None and server.socket_path.stat().st_mode & 0o077 == 0
        os.seteuid(pwd.getpwnam("daemon").pw_uid)
        try:
            closed = read(0, address=server.address)
            missing = read(0, address=server.address + ".not")
        finally:
            os.seteuid(0)
    assert closed["state"] == "unreadable" and "permission denied on the socket" in closed["problem"] and "become" in closed["problem"]
    assert missing["state"] == "down" and "there is no socket" in missing["problem"]


def test_an_address_of_one_family_only() -> None:
    """`localhost` is tried on both (case M-10)."""
    with Memcached(host="::1") as server:
        found = read(0, address=f"localhost:{server.port}")
    assert found["state"] == "up", found["problem"]


def test_ascii_authentication_and_no_secret_anywhere() -> None:
    with Memcached(login=True) as server:
        assert "authentication required" in read(0, address=server.address)["problem"]
        assert "authentication failed" in read(0, address=server.address, username=USERNAME, password="wrong")["problem"]
        done = ansible.run(
            "ansible", "localhost", "-vvv", "-m", "memcached_stats", "-e", f"ansible_python_interpreter={ansible.VENV}/python",
            "-a", json.dumps({"address": server.address, "window": 0.2, "username": USERNAME, "password": PASSWORD}),
        )  # fmt: skip
    assert '"state": "up"' in done.stdout and '"samples": 50' in done.stdout, done.stdout + done.stderr
    assert "EXAMPLEPW" not in done.stdout + done.stderr


def test_tls() -> None:
    with Memcached(tls=True) as server:
        trusted = {"address": server.address, "tls": True, "ca_cert": str(server.certificate)}
        assert read(0.1, **trusted)["state"] == "up"
        assert "is not trusted" in read(0, address=server.address, tls=True)["problem"]
        assert read(0, address=server.address, tls=True, validate_certs=False)["state"] == "up"
        assert "TLS" in read(0, address=server.address)["problem"]
        assert "cannot be used" in read(0, address=server.address, tls=True, ca_cert="/nowhere.pem")["problem"]


def test_tls_to_a_plain_server(server: Memcached) -> None:
    assert "does not speak TLS: set the option tls to false" in read(0, address=server.address, tls=True)["problem"]


def test_a_stopped_process_and_a_dead_one() -> None:
    with Memcached() as server:
        assert server.process is not None
        server.process.send_signal(signal.SIGSTOP)
        try:
            tools = tools_with(RealCommands(), timeout=0.5)
            hung = gather([(COLLECTOR, _check(COLLECTOR, {"address": server.address}))], 0, tools)["launch_memcached"]["instances"][0]
        finally:
            server.process.send_signal(signal.SIGCONT)
        assert hung["state"] == "down" and f"(pid {server.process.pid}) is stopped" in hung["problem"]
        address = server.address
    gone = read(0, address=address)
    assert gone["state"] == "down" and "refused" in gone["problem"]


def test_a_restart_within_the_window() -> None:
    with Memcached() as server:

        def restart() -> None:
            assert server.process is not None
            server.process.terminate()
            server.process.wait(10)
            server.__enter__()
            wait_until(server.ready, "memcached to come back")

        facts = read(1, restart, address=server.address)
    assert facts["state"] == "up" and facts["hit_ratio"] is None and "restarted" in facts["unknown"]["hit_ratio"]


def test_servers_are_found_on_the_host() -> None:
    with Memcached() as one, Memcached(unix=True) as two:
        found = ansible.facts("memcached_stats", "launch_memcached", {"window": 0})
        names = {instance["name"] for instance in found}
    assert {one.address, two.address} <= names


def test_a_cache_that_is_emptied_again_and_again_is_named(server: Memcached) -> None:
    client = server.client()
    client.version()
    settled(server, 1)

    def empty() -> None:
        for number in range(3):
            client.set(f"page{number}", b"x" * 100, noreply=False)
            client.flush_all(noreply=False)

    facts = read(1, empty, address=server.address)
    client.close()
    report = judge([Asked("cache1", {"launch_memcached": {"schema": 1, "instances": [facts]}}, services=["memcached"])], Catalogue(load()))
    assert [cause["cause"] for cause in report["diagnoses"]] == ["cache_flushed"]
    assert "was emptied 3 times" in report["diagnoses"][0]["statement"]


def test_what_is_stored_over_what_was_there_is_told_from_new_items() -> None:
    with Memcached() as server:
        client = server.client()
        client.set("kept", b"x", noreply=False)

        def traffic() -> None:
            for number in range(20):
                client.set(f"new{number}", b"x", noreply=False)
            for _each in range(7):
                client.set("kept", b"y", noreply=False)
                client.add("kept", b"z", noreply=False)
            client.delete("new1", noreply=False)
            client.set("gone", b"x", expire=-1, noreply=False)
            client.get("gone")

        found = read(0.2, traffic, address=server.address)
        client.close()
    assert (found["sets"], found["overwrites"], found["misses"]["expired"]) == (35, 7, 1)
