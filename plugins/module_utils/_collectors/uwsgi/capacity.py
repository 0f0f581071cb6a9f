# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: what a worker costs in memory and CPU, and how many more this host could carry."""

from __future__ import annotations

import math
import statistics
import typing as t

from ..._collect.derived import at_most, first_unknown, moved, put_largest, put_total, share, total
from ..._collect.facts import Facts, Maybe, Unknown, known, measured
from ..._collect.sampling import ONE_SAMPLE, top
from . import traffic
from .document import Worker
from .samples import History
from .traffic import NO_CORES

#: Memory that stays free for everything else: this much, or the tenth part when that is more.
RESERVE_BYTES = 512 * 1024 * 1024
#: Of what is free, the part that may be given away.
SHARE = 0.8
#: Share of the workers that may be busy without anybody waiting.
COMFORTABLE = 0.7
#: Processor time is counted in ticks: so much more than there is may seem used in a short window.
CLOCK_SLACK = 0.5
#: A worker that waits all the time still costs something.
LEAST_CPU = 0.02
CHEAP = "the worker is cheap: it has no process"
NO_MEMORY = "uWSGI reports no memory: add `memory-report = true` to its configuration and reload it, or run the module on its host"
_ELSEWHERE = (
    "the workers' processes cannot be seen from here (another host, a container, or hidden from this user): "
    "run the module there, with become"
)


def put(facts: Facts, history: History) -> None:
    """Memory and CPU of the workers, and `addable`."""
    _memory(facts, history)
    rows = [_row(worker, history) for worker in history.last.stats.workers if worker.pid > 0]
    running = {worker.id for worker in history.last.stats.workers if worker.running}
    facts.rows("worker_list", top(rows, "memory_bytes", len(rows)), history.top)
    _cpu(facts, history, [row for row in rows if row["id"] in running])
    _addable(facts, history)


def _memory(facts: Facts, history: History) -> None:
    found = list(history.memory.values())
    why = NO_MEMORY
    exact = bool(found) and all(one.uss is not None for one in found)
    facts.put("memory_kind", ("uss" if exact else "rss") if found else None, why)
    each = [one.uss if one.uss is not None and exact else one.rss for one in found]
    facts.put("memory_bytes_per_worker_median", int(statistics.median(each)) if each else None, why)
    # the limit people know is that of a process in top, less what it shares with its siblings
    largest = [one.pss if one.pss is not None else one.rss for one in found]
    facts.put("memory_bytes_per_worker_peak", max(largest) if largest else None, why)
    missing = sum(worker.running for worker in history.last.stats.workers) - len(largest)
    put_total(facts, "memory_bytes", [*largest, *[Unknown(why)] * max(missing, int(not largest))])
    facts.put("rss_bytes_per_worker_median", int(statistics.median(one.rss for one in found)) if found else None, why)


def _moved_cpu(history: History, pid: int) -> t.Optional[float]:
    if history.window is None or len(history.usages) < 2:
        return None
    before, after = history.usages[0].cpu.get(pid), history.usages[-1].cpu.get(pid)
    if after is None or (before is not None and after < before):
        return None  # a process id that was given to another process
    return after - before if before is not None else after  # one that was born in the window started at 0


def _busiest_thread(history: History, pid: int, why: str) -> Maybe[float]:
    if not history.window or len(history.usages) < 2:
        return Unknown(why)
    before, after = history.usages[0].threads, history.usages[-1].threads
    used = [seconds - before.get(key, 0.0) for key, seconds in after.items() if key[0] == pid]
    return share(max(used), history.window, why, CLOCK_SLACK) if used else Unknown(why)


def _row(worker: Worker, history: History) -> dict[str, t.Any]:
    memory = history.memory.get(worker.pid)
    cpu = _moved_cpu(history, worker.pid)
    why = _why_no_cpu(history) if worker.running else CHEAP
    return {
        "id": worker.id,
        "pid": worker.pid,
        "state": worker.status,
        "threads": measured(None if worker.cores is None else len(worker.cores), NO_CORES),
        "threads_busy": measured(None if worker.cores is None else worker.busy_cores, NO_CORES),
        "lifetime_requests": measured(worker.requests, traffic.UNTOLD),
        "lifetime_harakiri": measured(worker.harakiri, traffic.UNTOLD),
        "lifetime_respawns": measured(traffic.respawned(worker), traffic.UNTOLD),
        "memory_bytes": measured(
            None if memory is None else memory.pss if memory.pss is not None else memory.rss, NO_MEMORY if worker.running else CHEAP
        ),
        "cpu_cores": _plausible(cpu, history, why),
        "busiest_thread_ratio": _busiest_thread(history, worker.pid, why),
    }


def _plausible(cpu: t.Optional[float], history: History, why: str) -> Maybe[float]:
    """Cores that a worker used; more than the machine has is a fault of the counters."""
    if cpu is None or not history.window:
        return Unknown(why)
    most = None if history.capacity is None else history.capacity.cores_online
    return at_most(round(cpu / history.window, 3), most, "cores used by one worker", slack=CLOCK_SLACK)


def _why_no_cpu(history: History) -> str:
    return ONE_SAMPLE if history.window is None else _ELSEWHERE


def _cpu(facts: Facts, history: History, rows: list[dict[str, t.Any]]) -> None:
    why = _why_no_cpu(history)
    used = total(row["cpu_cores"] for row in rows) if rows else Unknown("no worker runs")
    facts.put("cpu_cores", used if isinstance(used, Unknown) else round(used, 3))
    put_largest(facts, "busiest_thread_ratio", [row["busiest_thread_ratio"] for row in rows], "no worker runs")
    facts.put("machine_cpu_free_cores", _free_cores(history, known(used) or 0.0, why))
    per_busy_why = used.reason if isinstance(used, Unknown) else "no request ran in the window"
    facts.put("cpu_per_busy_ratio", _per_busy(facts, history), per_busy_why)


def _free_cores(history: History, used: float, why: str) -> Maybe[float]:
    """Cores that were idle, and that the workers' own limits (affinity, control group) would let them use."""
    first, last = history.usages[0].machine, history.usages[-1].machine
    if history.window is None or history.capacity is None or not first or not last:
        return Unknown(why)
    moves = [moved(before, after, why, name) for before, after, name in zip(first, last, ("idle time", "processor time"))]
    idle = share(moves[0], moves[1], "the processors' time did not move between the samples", CLOCK_SLACK)
    if isinstance(idle, Unknown):
        return idle
    return round(max(0.0, min(idle * history.capacity.cores_online, history.capacity.cores - used)), 3)


def _per_busy(facts: Facts, history: History) -> t.Optional[float]:
    """CPU of the workers per second that a request was running: about 1 when it computes, 0.1 when it waits for a database."""
    running = traffic.Moved(history).sum(lambda worker: worker.running_microseconds)
    if facts.get("cpu_cores") is None or not history.window or isinstance(running, Unknown):
        return None
    sampled = history.mean_cores_busy * history.window
    # running_time grows when a request ends: while all are stuck only the samples know that they are busy
    busy_seconds = max(running / 1e6, sampled)
    return min(1.0, round(facts.get("cpu_cores") * history.window / busy_seconds, 4)) if busy_seconds > 0.01 else None


def _addable(facts: Facts, history: History) -> None:
    """Workers that RAM and CPU of this host leave room for. The database's connection budget is the fleet's to know."""
    threads = _threads_per_worker(history)
    by_ram = by_cpu = None
    memory = facts.get("memory_bytes_per_worker_median")
    capacity = history.capacity
    if capacity is not None and memory:
        by_ram = int(SHARE * max(0, capacity.memory_available - max(RESERVE_BYTES, capacity.memory_total // 10)) // memory)
    per_busy, free = facts.get("cpu_per_busy_ratio"), facts.get("machine_cpu_free_cores")
    if per_busy is not None and free is not None:
        by_cpu = int(SHARE * free // (max(LEAST_CPU, per_busy) * threads))
    facts.put("addable.by_ram", by_ram, _ELSEWHERE)
    missing = first_unknown(facts.value("cpu_per_busy_ratio"), facts.value("machine_cpu_free_cores"))
    facts.put("addable.by_cpu", by_cpu, _ELSEWHERE if missing is None else missing.reason)
    wanted = facts.put("addable.wanted", _wanted(history, threads), "no worker can take requests")
    most = limit = None
    if by_ram is not None and by_cpu is not None:
        most, limit = min((by_ram, "RAM"), (by_cpu, "CPU"))
    why = "needs both RAM and CPU of this host"
    facts.put("addable.workers", most, why)
    facts.put("addable.limit", limit, why)
    advised = facts.put("addable.advised", None if most is None or wanted is None else min(most, wanted), why)
    facts.put("addable.processes", None if advised is None else len(history.last.stats.workers) + advised, why)


def _threads_per_worker(history: History) -> int:
    sizes = [len(worker.cores) for worker in history.last.stats.serving if worker.cores]
    return max(1, round(statistics.mean(sizes))) if sizes else 1


def _wanted(history: History, threads: int) -> t.Optional[int]:
    """Workers that would bring what was busy and waiting down to a comfortable share of all."""
    loads = [(busy + (look.waiting or 0), active) for look in history.glances for busy, active in [look.slots] if active]
    if not loads:
        return None
    load = sum(busy for busy, _active in loads) / len(loads)
    active = sum(active for _busy, active in loads) / len(loads)
    return max(0, math.ceil((load / COMFORTABLE - active) / threads))
