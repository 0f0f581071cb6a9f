# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: everything that was read of one broker and its workers as facts."""

from __future__ import annotations

import dataclasses
import typing as t

from ..._collect.sampling import number, percentile, ratio, top
from ..._text.plain import text
from ..._text.redact import clean
from . import queues as queue_shape
from . import workers as worker_shape
from .broker import Reading, is_control
from .broker_url import Broker
from .tally import Tally
from .workers import Snapshot

EVENTS_OFF = "task events are off: start the workers with -E (or set worker_send_task_events), then failures can be counted"
EVENTS_UNSEEN = "task events are off (heartbeats only), or no task ran in the window: start the workers with -E"


@dataclasses.dataclass
class Gathered:
    """What the sampler read."""

    broker: Broker
    server: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    names: list[str] = dataclasses.field(default_factory=list)  # workers that answered
    twins: set[str] = dataclasses.field(default_factory=set)
    asked_seconds: float = 0.0
    first: Snapshot = dataclasses.field(default_factory=lambda: Snapshot(0.0, 0.0))
    second: t.Optional[Snapshot] = None
    readings: list[Reading] = dataclasses.field(default_factory=list)
    control: t.Optional[Reading] = None  # queues of remote control and events
    tally: t.Optional[Tally] = None
    own: t.Optional[str] = None  # the event queue that we listen to
    management: t.Optional[dict[str, dict[str, t.Any]]] = None
    flower: t.Optional[dict[str, dict[str, int]]] = None
    expected: list[str] = dataclasses.field(default_factory=list)
    local: list[tuple[int, bool]] = dataclasses.field(default_factory=list)  # pid and whether it was started with -E
    stopped: t.Collection[int] = ()  # of these the processes that are stopped (state T), and so cannot answer or work
    events_configured: t.Optional[bool] = None
    problems: dict[str, str] = dataclasses.field(default_factory=dict)  # measure → why a part of the reading failed
    notes: list[str] = dataclasses.field(default_factory=list)


def facts(got: Gathered, window: t.Optional[float], keep: int) -> dict[str, t.Any]:
    """The measures of one instance (documented in the module's RETURN)."""
    hearts = got.tally.hearts if got.tally else {}
    workers = worker_shape.rows(got.first, got.second, got.names, hearts)
    unknown: dict[str, str] = {}
    if got.broker.family == "redis" and not got.server:
        unknown["broker.memory_limit_bytes"] = "this user may not use INFO on the broker"
    result: dict[str, t.Any] = {"broker": _broker(got), **_workers(got, workers, unknown, keep)}
    result.update(_running(got, workers, keep))
    result.update(_queues(got, workers, unknown, keep))
    result.update(_outcomes(got, result, unknown, keep))
    result["local"] = _local(got, unknown)
    result["control"] = _control(got, unknown)
    _why_null(result, got, window, unknown)
    result["unknown"], result["notes"] = unknown, _notes(got, workers, result)
    return result


def _broker(got: Gathered) -> dict[str, t.Any]:
    server, parts = got.server, got.broker.parts()
    known: dict[str, t.Any] = {"version": None, "memory_bytes": None, "memory_limit_bytes": None, "eviction_policy": None}
    identity = got.broker.shown
    if got.broker.family == "redis" and server:
        known["version"] = clean(str(server.get("valkey_version") or server.get("redis_version")), 40)
        known["memory_bytes"] = number(server.get("used_memory"))
        known["memory_limit_bytes"] = number(server.get("maxmemory")) or None  # 0: no limit
        known["eviction_policy"] = clean(str(server.get("maxmemory_policy") or ""), 40) or None
        if server.get("run_id"):
            identity = f"redis {text(str(server['run_id']))[:40]}/{parts['vhost']}"
    elif server:
        known["version"] = clean(str(server.get("version") or ""), 40) or None
        if server.get("cluster_name"):
            identity = f"rabbitmq {clean(str(server['cluster_name']), 80)}/{parts['vhost'].lstrip('/')}"
    prefix = got.broker.prefix
    return {"name": got.broker.shown, **parts, **known, "identity": identity + (f" {clean(prefix, 40)}" if prefix else "")}


def _workers(got: Gathered, workers: list[dict[str, t.Any]], unknown: dict[str, str], keep: int) -> dict[str, t.Any]:
    alive = {row["name"] for row in workers}
    missing = [name for name in got.expected if name not in alive]
    drifts = [row["drift_seconds"] for row in workers if row["drift_seconds"] is not None]
    total: t.Optional[int] = len(workers)
    replied: t.Optional[int] = len(got.names)
    if not got.names:
        reason = _silence(got, bool(workers))
        if reason:
            replied = None
            total = total or None
            unknown.update(dict.fromkeys(("workers_replied", *(() if total else ("workers_total",))), reason))
    if missing and not got.names and replied is None:
        unknown["workers_missing_total"] = unknown["workers_replied"]
    return {
        "workers": top(workers, "active", keep),
        "workers_total": total,
        "workers_replied": replied,
        "workers_expected": len(got.expected),
        "workers_missing": missing[:keep],
        "workers_missing_total": None if "workers_missing_total" in unknown else len(missing),
        "drift_seconds_max": max(drifts, key=abs) if drifts else None,
        **worker_shape.summary(workers),
    }


def _silence(got: Gathered, hearts: bool) -> t.Optional[str]:
    """Why no reply does not mean that there is no worker; None when there is no sign of life (cases C-01, C-08)."""
    if "workers" in got.problems:
        return got.problems["workers"]
    nobody = f"no worker replied in {got.asked_seconds:.1f} s"
    last = got.readings[-1] if got.readings else None
    if hearts:
        return f"{nobody}, but heartbeats come: remote control is off or in trouble (worker_enable_remote_control), they are not down"
    if got.local:
        return f"{nobody}, but a worker process is alive and does not answer (here, {_quiet(got, [pid for pid, _events in got.local])}"
    if last and last.unacked:
        return f"{nobody}, but {last.unacked} messages are in a worker's hands: a solo or busy worker answers only between tasks"
    if last and any(length.consumers for length in last.lengths.values()):
        return f"{nobody}, but the broker has consumers: a solo or busy worker answers only between tasks, a stopped one not at all"
    return None


def _quiet(got: Gathered, pids: list[int]) -> str:
    """`pid 7): it …`: why worker processes that live may not answer, first the one reason that can be seen."""
    stopped = [pid for pid in pids if pid in got.stopped]
    named = ", ".join(map(str, (stopped or pids)[:5]))
    if stopped:
        return f"pid {named}): it is stopped (state T) and does nothing until it is continued"
    return f"pid {named}): it hangs, or it is a solo or busy worker, that answers only between tasks"


def _running(got: Gathered, workers: list[dict[str, t.Any]], keep: int) -> dict[str, t.Any]:
    snapshot = got.second if got.second is not None and got.second.replies.get("active") else got.first
    longest, total = worker_shape.running(snapshot, {row["name"]: row["drift_seconds"] for row in workers}, keep)
    ages = [row["age_seconds"] for row in longest if row["age_seconds"] is not None]
    return {
        "running": longest,
        "running_total": total if got.names else None,
        "oldest_active_seconds": max(ages) if ages else (0.0 if got.names and not total else None),
    }


def _queues(got: Gathered, workers: list[dict[str, t.Any]], unknown: dict[str, str], keep: int) -> dict[str, t.Any]:
    complete = bool(got.names) and all(row["answers"] for row in workers) or (not workers and _silence(got, False) is None)
    on_redis = got.broker.family == "redis"
    rows = queue_shape.rows(got.readings, workers, complete, on_redis)
    if got.management is not None:
        rows = queue_shape.with_management(rows, got.management, got.first.now)
    totals = worker_shape.summary(workers)
    found = queue_shape.summary(rows, got.readings, totals["accepted_per_second"])
    if not on_redis and got.management is not None:
        held = [row["unacked"] for row in rows if row["unacked"] is not None]
        found["unacked"] = sum(held) if held else None
    if found["unconsumed_total"] is None and rows:
        unknown["unconsumed_total"] = unknown.get("workers_replied") or "not all workers answered, so who consumes a queue is not known"
    if found["unacked"] is None:
        unknown["unacked"] = (
            "this user may not read it on the broker"
            if on_redis
            else got.problems.get("management") or "RabbitMQ tells it in its management API only: set management_url"
        )
    backlog = [found["ready_total"], totals["reserved"]]
    return {
        "queues": top(rows, "ready", keep),
        "queues_total": len(rows),
        **found,
        "backlog_total": None if None in backlog else sum(value or 0 for value in backlog),
        "redelivery_ratio": ratio(found["unacked_oldest_seconds"], got.broker.visibility_timeout) if on_redis else None,
        "redelivery_seconds": got.broker.visibility_timeout if on_redis else None,
    }


def _outcomes(got: Gathered, result: dict[str, t.Any], unknown: dict[str, str], keep: int) -> dict[str, t.Any]:
    names = (
        "succeeded",
        "failed",
        "retried",
        "failure_ratio",
        "finished",
        "tasks",
        "tasks_total",
        "worst_task",
        "runtime_seconds",
        "queue_wait_seconds",
    )
    found: dict[str, t.Any] = {**dict.fromkeys(names), "events_enabled": None, "tasks_source": None}
    tally = got.tally
    rows = [outcome.row(name) for name, outcome in tally.tasks.items()] if tally else []
    if tally and tally.task_events:
        found.update(events_enabled=True, tasks_source="events")
    elif got.flower:
        rows = [_flower_row(name, counts) for name, counts in got.flower.items()]
        found.update(events_enabled=True, tasks_source="flower")
    elif tally and _events_on(got):
        found.update(events_enabled=True, tasks_source="events")
    else:
        reason = got.problems.get("events") or "only one sample was taken (window 0)"
        if tally and "events" not in got.problems:
            found["events_enabled"] = False if result["accepted_per_second"] else None
            reason = EVENTS_OFF if result["accepted_per_second"] else EVENTS_UNSEEN
        unknown.update(dict.fromkeys(names, reason))
        if found["events_enabled"] is None:
            unknown["events_enabled"] = reason
        return found
    return {**found, **_sums(rows, tally, found["tasks_source"], unknown, keep)}


def _sums(rows: list[dict[str, t.Any]], tally: t.Optional[Tally], source: str, unknown: dict[str, str], keep: int) -> dict[str, t.Any]:
    succeeded, failed = sum(row["succeeded"] for row in rows), sum(row["failed"] for row in rows)
    runtimes = [value for outcome in tally.tasks.values() for value in outcome.runtimes] if tally else []
    waits = tally.waits if tally else []
    if not succeeded + failed:
        unknown["failure_ratio"] = "no task finished in the window"
    if not any(row["failed"] + row["succeeded"] >= _SEEN_OFTEN for row in rows):
        unknown["worst_task.failure_ratio"] = f"no task finished {_SEEN_OFTEN} times in the window"
    if not waits:
        unknown["queue_wait_seconds"] = "no task-sent events: set task_send_sent_event in the application that sends the tasks"
    return {
        "succeeded": succeeded,
        "failed": failed,
        "finished": succeeded + failed,
        "retried": sum(row["retried"] for row in rows),
        "failure_ratio": ratio(failed, succeeded + failed),
        "tasks": sorted(rows, key=lambda row: (-row["failed"], -row["retried"], -row["succeeded"], row["name"]))[:keep],
        "tasks_total": len(rows),
        "worst_task": _worst_task(rows),
        "runtime_seconds": {"median": percentile(runtimes, 0.5), "p95": percentile(runtimes, 0.95)} if source == "events" else None,
        "queue_wait_seconds": {"median": percentile(waits, 0.5), "p95": percentile(waits, 0.95)} if waits else None,
    }


#: A task that finished less often than this in the window is not called broken.
_SEEN_OFTEN = 3


def _worst_task(rows: list[dict[str, t.Any]]) -> dict[str, t.Any]:
    """The task with the largest share of failures: a rare one that always fails is lost in the sum."""
    often = [row for row in rows if row["failed"] + row["succeeded"] >= _SEEN_OFTEN]
    worst = max(often, key=lambda row: (row["failure_ratio"], row["failed"]), default=None)
    if worst is None:
        return {"name": None, "failed": 0, "finished": 0, "failure_ratio": None, "exception": None}
    exception = worst["exceptions"][0]["name"] if worst["exceptions"] else None
    told = {name: worst[name] for name in ("name", "failed", "failure_ratio")}
    return {**told, "finished": worst["failed"] + worst["succeeded"], "exception": exception}


def _flower_row(name: str, counts: dict[str, int]) -> dict[str, t.Any]:
    row: dict[str, t.Any] = {kind: counts.get(kind, 0) for kind in ("succeeded", "failed", "retried", "rejected", "revoked")}
    row["failure_ratio"] = ratio(row["failed"], row["failed"] + row["succeeded"])
    return {"name": name, **row, "runtime_seconds": {"median": None, "p95": None}, "exceptions": []}


def _events_on(got: Gathered) -> bool:
    """Known to be on although no task ran: by the configuration, or because every worker of the broker runs here with -E."""
    return bool(got.events_configured or (got.local and len(got.local) >= len(got.names) and all(events for _pid, events in got.local)))


def _local(got: Gathered, unknown: dict[str, str]) -> dict[str, t.Any]:
    """Worker processes of this host that are connected to this broker, and how many of them answered."""
    told = {number(got.first.stats(name).get("pid")) for name in got.names}
    quiet = [pid for pid, _events in got.local if pid not in told]
    silent = [pid for pid in quiet if pid not in got.stopped]
    answering, stopped = len(got.local) - len(quiet), len(quiet) - len(silent)
    if silent and not stopped:
        unknown["local.answering_ratio"] = f"process alive, does not answer ({_quiet(got, silent)}"
    # one that is stopped does not answer, whatever those do that may only be busy
    share = None if silent and not stopped else ratio(answering, len(got.local))
    pids = [pid for pid in quiet if pid in got.stopped][:5]
    return {"processes": len(got.local), "answering": answering, "stopped": stopped, "stopped_pids": pids, "answering_ratio": share}


def _control(got: Gathered, unknown: dict[str, str]) -> dict[str, t.Any]:
    if got.management is not None:
        rows = [row for name, row in got.management.items() if is_control(name) and name != got.own]
        return {"queues_total": len(rows), "messages": sum((row["ready"] or 0) + (row["unacked"] or 0) for row in rows)}
    if got.control is None:
        reason = "RabbitMQ lists its queues in its management API only: set management_url"
        if got.broker.family == "redis":
            reason = "not all keys of the Redis database were looked at, so these queues were not counted"
        unknown.update({"control.messages": reason, "control.queues_total": reason})
        return {"queues_total": None, "messages": None}
    return {"queues_total": len(got.control.lengths), "messages": sum(length.ready or 0 for length in got.control.lengths.values())}


def _why_null(result: dict[str, t.Any], got: Gathered, window: t.Optional[float], unknown: dict[str, str]) -> None:
    """A reason for every measure that is null and has none yet."""
    nobody = unknown.get("workers_replied") or "no worker answered"
    told = ("concurrency", "active", "reserved", "scheduled", "utilisation", "hoard_ratio", "hoarded", "running_total", "backlog_total")
    for name in told:
        if result[name] is None:
            unknown.setdefault(name, nobody if not got.names else "a worker did not tell")
    one = "only one sample was taken (window 0)" if window is None else nobody
    for name in ("accepted", "accepted_per_second", "growth_per_second"):
        if result[name] is None:
            unknown.setdefault(name, one if not got.names or window is None else "a worker was restarted in the window or did not tell")
    idle = "no message is in a worker's hands"
    reasons = {
        "drift_seconds_max": got.problems.get("events") or "no event came from a worker in the window",
        "oldest_active_seconds": nobody if not got.names else "the workers do not tell when their tasks began",
        "wait_seconds": one if window is None else "no task was begun in the window, so how long a message waits cannot be told",
        "unacked_oldest_seconds": unknown.get("unacked", idle) if got.broker.family == "redis" else "RabbitMQ does not tell it",
        "redelivery_ratio": unknown.get("unacked", idle) if got.broker.family == "redis" else "RabbitMQ has no such time",
        "ready_consumed": "no queue could be read",
        "redelivery_seconds": "RabbitMQ hands out messages again when a connection ends, not after a time",
        "ready_total": "no queue could be read",
        "worst": "no queue could be read",
    }
    for name, reason in reasons.items():
        if result[name] is None:
            unknown.setdefault(name, reason)
    if any(row["consume_per_second"] is None for row in result["queues"]):
        several = "workers that take from several queues do not count by queue"
        unknown.setdefault("queues.consume_per_second", one if window is None else several)


def _notes(got: Gathered, workers: list[dict[str, t.Any]], result: dict[str, t.Any]) -> list[str]:
    notes = list(got.notes)
    notes += [f"Two workers are called {clean(name, 80)}: give each its own name (-n)." for name in sorted(got.twins)]
    if got.names and not all(row["answers"] for row in workers):
        notes.append("Some workers send heartbeats but do not answer: their remote control is off or in trouble, they are not down.")
    gone = [row["name"] for row in result["queues"] if row["problem"] == "no such queue"]
    if gone:
        notes.append(f"No such queue on the broker: {', '.join(gone[:10])}.")
    if result["control"]["messages"]:
        control = result["control"]
        notes.append(
            f"Control and event queues: {control['messages']} messages in {control['queues_total']} queues, "
            "perhaps orphaned; they are no backlog."
        )
    notes += [f"{measure}: {reason}" for measure, reason in sorted(got.problems.items())]
    return notes
