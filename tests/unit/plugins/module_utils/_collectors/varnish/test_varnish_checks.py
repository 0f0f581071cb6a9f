# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checks of Varnish over facts that its collector really makes: each limit, and what must not be alarmed."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collectors.varnish import parse, shape
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.evaluate import evaluate
from tests.support.check_cases import catalogue

CALM: dict[str, int] = {
    "MAIN.uptime": 90000, "MGT.uptime": 90001, "MGT.child_died": 0, "MGT.child_panic": 0, "MAIN.cache_hit": 100_000,
    "MAIN.cache_miss": 1000,
    "MAIN.cache_hitmiss": 0, "MAIN.cache_hitpass": 0, "MAIN.cache_hit_grace": 0, "MAIN.s_pass": 1000, "MAIN.s_pipe": 0, "MAIN.s_synth": 0,
    "MAIN.backend_req": 2000, "MAIN.backend_fail": 0, "MAIN.backend_unhealthy": 0, "MAIN.backend_busy": 0, "MAIN.fetch_failed": 0,
    "MAIN.threads": 200, "MAIN.threads_limited": 0, "MAIN.thread_queue_len": 0, "MAIN.sess_dropped": 0, "MAIN.req_dropped": 0,
    "MAIN.sess_queued": 0, "MAIN.threads_failed": 0, "MAIN.bans": 1, "MAIN.bans_added": 1, "MAIN.bans_obj_killed": 0,
    "MAIN.bans_lurker_obj_killed": 0, "MAIN.n_purges": 0, "MAIN.n_obj_purged": 0,
    "MAIN.n_lru_nuked": 0, "MAIN.vcl_fail": 0, "MAIN.client_resp_500": 0, "MAIN.sess_conn": 10, "MAIN.sess_fail": 0,
    "MAIN.ws_client_overflow": 0, "SMA.main.g_bytes": 10, "SMA.main.g_space": 90,
    "SMA.main.c_fail": 0, "SMA.Transient.g_bytes": 1, "SMA.Transient.g_space": 0, "SMA.Transient.c_fail": 0, "VBE.boot.web.happy": 255,
    "VBE.boot.web.req": 2000, "VBE.boot.web.fail": 0,
}  # fmt: skip


def statuses(before: t.Optional[dict[str, int]] = None, **moved: int) -> dict[str, str]:
    """Check → status after the counters moved within a window of 5 s; 1,000 hits more unless said otherwise."""
    first = {**CALM, **(before or {})}
    step = {"uptime": 5, "cache_hit": 1000, **moved}
    second = {
        **first,
        **{name if "." in name else "MAIN." + name: first[name if "." in name else "MAIN." + name] + by for name, by in step.items()},
    }
    facts = {"name": "x", "state": "up", **shape.facts(first, second, 5.0, shape.Told(vcls={"boot": "active"}), 10).done()}
    return judge(facts)


def judge(facts: dict[str, t.Any]) -> dict[str, str]:
    checks = catalogue().checks()
    found = evaluate("cache1", {"launch_varnish": {"instances": [facts]}}, checks)
    for one in found:
        assert "None" not in (one["finding"] or "") and "{" not in (one["finding"] or ""), one
        if one["status"] in ("warn", "fail"):
            assert one["advice"], one
    return {one["check"].replace("varnish_", ""): one["status"] for one in found}


def test_a_calm_varnish_is_ok():
    assert set(statuses().values()) == {"ok"}


@pytest.mark.parametrize(
    ("check", "moved", "status"),
    [
        ("hit_ratio", {"cache_hit": 800, "s_pass": 200}, "warn"),
        ("hit_ratio", {"cache_hit": 600, "cache_miss": 400}, "fail"),
        ("hit_ratio_drop", {"cache_hit": 40, "cache_miss": 60}, "fail"),
        ("hit_ratio_drop", {"cache_hit": 1, "cache_miss": 6}, "unknown"),
        ("pass_ratio", {"s_pass": 200}, "warn"),
        ("pass_ratio", {"s_pass": 900}, "fail"),
        ("hit_for_miss", {"cache_miss": 100, "cache_hitmiss": 60}, "ok"),
        ("hit_for_miss", {"cache_miss": 300, "cache_hitmiss": 150}, "warn"),
        ("hit_for_miss", {"cache_miss": 800, "cache_hitmiss": 700}, "fail"),
        ("backend_errors", {"backend_req": 5, "fetch_failed": 0}, "ok"),
        ("backend_errors", {"backend_req": 5, "fetch_failed": 1}, "warn"),
        ("backend_errors", {"backend_req": 100, "fetch_failed": 1}, "warn"),
        ("backend_errors", {"backend_req": 100, "fetch_failed": 3}, "fail"),
        ("backend_errors", {"backend_req": 0, "backend_fail": 30}, "fail"),
        ("threads", {"threads_limited": 1}, "warn"),
        ("threads", {"sess_dropped": 1}, "fail"),
        ("threads", {"threads_limited": 1, "thread_queue_len": 3}, "fail"),
        ("threads", {"threads_limited": 9, "sess_queued": 3}, "fail"),
        ("threads", {"thread_queue_len": 3}, "warn"),
        ("threads", {"threads_failed": 3, "thread_queue_len": 3}, "fail"),
        ("invalidations", {"cache_miss": 300, "bans_obj_killed": 40, "n_obj_purged": 60}, "ok"),
        ("invalidations", {"cache_miss": 300, "bans_added": 1, "bans_lurker_obj_killed": 5000}, "warn"),
        ("invalidations", {"cache_miss": 900, "bans_added": 9, "bans_obj_killed": 800}, "fail"),
        ("invalidations", {"cache_miss": 900}, "ok"),
        ("nuked", {"n_lru_nuked": 5, "cache_miss": 50}, "warn"),
        ("nuked", {"n_lru_nuked": 50, "cache_miss": 50}, "fail"),
        ("transient", {"SMA.Transient.g_bytes": 70}, "warn"),
        ("vcl_failures", {"vcl_fail": 1}, "warn"),
    ],
)
def test_limits(check, moved, status):
    assert statuses(**moved)[check] == status


@pytest.mark.parametrize(("uptime", "status"), [(60, "fail"), (7200, "warn"), (90000, "ok")])
def test_a_crash_is_an_alarm_while_the_cache_is_young_and_history_later(uptime, status):
    assert statuses({"MGT.child_died": 1, "MAIN.uptime": uptime})["child_crashed"] == status


def test_all_backends_sick_is_worse_than_one():
    assert statuses({"VBE.boot.web.happy": 2**63})["backends_healthy"] == "fail"
    assert statuses({"VBE.boot.web.happy": 2**63, "VBE.boot.other.happy": 255})["backends_healthy"] == "warn"


def test_v09_v11_v12_are_judged(case):
    """V-09 is critical, V-11 unknown, V-12 is seen in the window though the lifetime is fine"""
    crashed = judge({"state": "up", **shape.facts(parse.counters(case("V-09.json")), None, None, shape.Told(), 10).done()})
    assert crashed["child_crashed"] == "fail" and crashed["hit_ratio"] == "unknown"
    fresh = parse.counters(case("V-11.json"))
    first = judge({"state": "up", **shape.facts(fresh, dict(fresh), 5.0, shape.Told(), 10).done()})
    assert (first["hit_ratio"], first["pass_ratio"], first["hit_ratio_drop"]) == ("unknown", "unknown", "unknown")
    now = shape.facts(parse.counters(case("V-12-first.json")), parse.counters(case("V-12-second.json")), 5.0, shape.Told(), 10).done()
    verdicts = judge({"state": "up", **now})
    assert verdicts["hit_ratio_drop"] == verdicts["hit_ratio"] == "fail"
