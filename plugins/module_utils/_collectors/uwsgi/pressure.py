# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: how taken the workers are, over all samples, and who waits for them."""

from __future__ import annotations

import math
import typing as t

from ..._collect.derived import all_of, any_of, share
from ..._collect.facts import Facts, Maybe, Unknown, known, measured
from ..._collect.worker_capacity import put_overflows
from ..._texts.counted import counted
from . import traffic
from .host_view import Queue
from .samples import Glance, History

HERE = "only read on the host that uWSGI runs on"
#: Samples from which "in every sample" means something.
ENOUGH = 3
#: busy_ratio and utilisation from which both together mean saturated.
FULL = 0.9


def put(facts: Facts, history: History) -> None:
    """Workers by state, threads, how many were busy over the samples, backlogs and overflows."""
    _workers(facts, history)
    _busy(facts, history)
    _queues(facts, history)
    put_overflows(facts, history.usages, history.window, HERE)
    _saturated(facts, history)


def _workers(facts: Facts, history: History) -> None:
    stats = history.last.stats
    states = [worker.state for worker in stats.workers]
    counted = {"idle", "busy", "cheap", "pause", "starting", "signal", "stopped"}
    facts.put("workers.total", len(states))
    facts.put("workers.active", len(stats.serving))
    for ours, theirs in (
        ("busy", "busy"),
        ("idle", "idle"),
        ("cheap", "cheap"),
        ("paused", "pause"),
        ("starting", "starting"),
        ("signal", "signal"),
        ("stopped", "stopped"),
    ):
        facts.put(f"workers.{ours}", states.count(theirs))
    facts.put("workers.other", sum(state not in counted for state in states))
    odd = sorted({worker.status for worker in stats.workers if worker.state not in ("idle", "busy", "cheap", "starting")})
    facts.put("workers.odd_states", odd)
    facts.put("workers.cores_unknown", sum(worker.cores is None for worker in stats.workers))
    facts.put("cores_active", stats.cores_active)
    facts.put("cores_busy", stats.cores_busy)
    whole = all(worker.cores is not None for worker in stats.workers) and bool(stats.workers)
    # cheap workers count: the connections they will open when they start have to fit as well
    threads = sum(len(worker.cores or ()) for worker in stats.workers) if whole else None
    facts.put("concurrency", threads, traffic.NO_CORES)


def _busy(facts: Facts, history: History) -> None:
    slots = [glance.slots for glance in history.glances]
    shares = [min(1.0, busy / active) for busy, active in slots if active]
    facts.put("samples", len(slots))
    why = "no worker can take requests" if history.last.stats.workers else "there are no workers"
    facts.put("busy_ratio", round(sum(shares) / len(shares), 6) if shares else None, why)
    facts.put("busy_ratio_peak", round(max(shares), 6) if shares else None, why)
    facts.put("all_busy_samples", sum(glance.all_busy for glance in history.glances))
    if not history.last.stats.cores_known:
        unknown = sum(worker.cores is None for worker in history.last.stats.serving)
        facts.note(
            f"cores unknown for {counted(unknown, 'worker', 'workers')} (stats-no-cores): busy means at least one thread of a worker is"
        )


def _queues(facts: Facts, history: History) -> None:
    waiting = [glance.waiting for glance in history.glances]
    queues = history.last.queues
    reason = next((queue.reason for queue in queues if queue.reason), "uWSGI lists no sockets")
    facts.put("listen_queue", history.last.waiting, reason)
    told = [number for number in waiting if number is not None]
    facts.put("listen_queue_peak", max(told) if told else None, reason)
    facts.put("listen_queue_samples", sum(number > 0 for number in told) if told else None, reason)
    fullest = max(queues, key=_fill, default=None)
    limit = fullest.limit if fullest is not None else None
    facts.put("listen_queue_limit", limit, reason)
    told_all = fullest is not None and history.last.waiting is not None
    filled = (
        share(measured(fullest.waiting, reason), measured(limit, reason), reason, math.inf) if fullest and told_all else Unknown(reason)
    )
    facts.put("listen_queue_ratio", filled)
    rows = [
        {
            "name": queue.name,
            "kind": queue.kind,
            "protocol": queue.protocol,
            "queue": measured(queue.waiting, queue.reason or reason),
            "limit": measured(queue.limit, queue.reason or "the socket's limit is not told"),
        }
        for queue in sorted(queues, key=lambda queue: -(queue.waiting or 0))
    ]
    facts.rows("sockets", rows, history.top)
    facts.put("somaxconn", history.somaxconn, HERE)


def _fill(queue: Queue) -> tuple[float, int]:
    return (queue.waiting or 0) / (queue.limit or 1), queue.limit or 0


def _saturated(facts: Facts, history: History) -> None:
    """True when there is no room left: each of three signs suffices. Null when one look is all there is."""
    glances = history.glances
    if len(glances) < ENOUGH:
        facts.put("saturated", None, f"needs a window with at least {ENOUGH} samples")
        facts.put("saturated_why", [])
        return
    busy, used = known(facts.value("busy_ratio")) or 0.0, facts.value("utilisation")
    signs: dict[str, Maybe[bool]] = {
        "every thread that can take requests was busy in every sample": all(glance.all_busy for glance in glances),
        "requests waited in every sample": all_of(_waits(facts, glance) for glance in glances),
        "busy over the samples and over the window": busy >= FULL and (used if isinstance(used, Unknown) else used >= FULL),
    }
    facts.put("saturated", any_of(signs.values()))
    facts.put("saturated_why", [sentence for sentence, holds in signs.items() if holds is True])


def _waits(facts: Facts, glance: Glance) -> Maybe[bool]:
    """Whether requests waited. Where the backlog is unknown, they cannot have waited while a worker was free."""
    if glance.waiting is not None:
        return glance.waiting > 0
    return t.cast("Maybe[bool]", facts.value("listen_queue")) if glance.all_busy else False
