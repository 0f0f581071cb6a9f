# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Counters of every version as the same facts; what cannot be known is null with a reason (cases V-01 … V-12)."""

from __future__ import annotations

import json
import time
import types
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.command import Ran
from ansible_collections.warroom.launch.plugins.module_utils._collect.facts import Unknown
from ansible_collections.warroom.launch.plugins.module_utils._collect.run import gather
from ansible_collections.warroom.launch.plugins.module_utils._collectors.varnish import collector, discover, parse, shape
from ansible_collections.warroom.launch.plugins.module_utils._collectors.varnish.collector import COLLECTOR
from ansible_collections.warroom.launch.plugins.module_utils._linux.processes import Process, Processes
from tests.support import replay

VERSIONS = ("6.5-bullseye", "7.1", "7.7-trixie", "vinyl-9.0.1-sid")


def look(tools: t.Any, window: float = 0, **options: t.Any) -> dict[str, t.Any]:
    """The facts of one instance over the stand-in tools."""
    return gather([(COLLECTOR, options)], window, tools)["launch_varnish"]["instances"][0]


def counters(**values: int) -> parse.Counters:
    return {"MAIN." + name: value for name, value in values.items()}


def facts(first: parse.Counters, second: t.Optional[parse.Counters] = None, **told: t.Any) -> dict[str, t.Any]:
    return shape.facts(first, second, 5.0 if second else None, shape.Told(**told), 10).done()


@pytest.mark.parametrize("form", ["new", "flat", "typed", "v3"])
def test_v01_four_shapes_of_the_json_are_one_fact(case, form):
    sample = parse.counters(case(f"V-01-{form}.json"))
    result = facts(sample)
    assert (result["lifetime_hits"], result["lifetime_misses"], result["lifetime_passes"]) == (800, 150, 50)
    assert result["lifetime_hit_ratio_true"] == 0.8
    assert result["hit_ratio_true"] is None and "one sample" in result["unknown"]["hit_ratio_true"]


def test_v02_the_manager_without_its_child_is_down(case, tools, commands):
    """exit status 0 and nothing but MGT counters"""
    commands.answers["varnishstat"] = case("V-02.json")
    found = look(tools)
    assert found["state"] == "down"
    assert "manager up, child not running" in found["problem"]


def test_v03_no_access_names_the_three_causes(case, tools, commands):
    commands.answers["varnishstat"] = Ran(1, b"", case("V-03.stderr"))
    found = look(tools, instance="edge")
    assert found["state"] == "unreadable"
    for cause in ("not running", "-n", "may not read", "edge"):
        assert cause in found["problem"]
    assert ["varnishstat", "-1", "-j", "-t", "0", "-n", "edge"] in commands.asked


def test_v03_a_visible_varnishd_is_running_but_not_readable(case, tools, commands):
    commands.answers["varnishstat"] = Ran(1, b"", case("V-03.stderr"))
    tools._processes = Processes([Process(4711, 1, "varnishd", 0, ("/usr/sbin/varnishd", "-n", "edge"))], False)
    found = look(tools)
    assert found["state"] == "unreadable"
    assert "running (pid 4711)" in found["problem"] and "not readable" in found["problem"]


def test_v03_another_varnishd_is_named_when_ours_is_not_to_be_seen(case, tools, commands):
    """with several instances the name is the likely cause"""
    commands.answers["varnishstat"] = Ran(1, b"", case("V-03.stderr"))
    tools._processes = Processes([Process(4711, 1, "varnishd", 0, ("/usr/sbin/varnishd", "-n", "edge"))], False)
    found = look(tools, instance="egde")
    assert found["state"] == "unreadable" and "running as edge (pid 4711)" in found["problem"] and "not readable" in found["problem"]


def test_a_directory_that_its_varnishd_has_left_is_down_unless_processes_are_hidden(case, tools, commands, tmp_path):
    commands.answers["varnishstat"] = Ran(1, b"", case("V-03.stderr"))
    tools._processes = Processes([], False)
    assert look(tools, instance=str(tmp_path))["state"] == "unreadable", "a directory that no varnishd ever used"
    (tmp_path / "vmod_cache").mkdir()
    found = look(tools, instance=str(tmp_path))
    assert found["state"] == "down" and "has ended" in found["problem"]
    for hidden, instance in ((True, tmp_path), (False, tmp_path / "nowhere")):
        tools._processes = Processes([], hidden)
        assert look(tools, instance=str(instance))["state"] == "unreadable"


def test_the_memory_of_a_killed_varnishd_is_not_taken_for_a_living_one(case, tools, commands, monkeypatch):
    frozen = case("V-12-first.json")
    commands.answers["varnishstat"] = [frozen, frozen]
    _passes(monkeypatch, 5.0)
    found = look(tools, window=0.01)
    assert found["state"] == "down" and "was killed" in found["problem"]
    _passes(monkeypatch, 5.0)
    commands.answers["varnishstat"] = [frozen, frozen.replace(b": 86400", b": 86405")]
    assert look(tools, window=0.01)["state"] == "up"


@pytest.mark.parametrize("wall_clock", [b"T11:00:00", b"T09:00:01", b"T10:00:01"])
def test_clocks_that_are_changed_between_two_samples_kill_nobody(case, tools, commands, monkeypatch, wall_clock):
    """varnishstat writes local time: an hour may pass within a second, or none for an hour."""
    first = case("V-12-first.json")
    commands.answers["varnishstat"] = [first, first.replace(b"T10:00:00", wall_clock)]
    _passes(monkeypatch, 1.0)
    assert look(tools, window=0.01)["state"] == "up"


def _passes(monkeypatch, seconds):
    """So much time between two readings of the counters."""
    monkeypatch.setattr(collector, "time", types.SimpleNamespace(monotonic=iter((0.0, seconds)).__next__, sleep=time.sleep))


def test_a_tool_that_hangs_costs_its_time_and_says_so(tools, commands):
    commands.answers["varnishstat"] = Ran(124, b"", b"", late=True)
    assert "no answer within" in look(tools)["problem"]


def test_a_missing_tool_is_said(tools):
    found = look(tools)
    assert found["state"] == "unreadable" and "varnishstat is not installed" in found["problem"]


def test_vinyl_names_of_the_tools_are_found(case, tools, commands):
    commands.answers["vinylstat"] = case("V-01-new.json")
    assert look(tools)["lifetime_hits"] == 800


@pytest.mark.parametrize(
    "answer", [b"{", b"[]", b'{"timestamp": "x"}', b'{"counters": [1]}', b"\xff\xfe", b'{"MAIN.x": {"value": "many"}}']
)
def test_broken_answers_are_one_sentence(tools, commands, answer):
    commands.answers["varnishstat"] = answer
    found = look(tools)
    assert found["state"] == "unreadable" and "varnishstat" in found["problem"]


def test_v15_text_is_not_guessed_at(case, tools, commands):
    """only the JSON is read; text with moving columns is refused in words"""
    commands.answers["varnishstat"] = case("V-15.txt")
    assert "not complete JSON" in look(tools)["problem"]


def test_words_before_the_json_and_gauges_below_zero_do_no_harm(case):
    sample = parse.counters(b"ld.so: object libx.so cannot be preloaded\n" + case("V-01-new.json"))
    assert sample["MAIN.cache_hit"] == 800
    wrapped = {
        "MAIN.n_object": {"flag": "g", "format": "i", "value": 2**64 - 1},
        "MAIN.threads": {"flag": "g", "format": "i", "value": "100"},
    }
    found = facts(parse.counters(json.dumps({"version": 1, "counters": wrapped}).encode()))
    assert found["threads"]["running"] == 100 and found["objects"] is None
    assert found["unknown"]["objects"].startswith("implausible") and "wrapped" in found["unknown"]["objects"]


def test_v05_happy_is_an_exact_history(case):
    result = facts(parse.counters(case("V-05.json")))
    rows = {row["name"]: row for row in result["backends"]}
    assert rows["probe_good"]["happy"] == 2**64 - 1 and isinstance(rows["probe_good"]["happy"], int)
    assert {name: row["health"] for name, row in rows.items()} == {
        "no_probe": "no_probe",
        "probe_new": "healthy",
        "probe_good": "healthy",
        "probe_flap": "healthy",
        "probe_sick": "sick",
    }
    assert result["backends_sick"] == 1
    assert result["backends"][0]["name"] == "probe_sick"


def test_v08_only_the_live_vcl_is_judged(case, tools, commands):
    commands.answers["varnishstat"] = case("V-08.json")
    commands.answers["varnishadm"] = case("V-08.vcl-list.json")  # whatever is asked
    found = look(tools)
    assert found["active_vcl"] == "shop-v12"
    assert [(row["vcl"], row["health"], row["lifetime_failures"], row["lifetime_requests"]) for row in found["backends"]] == [
        ("shop-v12", "healthy", 0, 10)
    ]
    assert found["backends_sick"] == 0 and found["stale_vcls"] == ["boot"]


def test_v08_without_the_cli_the_live_vcl_is_not_guessed(case, tools, commands):
    commands.answers["varnishstat"] = case("V-08.json")
    commands.answers["varnishadm"] = Ran(1, b"", b"Cannot open secret file: Permission denied\n")
    found = look(tools)
    assert found["state"] == "up" and found["active_vcl"] is None and found["backends_sick"] is None
    assert "secret" in found["unknown"]["active_vcl"] and "secret" in found["unknown"]["backends_sick"]
    assert {row["active"] for row in found["backends"]} == {None}


def test_the_only_loaded_vcl_is_live():
    sample = {
        **counters(n_vcl=1),
        "VBE.boot.web.req": 3,
        "VBE.boot.web.happy": 0,
        "VBE.boot.goto.0000.(192.0.2.12).(https://api.example.com:443).req": 4,
    }
    result = facts(sample, vcls=Unknown("no secret"))
    assert result["active_vcl"] == "boot" and "active_vcl" not in result["unknown"]
    assert {row["name"]: row["lifetime_requests"] for row in result["backends"]} == {
        "web": 3,
        "goto.0000.(192.0.2.12).(https://api.example.com:443)": 4,
    }


def test_a_backend_that_refuses_with_no_good_probe_is_sick():
    result = facts({"VBE.boot.web.happy": 0, "VBE.boot.web.unhealthy": 7})
    assert result["backends"][0]["health"] == "sick"


def test_failures_of_a_backend_are_counted_by_reason_or_in_sum():
    refused = {"VBE.boot.web.fail": 0, "VBE.boot.web.fail_econnrefused": 3, "VBE.boot.web.helddown": 2, "VBE.boot.web.happy": 0}
    assert facts(refused)["backends"][0]["lifetime_failures"] == 5
    assert facts({**refused, "VBE.boot.web.fail": 3})["backends"][0]["lifetime_failures"] == 5


def test_v09_a_crash_shows_though_the_numbers_look_calm(case):
    result = facts(parse.counters(case("V-09.json")))
    assert result["child"]["crashes"] == 2 and result["child"]["panics"] == 1
    assert result["child"]["uptime_seconds"] == 12 and result["child"]["younger_than_manager_seconds"] == 86388
    assert result["judged"]["hit_ratio_true"] is None and "one sample" in result["unknown"]["judged.hit_ratio_true"]


def test_v11_nothing_of_nothing_is_unknown(case):
    sample = parse.counters(case("V-11.json"))
    for result in (facts(sample), facts(sample, dict(sample))):
        assert result["hit_ratio_true"] is None and result["lifetime_hit_ratio_true"] is None and result["judged"]["hit_ratio_true"] is None
        assert result["unknown"]["lifetime_hit_ratio_true"] == "no lookups yet"
        assert result["unknown"]["judged.hit_ratio_true"] == "no lookups yet"


@pytest.mark.parametrize("answer", ["V-13.txt", "V-01-new.json"])
def test_v13_a_broken_answer_of_the_cli_is_unknown_with_its_beginning(case, tools, commands, answer):
    commands.answers["varnishstat"] = case("V-08.json")
    commands.answers["varnishadm"] = lambda argv: (
        b"varnish-7.1.1 revision abc" if "banner" in argv else b"[" + case(answer).lstrip(b"[")[:200]
    )
    found = look(tools)
    assert found["state"] == "up" and found["version"] == "7.1.1"
    assert found["active_vcl"] is None and found["backends_sick"] is None and found["threads"]["maximum"] is None
    for name, command in (("active_vcl", "vcl.list"), ("backends_sick", "vcl.list"), ("threads.maximum", "param.show")):
        assert f"the answer of {command} is not complete JSON" in found["unknown"][name]
        assert len(found["unknown"][name]) < 200
    assert "no VCL is loaded?" in found["unknown"]["active_vcl"]


def test_v13_json_that_was_cut_gives_no_half_read_facts(case, tools, commands):
    for cut in (Ran(0, case("V-01-new.json")[:200], b""), Ran(124, case("V-01-new.json")[:200], b"", late=True)):
        commands.answers["varnishstat"] = cut
        found = look(tools)
        assert found["state"] == "unreadable" and "lifetime_hits" not in found
        assert "not complete JSON: 200 bytes" in found["problem"] or "no answer within" in found["problem"]


def test_a_restart_within_the_window_is_said_and_not_down(case, tools, commands, monkeypatch):
    before = Processes([Process(40, 1, "varnishd", 0, ("/usr/sbin/varnishd", "-n", "edge"))], False)
    after = Processes([Process(77, 1, "varnishd", 0, ("/usr/sbin/varnishd", "-n", "edge"))], False)
    tools._processes, tools.timeout = before, 0.6
    monkeypatch.setattr(discover.Processes, "read", lambda: after)
    commands.answers["varnishstat"] = [case("V-12-first.json"), case("V-12-restarted.json")]
    found = look(tools, window=0.01, instance="edge")
    assert found["state"] == "up" and found["child"]["restarted_in_window"] is True
    assert any("restarted within the window (pid 40 is gone, pid 77 took its place)" in note for note in found["notes"])
    commands.answers["varnishstat"] = [case("V-12-first.json"), Ran(1, b"", b"Could not get hold of varnishd")]
    found = look(tools, window=0.01, instance="edge")
    assert found["state"] == "unreadable" and "dropped our connection within the window, and now: varnishd is running" in found["problem"]
    commands.answers["varnishstat"] = [case("V-12-first.json"), Ran(1, b"", b"Could not get hold of varnishd"), case("V-12-restarted.json")]
    found = look(tools, window=0.01, instance="edge")
    assert found["state"] == "up" and found["lifetime_hits"] == 12 and found["hit_ratio_true"] is None
    assert found["child"]["restarted_in_window"] is None and "within the window" in found["unknown"]["hit_ratio_true"]
    monkeypatch.setattr(discover.Processes, "read", lambda: Processes([], False))
    commands.answers["varnishstat"] = [case("V-12-first.json"), case("V-12-second.json")]
    found = look(tools, window=0.01, instance="edge")
    assert found["state"] == "down" and "ended within the window" in found["problem"]


def test_a_backend_whose_health_is_not_told_may_be_sick():
    found = facts({"VBE.boot.web.req": 3, "VBE.boot.api.happy": 0, "VBE.boot.api.unhealthy": 2, "VBE.boot.old.happy": 7})
    assert found["backends_sick"] is None and found["at_least"] == {"backends_sick": 1, "backends_usable": 1}
    assert "no health of a backend" in found["unknown"]["backends_sick"]


def test_v12_the_window_beside_the_lifetime(case, tools, commands):
    commands.answers["varnishstat"] = [case("V-12-first.json"), case("V-12-second.json")]
    found = look(tools, window=0.01)
    assert found["hit_ratio_true"] == 0.4 and found["requests"] == 100
    assert found["lifetime_hit_ratio_true"] == pytest.approx(0.99, abs=0.0005)
    assert found["hit_ratio_drop"] == pytest.approx(0.59, abs=0.001)
    assert found["judged"]["basis"] == "window" and found["judged"]["hit_ratio_true"] == 0.4


def test_v12_a_restart_between_the_samples_is_said_and_never_negative(case):
    result = facts(parse.counters(case("V-12-first.json")), parse.counters(case("V-12-restarted.json")))
    assert result["hit_ratio_true"] is None and "restarted within the window" in result["unknown"]["hit_ratio_true"]
    assert any("restarted within the window" in note for note in result["notes"])
    assert result["child"]["restarted_in_window"] is True
    assert result["lifetime_hits"] == 12

    def numbers(value: t.Any) -> t.Iterator[float]:
        if isinstance(value, dict):
            for item in value.values():
                yield from numbers(item)
        elif isinstance(value, (int, float)):
            yield value

    assert all(number >= 0 for number in numbers(result))


def test_ratios_follow_the_formulas_and_count_nothing_twice():
    first = counters(
        uptime=100, cache_hit=1000, cache_hit_grace=0, cache_miss=0, cache_hitmiss=0, s_pass=0, cache_hitpass=0, s_pipe=0, s_synth=0
    )
    second = counters(
        uptime=105,
        cache_hit=1600,
        cache_hit_grace=60,
        cache_miss=200,
        cache_hitmiss=50,
        s_pass=150,
        cache_hitpass=30,
        s_pipe=50,
        s_synth=100,
    )
    result = facts(first, second)
    assert result["requests"] == 1000
    assert result["hit_ratio_true"] == 0.6
    assert result["hit_ratio_shown"] == 0.75
    assert result["offload_ratio"] == round(700 / 1100, 6)
    assert (result["pass_ratio"], result["pipe_ratio"]) == (0.15, 0.05)
    assert (result["grace_ratio"], result["hit_for_miss_ratio"], result["hit_for_pass_ratio"]) == (0.1, 0.25, 0.2)
    assert result["requests_per_second"] == 200
    assert result["judged"]["basis"] == "window" and result["judged"]["hit_ratio_true"] == 0.6


def test_more_failures_than_requests_are_a_ratio_still():
    quiet = dict.fromkeys(("backend_req", "backend_fail", "backend_unhealthy", "backend_busy", "fetch_failed"), 0)
    result = facts(counters(uptime=1, **quiet), counters(uptime=6, **{**quiet, "backend_fail": 9, "fetch_failed": 9}))
    assert result["backend_error_ratio"] == 1.0 and result["backend_errors"] == 18
    assert (
        facts(counters(uptime=1, **quiet), counters(uptime=6, **quiet))["unknown"]["backend_error_ratio"]
        == "no backend requests in the window"
    )


@pytest.mark.parametrize(
    ("counted", "refused", "failed", "errors"),
    [
        ({"cache_hitmiss": 0}, 9, 9, 9),
        ({"cache_hitmiss": 0}, 9, 3, 9),  # vcl_backend_error tried them again
        ({"cache_hitmiss": 0}, 0, 4, 4),  # closed, or too late
        ({"cache_hitmiss": 0}, 2, 6, 6),
        ({}, 9, 4, 13),  # before 5.1
    ],
)
def test_a_fetch_that_got_no_connection_is_one_error(counted, refused, failed, errors):
    """https://github.com/varnishcache/varnish-cache/issues/2212: since 5.1 fetch_failed counts these too, and 9 were said to be 18"""
    first = {"backend_req": 100, "backend_fail": 0, "backend_unhealthy": 0, "backend_busy": 0, "fetch_failed": 0, **counted}
    second = {**first, "backend_req": 200, "backend_fail": refused, "fetch_failed": failed}
    result = facts(counters(uptime=1, **first), counters(uptime=6, **second))
    assert (result["backend_errors"], result["backend_error_ratio"]) == (errors, errors / 100)


def test_storage_leaves_transient_out_and_knows_no_limit():
    sample = {
        "SMA.main.g_bytes": 60, "SMA.main.g_space": 40, "SMA.main.c_fail": 0, "SMA.Transient.g_bytes": 30, "SMA.Transient.g_space": 0,
        "SMA.Transient.c_fail": 0, "MAIN.uptime": 1,
    }  # fmt: skip
    result = facts(sample)
    assert (result["storage_bytes"], result["storage_use_ratio"], result["transient_bytes"], result["transient_to_storage"]) == (
        100,
        0.6,
        30,
        0.3,
    )
    endless = facts({**sample, "SMA.main.g_space": 0})
    assert endless["storage_bytes"] is None and "without a size limit" in endless["unknown"]["storage_bytes"]


def test_starved_threads():
    first = counters(uptime=1, threads_limited=3, thread_queue_len=0, sess_dropped=0, req_dropped=0, threads=100)
    assert (
        facts(first, counters(uptime=6, threads_limited=3, thread_queue_len=0, sess_dropped=0, req_dropped=0, threads=100))[
            "thread_starved"
        ]
        is False
    )
    for sign in ({"threads_limited": 4}, {"thread_queue_len": 2}, {"sess_dropped": 1}):
        assert facts(first, {**first, **counters(uptime=6, **sign)})["thread_starved"] is True
    assert facts(first, None, parameters={"thread_pools": 2, "thread_pool_max": 50})["threads"]["use_ratio"] == 1.0


def test_its_host_visits_the_urls_that_are_named(case, tools, commands):
    commands.answers["varnishstat"] = case("V-01-new.json")
    answer = replay.sends(b"HTTP/1.1 302 Found\r\nLocation: /login/\r\nContent-Length: 0\r\n\r\n", wait_for=b"\r\n\r\n")
    with replay.peer(answer) as address:
        found = look(tools, visits=[f"http://{address}/", "nothing"])
    there, nothing = found["visits"]
    assert (there["status"], there["location"], nothing["status"]) == (302, "/login/", None)
    assert there["first_byte_seconds"] <= there["total_seconds"] and "http://" in nothing["problem"]
    assert look(tools)["visits"] == []
