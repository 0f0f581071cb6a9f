# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: what moved between the two ends of the window, and the lifetime values beside it."""

from __future__ import annotations

import operator
import typing as t

from ..._collect.facts import Facts
from ..._collect.sampling import Number, rate, ratio
from .document import Stats, Worker
from .samples import History

NO_WINDOW = "needs a window: two samples"


class Moved:
    """Counters over the window, summed over the workers. A worker that was replaced counts from zero."""

    def __init__(self, history: History) -> None:
        before, after = history.first.stats, history.last.stats
        self.window = history.window
        self.restarted = history.window is not None and before.pid != after.pid
        self.known = history.window is not None and not self.restarted
        self._pairs = [(self._before(before, worker), worker) for worker in after.workers]
        self.reloaded = self.known and any(old is not None and old.respawns > new.respawns for old, new in self._pairs)

    @staticmethod
    def _before(stats: Stats, worker: Worker) -> t.Optional[Worker]:
        return next((one for one in stats.workers if one.id == worker.id), None)

    def sum(self, read: t.Callable[[Worker], int]) -> t.Optional[int]:
        """How far the counter that `read` gives moved; None without a window or over a restart."""
        if not self.known:
            return None
        moved = 0
        for old, new in self._pairs:
            start = read(old) if old is not None else 0
            moved += read(new) - start if read(new) >= start else read(new)
        return moved

    def respawns(self) -> t.Optional[int]:
        """Workers that died and came back. One that was cheap before was started, not replaced."""
        if not self.known or self.reloaded:
            return None
        return sum(max(0, new.respawns - old.respawns) for old, new in self._pairs if old is not None and old.status != "cheap")

    @property
    def reason(self) -> str:
        if self.restarted:
            return "uWSGI was restarted between the samples"
        return NO_WINDOW if self.window is None else "uWSGI was reloaded between the samples"


def put(facts: Facts, history: History) -> None:
    """Requests, response time, utilisation, exceptions, kills and respawns; in the window and since the start."""
    moved = Moved(history)
    workers = history.last.stats.workers
    if moved.restarted:
        facts.note("uWSGI was restarted between the samples: measures over the window are unknown")
    elif moved.reloaded:
        facts.note("uWSGI was reloaded between the samples: what the old workers did since the first sample is not counted")
    _requests(facts, history, moved)
    _utilisation(facts, history, moved)
    _counters(facts, moved, workers)
    _killed(facts, moved, workers)


def _served(worker: Worker) -> int:
    """Requests whose time is in running_time: static files are counted as requests but not timed."""
    return max(0, worker.requests - worker.count("static"))


def _mean(microseconds: t.Optional[Number], requests: t.Optional[Number]) -> t.Optional[float]:
    return None if microseconds is None or not requests else round(microseconds / requests / 1e6, 6)


def _requests(facts: Facts, history: History, moved: Moved) -> None:
    workers = history.last.stats.workers
    requests = facts.put("requests", moved.sum(lambda worker: worker.requests), moved.reason)
    per_second = facts.put("requests_per_second", rate(requests, moved.window), moved.reason)
    facts.put("lifetime_requests", sum(worker.requests for worker in workers))
    running = moved.sum(lambda worker: worker.running_microseconds)
    why = moved.reason if requests is None else "no request ended in the window"
    mean = facts.put("mean_response_seconds", _mean(running, moved.sum(_served)), why)
    lifetime = _mean(sum(worker.running_microseconds for worker in workers), sum(map(_served, workers)))
    facts.put("lifetime_mean_response_seconds", lifetime, "no request has ended since the workers started")
    facts.put("sent_bytes_per_second", rate(moved.sum(lambda worker: worker.sent_bytes), moved.window), moved.reason)
    active = history.last.stats.cores_active if history.last.stats.cores_known else None
    capacity = round(active / mean, 3) if active and mean else None
    facts.put("capacity_requests_per_second", capacity, "needs the mean response time and the workers' threads")
    waiting = history.last.waiting
    wait = round(waiting / per_second, 3) if waiting is not None and per_second else (0.0 if waiting == 0 else None)
    facts.put("queue_wait_seconds", wait, "needs a known backlog and requests in the window")


def _utilisation(facts: Facts, history: History, moved: Moved) -> None:
    """Little's law: the time requests took, over the time there was. Needs no fast sampling."""
    running = moved.sum(lambda worker: worker.running_microseconds)
    if not all(glance.cores_known for glance in history.glances):
        facts.put("utilisation", None, "the number of threads is not told: stats-no-cores is set; remove it")
        return
    available = history.mean_cores_active * 1e6 * (moved.window or 0)
    if available <= 0:
        facts.put("utilisation", None, moved.reason if running is None else "no worker can take requests")
        return
    share = ratio(running, available)
    if running == 0 and history.mean_cores_busy:
        facts.put(
            "utilisation",
            None,
            "requests run longer than the window; their time is told when they end. Look at busy_ratio, or widen the window",
        )
        return
    facts.put("utilisation", None if share is None else min(1.0, share), moved.reason)
    if share is not None and share > 1:
        facts.note("requests that ended in the window had started before it: utilisation is capped at 100 %")


def _counters(facts: Facts, moved: Moved, workers: t.Sequence[Worker]) -> None:
    exceptions = facts.put("exceptions", moved.sum(lambda worker: worker.exceptions), moved.reason)
    requests = facts.get("requests")
    why = moved.reason if requests is None else "no request ended in the window"
    facts.put("exception_ratio", _share(exceptions, requests), why)
    total = sum(worker.exceptions for worker in workers)
    facts.put("lifetime_exceptions", total)
    facts.put("lifetime_exception_ratio", _share(total, facts.get("lifetime_requests")), "no request has ended since the workers started")
    if not all(worker.cores is not None for worker in workers):
        for name in ("static", "routed", "offloaded", "read_errors", "write_errors"):
            facts.put(f"handled.{name}", None, "stats-no-cores is set; remove it")
        return
    for name in ("static", "routed", "offloaded", "read_errors", "write_errors"):
        facts.put(f"handled.{name}", moved.sum(operator.methodcaller("count", name)), moved.reason)
        facts.put(f"handled.lifetime_{name}", sum(worker.count(name) for worker in workers))


def _share(part: t.Optional[Number], whole: t.Optional[Number]) -> t.Optional[float]:
    """A ratio up to 1: an exception may be counted before its request is."""
    share = ratio(part, whole)
    return None if share is None else min(1.0, share)


def _killed(facts: Facts, moved: Moved, workers: t.Sequence[Worker]) -> None:
    kills = sum(worker.harakiri for worker in workers)
    facts.put("harakiri", moved.sum(lambda worker: worker.harakiri), moved.reason)
    facts.put("lifetime_harakiri", kills)
    facts.put("respawns", moved.respawns(), moved.reason)
    facts.put("lifetime_respawns", sum(max(0, worker.respawns - 1) for worker in workers))
    if kills:
        facts.note(f"killed requests are not in the averages: harakiri ended {kills} that took longer than its limit")
