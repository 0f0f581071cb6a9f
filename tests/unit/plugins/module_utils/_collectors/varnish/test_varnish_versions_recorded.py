# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recorded versions of Varnish, the forms of its CLI's answers, and which varnishd runs where."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.command import Ran
from ansible_collections.warroom.launch.plugins.module_utils._collect.run import gather
from ansible_collections.warroom.launch.plugins.module_utils._collectors.varnish import discover, parse, shape
from ansible_collections.warroom.launch.plugins.module_utils._collectors.varnish.collector import COLLECTOR, instances_here
from ansible_collections.warroom.launch.plugins.module_utils._linux.processes import Process, Processes

VERSIONS = ("6.5-bullseye", "7.1", "7.7-trixie", "vinyl-9.0.1-sid")


def look(tools: t.Any, window: float = 0, **options: t.Any) -> dict[str, t.Any]:
    """The facts of one instance over the stand-in tools."""
    return gather([(COLLECTOR, options)], window, tools)["launch_varnish"]["instances"][0]


def facts(first: parse.Counters, second: t.Optional[parse.Counters] = None, **told: t.Any) -> dict[str, t.Any]:
    return shape.facts(first, second, 5.0 if second else None, shape.Told(**told), 10).done()


@pytest.mark.parametrize("version", VERSIONS)
def test_recorded_versions(fixture_file, version):
    sample = parse.counters(fixture_file(f"varnish/{version}/varnishstat-1-j.json"))
    said = parse.backends(fixture_file(f"varnish/{version}/backend-list-j.json"))
    result = facts(sample, vcls={"boot": "active"}, backends=said)
    assert {row["name"]: row["health"] for row in result["backends"]} == {"default": "healthy", "dead": "no_probe"}
    assert result["lifetime_requests"] == sum(sample["MAIN." + name] for name in ("cache_hit", "cache_miss", "s_pass", "s_pipe"))
    assert 0 < result["lifetime_hit_ratio_true"] < result["lifetime_hit_ratio_shown"] <= 1
    assert result["storage_bytes"] == 8 * 1024 * 1024
    assert len(json.dumps(result)) < 20_000
    assert all(reason for reason in result["unknown"].values())


def test_answers_of_the_cli_in_every_form(fixture_file):
    banner = parse.version(fixture_file("varnish/7.1/banner.txt"))
    assert banner == ("varnish", "7.1.1")
    assert parse.version(b"vinyld (vinyl-cache-9.0.1 revision 42)") == ("vinyl-cache", "9.0.1")
    assert parse.version(b"nothing") == (None, None)
    listed = fixture_file("varnish/7.1/vcl-list-j.json")
    assert parse.vcls(listed) == {"boot": "active"}
    assert parse.vcls(b"200 157\n" + listed) == {"boot": "active"}  # 6.6.1
    assert parse.vcls(b"available   auto/cold          0 boot\nactive      auto/warm          0 shop-v12\n\n") == {
        "boot": "available",
        "shop-v12": "active",
    }
    assert parse.vcls(b"active      auto    warm         0    boot\n") == {"boot": "active"}
    text = b"Backend name   Admin  Probe   Last updated\nboot.default   probe  Healthy 8/8 Wed\nboot.x.y  probe  Sick 0/8  Wed\n"
    assert {name: (row["health"], row["good"]) for name, row in parse.backends(text).items()} == {
        "boot.default": ("healthy", 8),
        "boot.x.y": ("sick", 0),
    }
    assert parse.backends(b'[ 3, ["backend.list"], 1.0, "odd" ]') == {}


def test_an_old_cli_without_json_is_asked_again(tools, commands, case):
    commands.answers["varnishstat"] = case("V-08.json")

    def old(argv: list[str]) -> t.Any:
        if "-j" in argv:
            return Ran(1, b"Too many parameters\n", b"Command failed with error code 105\n")
        return b"active auto/warm 0 shop-v12\n" if "vcl.list" in argv else b""

    commands.answers["varnishadm"] = old
    assert look(tools)["active_vcl"] == "shop-v12"


def test_managers_are_found_and_their_children_are_not(tools):
    tools._processes = Processes(
        [
            Process(2**22 + 1, 1, "varnishd", 0, ("/usr/sbin/varnishd", "-a", "web=:6081,HTTP", "-n", "edge")),
            Process(2**22 + 2, 2**22 + 1, "cache-main", 0, ("/usr/sbin/varnishd", "-a", "web=:6081,HTTP", "-n", "edge")),
            Process(2**22 + 3, 1, "vinyld", 0, ("/usr/sbin/vinyld",)),
        ],
        False,
    )
    assert instances_here(tools) == [{"instance": "edge", "name": "edge"}, {"instance": None, "name": "varnish"}]


@pytest.mark.parametrize(
    ("words", "address"),
    [
        ((), "127.0.0.1:80"),
        (("-a", ":6081"), "127.0.0.1:6081"),
        (("-a", "0.0.0.0:80,HTTP"), "127.0.0.1:80"),
        (("-a", "web=10.0.0.5:8080,HTTP"), "10.0.0.5:8080"),
        (("-a[::1]:6081",), "[::1]:6081"),
        (("-a", "[::1]"), "[::1]:80"),
        (("-a", "localhost"), "localhost:80"),
        (("-a", "/run/varnish.sock"), None),
        (("-a", "127.0.0.1:8443,PROXY"), None),
        (("-a", "p=127.0.0.1:8443,PROXY", "-a", "127.0.0.1:6081"), "127.0.0.1:6081"),
    ],
)
def test_where_varnishd_listens(tools, words, address):
    tools._processes = Processes([Process(2**22 + 1, 1, "varnishd", 0, ("varnishd", *words, "-f", "x.vcl"))], False)
    assert discover.discover(tools)[0]["address"] == address
