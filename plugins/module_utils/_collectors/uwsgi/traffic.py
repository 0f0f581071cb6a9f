# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: what moved between the two ends of the window, and the lifetime values beside it."""

from __future__ import annotations

import math
import operator
import typing as t

from ..._collect import derived
from ..._collect.derived import per, rate, share, total
from ..._collect.facts import Facts, Maybe, Unknown, known
from ..._collect.sampling import ONE_SAMPLE, RESTARTED, Number
from .document import Stats, Worker
from .samples import History

NO_CORES = "the number of threads is not told: stats-no-cores is set; remove it"
NO_REQUEST = "no request ended in the window"
NO_REQUEST_EVER = "no request has ended since the workers started"
#: An exception may be counted before its request is.
SLACK = math.inf
UNTOLD = "uWSGI's answer does not report it for every worker"

Read = t.Callable[[Worker], t.Optional[int]]


class Moved:
    """Counters over the window, summed over the workers. A worker that was replaced counts from zero."""

    def __init__(self, history: History) -> None:
        before, after = history.first.stats, history.last.stats
        self.window = history.window
        self.restarted = history.window is not None and before.pid != after.pid
        self.known = history.window is not None and not self.restarted
        self._pairs = [(self._before(before, worker), worker) for worker in after.workers]
        self.reloaded = self.known and any(old is not None and (old.respawns or 0) > (new.respawns or 0) for old, new in self._pairs)

    @staticmethod
    def _before(stats: Stats, worker: Worker) -> t.Optional[Worker]:
        return next((earlier for earlier in stats.workers if earlier.id == worker.id), None)

    def sum(self, read: Read) -> Maybe[Number]:
        """How far the counter that `read` gives moved; unknown without a window or over a restart."""
        if not self.known:
            return Unknown(self.reason)
        moved: Number = 0
        for old, new in self._pairs:
            start, end = 0 if old is None else read(old), read(new)
            if old is not None and _replaced(old, new) and start is not None and end is not None and end < start:
                start = 0  # most counters go on in the worker that comes in its place; one that fell has begun anew
            change = derived.moved(start, end, UNTOLD, f"of worker {new.id}")
            if isinstance(change, Unknown):
                return change
            moved += change
        return moved

    def rate(self, read: Read) -> Maybe[float]:
        return rate(self.sum(read), self.window)

    def respawns(self) -> Maybe[int]:
        """Workers that died and came back. One that was cheap before was started, not replaced."""
        if not self.known or self.reloaded:
            return Unknown(self.reason)
        pairs = [(old.respawns, new.respawns) for old, new in self._pairs if old is not None and old.status != "cheap"]
        counts = [max(0, after - before) for before, after in pairs if before is not None and after is not None]
        return sum(counts) if len(counts) == len(pairs) else Unknown(UNTOLD)

    @property
    def reason(self) -> str:
        if self.restarted:
            return RESTARTED
        return ONE_SAMPLE if self.window is None else "uWSGI was reloaded between the samples"


def _replaced(old: Worker, new: Worker) -> bool:
    return old.pid != new.pid or old.respawns != new.respawns


def put(facts: Facts, history: History) -> None:
    """Requests, response time, utilisation, exceptions, kills and respawns; in the window and since the start."""
    moved = Moved(history)
    workers = history.last.stats.workers
    if moved.reloaded:
        facts.note("uWSGI was reloaded between the samples: what the old workers did since the first sample is not counted")
    _requests(facts, history, moved)
    facts.put("utilisation", _utilisation(facts, history, moved))
    _exceptions(facts, moved, workers)
    _handled(facts, moved, workers)
    _killed(facts, moved, workers)


def lifetime(workers: t.Iterable[Worker], read: Read) -> Maybe[t.Any]:
    """A counter since the workers' start, of all of them together."""
    return total(derived.possible(read(worker), UNTOLD, f"a counter of worker {worker.id}") for worker in workers)


def _served(worker: Worker) -> t.Optional[int]:
    """Requests whose time is in running_time: static files are counted as requests but not timed."""
    static = worker.count("static")
    return None if worker.requests is None or static is None else max(0, worker.requests - static)


def _running(worker: Worker) -> t.Optional[int]:
    return worker.running_microseconds


def _requests_of(worker: Worker) -> t.Optional[int]:
    return worker.requests


def _mean(microseconds: Maybe[Number], requests: Maybe[Number], nothing: str) -> Maybe[float]:
    mean = per(microseconds, requests, nothing)
    return mean if isinstance(mean, Unknown) else round(mean / 1e6, 6)


def _requests(facts: Facts, history: History, moved: Moved) -> None:
    stats = history.last.stats
    workers = stats.workers
    requests = moved.sum(_requests_of)
    per_second = rate(requests, moved.window)
    mean = _mean(moved.sum(_running), moved.sum(_served), NO_REQUEST)
    active: Maybe[int] = stats.cores_active if stats.cores_known else Unknown(NO_CORES)
    facts.put("requests", requests)
    facts.put("requests_per_second", per_second)
    facts.put("lifetime_requests", lifetime(workers, _requests_of))
    facts.put("mean_response_seconds", mean)
    facts.put("lifetime_mean_response_seconds", _mean(lifetime(workers, _running), lifetime(workers, _served), NO_REQUEST_EVER))
    facts.put("sent_bytes_per_second", moved.rate(lambda worker: worker.sent_bytes))
    capacity = per(active, mean, "the requests of the window took no time")
    nobody = active == 0
    facts.put("capacity_requests_per_second", Unknown("no worker can take requests") if nobody else _rounded(capacity))
    waiting = history.last.waiting
    backlog: Maybe[int] = Unknown("the backlog is not known") if waiting is None else waiting
    wait = 0.0 if waiting == 0 else _rounded(per(backlog, per_second, NO_REQUEST))
    facts.put("queue_wait_seconds", wait)


def _rounded(value: Maybe[float]) -> Maybe[float]:
    return value if isinstance(value, Unknown) else round(value, 3)


def _utilisation(facts: Facts, history: History, moved: Moved) -> Maybe[float]:
    """Little's law: the time requests took, over the time there was. Needs no fast sampling."""
    if not all(glance.cores_known for glance in history.glances):
        return Unknown(NO_CORES)
    running = moved.sum(_running)
    if running == 0 and history.mean_cores_busy:
        return Unknown("requests run longer than the window; their time is told when they end. Look at busy_ratio, or widen the window")
    available = history.mean_cores_active * 1e6 * (moved.window or 0)
    used = per(running, available, "no worker can take requests")
    if isinstance(used, Unknown) or used <= 1:
        return used
    facts.note("requests that ended in the window had started before it: utilisation is capped at 100 %")
    return 1.0


def _exceptions(facts: Facts, moved: Moved, workers: t.Sequence[Worker]) -> None:
    exceptions, ever = moved.sum(lambda worker: worker.exceptions), lifetime(workers, lambda worker: worker.exceptions)
    facts.put("exceptions", exceptions)
    facts.put("exception_ratio", share(exceptions, moved.sum(_requests_of), NO_REQUEST, SLACK))
    facts.put("lifetime_exceptions", ever)
    facts.put("lifetime_exception_ratio", share(ever, facts.value("lifetime_requests"), NO_REQUEST_EVER, SLACK))


def _handled(facts: Facts, moved: Moved, workers: t.Sequence[Worker]) -> None:
    told = all(worker.cores is not None for worker in workers)
    for name in ("static", "routed", "offloaded", "read_errors", "write_errors"):
        facts.put(f"handled.{name}", moved.sum(operator.methodcaller("count", name)) if told else Unknown(NO_CORES))
        facts.put(f"handled.lifetime_{name}", lifetime(workers, operator.methodcaller("count", name)) if told else Unknown(NO_CORES))


def respawned(worker: Worker) -> t.Optional[int]:
    """How often it was started again: its first start counts as well."""
    return None if worker.respawns is None else max(0, worker.respawns - 1)


def _killed(facts: Facts, moved: Moved, workers: t.Sequence[Worker]) -> None:
    kills = lifetime(workers, lambda worker: worker.harakiri)
    facts.put("harakiri", moved.sum(lambda worker: worker.harakiri))
    facts.put("lifetime_harakiri", kills)
    facts.put("respawns", moved.respawns())
    facts.put("lifetime_respawns", lifetime(workers, respawned))
    if known(kills):
        facts.note(f"killed requests are not in the averages: harakiri ended {known(kills)} that took longer than its limit")
