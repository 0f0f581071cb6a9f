# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: what the sampler saw, as facts (documented in the module's RETURN). Pure."""

from __future__ import annotations

import math
import typing as t

from ..._collect import wait_facts, worker_capacity
from ..._collect.derived import all_of, any_of, largest, share
from ..._collect.facts import Facts, Maybe, Unknown, known, measured
from ..._collect.sampling import ONE_SAMPLE, RESTARTED, delta, top
from ..._collect.worker_capacity import Pool
from ..._linux.backlog import Backlog
from ..._linux.served import address_of
from . import heartbeat, load
from .load import Load, Share
from .samples import History, Worker
from .settings import LOOP, ONE

NONE = "there is no worker"
GONE = "its workers have gone"
NO_LIMIT = "only Granian limits the connections of a worker"
LOOPING = "an event loop waits for all of its requests at once: for what each of them does is not told"
KERNEL = "this kernel does not report it"
#: Samples from which "in every sample" means something.
ENOUGH = 3


def facts(history: History) -> Facts:
    """The measures of one instance."""
    found = Facts()
    settings = history.settings
    found.put("kind", "app")
    found.put("server", settings.server)
    found.put("worker_class", settings.worker_class, f"not known: {settings.unread}")
    found.put("pid", history.pid)
    found.put("event_loop", None if settings.model is None else settings.model == LOOP, f"not known: {settings.unread or load.NO_CLASS}")
    listeners = history.last.listeners
    found.put("address", address_of(listeners[0]) if listeners else None, history.last.hindrance or "it listens on no socket")
    port = next((each.port for each in listeners if each.port), None)
    found.put("port", port, history.last.hindrance or "it listens on no TCP socket")
    _workers(found, history)
    _requests(found, history)
    _queues(found, history)
    _saturated(found, history)
    _capacity(found, history)
    wait_facts.put(found, history.waits, LOOPING if history.settings.model == LOOP else ONE_SAMPLE, history.top)
    _configured(found, history)
    return found


def _workers(found: Facts, history: History) -> None:
    last = history.loads[-1]
    stopped = frozenset.intersection(*(each.stopped for each in history.loads))
    everyone = len(history.last.workers)
    active = everyone - len(stopped)
    found.put("workers.total", everyone)
    found.put("workers.active", active)
    found.put("workers.cheap", 0)
    found.put("workers.stopped", len(stopped))
    found.put("workers.stopped_pids", sorted(stopped)[: history.top])
    found.put("masters", max(1, len(history.masters)))
    found.put("masters_pids", [*history.masters] or [history.pid])
    found.put("workers.busy", last.busy)
    found.put("workers.idle", last.busy if isinstance(last.busy, Unknown) else max(0, active - last.busy))
    _control(found, history)
    found.put("workers.missing", _missing(found, history))
    found.put("timeouts", history.timeouts)
    found.put("respawns", Unknown(ONE_SAMPLE) if history.window is None else max(0, history.born - history.grown))
    youngest = min(history.ages.values(), default=None)
    found.put("youngest_worker_seconds", youngest, GONE if everyone else NONE)
    model = history.settings.model
    why = load.NO_CEILING if model == LOOP else f"not known: {history.settings.unread or load.NO_CLASS}"
    found.put("threads_per_worker", 1 if model == ONE else history.settings.threads, why)
    found.put("concurrency", last.slots)


def _missing(found: Facts, history: History) -> Maybe[int]:
    """How many fewer there were in every sample than are meant to be: Granian does not replace one that was killed, unless told to."""
    meant = known(found.value("workers.target"))
    meant = history.settings.workers if meant is None else meant
    if meant is None:
        return Unknown(f"how many there should be is not known: {history.settings.unread}")
    return int(max(0, meant - max(each.workers + len(each.stopped) for each in history.loads)))


#: Measure → its name in what Gunicorn's control socket tells.
_COUNTERS = {
    "workers.target": "workers_target",
    "lifetime_spawned": "workers_spawned",
    "lifetime_killed": "workers_killed",
    "lifetime_reloads": "reloads",
}


def _control(found: Facts, history: History) -> None:
    """What only Gunicorn itself can tell."""
    told = [{name: each if isinstance(each, Unknown) else each.counter(key) for name, key in _COUNTERS.items()} for each in history.control]
    found.update(told[-1])
    before, after = told[0]["lifetime_reloads"], told[-1]["lifetime_reloads"]
    missing = next((each for each in (before, after) if isinstance(each, Unknown)), Unknown(ONE_SAMPLE))
    told_twice = missing.reason == ONE_SAMPLE and history.window is not None
    found.put("reloads", delta(before, after) if told_twice else missing, RESTARTED)


def _requests(found: Facts, history: History) -> None:
    last = history.loads[-1]
    found.put("samples", len(history.loads))
    shares = [share(each.running, each.slots, NONE, math.inf) for each in history.loads]
    told = [value for value in map(known, shares) if value is not None]
    missing = next((value for value in shares if isinstance(value, Unknown)), Unknown(NONE))
    found.put("busy_ratio", round(sum(told) / len(told), 6) if told else missing)
    found.put("busy_ratio_peak", max(told) if told else missing)
    full = [each.all_busy for each in history.loads]
    found.put("all_busy_samples", _count(full))
    found.put("requests_running", last.running)
    found.put("requests_waiting_inside", last.inside)
    found.put("requests_waiting", last.waiting)
    waiting = [each.waiting for each in history.loads]
    counted = [value for value in map(known, waiting) if value is not None]
    found.put("requests_waiting_peak", max(counted) if counted else last.waiting)
    found.put("requests_waiting_samples", sum(value > 0 for value in counted) if counted else last.waiting)
    found.put("in_flight_total", last.in_flight)
    found.put("oldest_request_seconds", last.oldest)
    found.put("connections", last.connections)
    if last.undecided:
        found.note(
            f"{last.undecided} of its connections had a request and its answer within one tick of the kernel's clock: they count as idle"
        )


def _count(values: t.Sequence[Maybe[bool]]) -> Maybe[int]:
    missing = next((value for value in values if isinstance(value, Unknown)), None)
    return missing if missing is not None else sum(value is True for value in values)


def _queues(found: Facts, history: History) -> None:
    last = history.loads[-1]
    queues = [known(each.queue) for each in history.loads]
    counted = [value for value in queues if value is not None]
    found.put("listen_queue", last.queue)
    found.put("listen_queue_peak", max(counted) if counted else last.queue)
    found.put("listen_queue_samples", sum(value > 0 for value in counted) if counted else last.queue)
    fullest = max(history.last.listeners, key=_fill, default=None)
    why = history.last.hindrance or "it listens on no socket"
    found.put("listen_queue_limit", fullest.limit if fullest else None, why)
    found.put("listen_queue_ratio", share(fullest.waiting, fullest.limit, "its queue takes nobody", math.inf) if fullest else Unknown(why))
    rows = [
        {"name": address_of(each), "kind": each.kind, "queue": each.waiting, "limit": measured(each.limit or None, "not told")}
        for each in sorted(history.last.listeners, key=lambda each: -each.waiting)
    ]
    found.rows("sockets", rows, history.top)
    found.put("somaxconn", history.somaxconn, KERNEL)
    worker_capacity.put_overflows(found, history.usages, history.window, KERNEL)


def _fill(listener: Backlog) -> tuple[float, int]:
    return listener.waiting / (listener.limit or 1), listener.limit


def _saturated(found: Facts, history: History) -> None:
    """Whether there is no room left: each of two signs suffices."""
    if len(history.loads) < ENOUGH:
        found.put("saturated", None, f"needs a window with at least {ENOUGH} samples")
        found.put("saturated_why", [])
        return
    signs: dict[str, Maybe[bool]] = {
        "every thread that can take requests was busy in every sample": all_of(_full(each) for each in history.loads),
        "requests waited in every sample": all_of(_waits(each) for each in history.loads),
    }
    found.put("saturated", any_of(signs.values()))
    found.put("saturated_why", [sentence for sentence, holds in signs.items() if holds is True])


def _full(each: Load) -> Maybe[bool]:
    # nothing that could be full
    return False if isinstance(each.slots, Unknown) and each.slots.reason == load.NO_CEILING else each.all_busy


def _waits(each: Load) -> Maybe[bool]:
    return each.waiting if isinstance(each.waiting, Unknown) else each.waiting > 0


def _capacity(found: Facts, history: History) -> None:
    pool = _pool(history)
    worker_capacity.put_memory(found, pool)
    shares = dict(history.loads[-1].per_worker)
    rows = [_row(worker, shares.get(worker.pid), history, pool) for worker in history.last.workers]
    _connections(found, history, [row["connections"] for row in rows])
    found.rows("worker_list", top(rows, "memory_bytes", len(rows)), history.top)
    worker_capacity.put_cpu(found, pool, rows)
    worker_capacity.put_addable(found, pool)


def _connections(found: Facts, history: History, counts: t.Sequence[Maybe[int]]) -> None:
    """By worker: each has a socket of its own, and at its limit leaves in the queue what another could take."""
    settings = history.settings
    most = largest(counts, NONE)
    found.put("worker_connections", settings.connections, f"not known: {settings.unread}" if settings.server == "granian" else NO_LIMIT)
    found.put("worker_connections_most", most)
    found.put("connections_ratio", share(most, found.value("worker_connections"), NO_LIMIT, math.inf))


def _pool(history: History) -> Pool:
    workers, loads = len(history.last.workers), history.loads
    running = [known(each.running) for each in loads]
    told = [value for value in running if value is not None]
    missing = next((each.running for each in loads if isinstance(each.running, Unknown)), Unknown(NONE))
    slots = [(known(each.slots), known(each.in_flight), known(each.queue)) for each in loads]
    return Pool(
        running=workers,
        configured=workers if history.newest is None else history.newest,
        threads=history.settings.threads or 1,
        window=history.window,
        usages=history.usages,
        memory=history.memory,
        capacity=history.capacity,
        loads=[(taken + waiting, whole) for whole, taken, waiting in slots if whole and taken is not None and waiting is not None],
        busy_seconds=sum(told) / len(told) * (history.window or 0.0) if told else missing,
        no_memory=GONE,
        unseen=GONE,
    )


def _row(worker: Worker, part: t.Optional[Share], history: History, pool: Pool) -> dict[str, t.Any]:
    why = Unknown(history.last.hindrance or load.HIDDEN)
    return {
        "pid": worker.pid,
        "requests_running": part.running if part else why,
        "requests_waiting": part.waiting if part else why,
        "connections": len(worker.connections) if worker.read and not history.last.hindrance else why,
        "oldest_request_seconds": (max(part.ages) if part and part.ages else Unknown(load.NO_REQUEST)) if part else why,
        "silent_seconds": measured(worker.silent, heartbeat.NONE if history.settings.server != "gunicorn" else heartbeat.UNREAD),
        "age_seconds": measured(history.ages.get(worker.pid), GONE),
        "memory_bytes": pool.memory_of(worker.pid, GONE),
        "cpu_cores": pool.cpu_cores(worker.pid, pool.no_cpu),
        "busiest_thread_ratio": pool.busiest_thread(worker.pid, pool.no_cpu),
    }


def _configured(found: Facts, history: History) -> None:
    settings = history.settings
    why = f"not known: {settings.unread}" if settings.unread else "not set"
    found.put("configured.processes", settings.workers, why)
    found.put("configured.threads", settings.threads, why)
    found.put("configured.timeout_seconds", settings.timeout, why)
    found.put("configured.max_requests", settings.max_requests, why)
    found.put("configured.statsd", settings.statsd, why if settings.server == "gunicorn" else "only Gunicorn sends its counters to statsd")
