# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Failures that people reported of other tools, as answers of Varnish's own, and what the facts must say."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collectors.varnish import parse, shape

BASE = {"MAIN.uptime": 100, "MGT.uptime": 100, "MAIN.n_vcl": 2, "MAIN.sess_conn": 10, "MAIN.sess_fail": 5}


def facts(first: dict[str, int], second: dict[str, int], **told: t.Any) -> dict[str, t.Any]:
    return shape.facts({**BASE, **first}, {**BASE, **first, "MAIN.uptime": 105, **second}, 5.0, shape.Told(**told), 10).done()


def listed(*rows: dict[str, t.Any]) -> bytes:
    return json.dumps([2, ["vcl.list", "-j"], 1.0, *rows]).encode()


VHOST = {"status": "available", "state": "auto", "temperature": "warm", "busy": 0, "name": "vhost_1", "labels": 1}
LABEL = {"status": "available", "state": "label", "temperature": "warm", "busy": 0, "name": "l_vhost_1"}
MAIN = {"status": "active", "state": "auto", "temperature": "warm", "busy": 1, "name": "main"}


@pytest.mark.parametrize(
    ("answer", "vcls"),
    [
        (listed(VHOST, {**LABEL, "label": {"name": "vhost_1", "refs": 1}}, MAIN), {"vhost_1": "labelled", "main": "active"}),
        (listed(VHOST, {**LABEL, "label": {"name": "vhost_1"}}, MAIN), {"vhost_1": "available", "main": "active"}),
        (listed(VHOST, {**LABEL, "status": "active", "label": {"name": "vhost_1"}}), {"vhost_1": "active"}),
        (listed({**LABEL, "label": "odd"}, MAIN), {"l_vhost_1": "available", "main": "active"}),
        (
            b"available    auto/warm          0 vhost_1 (1 label)\navailable   label/warm          0 l_vhost_1 -> vhost_1 (1 return(vcl))\n"
            b"active       auto/warm          1 main\n",
            {"vhost_1": "labelled", "main": "active"},
        ),
        (
            b"available   auto    warm   0    vhost_1                (1 label)\navailable   label   warm   0    l_vhost_1   ->   vhost_1\n"
            b"active      auto    warm   1    main\n",
            {"vhost_1": "available", "main": "active"},
        ),
    ],
)
def test_a_label_is_no_vcl_but_what_it_leads_to_is_live(answer: bytes, vcls: dict[str, str]) -> None:
    """https://github.com/varnishcache/varnish-cache/issues/2127"""
    assert parse.vcls(answer) == vcls


def test_the_backends_behind_a_label_are_judged() -> None:
    """https://github.com/varnishcache/varnish-cache/issues/2973: the active VCL has nothing but a stand-in, the sites are behind labels"""
    counters = {f"VBE.{name}.{field}": 0 for name in ("main.fake", "vhost_1.app", "old.app") for field in ("happy", "req")}
    said = {
        "main.fake": {"admin": "probe", "good": 0, "window": 0, "health": "healthy"},
        "vhost_1.app": {"admin": "probe", "good": 0, "window": 8, "health": "sick"},
        "old.app": {"admin": "probe", "good": 0, "window": 8, "health": "sick"},
    }
    result = facts(counters, {}, vcls={"main": "active", "vhost_1": "labelled", "old": "available"}, backends=said)
    assert (result["backends_sick"], result["backends_total"], result["stale_vcls"]) == (1, 2, ["old"])


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ({"MAIN.sess_fail_emfile": 0, "MAIN.sess_fail_econnaborted": 0}, {"MAIN.sess_fail": 505, "MAIN.sess_fail_emfile": 500}, 500),
        ({"MAIN.sess_fail_emfile": 0, "MAIN.sess_fail_econnaborted": 0}, {"MAIN.sess_fail": 505, "MAIN.sess_fail_econnaborted": 500}, 0),
        ({}, {"MAIN.sess_fail": 15}, 10),  # before 6.0
    ],
)
def test_connections_that_could_not_be_accepted(first: dict[str, int], second: dict[str, int], expected: int) -> None:
    """https://github.com/varnishcache/varnish-cache/issues/3663, https://github.com/varnish/hitch/issues/210: no descriptor left"""
    assert facts(first, second)["sessions"]["not_accepted"] == expected


@pytest.mark.parametrize(("failed", "starved"), [(5, True), (0, False)])
def test_threads_that_the_system_refuses(failed: int, starved: bool) -> None:
    """https://varnish-cache.org/docs/trunk/reference/varnish-counters.html (threads_failed): TasksMax, pids.max or memory"""
    quiet = {
        f"MAIN.{name}": 0
        for name in ("threads_limited", "thread_queue_len", "sess_dropped", "req_dropped", "threads_failed", "sess_queued")
    }
    result = facts({**quiet, "MAIN.threads": 200}, {"MAIN.threads_failed": failed})
    assert (result["thread_starved"], result["threads"]["at_limit"]) == (starved, starved)


def test_the_storage_engine_of_varnish_enterprise_is_storage() -> None:
    """https://github.com/netdata/netdata/pull/10317, https://github.com/collectd/collectd/pull/2453"""
    mse = {
        "MSE.mse.c_req": 0, "MSE.mse.c_fail": 0, "MSE.mse.g_bytes": 600, "MSE.mse.g_space": 400, "MSE.mse.n_lru_nuked": 7,
        "MSE_STORE.store.g_disk_bytes": 5, "SMA.Transient.g_bytes": 10, "SMA.Transient.g_space": 0, "SMA.Transient.c_fail": 0,
    }  # fmt: skip
    found = facts(mse, {})
    assert [(row["name"], row["kind"], row["use_ratio"]) for row in found["storage"]][0] == ("mse", "MSE", 0.6)
    assert (found["storage_bytes"], found["storage_use_ratio"], found["transient_bytes"]) == (1000, 0.6, 10)


@pytest.mark.parametrize("kind", ["SMA", "SMF", "SMU", "SMD", "MSE4"])
def test_storage_of_any_kind(kind: str) -> None:
    """https://github.com/netdata/netdata/issues/6169: only some kinds were known"""
    found = facts({f"{kind}.s0.g_bytes": 50, f"{kind}.s0.g_space": 50, f"{kind}.s0.c_fail": 0}, {})
    assert (found["storage"][0]["kind"], found["storage_use_ratio"]) == (kind, 0.5)


def test_purges_are_requests_and_no_misses() -> None:
    """https://github.com/munin-monitoring/contrib/pull/567; a ratio above 1: https://github.com/jonnenauha/prometheus_varnish_exporter/issues/72"""
    before = {"MAIN.client_req": 0, "MAIN.cache_hit": 0, "MAIN.cache_miss": 0, "MAIN.s_pass": 0, "MAIN.n_purges": 0}
    found = facts(before, {"MAIN.client_req": 1000, "MAIN.cache_hit": 400, "MAIN.cache_miss": 100, "MAIN.n_purges": 500})
    assert (found["hits"], found["misses"]) == (400, 100) and found["hit_ratio_true"] == 0.8


def test_a_gauge_that_fell_below_nothing_is_no_measure() -> None:
    """https://github.com/varnishcache/testrepo2/issues/64"""
    found = facts({"SMA.s0.g_bytes": 2**64 - 4096, "SMA.s0.g_space": 50, "SMA.s0.c_fail": 0}, {})
    assert found["storage_use_ratio"] is None and "wrapped" in found["unknown"]["storage_use_ratio"]
