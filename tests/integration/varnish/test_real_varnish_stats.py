# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""varnish_stats against a real Varnish; varnishstat's own counters are the second opinion."""

from __future__ import annotations

import dataclasses
import os
import signal
import threading
import time
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.host_tools import HostTools
from ansible_collections.warroom.launch.plugins.module_utils._collect.run import gather
from ansible_collections.warroom.launch.plugins.module_utils._collectors.varnish.collector import COLLECTOR, instances_here
from ansible_collections.warroom.launch.plugins.module_utils._collectors.varnish_traffic.collector import COLLECTOR as TRAFFIC
from tests.support import ansible
from tests.support.documented import undocumented
from tests.support.server import wait_until
from tests.support.tools import RealCommands
from tests.support.varnish import Varnish


def look(varnish: Varnish, window: float = 0, **options: t.Any) -> dict[str, t.Any]:
    tools = HostTools(RealCommands(), timeout=10)
    return gather([(COLLECTOR, {"instance": varnish.instance, **options})], window, tools)["launch_varnish"]["instances"][0]


def look_until(varnish: Varnish, right: t.Callable[[dict[str, t.Any]], t.Any], what: str) -> dict[str, t.Any]:
    """The first facts that are as wanted."""

    def asked() -> t.Any:
        now = look(varnish)
        return now if right(now) else None

    return wait_until(asked, what)


def test_the_module_sees_what_happens_in_its_window(varnish):
    varnish.get("/a", "/b")
    before = varnish.counters()
    stop = threading.Event()

    def visit() -> None:
        while not stop.is_set():
            varnish.get("/a", "/pass", "/a", "/hfm", "/synth", "/a")

    visitor = threading.Thread(target=visit)
    visitor.start()
    try:
        [found] = ansible.facts("varnish_stats", "launch_varnish", {"instance": varnish.instance, "window": 2})
    finally:
        stop.set()
        visitor.join()
    after = varnish.counters()
    assert found["state"] == "up" and found["active_vcl"] == "boot" and found["product"] == "varnish"
    assert found["requests"] > 10
    for name, counter in (("hits", "cache_hit"), ("misses", "cache_miss"), ("passes", "s_pass"), ("synths", "s_synth")):
        assert 0 < found[name] <= after[counter] - before[counter], name
        assert before[counter] < found["lifetime_" + name] <= after[counter], name
    # four of six are looked up, of which three hit; one passes, one is answered by VCL
    assert found["hit_ratio_true"] == pytest.approx(3 / 5, abs=0.1)
    assert found["hit_ratio_shown"] == pytest.approx(3 / 4, abs=0.1)
    assert found["hit_for_miss_ratio"] > 0.9
    assert undocumented("varnish", found) == []


def test_one_sample_equals_varnishstat(varnish):
    varnish.get("/a", "/a", "/pass", "/hfm", "/hfm", "/hfp", "/hfp", "/synth", "/dead")
    wait_until(lambda: varnish.counters()["s_pass"] == 3, "counters of all requests")
    shown = varnish.counters()
    found = look(varnish)
    assert found["window"] is None and found["hit_ratio_true"] is None
    assert (found["lifetime_hits"], found["lifetime_misses"], found["lifetime_passes"]) == (1, 4, 3)
    assert (found["lifetime_hit_for_misses"], found["lifetime_hit_for_passes"], found["lifetime_synths"]) == (1, 1, 1)
    assert found["lifetime_hit_ratio_true"] == round(1 / 8, 6)
    assert found["objects"] == shown["n_object"] and found["threads"]["running"] == shown["threads"]
    assert found["storage_bytes"] == 8 * 1024 * 1024
    assert found["threads"]["maximum"] == 10000
    rows = {row["name"]: row for row in found["backends"]}
    assert rows["default"]["lifetime_requests"] == shown["VBE.boot.default.req"]
    assert rows["dead"]["lifetime_failures"] >= 1 and rows["dead"]["health"] == "no_probe"


def test_the_management_cli_by_its_address_and_without_its_secret(varnish):
    port = varnish.admin_port
    secret = f"{varnish.instance}/_.secret"
    assert look(varnish, admin=f"127.0.0.1:{port}", secret_file=secret)["active_vcl"] == "boot"
    wrong = varnish.dir / "wrong"
    wrong.write_text("EXAMPLEsecret\n")
    for options, words in (
        ({"secret_file": "/nonexistent/secret"}, "secret"),
        ({"secret_file": str(wrong)}, "secret"),
        ({"admin": "127.0.0.1:1", "secret_file": secret}, "management CLI"),
    ):
        found = look(varnish, **options)
        assert found["state"] == "up" and found["threads"]["running"] > 0
        assert found["version"] is None and words in found["unknown"]["version"], found["unknown"]["version"]
        assert found["threads"]["maximum"] is None and words in found["unknown"]["threads.maximum"]
        # one VCL is loaded, so it is the live one, whoever says so
        assert found["active_vcl"] == "boot" and found["backends_total"] == 2


def test_a_sick_backend_and_a_new_vcl(backend):
    with Varnish(backend, probe=True) as varnish:
        backend.well = False
        try:
            sick = look_until(varnish, lambda now: now["backends_sick"] == 1, "the probe fails")
        finally:
            backend.well = True
        assert sick["backends"][0]["health"] == "sick"
        varnish.tool("varnishadm", "vcl.load", "newer", str(varnish.dir / "test.vcl"))
        varnish.tool("varnishadm", "vcl.use", "newer")
        found = look_until(varnish, lambda now: now["backends_sick"] == 0, "the new VCL's probe is fine")
        assert found["active_vcl"] == "newer" and found["stale_vcls"] == ["boot"]
        assert {row["vcl"] for row in found["backends"]} == {"newer"}


def test_a_killed_child_is_down_or_restarted_never_calm(varnish):
    """V-09, V-12 with a real crash"""
    varnish.get("/a", "/a")
    child = int(varnish.run("pgrep", "-P", str(varnish.process.pid)).stdout)
    killer = threading.Timer(0.5, os.kill, (child, signal.SIGKILL))
    killer.start()
    found = look(varnish, window=1.5)
    killer.join()
    if found["state"] == "up":
        assert found["child"]["restarted_in_window"] is True
        assert found["hit_ratio_true"] is None and "restarted" in found["unknown"]["hit_ratio_true"]
    else:
        assert found["state"] in ("down", "unreadable") and found["problem"]

    found = look_until(varnish, lambda now: now["state"] == "up" and now["child"]["crashes"], "the manager starts a new child")
    assert found["child"]["crashes"] == 1 and found["child"]["panics"] == 0
    assert found["child"]["uptime_seconds"] < 3600


def test_a_stopped_child_is_down(varnish):
    """V-02 with a real varnishd"""
    varnish.tool("varnishadm", "stop")
    found = look_until(varnish, lambda now: now["state"] != "up", "the child has gone")
    assert found["state"] == "down" and "manager up, child not running" in found["problem"]


@pytest.mark.parametrize("window", [0, 4.5])
def test_a_killed_varnishd_is_down_though_its_memory_can_still_be_read(varnish, window):
    varnish.get("/a", "/a")
    wait_until(lambda: varnish.counters()["cache_hit"] == 1, "counters of all requests")
    os.killpg(varnish.process.pid, signal.SIGKILL)
    varnish.process.wait()
    assert varnish.counters()["cache_hit"] == 1  # the tool itself sees nothing wrong
    found = look(varnish, window=window)
    assert found["state"] == "down" and "was killed" in found["problem"]


def test_one_that_was_stopped_properly_is_down(varnish):
    os.kill(varnish.process.pid, signal.SIGTERM)
    varnish.process.wait(20)
    for collector in (COLLECTOR, TRAFFIC):
        [found] = gather([(collector, {"instance": varnish.instance})], 0, HostTools(RealCommands(), timeout=10))[collector.key][
            "instances"
        ]
        assert found["state"] == "down" and "has ended" in found["problem"]


def test_a_wrong_name_costs_no_waiting(varnish):
    """V-03: at once, not after the tool's own five seconds, for which this limit is too short; and another varnishd is visible"""
    tools = HostTools(RealCommands(), timeout=4)
    found = gather([(COLLECTOR, {"instance": str(varnish.dir / "nowhere")})], 0, tools)["launch_varnish"]["instances"][0]
    assert found["state"] == "unreadable" and "not readable" in found["problem"]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")
def test_another_user_gets_the_causes(varnish):
    """V-03 with a real permission problem"""
    ran = varnish.run("id", check=False)
    assert ran.returncode == 0
    commands = RealCommands()
    real = commands.run
    commands.run = lambda argv, seconds, **more: real(
        ["setpriv", "--reuid=games", "--regid=games", "--clear-groups", *argv], seconds, **more
    )
    found = gather([(COLLECTOR, {"instance": varnish.instance})], 0, HostTools(commands, timeout=10))["launch_varnish"]["instances"][0]
    assert found["state"] == "unreadable" and "use become" in found["problem"]


def test_discovery_finds_it_and_not_its_child(varnish):
    found = [entry for entry in instances_here(HostTools(RealCommands())) if entry["instance"] == varnish.instance]
    assert found == [{"instance": varnish.instance, "name": varnish.instance}]


@pytest.mark.parametrize("collector", [COLLECTOR, TRAFFIC], ids=["stats", "traffic"])
def test_a_server_that_ends_within_the_window_is_down(varnish, collector):
    """Its shared memory, and with it every counter and the log, stays readable as if nothing had happened"""

    class Killing(collector.sampler):
        def watch(self, seconds: float) -> None:
            varnish.process.kill()
            varnish.process.wait(10)
            time.sleep(seconds)

    tools = HostTools(RealCommands(), timeout=10)
    wanted = [(dataclasses.replace(collector, sampler=Killing), {"instance": varnish.instance})]
    [found] = gather(wanted, 0.5, tools)[collector.key]["instances"]
    assert found["state"] == "down" and "ended within the window" in found["problem"]


@pytest.mark.parametrize("collector", [COLLECTOR, TRAFFIC], ids=["stats", "traffic"])
def test_a_server_that_is_restarted_within_the_window_is_said_to_be(backend, collector):
    """Its manager has another process id, and its counters begin again: that is no server which is down"""
    with Varnish(backend) as varnish:
        varnish.get("/page/1/", times=3)

        class Restarting(collector.sampler):
            def watch(self, seconds: float) -> None:
                varnish.process.terminate()
                varnish.process.wait(15)
                varnish.__enter__()
                varnish.get("/page/1/", times=2)
                time.sleep(seconds)

        tools = HostTools(RealCommands(), timeout=10)
        wanted = [(dataclasses.replace(collector, sampler=Restarting), {"instance": varnish.instance})]
        [found] = gather(wanted, 0.5, tools)[collector.key]["instances"]
    assert found["state"] == "up", found["problem"]
    assert any("was restarted within the window" in note for note in found["notes"])
