# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The same mix of requests through other versions: 6.5, 7.7 and Vinyl Cache 9, read by their own tools and by ours."""

from __future__ import annotations

import time
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.host_tools import HostTools
from ansible_collections.warroom.launch.plugins.module_utils._collect.run import gather
from ansible_collections.warroom.launch.plugins.module_utils._collectors.varnish.collector import COLLECTOR, instances_here
from ansible_collections.warroom.launch.plugins.module_utils._collectors.varnish_traffic.collector import COLLECTOR as TRAFFIC
from tests.support import varnish_versions
from tests.support.server import wait_until
from tests.support.tools import RealCommands
from tests.support.varnish import Backend
from tests.support.varnish_versions import SUITES, OtherVarnish

REASON = varnish_versions.cannot()
pytestmark = [pytest.mark.versions, pytest.mark.skipif(bool(REASON), reason=REASON or ""), pytest.mark.timeout(900)]

PRODUCTS = {"bullseye": ("varnish", "6.5"), "trixie": ("varnish", "7.7"), "sid": ("vinyl-cache", "9.")}


@pytest.fixture(params=list(SUITES))
def varnish(request: pytest.FixtureRequest, backend: Backend) -> t.Iterator[OtherVarnish]:
    with OtherVarnish(request.param, backend) as running:
        yield running


def look(varnish: OtherVarnish, collector: t.Any, commands: t.Any = None, instance: t.Any = None, timeout: float = 20) -> dict[str, t.Any]:
    tools = HostTools(commands or varnish.commands(), timeout=timeout, top=30)
    last = {"last": 600} if collector is TRAFFIC else {}  # a query, whose words every version must know
    return gather([(collector, {"instance": instance or varnish.instance, **last})], 0, tools)[collector.key]["instances"][0]


def send(varnish: OtherVarnish) -> None:
    varnish.get("/page/1/?q=x", "/page/2/?q=x")
    varnish.get("/page/1/?q=x", times=5)
    varnish.get("/account/", times=4, headers={"Cookie": "sid=EXAMPLEcookie"})
    varnish.get("/hfm/", times=4)
    varnish.get("/hfp/", times=4)
    varnish.get("/pipe/")
    varnish.get("/synth/", times=3)
    varnish.get("/missing/1", "/old/1", times=2)
    varnish.get("/dead/")
    varnish.get("/grace/")
    time.sleep(0.8)
    varnish.get("/grace/")


SENT = 30


def test_every_version_gives_the_same_facts(varnish):
    send(varnish)
    wait_until(lambda: look(varnish, TRAFFIC)["requests"] >= SENT, "the whole mix in the log")
    found = look(varnish, TRAFFIC)
    assert found["log"]["unparsed"] == 0 and found["requests"] == SENT
    assert found["outcomes"] == {
        "hit": 7, "grace_hit": 1, "miss": 7, "hit_for_miss": 3, "pass": 5, "hit_for_pass": 3, "pipe": 1, "synth": 3,
    }  # fmt: skip
    assert {row["name"]: row["count"] for row in found["pass_reasons"]} == {"Cookie": 4, "VCL rule": 1, "hit-for-pass": 3}
    assert {row["pattern"]: row["backend_requests"] for row in found["redirects"]} == {"/old/<id>": 1}
    assert next(row for row in found["not_stored_reasons"] if row["name"] == "Set-Cookie")["count"] == 4
    assert_counters(varnish, found["outcomes"])


def assert_counters(varnish: OtherVarnish, outcomes: dict[str, int]) -> None:
    def counted() -> t.Any:
        now = look(varnish, COLLECTOR)
        return now["state"] == "up" and now["lifetime_requests"] == SENT - 3 and now["lifetime_synths"] == 3 and now

    stats = wait_until(counted, "varnishstat has counted the whole mix")
    assert (stats["lifetime_hits"], stats["lifetime_grace_hits"]) == (outcomes["hit"] + outcomes["grace_hit"], outcomes["grace_hit"])
    assert (stats["lifetime_misses"], stats["lifetime_hit_for_misses"]) == (
        outcomes["miss"] + outcomes["hit_for_miss"],
        outcomes["hit_for_miss"],
    )
    assert (stats["lifetime_passes"], stats["lifetime_hit_for_passes"]) == (
        outcomes["pass"] + outcomes["hit_for_pass"],
        outcomes["hit_for_pass"],
    )
    product, version = PRODUCTS[varnish.suite]
    assert stats["product"] == product and stats["version"].startswith(version) and stats["active_vcl"] == "boot"
    rows = {row["name"]: row for row in stats["backends"]}
    assert rows["dead"]["health"] == "no_probe" and rows["dead"]["lifetime_failures"] >= 1
    assert stats["threads"]["maximum"] == 10000 and stats["storage_bytes"] == 8 * 1024 * 1024


def test_tools_of_another_version_read_it_or_say_why(varnish):
    """This machine's own tools on the other version's directory: never a hang, never a wrong number."""
    send(varnish)
    outside = f"{varnish.root}{varnish.instance}"
    assert outside in [entry["instance"] for entry in instances_here(HostTools(RealCommands()))]  # as this host can reach it
    stats = look(varnish, COLLECTOR, RealCommands(), outside, timeout=3)
    assert stats["state"] == "up" and stats["lifetime_requests"] is not None
    found = look(varnish, TRAFFIC, RealCommands(), outside, timeout=2)
    if found["state"] == "up":
        assert found["requests"] > 0 and found["outcomes"]["hit_for_miss"] == 3
    else:
        assert "version" in found["problem"]
