# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""varnish_traffic under a scripted mix of requests: every count is exactly what was sent, and what Varnish's tools say."""

from __future__ import annotations

import collections
import json
import time
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.host_tools import HostTools
from ansible_collections.warroom.launch.plugins.module_utils._collect.run import gather
from ansible_collections.warroom.launch.plugins.module_utils._collectors.varnish_traffic.collector import COLLECTOR
from tests.support import ansible
from tests.support.documented import undocumented
from tests.support.server import wait_until
from tests.support.tools import RealCommands
from tests.support.varnish import Varnish

SECRETS = ("EXAMPLEsecret", "EXAMPLEcookie", "EXAMPLEtoken", "EXAMPLEquery")


def look(varnish: Varnish, window: float = 0, commands: t.Any = None, **options: t.Any) -> dict[str, t.Any]:
    tools = HostTools(commands or RealCommands(), timeout=10, top=30)
    return gather([(COLLECTOR, {"instance": varnish.instance, "last": 0, **options})], window, tools)["launch_varnish_traffic"][
        "instances"
    ][0]


def settled(varnish: Varnish, requests: int) -> None:
    """Every transaction has its end in the log (the last ones are written after the answer was sent)."""
    wait_until(lambda: varnish.tool("varnishncsa", "-d", "-F", "%s").count("\n") >= requests, f"{requests} requests in the log")


MIX = 61


def send_mix(varnish: Varnish) -> None:
    varnish.get("/page/1/?q=EXAMPLEquery", "/page/2/?q=EXAMPLEquery", "/page/3/?q=EXAMPLEquery")  # 3 misses
    varnish.get("/page/1/?q=EXAMPLEquery", "/page/2/?q=EXAMPLEquery", times=5)  # 10 hits
    varnish.get("/account/", times=4, headers={"Cookie": "sid=EXAMPLEcookie"})  # 4 passes: Cookie
    varnish.get("/api/", times=3, headers={"Authorization": "Bearer EXAMPLEtoken"})  # 3 passes: Authorization
    varnish.get("/form/", times=2, method="POST")  # 2 passes: method
    varnish.get("/pass/", times=2)  # 2 passes: VCL
    varnish.get("/hfm/", times=4)  # 1 miss, 3 hit-for-miss
    varnish.get("/hfp/", times=4)  # 1 miss, 3 hit-for-pass
    varnish.get("/private/", times=2)  # 1 miss, 1 hit-for-miss
    varnish.get("/stale/", times=2)  # 1 miss, 1 hit-for-miss
    varnish.get("/vary/", times=2)  # 1 miss, 1 hit-for-miss
    varnish.get("/pipe/")  # a pipe ends its connection
    varnish.get("/synth/", times=3)
    varnish.get("/missing/1", times=5)  # 1 miss, 4 hits
    varnish.get("/old/1", "/old/2", times=2)  # 2 misses, 2 hits
    varnish.get("/moved/1", times=2)  # 1 miss, 1 hit-for-miss: Varnish keeps no 308 unless it is told to
    varnish.get("/error/", times=2)  # 1 miss, 1 hit-for-miss
    varnish.get("/dead/", times=2)  # 2 passes without a backend
    varnish.get("/again/", headers={"User-Agent": "curl/8.0"})  # restarted: 1 miss
    varnish.get("/grace/")  # 1 miss
    time.sleep(0.7)
    varnish.get("/grace/")  # 1 grace hit
    varnish.get("/page/1/?q=EXAMPLEquery", method="HEAD")  # 1 hit


def test_a_known_mix_is_counted_exactly(varnish):
    send_mix(varnish)
    settled(varnish, MIX)
    wait_until(lambda: varnish.counters()["s_bgfetch"] == 1, "the background fetch of the grace hit")
    found = look(varnish, cached=["^/page/", "^/account/"], uncached=["^/account/"], query="RespStatus == 404", group_by="ReqURL")
    outcomes = found["outcomes"]
    assert found["requests"] == MIX and found["log"]["complete"] and not found["log"]["unparsed"]
    assert undocumented("varnish_traffic", found) == []
    assert outcomes == {
        "hit": 17, "grace_hit": 1, "miss": 15, "hit_for_miss": 8, "pass": 13, "hit_for_pass": 3, "pipe": 1, "synth": 3,
    }  # fmt: skip
    assert {row["name"]: row["count"] for row in found["statuses"]} == {
        "200": 42,
        "301": 4,
        "308": 2,
        "404": 5,
        "410": 3,
        "500": 2,
        "503": 2,
        "none": 1,
    }  # fmt: skip — a pipe has no status
    assert {row["name"]: row["count"] for row in found["methods"]} == {"GET": 58, "POST": 2, "HEAD": 1}
    assert {row["name"]: row["count"] for row in found["pass_reasons"]} == {
        "Cookie": 4, "Authorization": 3, "method POST": 2, "VCL rule": 4, "hit-for-pass": 3,
    }  # fmt: skip
    why = {row["name"]: row["count"] for row in found["not_stored_reasons"]}
    assert (why["Set-Cookie"], why["Cache-Control"], why["Vary"], why["error"]) == (4, 2, 2, 2) and why["TTL <= 0"] >= 2
    assert {row["pattern"]: row["private"] for row in found["passes"] if row["private"]} == {"/account/": 4}
    tops = {
        name: {row["pattern"]: row["count"] for row in found[name]}
        for name in ("hits", "misses", "hit_for_misses", "passes", "synths", "pipes")
    }
    assert tops["hits"] == {"/page/<id>/?q": 11, "/missing/<id>": 4, "/old/<id>": 2, "/grace/": 1}
    assert tops["misses"]["/page/<id>/?q"] == 3 and tops["misses"]["/old/<id>"] == 2 and tops["misses"]["/again/"] == 1
    assert tops["hit_for_misses"] == {"/hfm/": 3, "/private/": 1, "/stale/": 1, "/vary/": 1, "/moved/<id>": 1, "/error/": 1}
    assert tops["passes"] == {"/account/": 4, "/api/": 3, "/hfp/": 3, "/form/": 2, "/pass/": 2, "/dead/": 2}
    assert tops["synths"] == {"/synth/": 3} and tops["pipes"] == {"/pipe/": 1}
    assert {(row["pattern"], row["status"]): (row["count"], row["backend_requests"]) for row in found["redirects"]} == {
        ("/old/<id>", 301): (4, 2), ("/moved/<id>", 308): (2, 2),
    }  # fmt: skip
    bypassed = {row["pattern"]: row["count"] for row in found["bypasses"]}
    # declared as uncached, POST, private by its own word, sent with a password, handed through
    assert not {"/account/", "/form/", "/private/", "/api/", "/pipe/"} & set(bypassed)
    assert bypassed["/pass/"] == 2 and bypassed["/hfm/"] == 3
    assert found["must_bypass"] == {"misses": 2, "hit_for_misses": 2, "passes": 9, "pipes": 0}
    assert 0 < found["bypass_cacheable_ratio"] < found["bypass_ratio"]
    assert [(row["pattern"], row["count"], row["backend_requests"]) for row in found["not_found"]] == [("/missing/<id>", 5, 1)]
    assert {row["pattern"]: row["count"] for row in found["errors"]} == {"/error/": 2, "/dead/": 2}
    assert {row["name"]: row["count"] for row in found["hosts"]} == {"shop.example.com": MIX}
    assert {row["name"]: row["count"] for row in found["agents"]} == {"none": MIX - 1, "curl": 1}
    rows = {(row["name"], row["expect"]): (row["requests"], row["wrong"]) for row in found["expected"]}
    assert rows == {("^/page/", "cached"): (14, 0), ("^/account/", "cached"): (4, 4), ("^/account/", "uncached"): (4, 0)}
    assert found["query"]["rows"] == [{"name": "/missing/<id>", "count": 5, "share": 1.0}]
    for secret in SECRETS:
        assert secret not in json.dumps(found)
    assert_equal_to_varnish(varnish, found)
    assert_declared_uncached_is_not_advised(varnish)


def assert_declared_uncached_is_not_advised(varnish: Varnish) -> None:
    """The rows of redirects are what to cache: a redirect that was declared uncached is none, though it is counted and was cached twice."""
    found = look(varnish, uncached=["^/old/"])
    assert [(row["pattern"], row["status"]) for row in found["redirects"]] == [("/moved/<id>", 308)]
    assert (found["redirect_requests"], found["redirect_backend_requests"]) == (6, 2)
    assert [(row["name"], row["expect"], row["requests"], row["wrong"]) for row in found["expected"]] == [("^/old/", "uncached", 4, 2)]


def assert_equal_to_varnish(varnish: Varnish, found: dict[str, t.Any]) -> None:
    """The second opinions: counters of varnishstat, lines and times of varnishncsa itself."""
    outcomes = found["outcomes"]
    wait_until(lambda: varnish.counters()["client_req"] == MIX, "varnishstat has counted them too")
    counters = varnish.counters()
    assert outcomes["hit"] + outcomes["grace_hit"] == counters["cache_hit"] and outcomes["grace_hit"] == counters["cache_hit_grace"]
    assert outcomes["miss"] + outcomes["hit_for_miss"] == counters["cache_miss"] and outcomes["hit_for_miss"] == counters["cache_hitmiss"]
    assert outcomes["pass"] + outcomes["hit_for_pass"] == counters["s_pass"] and outcomes["hit_for_pass"] == counters["cache_hitpass"]
    assert (outcomes["pipe"], outcomes["synth"]) == (counters["s_pipe"], counters["s_synth"])
    assert found["backend"]["requests"] == counters["s_fetch"] and found["backend"]["background_fetches"] == counters["s_bgfetch"]
    lines = [
        line.split("\t")
        for line in varnish.tool("varnishncsa", "-d", "-F", "%{Varnish:handling}x\t%s\t%{Varnish:time_firstbyte}x").splitlines()
    ]
    assert collections.Counter(line[0] for line in lines)["pass"] == 16
    for name in ("hit", "miss", "pass"):
        times = sorted(float(line[2]) for line in lines if line[0] == name)
        mine = found["response_times"][name]
        assert mine["count"] == len(times) == sum(row["count"] for row in mine["buckets"])
        assert mine["max_seconds"] == pytest.approx(times[-1], abs=2e-6)
        assert mine["p50_seconds"] == pytest.approx(times[(len(times) + 1) // 2 - 1], abs=2e-6)
        for row in mine["buckets"]:
            low, high = row["from_seconds"] * 0.995, row["to_seconds"] * 1.005  # bounds are rounded for reading
            assert row["count"] <= sum(low <= seconds <= high for seconds in times)


def test_the_module_counts_what_comes_in_its_window(varnish):
    varnish.get("/page/1/")
    [found] = ansible.facts(
        "varnish_traffic", "launch_varnish_traffic", {"instance": varnish.instance, "window": 0, "probe_urls": ["/page/1/", "/hfm/"]}
    )
    assert found["state"] == "up" and found["window"] is None
    assert {row["name"]: (row["status"], row["cached"], row["ok"], row["reasons"]) for row in found["probes"]} == {
        "/page/1/": (200, True, True, []),
        "/hfm/": (200, False, False, ["Set-Cookie"]),
    }
    assert found["probes_wrong"] == 1
    assert found["requests"] >= 4


def test_what_is_older_than_asked_for_is_in_no_count(varnish):
    varnish.get("/page/1/", "/page/2/", times=3)
    settled(varnish, 6)
    time.sleep(1)
    between = time.time()
    time.sleep(1)
    varnish.get("/page/1/", "/pass/", times=2)
    settled(varnish, 10)
    found = look(varnish, last=time.time() - between)
    assert found["requests"] == 4 and found["log"]["transactions"] == 6 and found["log"]["complete"]
    assert look(varnish, last=0)["requests"] == 10
    none = look(varnish, last=0.0001)
    assert none["requests"] == 0 and "the option last counts" in none["unknown"]["hit_ratio_true"]


def test_hostile_clients_cannot_forge_lines(varnish):
    agent = b"\x1ec\thit\t200\\n" + b"c\thit\t200\tGET\trxreq\t-\\x1e{{ 7*7 }}<script>"
    for raw in (
        b'GET /ut\xc3\xa9\xff/{{7*7}}<script>?a=%0a HTTP/1.1\r\nHost: h\xe9\r\nUser-Agent: a\tb\\c"d\r\nConnection: close\r\n\r\n',
        b"GET /forged\\n HTTP/1.1\r\nHost: x\r\nUser-Agent: " + agent.replace(b"\x1e", b"\\x1e") + b"\r\nConnection: close\r\n\r\n",
        b"GET /control HTTP/1.1\r\nHost: x\r\nUser-Agent: a\x1eb\r\nConnection: close\r\n\r\n",
        b"GARBAGE\r\n\r\n",
        b"GET /long/" + b"a" * 7000 + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    ):
        varnish.send(raw)
    settled(varnish, 5)
    found = look(varnish)
    assert found["log"]["unparsed"] == 0
    assert found["requests"] == 3 and found["malformed_requests"] == 2
    assert any(row["pattern"] == "/forged\\n" for row in found["misses"])  # as written, a backslash and a letter
    assert all(char.isprintable() for char in json.dumps(found, ensure_ascii=False))


def test_no_access_and_wrong_names_are_said(varnish):
    tools = HostTools(RealCommands(), timeout=5)
    found = gather([(COLLECTOR, {"instance": str(varnish.dir / "nowhere")})], 0, tools)["launch_varnish_traffic"]["instances"][0]
    assert found["state"] == "unreadable" and "not readable" in found["problem"]


def test_a_wrong_query_is_explained_by_varnish_itself(varnish):
    varnish.get("/a")
    settled(varnish, 1)
    found = look(varnish, query="RespStatus = = 404")
    assert found["requests"] == 1 and found["query"] is None and "query" in found["unknown"]["query"].lower()


class Hanging(RealCommands):
    """A varnishncsa of another version: it complains and never ends."""

    def run(self, argv: t.Sequence[str], seconds: float, **options: t.Any) -> t.Any:
        return super().run(["sh", "-c", "echo 'Failed to acquire log: Not a VSL chunk' >&2; exec sleep 60"], seconds, **options)


def test_a_reader_that_hangs_costs_its_time_only(varnish):
    tools = HostTools(Hanging(), timeout=1)
    found = gather([(COLLECTOR, {"instance": varnish.instance})], 0, tools)["launch_varnish_traffic"]["instances"][0]
    assert found["state"] == "unreadable" and "another version" in found["problem"] and "Not a VSL chunk" in found["problem"]
