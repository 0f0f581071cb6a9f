# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The measures over a window: formulas, states, traps."""

from __future__ import annotations

import json

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect import worker_host
from ansible_collections.warroom.launch.plugins.module_utils._collectors.uwsgi import host_view, parse, shape
from ansible_collections.warroom.launch.plugins.module_utils._collectors.uwsgi.document import Socket, Stats
from ansible_collections.warroom.launch.plugins.module_utils._collectors.uwsgi.samples import Glance, History, Look
from ansible_collections.warroom.launch.plugins.module_utils._linux.usage import Memory
from ansible_collections.warroom.launch.plugins.module_utils._linux.waits import Seen, Waits
from tests.support.uwsgi_documents import NOW, changed, core, document, facts, findings, worker

IDLE = document(worker(1, requests=100, running_time=50_000_000, exceptions=2), worker(2, requests=50, running_time=10_000_000))


def test_mean_and_utilisation_come_from_running_time():
    later = changed(
        IDLE,
        w1={"requests": 130, "running_time": 54_000_000, "avg_rt": 5, "exceptions": 5, "tx": 5000},
        w2={"requests": 60, "running_time": 12_000_000, "cores": [core(static_requests=4)]},
    )
    result = facts(IDLE, later, window=5.0)
    assert result["requests"] == 40 and result["requests_per_second"] == 8.0
    assert result["mean_response_seconds"] == pytest.approx(6 / 36, abs=1e-6)  # static requests are counted and not timed
    assert result["utilisation"] == pytest.approx(6 / (5 * 2))
    assert result["capacity_requests_per_second"] == pytest.approx(12.0, abs=0.01)
    assert (result["exceptions"], result["exception_ratio"]) == (3, 0.075)
    assert result["lifetime_mean_response_seconds"] == pytest.approx(66 / 186, abs=1e-6)
    assert result["handled"]["static"] == 4 and result["sent_bytes_per_second"] == 1000.0


def test_without_a_window_the_lifetime_stands_alone():
    result = facts(IDLE)
    window = (
        "requests",
        "requests_per_second",
        "mean_response_seconds",
        "utilisation",
        "exceptions",
        "harakiri",
        "respawns",
        "saturated",
        "listen_overflows",
    )
    assert all(result[name] is None and name in result["unknown"] for name in window)
    assert result["lifetime_mean_response_seconds"] == 0.4 and result["busy_ratio"] == 0.0


def test_no_request_has_no_mean():
    result = facts(IDLE, IDLE, window=5.0)
    assert result["requests"] == 0 and result["utilisation"] == 0.0
    assert result["mean_response_seconds"] is None and "no request ended" in result["unknown"]["mean_response_seconds"]


def test_long_requests_do_not_look_like_no_load():
    busy = changed(IDLE, w1={"status": "busy", "cores": [core(1)]}, w2={"status": "busy", "cores": [core(1)]})
    result = facts(busy, busy, busy, window=5.0)
    assert result["busy_ratio"] == 1.0 and result["saturated"] is True
    assert result["utilisation"] is None and "longer than the window" in result["unknown"]["utilisation"]
    ended = changed(busy, w1={"requests": 101, "running_time": 90_000_000})
    assert facts(busy, ended, window=5.0)["utilisation"] == 1.0  # 40 s ended in a window of 5


def test_threads_are_counted_and_not_only_workers():
    half = document(worker(1, "busy", [core(1), core(0), core(0), core(0)]))
    result = facts(half, half, half, window=1.0)
    assert result["workers"]["busy"] == result["workers"]["active"] == 1
    assert (result["busy_ratio"], result["cores_busy"], result["cores_active"], result["concurrency"]) == (0.25, 1, 4, 4)
    assert result["saturated"] is False


def test_u08_cores_absent_and_other_states(case):
    result = facts(case("U-08.json"))
    workers = result["workers"]
    assert (workers["busy"], workers["idle"], workers["paused"], workers["signal"], workers["active"]) == (1, 1, 1, 1, 2)
    assert workers["odd_states"] == ["pause", "sig7"] and workers["cores_unknown"] == 1
    assert (result["cores_busy"], result["cores_active"]) == (1, 2)
    assert result["concurrency"] is None and result["utilisation"] is None
    assert "cores unknown for 1 worker (" in result["notes"][0]
    assert result["busy_ratio"] == 0.5


def test_cheap_workers_are_no_capacity(fixture_file):
    result = facts(fixture_file("uwsgi/2.0.21-debian/stats-tcp-cheaper.json"))
    assert (result["workers"]["cheap"], result["workers"]["active"], result["cores_active"], result["concurrency"]) == (1, 1, 1, 2)
    busy = document(worker(1, "busy"), worker(2, "cheap", accepting=0, pid=0), worker(3, "idle", accepting=0))
    result = facts(busy, busy, busy, window=1.0)
    assert result["busy_ratio"] == 1.0 and result["saturated"] and result["workers"]["starting"] == 1
    assert "2" not in findings(result)["uwsgi_workers_busy"]["advice"][:1]
    assert "1 worker is not started" in findings(result)["uwsgi_workers_busy"]["advice"]


@pytest.mark.parametrize("ours", [False, True])
def test_u07_cheap_workers_have_no_memory_and_are_no_capacity(case, ours):
    stats = parse.stats(case("U-07.json"))
    assert host_view.memory_of(stats, False) == {}, "worker 4 is cheap: the 50 MB are those of its last process"
    assert host_view.usage_of(stats, ours).cpu.keys() <= {101}
    result = facts(case("U-07.json"), case("U-07.json"), case("U-07.json"), window=1.0)
    assert (result["workers"]["total"], result["workers"]["active"], result["workers"]["busy"], result["workers"]["cheap"]) == (4, 1, 1, 3)
    assert result["busy_ratio"] == 1.0 and result["all_busy_samples"] == 3
    assert [row["memory_bytes"] for row in result["worker_list"]] == [None, None]
    assert "no process" in result["unknown"]["worker_list[].memory_bytes"]


def test_a_backlog_that_nobody_tells_makes_saturation_unknown_only_when_no_worker_is_free(case):
    calm = json.loads(case("U-10.json"))
    for one in calm["workers"]:
        one["status"] = "idle"
        for thread in one.get("cores", []):
            thread["in_request"] = 0
    result = facts(calm, calm, calm, window=1.0)
    assert result["listen_queue"] is None and result["saturated"] is False


def test_u10_unix_backlog_is_unknown_when_nobody_tells(case):
    result = facts(case("U-10.json"), case("U-10.json"), case("U-10.json"), window=1.0)
    for name in ("listen_queue", "listen_queue_limit", "listen_queue_ratio", "listen_queue_samples"):
        assert result[name] is None and "UNIX" in result["unknown"][name]
    assert result["sockets"] == [{"name": "/run/app/app.sock", "kind": "unix", "protocol": "uwsgi", "queue": None, "limit": None}]
    found = findings(result)
    assert found["uwsgi_listen_queue"]["status"] == found["uwsgi_listen_queue_full"]["status"] == "unknown"
    assert found["uwsgi_workers_busy"]["status"] == found["uwsgi_saturated"]["status"] == "fail"


def test_a_known_queue_beside_an_unknown_one():
    two = document(worker(1), queue=0)
    two["sockets"].append({"name": "@app", "proto": "uwsgi", "queue": 0, "max_queue": 0})
    assert facts(two)["listen_queue"] is None
    two["sockets"][0]["queue"] = 7
    result = facts(two)
    assert (result["listen_queue"], result["listen_queue_limit"], result["listen_queue_ratio"]) == (7, 100, 0.07)


def test_backlog_over_the_samples():
    waits, free = document(worker(1, "busy"), queue=95), document(worker(1, "busy"))
    result = facts(free, waits, waits, window=1.0)
    assert (result["listen_queue"], result["listen_queue_peak"], result["listen_queue_samples"], result["listen_queue_ratio"]) == (
        95,
        95,
        2,
        0.95,
    )
    found = findings(result)
    assert found["uwsgi_listen_queue"]["status"] == "fail" and found["uwsgi_listen_queue_full"]["status"] == "fail"
    mild = findings(facts(document(worker(1), queue=3), document(worker(1), queue=3), window=1.0))
    assert mild["uwsgi_listen_queue"]["status"] == "warn" and mild["uwsgi_listen_queue_full"]["status"] == "ok"


def test_u13_harakiri_leaves_the_averages(case):
    result = facts(case("U-13.json"))
    assert result["lifetime_harakiri"] == 2 and result["lifetime_respawns"] == 2
    assert result["lifetime_mean_response_seconds"] is None and result["mean_response_seconds"] is None
    assert "killed requests are not in the averages" in result["notes"][0]
    assert findings(result)["uwsgi_harakiri"]["status"] == "unknown"  # one sample: whether it kills now is not known
    later = changed(IDLE, w1={"harakiri_count": 1, "respawn_count": 2, "requests": 3, "running_time": 900_000, "pid": 500, "exceptions": 0})
    result = facts(IDLE, later, window=5.0)
    assert (result["harakiri"], result["respawns"], result["requests"]) == (1, 1, 3)  # the new worker counts from zero
    assert findings(result)["uwsgi_harakiri"]["status"] == "fail" and findings(result)["uwsgi_respawns"]["status"] == "warn"


def test_restart_and_reload_are_said_and_no_rate_is_negative():
    restarted = {**changed(IDLE, w1={"requests": 1}, w2={"requests": 0}), "pid": 999}
    result = facts(IDLE, restarted, window=5.0)
    assert result["requests"] is None and result["respawns"] is None and "restarted within the window" in result["unknown"]["requests"]
    old = changed(IDLE, w1={"respawn_count": 5})
    result = facts(old, changed(old, w1={"respawn_count": 1, "requests": 2, "running_time": 10}), window=5.0)
    assert result["requests"] == 2 and result["respawns"] is None and "reloaded" in result["notes"][0]


def test_a_cheap_worker_that_starts_is_no_respawn():
    before = document(worker(1), worker(2, "cheap", respawn_count=3))
    assert facts(before, changed(before, w2={"status": "idle", "respawn_count": 4}), window=5.0)["respawns"] == 0


def test_u16_memory_is_null_and_not_zero(case):
    result = facts(case("U-16.json"))
    for name in ("memory_bytes", "memory_kind", "memory_bytes_per_worker_median", "memory_bytes_per_worker_peak"):
        assert result[name] is None and "memory-report" in result["unknown"][name]
    assert findings(result)["uwsgi_worker_memory"]["status"] == "unknown"


def test_u16_memory_from_the_process_table_or_from_memory_report(case, fixture_file):
    table = {101: Memory(400 << 20, 350 << 20, 300 << 20), 102: Memory(200 << 20, 150 << 20, 100 << 20)}
    result = facts(case("U-16.json"), memory=table)
    assert (result["memory_kind"], result["memory_bytes_per_worker_median"], result["memory_bytes_per_worker_peak"]) == (
        "uss",
        200 << 20,
        350 << 20,
    )
    assert result["memory_bytes"] == 500 << 20 and result["rss_bytes_per_worker_median"] == 300 << 20
    assert findings(result)["uwsgi_worker_memory"]["status"] == "warn"
    assert facts(case("U-16.json"), memory={101: Memory(9)})["memory_kind"] == "rss"
    reported = Stats("app", "2", 1, 1, workers=parse.stats(fixture_file("uwsgi/2.0.30/stats-tcp-idle.json")).workers)
    assert [one.rss for one in host_view.memory_of(reported, False).values()] == [34603008, 13488128, 34648064, 139341824]


def test_u11_emperor(case):
    result = facts(case("U-11.json"), case("U-11.json"), window=5.0)
    assert result["kind"] == "emperor" and "workers" not in result
    vassals = result["vassals"]
    assert (vassals["total"], vassals["loyal"], vassals["asleep"], vassals["cursed"]) == (3, 1, 1, 1)
    assert result["vassal_list"][0] == {"name": "broken.ini", "state": "cursed", "lifetime_respawns": 41}
    found = findings(result)
    assert found["uwsgi_vassals_cursed"]["status"] == "fail" and "broken.ini" in found["uwsgi_vassals_cursed"]["finding"]
    assert found["uwsgi_vassals_starting"]["status"] == "ok"
    others = [one for name, one in found.items() if name.startswith("uwsgi_") and "vassals" not in name and not name.endswith("answers")]
    assert len(others) > 10
    for one in others:
        assert one["status"] == "skipped" and ("emperor" in one["reason"] or "router" in one["reason"] or "rehearsal" in one["reason"])


def test_in_flight_by_kind_of_page():
    def legacy(number: int, started: int) -> dict:
        return core(
            1,
            ["REQUEST_METHOD=GET", f"REQUEST_URI=/legacy/{number}?id={number}", "HTTP_HOST=Shop.example", "REMOTE_ADDR=10.0.0.7"],
            started,
        )

    cores = [
        legacy(1, NOW - 4),
        legacy(22, NOW - 9),
        core(1, ["REQUEST_METHOD=POST", "PATH_INFO=/pay", "REMOTE_ADDR=::ffff:8.8.8.8"], NOW - 1),
        core(),
    ]
    one = document(worker(1, "busy", cores))
    result = facts(one, one, one, window=5.0)
    top = result["in_flight"][0]
    assert top == {
        "pattern": "/legacy/<id>?id",
        "method": "GET",
        "host": "shop.example",
        "count": 2,
        "share_ratio": 0.5,
        "oldest_seconds": 9.0,
    }
    assert (result["in_flight_total"], result["in_flight_oldest_seconds"]) == (3, 9.0)
    assert result["in_flight_oldest_pattern"] == "GET /legacy/<id>?id"
    assert result["remote_addresses"][0] == {"address": "10.0.0.7", "kind": "private", "count": 6}
    assert result["remote_addresses"][1] == {"address": "8.8.8.8", "kind": "public", "count": 3} and result["remote_addresses_total"] == 2
    free = facts(one, one, document(worker(1, "idle")), window=5.0)
    assert free["in_flight"] == [] and free["pages_seen"][0] == {"pattern": "/legacy/<id>?id", "samples": 4, "share_ratio": 0.666667}
    found = findings(result)
    assert found["uwsgi_one_page"]["status"] == "warn" and "/legacy/<id>" in found["uwsgi_one_page"]["finding"]
    assert found["uwsgi_longest_request"]["status"] == "warn"


def addable(cpu: float, free: float, memory: int = 100 << 20, **more: int) -> dict:
    busy = document(worker(1, "busy", requests=10, **more), worker(2, "busy", requests=10))
    later = changed(busy, w1={"requests": 20, "running_time": 5_000_000}, w2={"requests": 20, "running_time": 5_000_000})
    usages = (
        worker_host.Usage({101: 0.0, 102: 0.0}, {(101, 101): 0.0, (102, 102): 0.0}, (0.0, 0.0)),
        worker_host.Usage({101: cpu, 102: cpu}, {(101, 101): cpu, (102, 102): cpu}, (free, 20.0)),
    )
    table = {101: Memory(memory, memory, memory), 102: Memory(memory, memory, memory)}
    capacity = worker_host.HostCapacity(4, 4, 16 << 30, 8 << 30)
    return facts(busy, busy, later, window=5.0, usages=usages, memory=table, ours=True, capacity=capacity)


def test_workers_to_add_when_they_wait():
    result = addable(cpu=0.5, free=15.0)  # each worker: half a second of CPU in five busy ones; 3 of 4 cores free
    assert result["cpu_per_busy_ratio"] == 0.1 and result["machine_cpu_free_cores"] == 3.0 and result["cpu_cores"] == 0.2
    assert result["addable"]["by_ram"] == int(0.8 * ((8 << 30) - (16 << 30) // 10) // (100 << 20))
    assert result["addable"]["by_cpu"] == 24 and result["addable"]["workers"] == 24 and result["addable"]["limit"] == "CPU"
    assert (result["addable"]["wanted"], result["addable"]["advised"], result["addable"]["processes"]) == (1, 1, 3)
    advice = findings(result)["uwsgi_workers_busy"]["advice"]
    assert "database first" in advice and "add 1 worker (processes = 3)" in advice and "CPU" in advice


def test_workers_to_add_when_they_compute():
    result = addable(cpu=5.0, free=9.5)
    assert result["cpu_per_busy_ratio"] == 1.0 and result["addable"]["by_cpu"] == 1 and result["busiest_thread_ratio"] == 1.0
    assert "The workers compute: add" in findings(result)["uwsgi_workers_busy"]["advice"]


@pytest.mark.parametrize(("free", "memory", "limit"), [(0.0, 100 << 20, "CPU"), (15.0, 20 << 30, "RAM")])
def test_servers_to_add_when_the_host_is_full(free, memory, limit):
    result = addable(cpu=5.0, free=free, memory=memory)
    assert result["addable"]["workers"] == 0 and result["addable"]["limit"] == limit and result["addable"]["advised"] == 0
    assert (
        f"no {limit} for another worker" in findings(result)["uwsgi_workers_busy"]["advice"]
        and "add servers" in findings(result)["uwsgi_workers_busy"]["advice"]
    )


def test_addable_is_unknown_elsewhere():
    result = facts(IDLE, IDLE, window=5.0)
    assert result["addable"]["workers"] is None and result["addable"]["by_ram"] is None
    assert "run the module there" in result["unknown"]["addable.by_ram"]


def test_configuration_of_the_rehearsal():
    settings = {"processes": 4, "threads": None, "cheaper": None, "harakiri_seconds": None, "listen": 64}
    result = facts(IDLE, settings=settings)
    assert result["configured"]["harakiri"] is False and result["configured"]["processes"] == 4
    assert findings(result, "before")["uwsgi_harakiri_set"]["status"] == "warn"
    assert findings(facts(IDLE, settings={**settings, "harakiri_seconds": 30}), "before")["uwsgi_harakiri_set"]["status"] == "ok"
    assert findings(facts(IDLE), "before")["uwsgi_harakiri_set"]["status"] == "unknown"
    assert findings(facts(IDLE), "before")["uwsgi_listen_limit"]["status"] == "warn"


def test_a_calm_instance_is_ok():
    later = changed(IDLE, w1={"requests": 150, "running_time": 52_000_000})
    calm = facts(IDLE, later, later, window=5.0, memory={101: Memory(50 << 20), 102: Memory(50 << 20)}, usages=overflow_usages(0))
    statuses = {name: one["status"] for name, one in findings(calm).items()}
    assert {"fail", "warn", "unknown"}.isdisjoint(statuses.values()), statuses
    said = [one["finding"] for one in findings(calm).values() if one["status"] == "ok"]
    assert not [sentence for sentence in said if "unknown" in sentence or "  " in sentence or sentence.startswith(";")]
    assert statuses["uwsgi_response_time"] == statuses["uwsgi_workers_busy"] == statuses["uwsgi_saturated"] == "ok"


def overflow_usages(moved: int) -> tuple[worker_host.Usage, worker_host.Usage]:
    return worker_host.Usage(overflows={"ListenOverflows": 7}), worker_host.Usage(overflows={"ListenOverflows": 7 + moved})


def test_overflows_of_the_host():
    result = facts(IDLE, IDLE, window=5.0, usages=overflow_usages(50))
    assert (result["listen_overflows"], result["listen_overflows_per_second"], result["lifetime_listen_overflows"]) == (50, 10.0, 57)
    assert findings(result)["uwsgi_listen_overflow"]["status"] == "ok"  # nobody waits here: another service refuses
    waits = {**IDLE, "sockets": [{**IDLE["sockets"][0], "queue": 100}]}
    assert findings(facts(IDLE, waits, IDLE, window=5.0, usages=overflow_usages(50)))["uwsgi_listen_overflow"]["status"] == "fail"


def test_memory_as_uwsgi_2_1_tells_it():
    row = parse.stats(json.dumps(document(worker(1, rss=9, pss=5, uss=3))).encode()).workers[0]
    assert (row.rss_bytes, row.pss_bytes, row.uss_bytes) == (9, 5, 3)


def test_the_backlog_that_the_kernel_tells():
    stats = Stats("app", "2", 1, 1, sockets=(Socket("/run/a.sock", "uwsgi", 0, 0),))
    queue = host_view.Queue("/run/a.sock", "uwsgi", "unix", 101, 100)
    look = Look(stats, (queue,), NOW)
    result = shape.facts(History(look, look, (Glance.of(look),), None, (worker_host.Usage(),), {}, True, None, 4096)).done()
    assert (result["listen_queue"], result["listen_queue_limit"], result["listen_queue_ratio"]) == (101, 100, 1.0)
    assert result["busy_ratio"] is None and result["workers"]["total"] == 0


def test_caches_and_spoolers():
    more = {
        "caches": [{"name": "pages", "items": 3, "max_items": 100, "hits": 90, "miss": 10, "full": 0}],
        "spoolers": [{"tasks": 4, "running": 1}],
    }
    result = facts(document(worker(1), **more))
    assert result["caches"][0]["hit_ratio"] == 0.9 and result["spoolers"] == {"total": 1, "tasks": 4, "running": 1}


def test_facts_stay_small():
    cores = [
        core(1, ["REQUEST_METHOD=GET", f"REQUEST_URI=/{'x' * 3000}/{number}/", "HTTP_HOST=" + "h" * 3000], NOW) for number in range(50)
    ]
    many = document(*[worker(number, "busy", cores) for number in range(100)])
    assert len(str(facts(many, many, window=5.0))) < 20_000


def test_a_router_has_sessions_and_nodes_and_no_workers():
    nodes = [
        {"name": "10.0.0.7:3031", "requests": 7, "failcnt": 0, "ref": 1},
        {"name": "10.0.0.8:3031", "requests": 5, "failcnt": 3, "ref": 0},
    ]
    found = facts({"version": "2.0.30", "pid": 7, "uid": 33, "active_sessions": 4, "subscriptions": [{"key": "shop", "nodes": nodes}]})
    assert (found["kind"], found["sessions"], found["nodes_total"]) == ("router", 4, 2) and "workers" not in found
    assert found["nodes"][0] == {"name": "10.0.0.8:3031", "requests": 5, "failures": 3, "references": 0}
    assert found["node_failures"] is None and "sample" in found["unknown"]["node_failures"]


def test_what_busy_workers_waited_for():
    looked = Waits()
    looked.seen.update({Seen("cpu", None, "GET /"): 1, Seen("socket", "10.0.0.5:5432", "GET /orders/"): 3})
    looked.round_trips["10.0.0.5:5432"] = 400
    look = Look(Stats("app", "2", 1, 1), (), NOW)
    result = shape.facts(History(look, look, (Glance.of(look),), 5.0, (worker_host.Usage(),), {}, True, None, 4096, waits=looked)).done()
    row = {"address": "10.0.0.5:5432", "samples": 3, "share_ratio": 0.75, "work": "GET /orders/", "round_trip_seconds": 0.0004}
    assert result["waits"]["edges"] == [row] and result["waits"]["cpu_ratio"] == 0.25
