# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Errors and full caches: named when nothing deeper explains them."""

from __future__ import annotations

import itertools

import pytest

from .world import World, fact, instance

SHALLOW = {
    "bad_release": "application_errors",
    "backend_lost": "backend_unreachable",
    "tasks_fail": "tasks_failing",
    "cache_small": "cache_exhausted",
}


@pytest.mark.parametrize(
    "deep, shallow",
    [
        *itertools.product(("lock_chain", "connections_spent", "database_down"), ("bad_release", "backend_lost", "tasks_fail")),
        ("workers_exhausted", "backend_lost"),
        ("cpu_full", "backend_lost"),
        ("queue_backlog", "tasks_fail"),
        ("unbalanced_cache", "cache_small"),
    ],
)
def test_who_gets_no_answer_in_time_gets_an_error_for_it(deep: str, shallow: str) -> None:
    world = World()
    getattr(world, deep)()
    alone = world.causes()
    getattr(world, shallow)()
    assert world.causes() == alone
    assert any(line.startswith("Its consequence: ") for line in world.diagnose()[0]["evidence"])


@pytest.mark.parametrize(
    "one, other",
    [
        ("cold_cache", "bad_release"),
        ("workers_exhausted", "bad_release"),
        ("queue_backlog", "bad_release"),
        ("lock_chain", "cache_small"),
        ("database_down", "cache_small"),
        ("bad_release", "tasks_fail"),
        ("cold_cache", "tasks_fail"),
        ("unbalanced_cache", "bad_release"),
    ],
)
def test_errors_beside_another_disaster_are_named_as_well(one: str, other: str) -> None:
    world = World()
    getattr(world, one)()
    alone = world.causes()
    getattr(world, other)()
    assert sorted(world.causes()) == sorted([*alone, SHALLOW[other]])


def test_a_release_that_is_bad_on_one_server_is_told_from_its_siblings() -> None:
    world = World()
    told = {"finding": "30 exceptions in 200 requests (15 %)", "advice": "Read the traceback.", "look": "uwsgitop 127.0.0.1:1717"}
    world.bad("uwsgi_exceptions", "app3", **told)
    only = world.diagnose()
    assert [(one["cause"], one["hosts"]) for one in only] == [("application_errors", ["app3"])]
    assert "No exceptions on app1, app2, app4: compare the release and its settings." in only[0]["evidence"]
    assert only[0]["first_fix"] == "Read the traceback. If it came with a release, roll back to the one before."


def test_errors_that_varnish_says_itself_are_not_the_applications() -> None:
    world = World()
    world.bad_release()
    world.of("web1", "varnish_traffic")["errors"].append({"pattern": "/", "status": 503, "count": 90})
    assert world.causes() == []
    world.of("web1", "varnish_traffic")["errors"][-1]["count"] = 4
    assert world.causes() == ["application_errors"]


def test_a_cache_that_gets_only_errors_is_empty_for_that_reason() -> None:
    world = World()
    world.cold_cache()
    world.backend_lost()
    assert world.causes() == ["accelerator_fault", "backend_unreachable"]
    world.bad("varnish_backend_errors", "web1", finding="1,206 failed fetches", advice="Read why.", look="varnishlog")
    world.of("web1", "varnish")["backend_error_ratio"] = 0.9
    assert world.causes() == ["backend_unreachable"]


def test_an_answer_that_fails_now_and_then_is_not_said_to_fail_always() -> None:
    world = World()
    world.bad("varnish_backend_errors", "web1", finding="6 failed fetches on 200 requests", advice="Read why.", look="varnishlog")
    world.of("web1", "varnish")["backend_error_ratio"] = 0.03
    assert world.diagnose()[0]["statement"].startswith("Varnish on web1 does not always get a response from the application: 6 failed")


def test_pages_that_fail_are_not_kept_out_of_the_cache_by_the_accelerator() -> None:
    world = World()
    world.cold_cache()
    world.bad_release()
    traffic = world.of("web1", "varnish_traffic")
    failing = {"pattern": "/buy/", "count": 900, "backend_requests": 900, "reasons": [{"name": "error", "count": 900}]}
    traffic["misses"] = [failing, {"pattern": "/", "count": 100, "backend_requests": 100, "reasons": []}]
    assert world.causes() == ["application_errors"]
    failing["reasons"] = [{"name": "error", "count": 90}]
    assert world.causes() == ["accelerator_fault", "application_errors"]


def test_a_full_disk_under_a_database_explains_errors_and_one_elsewhere_does_not() -> None:
    world = World()
    world.bad_release()
    full = {"finding": "/ is 100 % full", "advice": "Make room.", "look": "df -h"}
    world.bad("server_filesystems", "web1", **full)
    assert world.causes() == ["application_errors"]
    world.bad("server_filesystems", "db1", **full)
    assert world.causes() == ["machine_exhausted"]


def test_refused_requests_are_named_with_the_hosts_that_visitors_ask_for() -> None:
    world = World()
    world.hosts_refused()
    [cause] = world.diagnose()
    assert cause["hosts"] == ["app1", "app2", "app3", "app4"]
    assert "refuses 96 % of the requests with a 400" in cause["statement"] and "shop.example.com" in cause["statement"]
    assert "ALLOWED_HOSTS" in cause["first_fix"] and "shop.example.com" in cause["first_fix"]


@pytest.mark.parametrize(
    "measures",
    [{"bad_request_ratio": 0.4}, {"bad_request_ratio": None}, {"refused_patterns": []}],
    ids=["mostly others", "unknown", "by the accelerator itself"],
)
def test_other_refusals_blame_neither_the_application_nor_the_cache(measures: dict[str, object]) -> None:
    world = World()
    world.hosts_refused()
    world.shared["launch_visitors"]["instances"][0].update(measures)
    assert world.causes() == []


def test_refused_requests_beside_a_cache_that_fails_are_both_named() -> None:
    world = World()
    world.hosts_refused()
    world.cold_cache()
    assert sorted(world.causes()) == ["accelerator_fault", "requests_refused"]


@pytest.mark.parametrize(
    "accelerator, named", [("web1", ["application_errors"]), ("web9", [])], ids=["its visitors", "those of another site"]
)
def test_fewer_errors_are_a_cause_when_the_sites_visitors_suffer_from_them(accelerator: str, named: list[str]) -> None:
    world = World()
    world.bad_release()
    world.findings[-1]["status"] = "warn"
    assert world.causes() == []
    world.shared["launch_visitors"] = fact(instance("visitors", accelerators=[accelerator]))
    world.bad("visitors_errors", "fleet", instance="visitors", finding="31 of 1,300 requests got a 5xx", look="varnishlog")
    assert world.causes() == named
