# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules over a synthetic fleet: each disaster names its cause and nothing else, a healthy fleet names none."""

from __future__ import annotations

import pathlib
import re

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._checks.catalogue import load
from ansible_collections.warroom.launch.plugins.plugin_utils._diagnose import accelerator
from ansible_collections.warroom.launch.plugins.plugin_utils._diagnose.causes import CAUSES

from .world import World, server

SINGLE = {
    "cold_cache": "accelerator_fault",
    "cache_banned": "bans_storm",
    "threads_spent": "threads_exhausted",
    "cache_cleared": "cache_flushed",
    "pool_small": "pool_too_small",
    "node_lost": "cluster_member_out",
    "slots_held": "tasks_stuck",
    "broker_spent": "broker_full",
    "around_the_cache": "accelerator_bypassed",
    "workers_exhausted": "workers_exhausted",
    "workers_stuck": "workers_stuck",
    "workers_halted": "workers_stopped",
    "cpu_full": "application_overload",
    "missing_index": "missing_index",
    "idle_in_transaction": "idle_in_transaction",
    "lock_chain": "lock_chain",
    "rogue_client": "unknown_client",
    "queue_backlog": "queue_growth",
    "queue_behind": "queue_growth",
    "workers_gone": "queue_growth",
    "workers_stopped": "service_down",
    "unbalanced_cache": "unbalanced_pool",
    "connections_spent": "connection_budget",
    "disks_slow": "database_overload",
    "database_down": "service_down",
    "bad_release": "application_errors",
    "hosts_refused": "requests_refused",
    "backend_lost": "backend_unreachable",
    "tasks_fail": "tasks_failing",
    "cache_small": "cache_exhausted",
    "outside_slow": "outside_slow",
    "names_slow": "names_slow",
    "statistics_stale": "stale_statistics",
    "broker_slow": "broker_blocked",
    "disk_taken": "foreign_disk",
    "workers_leak": "memory_leak",
    "column_missing": "missing_migration",
    "queries_per_row": "query_per_row",
    "key_expired": "cache_stampede",
    "broker_cleared": "cache_flushed",
    "redis_held": "redis_blocked",
    "messages_evicted": "broker_evicts",
}


def test_a_healthy_fleet_names_no_cause() -> None:
    assert World().causes() == []


@pytest.mark.parametrize("disaster, cause", SINGLE.items())
def test_each_disaster_names_its_cause_and_no_other(disaster: str, cause: str) -> None:
    world = World()
    getattr(world, disaster)()
    found = world.diagnose()
    assert [one["cause"] for one in found] == [cause]
    only = found[0]
    assert all(only[part] for part in ("tier", "hosts", "statement", "first_fix", "avoid", "look"))
    assert "None" not in " ".join([only["statement"], only["first_fix"], *only["evidence"]])


INDEPENDENT = [
    ("cold_cache", "rogue_client"),
    ("cold_cache", "missing_index"),
    ("missing_index", "queue_backlog"),
    ("missing_index", "rogue_client"),
    ("idle_in_transaction", "missing_index"),
    ("rogue_client", "unbalanced_cache"),
    ("queue_backlog", "unbalanced_cache"),
    ("workers_exhausted", "queue_backlog"),
    ("cold_cache", "queue_backlog"),
]


@pytest.mark.parametrize("one, other", INDEPENDENT)
def test_two_disasters_at_once_are_both_named(one: str, other: str) -> None:
    world = World()
    getattr(world, one)()
    getattr(world, other)()
    assert sorted(world.causes()) == sorted([SINGLE[one], SINGLE[other]])


@pytest.mark.parametrize("disaster", ["missing_index", "idle_in_transaction", "lock_chain"])
def test_what_is_everyday_life_by_its_check_is_no_cause(disaster: str) -> None:
    """A whole small table is read, a transaction is between two statements while another waits for a moment."""
    world = World()
    getattr(world, disaster)()
    world.facts["db1"]["launch_server"] = server("db1", postgresql=0.5)
    world.findings.clear()
    assert world.causes() == []


@pytest.mark.parametrize("deep", ["missing_index", "idle_in_transaction", "lock_chain"])
def test_workers_that_wait_for_the_database_are_its_consequence(deep: str) -> None:
    world = World()
    getattr(world, deep)()
    world.of("db1", "postgresql")["active"] = 30
    world.workers_exhausted()
    found = world.diagnose()
    assert [one["cause"] for one in found] == [SINGLE[deep]]
    assert any("All workers of" in line for line in found[0]["evidence"])


def test_workers_that_wait_for_something_else_are_a_cause_of_their_own() -> None:
    world = World()
    world.missing_index()
    world.of("db1", "postgresql")["active"] = 2
    world.workers_exhausted()
    assert world.causes() == ["missing_index", "workers_exhausted"]


def test_sessions_that_are_the_workers_by_their_name_decide_whether_they_wait() -> None:
    world = World()
    world.idle_in_transaction()
    world.workers_exhausted("/partner-api/")
    clients = [{"application": "billing", "active_seconds": 120.0}, {"application": "shop uwsgi", "active_seconds": 0.5}]
    world.of("db1", "postgresql").update(active=12, window=10.0, clients=clients)
    assert world.causes() == ["idle_in_transaction", "workers_exhausted"]
    clients[1]["active_seconds"] = 110.0
    assert world.causes() == ["idle_in_transaction"]


def test_a_queue_whose_tasks_wait_behind_a_lock_is_its_consequence() -> None:
    world = World()
    world.lock_chain()
    world.queue_backlog()
    world.shared["launch_celery_queue"]["instances"][0]["active"] = 8
    clients = [{"application": "celery@app1", "active_seconds": 76.0}]
    world.of("db1", "postgresql").update(window=10.0, clients=clients)
    assert world.causes() == ["lock_chain"]
    clients[0]["active_seconds"] = 2.0
    assert world.causes() == ["lock_chain", "queue_growth"]


def test_sessions_of_a_stranger_are_not_the_workers_waiting() -> None:
    world = World()
    world.rogue_client()
    world.workers_exhausted("/partner-api/")
    # 16 sessions at work, all of them the stranger's: 160 seconds of work in a window of 10
    world.of("db1", "postgresql").update(active=16, window=10.0)
    view = world.shared["launch_database_clients"]["instances"][0]
    view["unknown_active_seconds"] = 160.0
    assert world.causes() == ["unknown_client", "workers_exhausted"]
    # as many again are the application's, which waits because of the stranger
    world.of("db1", "postgresql")["active"] = 32
    assert world.causes() == ["unknown_client"]


def test_workers_busy_with_what_the_accelerator_lets_through_are_its_consequence() -> None:
    world = World()
    world.cold_cache()
    world.workers_exhausted("/news/<id>/")
    assert world.causes() == ["accelerator_fault"]
    world = World()
    world.cold_cache()
    world.workers_exhausted("/report/")
    assert world.causes() == ["accelerator_fault", "workers_exhausted"]
    # it is personal and passes at any time, so it is no fault of the accelerator
    world.of("web1", "varnish_traffic")["passes"].append({"pattern": "/report/", "count": 30})
    assert world.causes() == ["accelerator_fault", "workers_exhausted"]
    seen = world.of("web1", "varnish_traffic")["passes"][-1]
    seen["count"] = 300
    assert world.causes() == ["accelerator_fault"]
    # much of what gets through, because the rest hardly does: but no cache may answer it
    seen.update(must_bypass=True, reasons=[{"name": "hit-for-pass", "count": 290}])
    assert world.causes() == ["accelerator_fault", "workers_exhausted"]
    assert "/report/" not in world.diagnose()[0]["first_fix"] + world.diagnose()[0]["statement"]


PRIVATE = {"pattern": "/account/", "count": 70, "backend_requests": 70, "must_bypass": True}
OUTCOMES = {"hit": 850, "grace_hit": 0, "miss": 80, "hit_for_miss": 70, "pass": 0, "hit_for_pass": 0, "pipe": 0, "synth": 0}


@pytest.mark.parametrize(
    ("check", "listed"),
    [
        ("varnish_hit_for_miss", "hit_for_misses"),
        ("varnish_hit_ratio", "hit_for_misses"),
        ("varnish_hit_ratio", "passes"),
        ("varnish_pass_ratio", "passes"),
    ],
)
def test_what_no_cache_may_keep_is_no_fault_of_the_accelerator(check: str, listed: str) -> None:
    """A site whose /account/ is private: the cache does its job, however red a share of the misses looks."""
    world = World()
    traffic = world.of("web1", "varnish_traffic")
    traffic.update({listed: [PRIVATE], "misses": [{"pattern": "/", "count": 80, "backend_requests": 80}], "outcomes": OUTCOMES})
    world.bad(check, "web1")
    assert world.causes() == []
    # a page that may be cached and is not, and as many requests as make a difference: then it is, and only that page is named
    traffic[listed].append({"pattern": "/news/", "count": 400, "backend_requests": 400, "reasons": [{"name": "Set-Cookie", "count": 400}]})
    traffic["outcomes"] = {**OUTCOMES, "hit": 450, "hit_for_miss": 470}
    [cause] = world.diagnose()
    assert cause["cause"] == "accelerator_fault" and "/account/" not in str(cause)
    assert cause["first_fix"].startswith("Remove Set-Cookie from the responses of /news/")


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("Cookie", "unset req.http.Cookie"),
        ("Set-Cookie", "vcl_backend_response"),
        ("TTL <= 0", "lifetime"),
        ("VCL rule", "rule of the VCL"),
        ("Vary: User-Agent", "the Vary header"),
    ],
)
def test_the_first_step_is_about_the_reason_that_was_seen(reason: str, words: str) -> None:
    world = World()
    world.of("web1", "varnish_traffic")["passes"] = [{"pattern": "/news/", "count": 9, "reasons": [{"name": reason, "count": 9}]}]
    world.bad("varnish_hit_ratio", "web1")
    [cause] = world.diagnose()
    assert words in cause["first_fix"] and ("ookie" in cause["first_fix"]) == ("ookie" in reason)


def test_a_cache_that_was_started_just_now_is_still_being_filled() -> None:
    world = World()
    world.bad("varnish_hit_ratio", "web1")
    world.of("web1", "varnish").update(judged={"hit_ratio_true": 0.4, "pass_ratio": 0.02}, child={"uptime_seconds": 42})
    only = world.diagnose()[0]
    assert "was started 42 s ago and its cache is still filling: 40 % hits" in only["statement"]
    assert "a restart empties it" in only["first_fix"]
    # that it is young is no excuse for redirects that are never kept, and for what passes by it at any age
    world.of("web1", "varnish_traffic")["redirects"] = [{"pattern": "/old/<id>", "count": 200, "share": 0.2}]
    world.bad("varnish_traffic_redirects", "web1")
    assert "/old/<id>" in world.diagnose()[0]["first_fix"]
    world.findings.pop()
    world.bad("varnish_pass_ratio", "web1", status="warn")
    assert "caches too little" in world.diagnose()[0]["statement"]


def test_a_cache_that_bans_empty_is_not_said_to_be_filling() -> None:
    """Finding I7: it is young, and "keep it running" would help nothing."""
    world = World()
    world.cache_banned()
    [cause] = world.diagnose()
    assert "filling" not in str(cause) and "a deploy hook" in cause["first_fix"]
    assert cause["evidence"][-1].startswith("Its consequence: Varnish on web1 caches too little")


def test_threads_that_wait_for_the_application_are_its_consequence() -> None:
    world = World()
    world.threads_spent()
    world.workers_exhausted()
    [cause] = world.diagnose()
    assert cause["cause"] == "workers_exhausted" and any("has no thread for new requests" in line for line in cause["evidence"])


def test_a_pool_of_threads_that_only_grows_is_no_cause() -> None:
    world = World()
    world.threads_spent()
    world.of("web1", "varnish")["threads"].update(limited=0, at_limit=False)
    world.findings[-1]["status"] = "warn"
    assert world.causes() == []


def test_workers_that_wait_while_something_else_fills_the_cpu() -> None:
    world = World()
    world.workers_exhausted()
    for number in range(1, 5):
        world.facts[f"app{number}"]["launch_server"] = server(f"app{number}", busy=1.0, load=3.0, uwsgi=0.3)
        world.bad("server_load", f"app{number}")
    found = world.diagnose()
    assert [one["cause"] for one in found] == ["workers_exhausted"] and "other programs take the CPU" in found[0]["statement"]


def test_both_tiers_on_fire_is_one_cause_that_refuses_more_servers() -> None:
    world = World()
    world.cpu_full()
    world.facts["db1"]["launch_server"] = server("db1", busy=0.98, load=3.0, postgresql=3.8)
    world.bad("server_cpu_busy", "db1")
    found = world.diagnose()
    assert [one["cause"] for one in found] == ["application_and_database_overload"]
    assert "Do not add application servers" in found[0]["avoid"] and found[0]["first_fix"].startswith("The database first")


def test_what_waits_for_a_service_that_is_down_is_its_consequence() -> None:
    world = World()
    world.database_down()
    world.workers_exhausted()
    world.queue_backlog()
    world.unbalanced_cache()
    found = world.diagnose()
    assert [one["cause"] for one in found] == ["service_down", "unbalanced_pool"]
    assert "PostgreSQL does not respond on db1 (5432): no PostgreSQL at db1:5432" in found[0]["statement"]
    assert "Add 4 workers" not in str(found) and len(found[0]["evidence"]) == 2


def test_workers_that_may_wait_for_what_nobody_could_read() -> None:
    world = World()
    world.workers_exhausted()
    world.of("app1", "uwsgi")["mean_response_seconds"] = None
    world.findings.append({"check": "memcached_answers", "host": "app2", "instance": "c2", "service": "memcached", "status": "unknown"})
    only = world.diagnose()[0]
    assert only["first_fix"].startswith("First check whether they wait for memcached on app2 (c2), which could not be read. Add 4 workers")
    assert any(line.startswith("app1 (127.0.0.1:1717): 8 of 8 workers busy, busy for 100 % of the time.") for line in only["evidence"])


def test_workers_that_wait_for_a_broker_and_not_for_a_celery_worker() -> None:
    world = World()
    world.workers_exhausted()
    world.workers_stopped()
    assert world.causes() == ["service_down", "workers_exhausted"]
    world.findings[-1].update(check="celery_answers", reason="the broker redis://q1 did not answer within 5 s")
    assert world.causes() == ["service_down"]


def test_a_full_database_that_lets_nobody_count_says_no_numbers() -> None:
    world = World()
    world.of("db1", "postgresql")["connections"] = None
    world.bad("postgresql_connections_left", "db1")
    assert [one["statement"] for one in world.diagnose()] == ["db1 (5432) is running out of connections: it refuses new ones."]


def test_one_host_unlike_its_siblings() -> None:
    world = World()
    world.one_unlike("app3")
    found = world.diagnose()
    assert [(one["cause"], one["hosts"]) for one in found] == [("outlier", ["app3"])]


def test_room_for_workers_decides_between_workers_and_servers() -> None:
    world = World()
    world.workers_exhausted()
    assert "Add 4 workers on each of them" in world.diagnose()[0]["first_fix"]
    for number in range(1, 5):
        world.of(f"app{number}", "uwsgi")["addable"] = {"workers": 0, "limit": "RAM"}
    assert "Add servers: 6 instead of 4" in world.diagnose()[0]["first_fix"]


def test_accepted_findings_are_no_cause() -> None:
    world = World()
    world.cold_cache()
    world.findings[0]["accepted"] = "we know"
    assert world.causes() == []


@pytest.mark.parametrize(("disaster", "cause"), [("disks_slow", "database_overload"), ("cpu_full", "application_overload")])
def test_an_accepted_finding_about_a_machine_hides_nothing_that_the_facts_prove(disaster: str, cause: str) -> None:
    world = World()
    getattr(world, disaster)()
    for finding in world.findings:
        if finding["check"].startswith("server_"):
            finding["accepted"] = "the old machine"
    if disaster == "disks_slow":
        assert world.causes() == []  # nothing suffers: a known gap
        world.workers_exhausted()
        world.of("db1", "postgresql")["active"] = 30
    assert world.causes() == [cause]


def test_workers_that_are_all_in_one_statement_are_told_which() -> None:
    """Neither its machine nor its own checks complain: the workers say it."""
    world = World()
    world.workers_exhausted()
    row = {"text": "SELECT ... FROM shop_order", "share_ratio": 0.92, "mean_milliseconds": 850.0}
    world.of("db1", "postgresql").update(active=30, statements=[row])
    [cause] = world.diagnose()
    assert cause["cause"] == "database_overload" and cause["evidence"][0].startswith("92 % of its time: SELECT ...")
    assert cause["statement"].startswith("The busy workers wait for PostgreSQL db1 (5432): 30 sessions at work for 32 workers")
    row["share_ratio"] = 0.2  # no statement stands out
    assert world.causes() == ["workers_exhausted"]
    row["share_ratio"], world.of("db1", "postgresql")["active"] = 0.92, 8  # few of them are in it
    assert world.causes() == ["workers_exhausted"]


def test_the_redirects_are_named_with_their_cure() -> None:
    world = World()
    world.cold_cache()
    only = world.diagnose()[0]
    assert "/old/<id>" in only["statement"] and "365d" in only["first_fix"] and "/news/<id>/" in only["first_fix"]
    assert any(line == "/news/<id>/: 700 requests not answered from the cache (Cookie)." for line in only["evidence"])


def test_every_cause_has_its_place_in_the_order() -> None:
    elsewhere = {"machine_exhausted", "outlier", "application_and_database_overload", "network_slow"}
    at_the_edge = {"edge_exhausted", "edge_unbalanced", "upstream_failing", "upstream_slow"}  # test_edge_causes
    assert {*SINGLE.values(), *elsewhere, *at_the_edge} == {kind.name for kind in CAUSES}


def test_every_check_that_a_rule_names_is_in_the_catalogue() -> None:
    folder = pathlib.Path(accelerator.__file__).parent
    text = "".join(path.read_text() for path in folder.glob("*.py"))
    text = "".join(text.replace("{database.service}", service) for service in ("postgresql", "mysql"))
    services = "accelerator|redis|varnish|varnish_traffic|uwsgi|server|celery_queue|memcached_pool|postgresql|mysql|database"
    others = {"varnish_traffic", "memcached_pool", "celery_queue", "database_clients", "database_instance", *(kind.name for kind in CAUSES)}
    named = set(re.findall(rf'"((?:{services})_[a-z_]+)"', text)) - others
    known = {check["id"] for check in load()}
    assert len(named) > 20 and named <= known
