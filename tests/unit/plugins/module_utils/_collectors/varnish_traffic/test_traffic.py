# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The log as facts: outcomes of every version, tables, reasons, times."""

from __future__ import annotations

import json
import time

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.command import Ran
from ansible_collections.warroom.launch.plugins.module_utils._collect.run import gather
from ansible_collections.warroom.launch.plugins.module_utils._collectors.varnish_traffic.collector import COLLECTOR
from tests.support.varnish_log import backend, client, look


def test_each_request_has_one_outcome_in_every_version(tools, commands):
    log = [
        client("hit", left="119.9"), client("hit", left="-0.7"), client("miss"), client("miss", hit_for_miss="32776"), client("hitmiss"),
        client("pass"), client("pass", hit_for_pass="9"), client("hitpass"), client("pipe", status=0, size="-"), client("synth"),
    ]  # fmt: skip
    found = look(tools, commands, b"".join(log))
    assert found["outcomes"] == {
        "hit": 1, "grace_hit": 1, "miss": 1, "hit_for_miss": 2, "pass": 1, "hit_for_pass": 2, "pipe": 1, "synth": 1,
    }  # fmt: skip
    assert found["requests"] == 10 and found["log"]["unparsed"] == 0
    assert found["hit_ratio_true"] == round(2 / 9, 6)
    assert found["pass_ratio"] == round(3 / 9, 6)
    assert found["bypass_ratio"] == round(6 / 9, 6)
    assert found["shares"]["hit_for_pass"] == 0.2


def test_statuses_methods_hosts_and_agents(tools, commands):
    log = (
        client(status=404, host="Shop.Example.com") * 3
        + client(method="POST", agent="curl/8")
        + client(method="EVIL\\x00", agent="-", host="-")
    )
    found = look(tools, commands, log)
    assert [(row["name"], row["count"]) for row in found["statuses"]] == [("404", 3), ("200", 2)]
    assert {row["name"]: row["count"] for row in found["methods"]} == {"GET": 3, "POST": 1, "other": 1}
    assert found["hosts"][0] == {"name": "shop.example.com", "count": 4, "share": 0.8}
    assert {row["name"]: row["kind"] for row in found["agents"]} == {"Firefox": "browser", "curl": "program", "none": "none"}


def test_tables_join_both_sides_by_pattern(tools, commands):
    log = b"".join(
        [
            *(client("miss", f"/page/{number}/", size=10, spent=3000) for number in range(3)),
            *(backend("fetch", f"/page/{number}/", spent=2_000_000) for number in range(3)),
            client("hit", "/page/1/"), backend("bgfetch", "/page/1/", spent=1_000_000),
            client("pass", "/account/?token=EXAMPLEsecret"),
            backend("pass", "/account/?token=EXAMPLEsecret", spent=3_000_000, cookie="sid=EXAMPLE"),
        ]
    )  # fmt: skip
    found = look(tools, commands, log)
    [miss] = found["misses"]
    assert (miss["pattern"], miss["count"], miss["bytes"], miss["backend_requests"], miss["backend_seconds"]) == (
        "/page/<id>/",
        3,
        30,
        3,
        6.0,
    )
    assert miss["share_of_backend_time"] == 0.6 and miss["mean_seconds"] == 0.003 and miss["example"] == "/page/0/"
    assert miss["url_regex"] == "^/page/[^/]+/([?]|$)"
    [passed] = found["passes"]
    assert (passed["pattern"], passed["reason"], passed["reasons"]) == ("/account/?token", "Cookie", [{"name": "Cookie", "count": 1}])
    assert found["hits"][0]["backend_requests"] == 1 and found["hits_total"] == 1
    assert found["backend"]["seconds"] == 10.0 and found["backend"]["background_fetches"] == 1
    assert "EXAMPLE" not in json.dumps(found)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (backend("pass", cookie="a=b"), "Cookie"),
        (backend("pass", authorization="Basic"), "Authorization"),
        (backend("pass", method="POST"), "method POST"),
        (backend("pass", method="EVIL"), "method other"),
        (backend("pass", ttl_source="HFP"), "hit-for-pass"),
        (backend("pass"), "VCL rule"),
    ],
)
def test_reasons_of_a_pass(tools, commands, line, reason):
    found = look(tools, commands, client("pass") + line)
    assert found["pass_reasons"] == [{"name": reason, "count": 1, "share": 1.0}]
    assert found["passes"][0]["reason"] == reason


def test_a_passed_answer_that_says_itself_that_it_is_personal_is_counted_beside_its_reason(tools, commands):
    log = client("pass") * 3 + backend("pass", cache_control="Private, max-age=60", cookie="a=b") * 2
    found = look(tools, commands, log + backend("pass", cache_control="public, max-age=60", cookie="a=b"))
    [row] = found["passes"]
    assert (row["private"], row["backend_requests"], row["reasons"]) == (2, 3, [{"name": "Cookie", "count": 3}])
    assert found["pass_reasons"] == [{"name": "Cookie", "count": 3, "share": 1.0}]


@pytest.mark.parametrize(
    ("more", "reasons"),
    [
        ({"set_cookie": "sid=EXAMPLE"}, {"Set-Cookie"}),
        ({"cache_control": "private, max-age=0", "ttl": "0"}, {"Cache-Control", "TTL <= 0"}),
        ({"cache_control": "No-Store"}, {"Cache-Control"}),
        ({"vary": "*"}, {"Vary"}),
        ({"ttl": "-1"}, {"TTL <= 0"}),
        ({"ttl": "0.000"}, {"TTL <= 0"}),
        ({"ttl": "120"}, {"VCL rule or short TTL"}),
        ({}, {"VCL rule or short TTL"}),
        ({"status": 503}, {"error"}),
        ({"storage": "main", "vary": "Accept-Encoding, Cookie", "ttl": "120"}, {"Vary: Cookie"}),
        ({"storage": "main", "vary": "Accept-Encoding", "ttl": "120"}, set()),
    ],
)
def test_reasons_of_not_being_stored(tools, commands, more, reasons):
    found = look(tools, commands, client("miss") + backend("fetch", **{"storage": "Transient", **more}))
    assert {row["name"] for row in found["not_stored_reasons"]} == reasons
    assert {row["name"] for row in found["misses"][0]["reasons"]} == reasons


def test_404s_redirects_and_errors(tools, commands):
    log = b"".join(
        [
            client("miss", "/old/1", 301), backend("fetch", "/old/1", 301, spent=5_000_000), client("hit", "/old/1", 301) * 8,
            client("hit", "/gone/1", 308), client("synth", "/vcl", 301),
            client("miss", "/nope", 404) * 2, backend("fetch", "/nope", 404) * 2, client("synth", "/wp-login.php", 404),
            client("pass", "/boom", 500), backend("pass", "/boom", 500, spent=5_000_000), client("synth", "/limit", 503),
        ]
    )  # fmt: skip
    found = look(tools, commands, log)
    assert [(row["pattern"], row["status"], row["count"], row["cached"], row["backend_requests"]) for row in found["redirects"]] == [
        ("/old/<id>", 301, 9, 8, 1)
    ]
    assert found["redirect_requests"] == 11 and found["redirect_backend_requests"] == 1
    assert found["redirect_backend_time_ratio"] == pytest.approx(0.5, abs=0.01)
    assert [(row["pattern"], row["count"]) for row in found["not_found"]] == [("/nope", 2)]
    assert found["not_found_requests"] == 3
    assert {row["pattern"] for row in found["errors"]} == {"/boom", "/limit"} and found["error_requests"] == 2
    assert found["error_ratio"] == round(2 / found["requests"], 6)


def test_response_times_on_a_logarithmic_axis(tools, commands):
    hits = [client("hit", first=f"0.{number:06d}") for number in range(1, 101)]
    found = look(
        tools, commands, b"".join([*hits, client("miss", first="0.250000"), client("pass", first="2.000000"), client("pipe", first="-")])
    )
    times = found["response_times"]
    assert (times["hit"]["p50_seconds"], times["hit"]["p95_seconds"], times["hit"]["p99_seconds"]) == (0.00005, 0.000095, 0.000099)
    assert times["hit"]["count"] == 100 == sum(row["count"] for row in times["hit"]["buckets"])
    assert times["miss"]["p50_seconds"] == 0.25 and times["pass"]["max_seconds"] == 2.0
    for row in times["hit"]["buckets"]:
        assert row["from_seconds"] < row["to_seconds"] < 2 * row["from_seconds"]


def test_what_the_log_covers_is_said(tools, commands):
    found = look(tools, commands, client(start="1795570000.5") + client(start="1795570010.5") * 9)
    assert found["log"]["seconds"] == 10.0 and found["requests_per_second"] == 1.0 and found["log"]["complete"] is True
    assert (found["log"]["first_at"], found["log"]["last_at"]) == ("2026-11-25T01:26:40Z", "2026-11-25T01:26:50Z")


@pytest.mark.parametrize(("last", "asked"), [(600, True), (0.5, True), (0, False)])
def test_what_is_older_than_asked_for_is_not_even_printed(tools, commands, last, asked):
    before = time.time()
    look(tools, commands, client(), last=last)
    [said] = commands.asked
    queries = [said[at + 1] for at, word in enumerate(said) if word == "-q"]
    assert bool(queries) is asked
    for query in queries:
        begun, _sep, moment = query.rpartition(" ")
        assert begun == "Timestamp[2] >=" and before - last <= float(moment) <= time.time() - last


@pytest.mark.parametrize(
    ("window", "options", "seconds"), [(0.2, {}, 0.2), (0, {}, 60), (0.2, {"last": 300}, 300), (0, {"last": 300}, 300)]
)
def test_the_window_decides_what_is_counted(tools, commands, window, options, seconds):
    """Finding I1: only who asks for a longer look gets one; one look without a window is about the last minute."""
    commands.answers["varnishncsa"] = client()
    before = time.time()
    gather([(COLLECTOR, options)], window, tools)
    [said] = commands.asked
    moment = float(said[said.index("-q") + 1].rpartition(" ")[2])
    # the window begins with the first sample, and the log is read when the machine has been measured
    assert before - (0 if seconds == window else seconds) <= moment + 0.001 and moment <= time.time() - seconds + 0.001


def test_what_began_before_the_window_and_ended_in_it_makes_the_window_no_longer(tools, commands):
    now = time.time()
    log = client(status=503, start=f"{now - 60:.6f}") + client(start=f"{now:.6f}") * 9
    found = look(tools, commands, log, last=10)
    assert found["error_requests"] == 1 and found["log"]["seconds"] == pytest.approx(10, abs=0.5)


def test_an_empty_log_is_unknown_and_not_zero_percent(tools, commands):
    found = look(tools, commands, b"")
    assert found["state"] == "up" and found["requests"] == 0
    for name in ("hit_ratio_true", "bypass_ratio", "requests_per_second", "error_ratio"):
        assert found[name] is None and found["unknown"][name].startswith("no request ended within the window")


def test_expected_urls(tools, commands):
    log = b"".join(
        [
            client("hit", "/news/1/") * 6, client("pass", "/news/2/?x=1") * 3, client("miss", "/news/3/"),
            client("pass", "/news/4/", method="POST"),
            client("hit", "/account/") * 2, client("pass", "/account/"),
        ]
    )  # fmt: skip
    found = look(tools, commands, log, cached=["^/news/", "^/never"], uncached=["^/account"])
    rows = {row["name"]: row for row in found["expected"]}
    assert (rows["^/news/"]["requests"], rows["^/news/"]["hits"], rows["^/news/"]["wrong"]) == (10, 6, 3)
    assert rows["^/news/"]["patterns"] == ["/news/<id>/?x"]
    assert found["expected_cached_bypass_ratio"] == 0.3
    assert found["expected_uncached_hits"] == 2 and rows["^/account"]["wrong_ratio"] == round(2 / 3, 6)
    assert rows["^/never"]["wrong_ratio"] is None
    assert "no URLs were named" in look(tools, commands, log)["unknown"]["expected_cached_bypass_ratio"]


def test_a_wrong_expression_is_named(tools, commands):
    found = look(tools, commands, b"", cached=["^/(news"])
    assert found["state"] == "unreadable" and "^/(news" in found["problem"] and "cached" in found["problem"]


def test_the_dialect_of_vinyl_is_tried(tools, commands):
    asked = []

    def ncsa(argv: list[str]) -> Ran:
        asked.append(argv[-1])
        if "%{Varnish:" in argv[-1]:
            return Ran(1, b"", b"Unknown formatting extension: Varnish:side\n")
        return Ran(0, client(), b"")

    assert look(tools, commands, ncsa)["requests"] == 1
    assert len(asked) == 2 and "%{Vinyl:handling}x" in asked[1] and "Varnish" not in asked[1]


@pytest.mark.parametrize(
    ("ran", "words"),
    [
        (Ran(124, b"", b"Failed to acquire log: Not a VSL chunk\n", late=True), "another version"),
        (Ran(1, b"", b"Could not get hold of varnishd, is it running?\n"), "not running"),
        (Ran(1, b"", b"Something new\n"), "Something new"),
    ],
)
def test_no_log_is_one_sentence(tools, commands, ran, words):
    found = look(tools, commands, ran)
    assert found["state"] == "unreadable" and words in found["problem"]


def test_time_that_is_up_is_said(tools, commands):
    found = look(tools, commands, Ran(124, client() * 5, b"", late=True))
    assert found["requests"] == 5 and found["log"]["complete"] is False
    assert any("not all of the log was read" in note for note in found["notes"])


def test_a_query_is_counted_by_its_tag(tools, commands):
    def ncsa(argv: list[str]) -> bytes:
        if "-q" not in argv:
            return client()
        assert argv[argv.index("-q") + 1] == "RespStatus == 404" and argv[-1] == "%{VSL:ReqURL}x"
        return b"/a/1?token=EXAMPLE\n-\n/a/2?token=EXAMPLE\n/b\n"

    found = look(tools, commands, ncsa, query="RespStatus == 404", group_by="ReqURL")["query"]
    assert found["transactions"] == 3 and found["rows_total"] == 2
    assert found["rows"][0] == {"name": "/a/<id>?token", "count": 2, "share": 0.666667}


@pytest.mark.parametrize(
    "tag", ["ReqHeader:Cookie", "RespHeader:Set-Cookie", "BereqHeader:authorization", "ReqHeader:X-Auth-Token", "ReqHeader", "a b", "%{x}"]
)
def test_private_or_odd_tags_are_refused(tools, commands, tag):
    found = look(tools, commands, client(), query="RespStatus == 200", group_by=tag)
    assert found["state"] == "unreadable" and "group_by" in found["problem"]


def test_a_wrong_query_costs_only_itself(tools, commands):
    def ncsa(argv: list[str]) -> Ran:
        return Ran(1, b"", b"Query expression error:\nExpected operator got EOF\n") if "-q" in argv else Ran(0, client(), b"")

    found = look(tools, commands, ncsa, query="RespStatus", group_by="RespStatus")
    assert found["requests"] == 1 and found["query"] is None and "Query expression error" in found["unknown"]["query"]


@pytest.mark.parametrize("version", ["6.5-bullseye", "7.1", "7.7-trixie", "vinyl-9.0.1-sid"])
def test_recorded_logs_of_every_version_are_the_same_facts(tools, commands, fixture_file, version):
    found = look(tools, commands, fixture_file(f"varnish/{version}/ncsa.log"))
    assert found["log"]["unparsed"] == 0 and found["requests"] == 30
    assert found["outcomes"] == {
        "hit": 7, "grace_hit": 1, "miss": 7, "hit_for_miss": 3, "pass": 5, "hit_for_pass": 3, "pipe": 1, "synth": 3,
    }  # fmt: skip
    assert {row["name"]: row["count"] for row in found["pass_reasons"]} == {"Cookie": 4, "VCL rule": 1, "hit-for-pass": 3}
    assert "EXAMPLE" not in json.dumps(found)


PRIVATE_PAGE = (
    client("miss", "/account/", hit_for_miss=1) + backend("fetch", "/account/", storage="Transient", cache_control="private")
) * 8


@pytest.mark.parametrize(
    ("lines", "options", "shown"),
    [
        (PRIVATE_PAGE, {}, []),
        (PRIVATE_PAGE, {"uncached": ["^/account/"]}, []),
        ((client("pass", "/account/") + backend("pass", "/account/", cookie="s=1")) * 8, {"uncached": ["^/account/"]}, []),
        ((client("pass", "/p/") + backend("pass", "/p/", cache_control="no-store")) * 8, {}, []),
        ((client("pass", "/p/") + backend("pass", "/p/", vary="Accept-Encoding, Cookie")) * 8, {}, []),
        ((client("hitpass", "/p/") + backend("pass", "/p/", ttl_source="HFP", cache_control="no-cache")) * 8, {}, []),
        ((client("miss", "/p/") + backend("fetch", "/p/", storage="Transient", cache_control="no-store")) * 8, {}, []),
        ((client("miss", "/p/", hit_for_miss=1) + backend("fetch", "/p/", storage="Transient", vary="*")) * 8, {}, []),
        ((client("pass", "/p/") + backend("pass", "/p/", cookie="s=1", vary="Cookie", cache_control="public")) * 8, {}, ["/p/"]),
        ((client("pass", "/p/", method="POST") + backend("pass", "/p/", method="POST")) * 8, {}, []),
        ((client("pass", "/p/") + backend("pass", "/p/", cookie="s=1")) * 8, {}, ["/p/"]),
        ((client("miss", "/h/", hit_for_miss=1) + backend("fetch", "/h/", storage="Transient", set_cookie="s=1")) * 8, {}, ["/h/"]),
        ((client("pass", "/api/") + backend("pass", "/api/", authorization="Basic EXAMPLE")) * 8, {}, []),
        ((client("pipe", "/ws/", status=0, size="-")) * 8, {}, []),
        ((client("hitmiss", "/", 400) + backend("fetch", "/", 400, storage="Transient", set_cookie="s=1")) * 8, {}, []),
        ((client("pass", "/", 400) + backend("pass", "/", 400, cookie="s=1", cache_control="public")) * 8, {}, []),
        ((client("pass", "/", 404) + backend("pass", "/", 404, cookie="s=1")) * 8, {}, ["/"]),
        (PRIVATE_PAGE[: len(PRIVATE_PAGE) // 8] + (client("pass", "/account/") + backend("pass", "/account/")) * 7, {}, ["/account/"]),
    ],
)
def test_what_must_bypass_the_cache_is_not_listed_as_a_bypass(tools, commands, lines, options, shown):
    """Finding D1: what says itself that it is private, was declared uncached, or is no GET, is never to be cached."""
    facts = look(tools, commands, client("hit") * 92 + lines, **options)
    assert [row["pattern"] for row in facts["bypasses"]] == shown
    bypassed = facts["outcomes"]["miss"] == 0  # a plain miss was looked up
    assert facts["bypass_ratio"] == (0.08 if bypassed else 0.0)
    # of a page that is private on one path and not on another, only the latter counts
    private_too = any(row["pattern"] in shown for name in ("hit_for_misses", "passes") for row in facts[name] if row["must_bypass"])
    assert facts["bypass_cacheable_ratio"] == (0.07 if private_too else 0.08 if shown else 0.0)


@pytest.mark.parametrize("output", [b"x" * (3 << 20), b"no newline"])
def test_output_without_a_whole_line_is_no_log(tools, commands, output):
    facts = look(tools, commands, output)
    assert facts["state"] == "unreadable" and f"printed {len(output)} bytes without one whole line" in facts["problem"]


def test_an_empty_log_says_so(tools, commands):
    facts = look(tools, commands, b"")
    assert (
        facts["state"] == "up" and facts["requests"] == 0 and any("no request ended within the window" in note for note in facts["notes"])
    )


def test_a_private_redirect_is_no_redirect_to_cache(tools, commands):
    moved = (client("miss", "/login/", 301) + backend("fetch", "/login/", 301, storage="Transient", cache_control="private")) * 8
    facts = look(tools, commands, moved)
    assert (facts["redirects"], facts["redirect_backend_requests"], facts["redirect_requests"]) == ([], 0, 8)
