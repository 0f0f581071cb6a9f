# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checks of the traffic over facts that its collector really makes."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._checks.evaluate import evaluate
from tests.support.check_cases import catalogue
from tests.support.varnish_log import backend, client, look

CALM = client("hit", "/news/1/") * 900 + client("miss", "/news/2/") * 30 + backend("fetch", "/news/2/") * 30


def judge(facts: dict[str, t.Any]) -> dict[str, dict[str, t.Any]]:
    found = evaluate("cache1", {"launch_varnish_traffic": {"instances": [facts]}}, catalogue().checks())
    for one in found:
        for text in (one["finding"], one["advice"], one["look"]):
            assert "None" not in (text or ""), one
        if one["status"] in ("warn", "fail"):
            assert one["advice"], one
    return {one["check"].replace("varnish_traffic_", ""): one for one in found}


def test_calm_traffic_is_ok(tools, commands):
    found = judge(look(tools, commands, CALM, cached=["^/news/"], uncached=["^/account/"]))
    assert {one["status"] for one in found.values()} <= {"ok", "skipped"}
    assert {name for name, one in found.items() if one["status"] == "ok"} == {
        "answers", "cached_urls", "bypass", "redirect_url", "not_found", "errors", "slow", "log",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("check", "more", "status", "words"),
    [
        (
            "bypass",
            (client("pass", "/p/") + backend("pass", "/p/", cookie="a=b")) * 150,
            "warn",
            'req.url ~ "^/p/([?]|$)") { unset req.http.Cookie; }',
        ),
        ("bypass", (client("pass", "/p/") + backend("pass", "/p/")) * 500, "fail", "your own VCL passes /p/"),
        (
            "bypass",
            (client("hitmiss", "/h/") + backend("fetch", "/h/", storage="Transient", set_cookie="x")) * 150,
            "warn",
            "sets a cookie",
        ),
        ("redirects", (client("miss", "/old/1", 301) + backend("fetch", "/old/1", 301)) * 30, "fail", "beresp.ttl = 365d"),
        ("redirect_url", (client("miss", "/old/1", 301) + backend("fetch", "/old/1", 301)) * 30, "warn", "^/old/[^/]+"),
        ("not_found", (client("miss", "/x", 404) + backend("fetch", "/x", 404)) * 60, "fail", "synth(404)"),
        ("errors", client("pass", "/e", 500) * 10, "warn", "fails on /e"),
        ("errors", client("pass", "/e", 503) * 40, "fail", "Varnish itself sends 503"),
        ("slow", client("miss", "/s", first="4.5") * 30, "fail", "slowest pattern"),
        ("slow_passes", client("pass", "/s", first="1.5") * 30, "warn", "application alone"),
        ("cached_urls", client("pass", "/news/9/") * 100, "warn", "list of passes"),
        ("uncached_urls", client("hit", "/account/"), "fail", "each other's pages"),
        ("log", b"\xff\n", "ok", ""),
    ],
)
def test_limits(tools, commands, check, more, status, words):
    found = judge(look(tools, commands, CALM + more, cached=["^/news/"], uncached=["^/account/"]))[check]
    assert found["status"] == status
    assert words.lower() in (found["advice"] or "").lower()
    if status in ("warn", "fail") and check != "log":
        assert found["evidence"]


def test_little_traffic_leaves_shares_unknown_for_the_one_reason(tools, commands):
    found = judge(look(tools, commands, client("miss") * 5))
    unknown = {name: one["reason"] for name, one in found.items() if one["status"] == "unknown"}
    assert sorted(unknown) == ["bypass", "not_found", "redirect_url"]
    assert all(reason.startswith("too little to judge by") for reason in unknown.values()), unknown


def test_private_pages_are_no_bypass_and_no_advice(tools, commands):
    """Finding D1: Debian's VCL, and 7 % of the requests for an account page that says it is private."""
    private = client("miss", "/account/", hit_for_miss=1) + backend("fetch", "/account/", storage="Transient", cache_control="private")
    for options in ({}, {"uncached": ["^/account/"]}):
        found = judge(look(tools, commands, CALM + private * 70, **options))
        assert {one["status"] for one in found.values()} <= {"ok", "skipped"}
        assert "/account/" not in str([one["advice"] for one in found.values()])
