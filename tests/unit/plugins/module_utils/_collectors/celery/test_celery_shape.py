# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Workers, queues and outcomes as facts, from recorded replies and made-up events."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.facts import Unknown
from ansible_collections.warroom.launch.plugins.module_utils._collect.problem import Down, Problem
from ansible_collections.warroom.launch.plugins.module_utils._collectors.celery import api, queues, workers
from ansible_collections.warroom.launch.plugins.module_utils._collectors.celery.broker import Length, Reading, is_control
from ansible_collections.warroom.launch.plugins.module_utils._collectors.celery.broker_url import Broker
from ansible_collections.warroom.launch.plugins.module_utils._collectors.celery.shape import Gathered
from ansible_collections.warroom.launch.plugins.module_utils._collectors.celery.shape import facts as built
from ansible_collections.warroom.launch.plugins.module_utils._collectors.celery.tally import UNNAMED, Tally
from ansible_collections.warroom.launch.plugins.module_utils._collectors.celery.workers import Snapshot
from ansible_collections.warroom.launch.plugins.module_utils._linux.waits import Seen
from tests.support import replay
from tests.support.tools import measures_of

NODE = "w1@warroom"


def facts(got: Gathered, window: t.Optional[float], keep: int) -> dict[str, t.Any]:
    return built(got, window, keep).done()


def summed(*rows: dict[str, t.Any]) -> dict[str, t.Any]:
    return measures_of(workers.put_summary, rows, None, True, None)


def snapshot(fixture_file: t.Any, at: float = 0.0, more: int = 0) -> Snapshot:
    commands = ("stats", "active", "reserved", "scheduled", "active_queues")
    replies = {command: json.loads(fixture_file(f"celery/5.7.0/inspect-{command}.json")) for command in commands}
    replies["stats"][NODE]["total"]["ctasks.add"] += more
    return Snapshot(at, 1795571125.0, replies)


def reading(at: float, **lengths: t.Optional[int]) -> Reading:
    return Reading(at, {name: Length(ready) for name, ready in lengths.items()}, unacked=0)


def gathered(fixture_file: t.Any, **changes: t.Any) -> Gathered:
    got = Gathered(Broker("redis://:EXAMPLEPW@h:6379/0"), {"redis_version": "7.0.15", "run_id": "abc", "maxmemory": 0}, [NODE])
    got.first, got.second, got.tally = snapshot(fixture_file), snapshot(fixture_file, 5.0, 50), Tally()
    got.readings = [reading(0.0, celery=10), reading(2.5, celery=20), reading(5.0, celery=30)]
    for name, value in changes.items():
        setattr(got, name, value)
    return got


def test_a_recorded_worker(fixture_file: t.Any) -> None:
    found = facts(gathered(fixture_file), 5.0, 10)
    worker = found["workers"][0]
    assert (worker["name"], worker["pool"], worker["concurrency"], worker["prefetch"]) == (NODE, "prefork", 2, 8)
    assert worker["queues"] == ["celery", "slow"] and worker["memory_peak_bytes"] == 57880 * 1024
    assert found["active"] == 2 and found["utilisation"] == 1.0 and found["accepted"] == 50 and found["accepted_per_second"] == 10
    assert found["running"][0]["name"] == "ctasks.slow" and found["oldest_active_seconds"] == pytest.approx(2.5, abs=0.01)
    assert found["broker"]["identity"] == "redis abc/0" and found["broker"]["memory_limit_bytes"] is None
    text = json.dumps(found)
    assert "kwargs" not in text and "EXAMPLEPW" not in text


def test_what_the_pools_processes_waited_for(fixture_file: t.Any) -> None:
    got = gathered(fixture_file, local=[(4242, True)])
    got.waits.seen.update({Seen("sleep", None, "shop.nap"): 1, Seen("socket", "unix:/run/db.sock", "shop.bill"): 4})
    found = facts(got, 5.0, 10)
    (edge,) = found["waits"]["edges"]
    assert (edge["address"], edge["share_ratio"], edge["work"], edge["round_trip_seconds"]) == ("unix:/run/db.sock", 0.8, "shop.bill", None)
    assert found["waits"]["sleep_ratio"] == 0.2 and "no TCP" in found["unknown"]["waits.edges[].round_trip_seconds"]
    assert facts(gathered(fixture_file), 5.0, 10)["unknown"]["waits.samples"].startswith("no worker of this broker")


def test_growth_over_several_readings(fixture_file: t.Any) -> None:
    found = facts(gathered(fixture_file), 5.0, 10)
    queue = found["queues"][0]
    assert queue["growth_per_second"] == 4 and queue["grows_always"] is True and queue["drains"] is False and queue["drain_seconds"] is None
    assert queue["consume_per_second"] is None and "several queues" in found["unknown"]["queues[].consume_per_second"]
    assert found["worst"]["name"] == "celery" and found["wait_seconds"] == pytest.approx(3.0), "30 messages at 10 a second"


def worker(name: str = "w", rate: t.Optional[float] = 10.0, held: float = 0.0, **more: t.Any) -> dict[str, t.Any]:
    return {"name": name, "queues": ["q"], "accepted_per_second": rate, "held_growth_per_second": held, "answers": True, **more}


@pytest.mark.parametrize(
    "series, growth, always, drains, seconds",
    [
        ([10, 10, 10], 0.0, False, False, None),
        ([30, 20, 10], -10.0, False, True, 1.0),
        ([10, 30, 20], 5.0, False, False, None),
        ([0, 0, 0], 0.0, False, True, 0.0),
        ([1, 2, 3], 1.0, True, False, None),
        ([5, 9], 4.0, False, False, None),
    ],
)
def test_drain_by_hand(series: list[int], growth: float, always: bool, drains: bool, seconds: t.Optional[float]) -> None:
    readings = [reading(float(at), q=ready) for at, ready in enumerate(series)]
    row = queues.rows(readings, [worker()], True, True)[0]
    assert (row["growth_per_second"], row["grows_always"], row["drains"], row["drain_seconds"]) == (growth, always, drains, seconds)
    assert row["arrive_per_second"] == max(0.0, growth + 10)


def test_what_workers_took_and_have_not_begun_has_arrived_too() -> None:
    row = queues.rows([reading(0.0, q=0), reading(1.0, q=0)], [worker(held=3.0)], True, True)[0]
    assert row["arrive_per_second"] == 13


def test_a_worker_of_several_queues_leaves_their_shares_unknown() -> None:
    row = queues.rows([reading(0.0, q=1), reading(1.0, q=1)], [worker(queues=["q", "r"])], True, True)[0]
    assert row["consume_per_second"] is None and row["arrive_per_second"] is None


def test_consumers_are_unknown_when_a_worker_is_silent() -> None:
    assert queues.rows([reading(0.0, q=1)], [], False, True)[0]["consumers"] is None
    assert queues.rows([reading(0.0, q=1)], [], True, True)[0]["consumers"] == 0
    context = queues.Context(False, "not all workers answered", "not told", "not told")
    rows = queues.rows([reading(0.0, q=1)], [], False, True)
    summary = measures_of(queues.put_summary, rows, [reading(0.0, q=1)], Unknown("no window"), context)
    assert summary["unconsumed_total"] is None and summary["unknown"]["unconsumed_total"] == "not all workers answered"


def test_the_management_api_fills_what_we_do_not_know() -> None:
    rows = queues.rows([reading(0.0, q=5), reading(1.0, q=5)], [], True, False)
    told = {"q": {"unacked": 7, "arrive_per_second": 3.0, "consume_per_second": 2.0, "head_timestamp": 40}}
    row = queues.with_management(rows, told, 100.0)[0]
    assert (row["unacked"], row["consume_per_second"], row["oldest_seconds"], row["wait_seconds"]) == (7, 2.0, 60.0, 2.5)


@pytest.mark.parametrize(
    "name, control",
    [("celery", False), ("w1@h.celery.pidbox", True), ("x.reply.celery.pidbox", True), ("celeryev.1", True), ("mail", False)],
)
def test_control_queues(name: str, control: bool) -> None:
    assert is_control(name) is control


def test_hoarding_is_what_waits_at_a_full_worker_beside_a_free_one() -> None:
    full = {
        "answers": True,
        "concurrency": 2,
        "active": 2,
        "reserved": 8,
        "scheduled": 0,
        "queues": ["q"],
        "active_mean": 2,
        "accepted_per_second": 1,
    }
    full = {**full, "accepted": 1}
    free = {**full, "active": 0, "active_mean": 0, "reserved": 0}
    assert summed(full, free)["hoarded"] == 8 and summed(full, full)["hoarded"] == 0
    assert summed(full, {**free, "queues": ["other"]})["hoarded"] == 0
    assert summed(full, free)["hoard_ratio"] == 2 and summed(full, free)["utilisation"] == 0.5
    assert summed()["utilisation"] is None and summed()["active"] is None


def test_a_restarted_worker_has_no_rate(fixture_file: t.Any) -> None:
    got = gathered(fixture_file)
    assert got.second is not None
    got.second.replies["stats"][NODE]["pid"] = 1
    found = facts(got, 5.0, 10)
    assert found["accepted_per_second"] is None and found["unknown"]["accepted_per_second"]


def test_before_celery_4_2_ages_are_unknown(fixture_file: t.Any) -> None:
    got = gathered(fixture_file, second=None)
    for task in got.first.replies["active"][NODE]:
        task["time_start"] = 12345.6
    assert facts(got, None, 10)["oldest_active_seconds"] is None


@pytest.mark.parametrize("reply", [None, {}, {"error": "x"}, [], "text", {"total": None, "pool": 5, "rusage": []}])
def test_replies_of_any_form_never_break(reply: t.Any) -> None:
    one = Snapshot(0.0, 0.0, {command: {"w": reply} for command in ("stats", "active", "reserved", "scheduled", "active_queues")})
    row = workers.rows(one, one, ["w"], {})[0]
    assert row["name"] == "w" and row["concurrency"] is None


def event(kind: str, **fields: t.Any) -> dict[str, t.Any]:
    return {"type": kind, "hostname": NODE, "timestamp": 1000.0, "utcoffset": 0, "clock": 5, "pid": 7, **fields}


def tally(*events: t.Any, now: float = 1000.0) -> Tally:
    result = Tally()
    for one in events:
        result.take(one, now)
    return result


def test_outcomes_by_task_and_exception() -> None:
    result = tally(
        event("task-received", uuid="1", name="shop.add"),
        event("task-started", uuid="1"),
        event("task-succeeded", uuid="1", runtime=0.5, result="EXAMPLEPW"),
        event("task-received", uuid="2", name="shop.fails", args="('EXAMPLEPW',)"),
        event("task-failed", uuid="2", exception="ValueError('EXAMPLEPW')", traceback="EXAMPLEPW"),
        event("task-retried", uuid="2", exception="Retry()"),
        event("task-failed", uuid="9", exception="<EXAMPLEPW>"),
    )
    rows = {name: outcome.row(name) for name, outcome in result.tasks.items()}
    assert rows["shop.add"]["succeeded"] == 1 and rows["shop.add"]["runtime_seconds"] == {"median": 0.5, "p95": 0.5}
    assert rows["shop.fails"]["failure_ratio"] == 1.0 and {"name": "ValueError", "count": 1} in rows["shop.fails"]["exceptions"]
    assert rows[UNNAMED]["exceptions"] == [{"name": "unknown", "count": 1}]
    assert "EXAMPLEPW" not in json.dumps(rows)


def test_a_rare_task_that_always_fails_is_told(fixture_file: t.Any) -> None:
    result = Tally()
    for number in range(300):
        name, outcome = ("shop.rare", "failed") if number < 3 else ("shop.usual", "succeeded")
        result.take(event("task-received", uuid=str(number), name=name), 1000.0)
        result.take(event(f"task-{outcome}", uuid=str(number), exception="IOError('EXAMPLEPW')"), 1000.0)
    found = facts(gathered(fixture_file, tally=result), 5.0, 10)
    assert found["failure_ratio"] == 0.01
    assert found["worst_task"] == {"name": "shop.rare", "failed": 3, "finished": 3, "failure_ratio": 1.0, "exception": "IOError"}


def test_c12_drift_is_told_and_time_zones_are_none() -> None:
    result = tally(
        event("worker-heartbeat", processed=1, active=0, utcoffset=-5),
        event("worker-heartbeat", hostname="late@x", timestamp=1000.0 - 7200),
    )
    assert result.hearts[NODE].drift == 0 and result.hearts["late@x"].drift == 7200


def test_c12_a_worker_with_a_wrong_clock_is_not_missing(fixture_file: t.Any) -> None:
    got = gathered(fixture_file, tally=tally(event("worker-heartbeat", timestamp=1000.0 - 7200, processed=1)), expected=[NODE])
    found = facts(got, 5.0, 10)
    assert found["drift_seconds_max"] == 7200 and found["workers_missing_total"] == 0 and found["workers_total"] == 1


def test_c13_no_task_event_is_unknown_not_zero(fixture_file: t.Any) -> None:
    found = facts(gathered(fixture_file), 5.0, 10)
    assert found["events_enabled"] is False and found["failed"] is None and "task events are off" in found["unknown"]["failed"]
    idle = facts(gathered(fixture_file, second=snapshot(fixture_file, 5.0)), 5.0, 10)
    assert idle["events_enabled"] is None and "task events are off (heartbeats only), or no task ran" in idle["unknown"]["failed"]
    known = facts(gathered(fixture_file, second=snapshot(fixture_file, 5.0), local=[(12925, True)]), 5.0, 10)
    assert (
        known["events_enabled"] is True and known["failed"] == 0 and known["unknown"]["failure_ratio"] == "no task finished in the window"
    )


def test_c01_nobody_and_signs_of_life(fixture_file: t.Any) -> None:
    def nobody(**changes: t.Any) -> dict[str, t.Any]:
        return facts(gathered(fixture_file, names=[], first=Snapshot(0, 0), second=Snapshot(5, 5), asked_seconds=5.0, **changes), 5.0, 10)

    dead = nobody()
    assert dead["workers_total"] == 0 and dead["active"] is None and dead["utilisation"] is None
    held = nobody(readings=[Reading(0, {"celery": Length(0)}, unacked=3)])
    assert held["workers_total"] is None and "3 messages are in a worker's hands" in held["unknown"]["workers_total"]
    alive = nobody(local=[(77, False)], expected=["a@b"])
    assert alive["workers_total"] is None and "pid 77" in alive["unknown"]["workers_total"]
    assert alive["local"]["answering_ratio"] is None and alive["unknown"]["local.answering_ratio"]
    stopped = nobody(local=[(77, False), (78, False)], stopped={78}, expected=["a@b"])
    assert stopped["workers_total"] is None and "pid 78): it is stopped (state T)" in stopped["unknown"]["workers_total"]
    assert stopped["local"] == {"processes": 2, "answering": 0, "stopped": 1, "stopped_pids": [78], "beats": [], "answering_ratio": 0.0}
    assert "local.answering_ratio" not in stopped["unknown"]
    beats = nobody(tally=tally(event("worker-heartbeat", processed=10), event("worker-heartbeat", processed=15)))
    assert beats["workers_total"] == 1 and beats["workers_replied"] is None and "heartbeats come" in beats["unknown"]["workers_replied"]


def test_before_the_window_only_names_are_learnt() -> None:
    result = Tally()
    result.counting = False
    for kind in ("received", "succeeded"):
        result.take(event(f"task-{kind}", uuid="1", name="shop.add" if kind == "received" else None), 1000.0)
    assert result.tasks == {} and result.task_events == 0
    result.counting = True
    result.take(event("task-failed", uuid="1", exception="E()"), 1000.0)
    assert result.tasks["shop.add"].failed == 1


def test_a_flood_of_events_is_bounded() -> None:
    result = Tally()
    for number in range(30_000):
        result.take(event("task-received", uuid=str(number), name=f"t{number}"), 1.0)
        result.take(event("task-succeeded", uuid=str(number), runtime=1), 1.0)
    assert len(result.tasks) <= 500 and len(result._names) <= 20_000 and result.task_events == 60_000


@pytest.mark.parametrize(
    "nonsense", [None, [], "x", {}, {"type": 5}, {"type": "task-"}, {"type": "task-failed", "exception": 5}, {"type": "worker-heartbeat"}]
)
def test_nonsense_is_passed_over(nonsense: t.Any) -> None:
    tally(nonsense)


def test_flower_counts_in_the_window(fixture_file: t.Any) -> None:
    before = api.flower_events(fixture_file("celery/flower-2.2.0/metrics.txt"))
    assert before[("ctasks.add", "task-received")] == 120
    after = dict(before)
    after[("ctasks.add", "task-succeeded")] += 4
    after[("ctasks.flaky", "task-failed")] = before.get(("ctasks.flaky", "task-failed"), 0) + 2
    outcomes = api.flower_outcomes(before, after)
    assert outcomes == {"ctasks.add": {"succeeded": 4}, "ctasks.flaky": {"failed": 2}}
    found = facts(gathered(fixture_file, flower=outcomes), 5.0, 10)
    assert (
        found["tasks_source"] == "flower"
        and (found["succeeded"], found["failed"]) == (4, 2)
        and found["failure_ratio"] == pytest.approx(1 / 3, abs=1e-6)
    )
    assert api.flower_outcomes({("x", "task-failed"): 9.0}, {("x", "task-failed"): 1.0}) == {"x": {"failed": 1}}, "Flower was restarted"


def test_http_sources_say_what_is_wrong() -> None:
    with replay.peer(
        replay.sends(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", wait_for=b"\r\n\r\n")
    ) as address:
        with pytest.raises(Problem, match="answers 401: give user and password") as caught:
            api.get(f"http://u:EXAMPLEPW@{address}", "/metrics", 2, "Flower")
        assert "EXAMPLEPW" not in str(caught.value)
    with pytest.raises(Down, match="cannot be reached"):
        api.get(f"http://{address}", "/metrics", 2, "Flower")
    with pytest.raises(Problem, match="not http"):
        api.get("ftp://h", "/", 2, "Flower")
    with pytest.raises(Problem, match="does not hold its metrics"):
        api.flower_events(b"<html>")
    with pytest.raises(Problem, match="not a list"):
        api.rabbitmq_queues(b"<html>")


def test_queues_of_the_management_api() -> None:
    rows = [
        {
            "name": "mail",
            "type": "quorum",
            "messages_ready": 3,
            "messages_unacknowledged": 2,
            "consumers": 1,
            "message_stats": {"publish_details": {"rate": 1.5}},
        },
        {"name": "w1@h.celery.pidbox", "messages_ready": 4},
        {"broken": 1},
        7,
    ]
    found = api.rabbitmq_queues(json.dumps(rows).encode())
    assert found["mail"]["arrive_per_second"] == 1.5 and found["mail"]["unacked"] == 2 and len(found) == 2
