# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: everything that was read of one broker and its workers as facts."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ..._collect import wait_facts
from ..._collect.derived import per, share, total
from ..._collect.facts import Facts, Maybe, Unknown, known, measured, row
from ..._collect.sampling import ONE_SAMPLE, count, number, ratio, top
from ..._linux.waits import Waits
from ..._texts.counted import counted
from ..._texts.plain import text
from ..._texts.redact import clean
from . import broker_load, delivery_limit, outcomes, queue_types, scheduled
from . import queues as queue_shape
from . import workers as worker_shape
from .api import Nodes
from .broker import NO_SUCH_QUEUE, Reading, is_control
from .broker_load import Load
from .broker_url import Broker
from .tally import Tally
from .workers import Snapshot

Row = dict[str, t.Any]

UNMANAGED = "RabbitMQ tells it in its management API only: set management_url"
NEVER = "RabbitMQ hands out messages again when a connection ends, not after a time"
_NO_FIGURES = "the broker does not give the figures of all of these queues (yet)"


@dataclasses.dataclass
class Gathered:
    """What the sampler read."""

    broker: Broker
    server: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    names: list[str] = dataclasses.field(default_factory=list)  # workers that answered
    twins: t.Mapping[str, int] = dataclasses.field(default_factory=dict)  # names that several workers have → how many
    asked_seconds: float = 0.0
    first: Snapshot = dataclasses.field(default_factory=lambda: Snapshot(0.0, 0.0))
    second: t.Optional[Snapshot] = None
    readings: list[Reading] = dataclasses.field(default_factory=list)
    control: t.Optional[Reading] = None  # queues of remote control and events
    delayed: Maybe[int] = 0  # messages that wait for their time in the broker
    tally: t.Optional[Tally] = None
    own: t.Optional[str] = None  # the event queue that we listen to
    management: t.Optional[dict[str, dict[str, t.Any]]] = None
    flower: t.Optional[dict[str, dict[str, int]]] = None
    expected: list[str] = dataclasses.field(default_factory=list)
    local: list[tuple[int, bool]] = dataclasses.field(default_factory=list)  # pid and whether it was started with -E
    beats: list[Row] = dataclasses.field(default_factory=list)  # processes here that send the schedule, by application
    limited: t.Collection[str] = ()  # workers that began nothing while messages wait, and limit how often they begin a task
    stopped: t.Collection[int] = ()  # of these the processes that are stopped (state T), and so cannot answer or work
    waits: Waits = dataclasses.field(default_factory=Waits)
    events_configured: t.Optional[bool] = None
    problems: dict[str, str] = dataclasses.field(default_factory=dict)  # measure → why a part of the reading failed
    notes: list[str] = dataclasses.field(default_factory=list)
    load: Load = Load()  # what keeps Redis busy, at the beginning and the end of the window
    load_after: t.Optional[Load] = None
    nodes: Maybe[Nodes] = Unknown(UNMANAGED)

    @property
    def on_redis(self) -> bool:
        return self.broker.family == "redis"


def facts(got: Gathered, window: t.Optional[float], keep: int) -> Facts:
    """The measures of one instance (documented in the module's RETURN)."""
    built = Facts()
    hearts = got.tally.hearts if got.tally else {}
    workers = worker_shape.rows(got.first, got.second, got.names, hearts, {pid for pid, _events in got.local})
    silence = _silence(got, bool(workers))
    nobody = None if got.names else Unknown(silence or "no worker answered")
    twins = _twins(got)
    windowed = window is not None
    _put_broker(built, got)
    broker_load.put(built, got.broker, got.load, got.load_after if windowed else None, window, got.nodes)
    _put_workers(built, got, workers, silence, windowed, keep)
    worker_shape.put_summary(built, workers, nobody, windowed, twins)
    snapshot = got.second if got.second is not None and got.second.replies.get("active") else got.first
    drifts = {worker["name"]: worker["drift_seconds"] for worker in workers}
    scheduled.put(built, snapshot, got.broker.visibility_timeout if got.on_redis else Unknown(NEVER), nobody)
    worker_shape.put_running(built, worker_shape.running(snapshot, drifts, keep), nobody)
    accepted = worker_shape.accepted_per_second(workers, windowed, nobody, twins)
    _put_queues(built, got, workers, silence, accepted, windowed, keep)
    heard = outcomes.Heard(got.tally, got.flower, _events_on(got), got.problems.get("events"))
    outcomes.put(built, heard, built.get("accepted_per_second"), keep)
    _put_local(built, got)
    away = "no worker of this broker is seen on the host that was asked: run the module where they run, with become"
    wait_facts.put(built, got.waits if got.local and windowed else None, ONE_SAMPLE if got.local else away, keep)
    _put_control(built, got)
    _put_notes(built, got, workers)
    return built


def _put_broker(built: Facts, got: Gathered) -> None:
    server, parts = got.server, got.broker.parts()
    unread = "this user may not use INFO on the broker" if got.on_redis else "RabbitMQ tells it in its management API only"
    known: Row = {"version": None, "memory_bytes": None, "memory_limit_bytes": None, "eviction_policy": None}
    identity = got.broker.shown
    if got.broker.is_here:
        identity += f" on {clean(os.uname().nodename, 80)}"  # such an address is another broker on every host
    if got.on_redis and server:
        known["version"] = clean(str(server.get("valkey_version") or server.get("redis_version") or ""), 40) or None
        known["memory_bytes"] = count(server.get("used_memory"))
        known["memory_limit_bytes"] = count(server.get("maxmemory")) or None  # 0: no limit
        known["eviction_policy"] = clean(str(server.get("maxmemory_policy") or ""), 40) or None
        if server.get("run_id"):
            identity = f"redis {text(str(server['run_id']))[:40]}/{parts['vhost']}"
    elif server:
        known["version"] = clean(str(server.get("version") or ""), 40) or None
        if server.get("cluster_name"):
            identity = f"rabbitmq {clean(str(server['cluster_name']), 80)}/{parts['vhost'].lstrip('/')}"
    prefix = got.broker.prefix
    named = {"name": got.broker.shown, **parts, "identity": identity + (f" {clean(prefix, 40)}" if prefix else "")}
    untold = dict.fromkeys(known, "the broker does not report it" if server and got.on_redis else unread)
    limit = count(server.get("maxmemory")) if got.on_redis else None
    if limit == 0:
        untold["memory_limit_bytes"] = "the broker has no limit of memory (maxmemory is 0)"
    built.put("broker", row({**named, **known}, {**untold, "port": "it listens on a UNIX socket", "version": unread}))
    full = per(built.value("broker.memory_bytes"), built.value("broker.memory_limit_bytes"), "the broker has no limit of memory")
    built.put("broker.memory_ratio", full if isinstance(full, Unknown) else min(1.0, full))  # a limit may be set below what is in use
    built.put("broker.memory_limited", None if limit is None else limit > 0, untold["memory_limit_bytes"])


def _twins(got: Gathered) -> t.Optional[Unknown]:
    """Why sums over the workers are too small; None when every worker has a name of its own."""
    if not got.twins:
        return None
    named = ", ".join(clean(name, 80) for name in sorted(got.twins)[:5])
    return Unknown(f"several workers are called {named}, and of each name only one answer is seen: give each worker its own name (-n)")


def _put_workers(built: Facts, got: Gathered, workers: list[Row], silence: t.Optional[str], windowed: bool, keep: int) -> None:
    doubles = sum(count - 1 for count in got.twins.values())
    total_seen, replied = len(workers) + doubles, len(got.names) + doubles
    unheard = silence is not None and not got.names
    built.put("workers", [worker_shape.shown(worker, windowed) for worker in top(workers, "active", keep)])
    built.put("workers_total", None if unheard and not workers else total_seen, silence or "")
    built.put("workers_replied", None if unheard else replied, silence or "")
    doubled: list[Row] = [{"name": clean(name, 120), "workers": count} for name, count in sorted(got.twins.items())]
    built.rows("workers_twins", Unknown(silence or "") if unheard else doubled, keep)
    built.put("workers_expected", len(got.expected))
    alive = {worker["name"] for worker in workers}
    missing = [name for name in got.expected if name not in alive]
    built.put("workers_missing", missing[:keep])
    built.put("workers_missing_total", None if missing and unheard else len(missing), silence or "")
    drifts = [worker["drift_seconds"] for worker in workers if worker["drift_seconds"] is not None]
    no_event = got.problems.get("events") or "no event came from a worker in the window"
    built.put("drift_seconds_max", max(drifts, key=abs) if drifts else None, no_event)


def _silence(got: Gathered, hearts: bool) -> t.Optional[str]:
    """Why no reply does not mean that there is no worker; None when there is no sign of life (cases C-01, C-08)."""
    if got.names:
        return None
    if "workers" in got.problems:
        return got.problems["workers"]
    nobody = f"no worker replied in {got.asked_seconds:.1f} s"
    last = got.readings[-1] if got.readings else None
    if hearts:
        return f"{nobody}, but heartbeats come: remote control is off or in trouble (worker_enable_remote_control), they are not down"
    if got.local:
        return f"{nobody}, but a worker process is alive and does not answer (here, {_quiet(got, [pid for pid, _events in got.local])}"
    if last and last.unacked:
        held = counted(last.unacked, "message is", "messages are")
        return f"{nobody}, but {held} in a worker's hands: a solo or busy worker answers only between tasks"
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


def _put_queues(
    built: Facts, got: Gathered, workers: list[Row], silence: t.Optional[str], accepted: Maybe[float], windowed: bool, keep: int
) -> None:
    complete = bool(got.names) and not got.twins and all(worker["answers"] for worker in workers) or (not workers and silence is None)
    kinds = queue_types.types(got.first, got.names, got.management)
    readings = queue_types.settled(got.readings, kinds, workers, complete, got.management)
    queues = queue_shape.rows(readings, workers, complete, got.on_redis, kinds)
    if got.management is not None:
        queues = queue_shape.with_management(queues, got.management, got.first.now)
    unread = got.problems.get("management") or UNMANAGED
    context = queue_shape.Context(
        windowed,
        silence or "not all workers told what they consume, so who consumes a queue is not known",
        "Redis counts what workers hold over all queues together (unacked)" if got.on_redis else unread,
        "the broker does not report it" if got.on_redis or got.management is not None else unread,
        "a list of Redis has no type" if got.on_redis else queue_types.UNTOLD,
    )
    built.put("queues", [queue_shape.shown(queue, context) for queue in top(queues, "ready", keep)])
    built.put("queues_total", len(queues))
    untold = "Redis counts no deliveries" if got.on_redis else unread
    delivery_limit.put(
        built, list(readings[-1].lengths) if readings else (), kinds, got.management, untold, str(got.server.get("version") or "")
    )
    queue_shape.put_summary(built, queues, readings, accepted, context)
    unsure = Unknown(ONE_SAMPLE) if not windowed else None if complete else Unknown(context.consumers)
    queue_shape.put_stalled(built, queue_shape.stalled(queues, readings, workers, got.limited) if unsure is None else unsure)
    held = _held(got, queues, unread)
    built.put("unacked", held)
    last = got.readings[-1] if got.readings else None
    oldest = last.unacked_oldest_seconds if last else None
    idle = held.reason if isinstance(held, Unknown) else "no message is in a worker's hands"
    built.put("unacked_oldest_seconds", oldest, idle if got.on_redis else "RabbitMQ does not report it")
    timeout = got.broker.visibility_timeout
    built.put("redelivery_seconds", timeout if got.on_redis else None, NEVER)
    built.put("redelivery_assumed", got.broker.assumed if got.on_redis else None, NEVER)
    built.put(
        "redelivery_ratio",
        ratio(None if oldest is None else known(oldest), timeout) if got.on_redis else None,
        idle if got.on_redis else NEVER,
    )
    built.put("delayed_total", got.delayed)
    built.put("backlog_total", total((built.value("ready_total"), built.value("reserved"))))


def _held(got: Gathered, queues: list[Row], unread: str) -> Maybe[t.Any]:
    """Messages that workers took and have not acknowledged."""
    if not got.on_redis and got.management is not None:
        gone = (NO_SUCH_QUEUE, queue_types.NO_BACKLOG)
        held = [measured(queue["unacked"], _NO_FIGURES) for queue in queues if queue["problem"] not in gone]
        return total(held) if held else Unknown(unread)
    last = got.readings[-1] if got.readings else None
    if last is None or last.unacked is None:
        return Unknown("this user may not read it on the broker, or it answers no count" if got.on_redis else unread)
    return last.unacked


def _events_on(got: Gathered) -> bool:
    """Known to be on although no task ran: by the configuration, or because every worker of the broker runs here with -E."""
    return bool(got.events_configured or (got.local and len(got.local) >= len(got.names) and all(events for _pid, events in got.local)))


def _put_local(built: Facts, got: Gathered) -> None:
    """Worker processes of this host that are connected to this broker, and how many of them answered."""
    told = {number(got.first.stats(name).get("pid")) for name in got.names}
    quiet = [pid for pid, _events in got.local if pid not in told]
    silent = [pid for pid in quiet if pid not in got.stopped]
    answering, stopped = len(got.local) - len(quiet), len(quiet) - len(silent)
    answered: Maybe[float] = share(answering, len(got.local), "no worker process here is connected to this broker")
    if silent and not stopped:
        # one that is stopped does not answer, whatever those do that may only be busy
        why = got.problems.get("workers") or (None if _twins(got) is None else t.cast(Unknown, _twins(got)).reason)
        answered = Unknown(why or f"process alive, does not answer ({_quiet(got, silent)}")
    pids = [pid for pid in quiet if pid in got.stopped][:5]
    counted = {"processes": len(got.local), "answering": answering, "stopped": stopped, "stopped_pids": pids, "beats": got.beats}
    built.put("local", t.cast("dict[str, t.Any]", {**counted, "answering_ratio": answered}))


def _put_control(built: Facts, got: Gathered) -> None:
    if got.management is not None:
        queues = [queue for name, queue in got.management.items() if is_control(name) and name != got.own]
        built.put("control.queues_total", len(queues))
        built.put("control.messages", total(measured(queue[name], _NO_FIGURES) for queue in queues for name in ("ready", "unacked")))
    elif got.control is None:
        reason = "RabbitMQ lists its queues in its management API only: set management_url"
        if got.on_redis:
            reason = "not all keys of the Redis database were looked at, so these queues were not counted"
        built.put("control.queues_total", Unknown(reason))
        built.put("control.messages", Unknown(reason))
    else:
        built.put("control.queues_total", len(got.control.lengths))
        lengths = got.control.lengths.values()
        built.put("control.messages", total(measured(length.ready, length.problem or _NO_FIGURES) for length in lengths))


def _put_notes(built: Facts, got: Gathered, workers: list[Row]) -> None:
    for note in got.notes:
        built.note(note)
    for name in sorted(got.twins):
        built.note(f"{got.twins[name]} workers are called {clean(name, 80)}: give each its own name (-n).")
    if got.names and not all(worker["answers"] for worker in workers):
        built.note("Some workers send heartbeats but do not answer: their remote control is off or in trouble, they are not down.")
    gone = [queue["name"] for queue in built.get("queues") if queue["problem"] == NO_SUCH_QUEUE]
    if gone:
        built.note(f"No such queue on the broker: {', '.join(gone[:10])}.")
    if built.get("control.messages"):
        messages, queues = built.get("control.messages"), built.get("control.queues_total")
        held = f"{counted(messages, 'message', 'messages')} in {counted(queues, 'queue', 'queues')}"
        built.note(f"Control and event queues: {held}, perhaps orphaned; they are no backlog.")
    for measure, reason in sorted(got.problems.items()):
        built.note(f"{measure}: {reason}")
