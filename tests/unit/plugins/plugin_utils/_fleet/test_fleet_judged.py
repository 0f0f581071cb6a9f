# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the catalogue says of caches and queues: each disaster fails its own check, and the healthy ones pass."""

from __future__ import annotations

import copy
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collectors.celery.broker import Length, Reading
from ansible_collections.warroom.launch.plugins.module_utils._collectors.celery.broker_load import Load
from ansible_collections.warroom.launch.plugins.module_utils._collectors.celery.broker_url import Broker
from ansible_collections.warroom.launch.plugins.module_utils._collectors.celery.shape import Gathered
from ansible_collections.warroom.launch.plugins.module_utils._collectors.celery.shape import facts as celery_facts
from ansible_collections.warroom.launch.plugins.module_utils._collectors.celery.tally import Tally
from ansible_collections.warroom.launch.plugins.module_utils._collectors.celery.workers import Snapshot
from ansible_collections.warroom.launch.plugins.module_utils._collectors.memcached import parse
from ansible_collections.warroom.launch.plugins.module_utils._collectors.memcached.shape import Latency, Sample
from ansible_collections.warroom.launch.plugins.module_utils._collectors.memcached.shape import facts as memcached_facts
from ansible_collections.warroom.launch.plugins.plugin_utils._checks import catalogue
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.evaluate import evaluate
from ansible_collections.warroom.launch.plugins.plugin_utils._fleet.broker import brokers
from ansible_collections.warroom.launch.plugins.plugin_utils._fleet.memcached_pool import pools

CHECKS = catalogue.Catalogue([entry for entry in catalogue.load() if entry["service"].startswith(("memcached", "celery"))]).checks()


def judge(service: str, instance: dict[str, t.Any], phase: str = "during") -> dict[str, t.Any]:
    """Findings by check, without the prefix."""
    found = evaluate("host", {f"launch_{service}": {"schema": 1, "instances": [instance]}}, CHECKS, phase)
    return {one["check"][len(service) + 1 :]: one for one in found}


def statuses(found: dict[str, t.Any], *leave_out: str) -> dict[str, str]:
    return {name: one["status"] for name, one in found.items() if one["status"] not in ("ok", "skipped", *leave_out)}


def cache(fixture_file: t.Any, latency: float = 0.0002, **changes: int) -> dict[str, t.Any]:
    def sample() -> Sample:
        parts = [parse.stats(fixture_file(f"memcached/1.6.45/{name}.txt"), "x") for name in ("stats", "stats_items", "stats_slabs")]
        parts[0]["uptime"] = "86400"
        return Sample(parts[0], parse.rows(parts[1]), parse.rows(parts[2]))

    first, second = sample(), sample()
    for name, change in {"get_hits": 960, "get_misses": 40, "cmd_get": 1000, "cmd_set": 40, **changes}.items():
        second.stats[name] = str(int(second.stats[name]) + change)
    found = memcached_facts(first, second, 5.0, Latency([latency], [latency] * 50), 10)
    return {
        "name": "10.0.0.5:11211",
        "address": "10.0.0.5:11211",
        "pool": "default",
        "weight": 1.0,
        "state": "up",
        "window": 5.0,
        **found.done(),
    }


def test_a_healthy_cache(fixture_file: t.Any) -> None:
    found = judge("memcached", cache(fixture_file))
    assert statuses(found) == {}
    assert statuses(judge("memcached", cache(fixture_file), "before"), "warn") == {}


@pytest.mark.parametrize(
    "check, status, words, changes",
    [
        ("hit_ratio", "warn", "never set", {"get_misses": 150}),
        ("hit_ratio", "fail", "had expired", {"get_misses": 900, "get_expired": 800}),
        ("hit_ratio", "fail", "flush_all", {"get_misses": 900, "cmd_flush": 1}),
        ("hit_ratio", "fail", "more memory", {"get_misses": 900, "evictions": 100}),
        ("hit_ratio", "unknown", "", {"get_hits": -940, "get_misses": -30, "cmd_get": -970}),
        ("evictions", "fail", "", {"evictions": 100}),
        ("evictions", "warn", "", {"evictions": 20, "get_misses": 100}),
        ("rejected", "fail", "Raise the limit", {"rejected_connections": 1}),
        ("churn", "warn", "keeps it", {"total_connections": 900}),
        ("too_large", "warn", "", {"store_too_large": 1}),
        ("flushed", "warn", "", {"cmd_flush": 1}),
    ],
)
def test_what_goes_wrong_with_a_cache(fixture_file: t.Any, check: str, status: str, words: str, changes: dict[str, int]) -> None:
    usual = {"get_hits": 960, "get_misses": 40, "cmd_get": 1000}
    found = judge("memcached", cache(fixture_file, **{name: usual.get(name, 0) + change for name, change in changes.items()}))[check]
    assert found["status"] == status, found
    assert words in (found["advice"] or "")


@pytest.mark.parametrize("latency, status", [(0.0019, "ok"), (0.002, "warn"), (0.005, "fail")])
def test_time_per_operation(fixture_file: t.Any, latency: float, status: str) -> None:
    assert judge("memcached", cache(fixture_file, latency))["latency"]["status"] == status


@pytest.mark.parametrize(
    "rates, status, words",
    [((300, 310, 290), "ok", ""), ((420, 300, 280), "warn", ""), ((1000, 100, 100), "fail", "hot"), ((10, 1, 1), "unknown", "")],
)
def test_one_finding_per_pool(fixture_file: t.Any, rates: tuple[int, ...], status: str, words: str) -> None:
    one = cache(fixture_file)
    servers = [
        {**copy.deepcopy(one), "identity": str(place), "name": f"cache{place}:11211", "operations": rate * 5, "operations_per_second": rate}
        for place, rate in enumerate(rates)
    ]
    hosts = {f"h{place}": {"facts": {"launch_memcached": {"schema": 1, "instances": [server]}}} for place, server in enumerate(servers)}
    found = judge("memcached_pool", pools(hosts)[0])
    assert found["balance"]["status"] == status and sum(one["status"] != "ok" for one in found.values()) <= 1
    assert words in (found["balance"]["advice"] or "") + found["balance"]["finding"]


def broker(
    ready: t.Sequence[int] = (0, 0, 0), active: int = 1, tasks: t.Sequence[str] = ("succeeded",) * 10, age: float = 1.0, **changes: t.Any
) -> dict[str, t.Any]:
    node = "w1@h"

    def snapshot(at: float, total: int) -> Snapshot:
        stats = {"pid": 7, "total": {"x": total}, "pool": {"max-concurrency": 4, "implementation": "a.b:T"}, "uptime": 99}
        running = [{"id": "1", "name": "shop.send", "time_start": 1_700_000_000.0 - age}] * active
        replies = {"stats": stats, "active": running, "reserved": [], "scheduled": [], "active_queues": [{"name": "celery"}]}
        return Snapshot(at, 1_700_000_000.0, {command: {node: reply} for command, reply in replies.items()})

    tally = Tally()
    for place, outcome in enumerate(tasks):
        for event in ({"type": "task-received", "name": "shop.send"}, {"type": f"task-{outcome}", "exception": "KeyError()"}):
            tally.take({"hostname": node, "timestamp": 0.0, "uuid": str(place), **event}, 0.0)
    server = {"run_id": "x", "used_memory": 1 << 20, "maxmemory": 0, "maxmemory_policy": "noeviction"}
    got = Gathered(Broker("redis://h:6379/0"), server, [node], first=snapshot(0.0, 0), second=snapshot(5.0, 50), tally=tally)
    got.readings = [Reading(place * 5.0 / (len(ready) - 1), {"celery": Length(count)}, unacked=0) for place, count in enumerate(ready)]
    got.control = Reading(0.0, {}, unacked=0)
    got.load, got.load_after = Load({}, [], 0), Load({"lpush": (10.0, 100.0)}, [], 0)
    for name, value in changes.items():
        setattr(got, name, value)
    instance = {"name": "shop", "state": "up", "window": 5.0, **celery_facts(got, 5.0, 10).done()}
    return brokers({"host": {"facts": {"launch_celery": {"schema": 1, "instances": [instance]}}}})[0]


def test_a_healthy_queue() -> None:
    for ready in ((0, 0, 0), (3, 0, 2), (20, 10, 5)):
        assert statuses(judge("celery_queue", broker(ready))) == {}, ready


@pytest.mark.parametrize(
    "check, status, words, changes",
    [
        ("growth", "fail", "All 4 worker slots are busy", {"ready": (10, 40, 90), "active": 4}),
        ("growth", "warn", "not a lack of capacity", {"ready": (10, 40, 90), "active": 1}),
        ("drain", "warn", "", {"ready": (9000, 8990, 8980)}),
        ("wait", "warn", "", {"ready": (1000, 1000, 1000)}),
        ("wait", "fail", "", {"ready": (9000, 9000, 9000)}),
        ("tasks_failing", "warn", "shop.send", {"tasks": ("succeeded",) * 40 + ("failed",)}),
        ("tasks_failing", "fail", "shop.send", {"tasks": ("succeeded",) * 7 + ("failed",) * 3}),
        ("tasks_failing", "unknown", "", {"tasks": ()}),
        ("task_broken", "warn", "KeyError", {"tasks": ("succeeded",) * 3 + ("failed",) * 3}),
        ("stuck", "warn", "", {"age": 700.0}),
        ("stuck", "fail", "", {"age": 3700.0}),
        ("workers_missing", "fail", "", {"expected": ["w1@h", "w2@h"]}),
        ("workers", "fail", "Start the workers", {"names": [], "first": Snapshot(0, 0), "second": None, "tally": None}),
        ("no_consumer", "fail", "-Q celery", {"names": [], "first": Snapshot(0, 0), "second": None, "tally": None, "ready": (5, 5)}),
        ("orphans", "warn", "", {"control": Reading(0.0, {"celeryev.1": Length(4000)})}),
        ("memory", "fail", "noeviction", {"server": {"maxmemory": 1024, "maxmemory_policy": "allkeys-lru"}}),
    ],
)
def test_what_goes_wrong_with_a_queue(check: str, status: str, words: str, changes: dict[str, t.Any]) -> None:
    found = judge("celery_queue", broker(**changes))[check]
    assert found["status"] == status, found
    assert words in (found["advice"] or "")


@pytest.mark.parametrize("cores, words", [(3.0, "Raise the concurrency by 3 (host)"), (0.2, "no CPU to spare. Add a host")])
def test_workers_or_servers(cores: float, words: str) -> None:
    instance = {**broker((10, 40, 90), active=4), "local": {"processes": 1}}
    server = {"name": "host", "state": "up", "headroom": {"cpu_cores": cores, "ram_bytes": 8 * 1024**3}}
    facts = {"launch_celery": {"schema": 1, "instances": [instance]}, "launch_server": {"schema": 1, "instances": [server]}}
    found = judge("celery_queue", brokers({"host": {"facts": facts}})[0])["growth"]
    assert found["status"] == "fail" and words in found["advice"]


def test_a_quiet_queue_is_no_gap_in_what_was_measured() -> None:
    quiet = {**broker(tasks=()), "events_enabled": True, "accepted": 0, "active": 0, "ready_total": 0}
    found = judge("celery_queue", quiet)["tasks_failing"]
    assert (found["status"], found["reason"]) == ("skipped", "no task ran in the window and none waits")
    assert judge("celery_queue", {**quiet, "events_enabled": None})["tasks_failing"]["status"] == "skipped"
    for measure, value in {"events_enabled": False, "accepted": 3, "active": None, "ready_total": 7}.items():
        assert judge("celery_queue", {**quiet, measure: value})["tasks_failing"]["status"] == "unknown", measure


def test_task_failures_with_events_off_are_unknown_and_say_why() -> None:
    found = judge("celery_queue", broker(tasks=()))["tasks_failing"]
    assert found["status"] == "unknown" and "task events are off" in found["reason"]


def test_a_silent_worker_process_is_unknown_on_its_host() -> None:
    local = {"processes": 1, "answering": 0, "answering_ratio": None}
    instance = {
        "name": "shop",
        "state": "up",
        "window": 5.0,
        "local": local,
        "unknown": {"local.answering_ratio": "process alive, does not answer"},
    }
    assert judge("celery", instance)["local_workers"]["status"] == "unknown"
    assert "process alive" in judge("celery", instance)["local_workers"]["reason"]
    held = {"processes": 1, "answering": 0, "stopped": 1, "stopped_pids": [7], "answering_ratio": 0.0}
    found = judge("celery", {**instance, "local": held, "unknown": {}})["local_workers"]
    assert found["status"] == "fail" and found["advice"].startswith("Process alive, does not answer: pid 7 was stopped")
    assert judge("celery", {**instance, "local": {"processes": 0}})["local_workers"]["status"] == "skipped"
