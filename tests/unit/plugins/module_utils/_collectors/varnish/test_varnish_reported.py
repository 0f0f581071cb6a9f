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
