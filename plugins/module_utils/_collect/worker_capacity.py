# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: what an application server's workers cost in memory and CPU, and how many more the host could carry. Pure."""

from __future__ import annotations

import dataclasses
import math
import typing as t

from .._linux.usage import Memory
from .derived import Window, at_most, first_unknown, moved, put_largest, put_total, share, total
from .facts import Facts, Maybe, Unknown, known
from .sampling import ONE_SAMPLE
from .worker_host import HostCapacity, Usage

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
#: Seconds in which requests ran, below which nothing is divided by them.
LEAST_BUSY = 0.01


@dataclasses.dataclass(frozen=True)
class Pool:
    """The workers of one instance, as a host saw them at both ends of the window."""

    #: Workers that run, and how many there are with those that are not started.
    running: int
    configured: int
    #: Requests that each may work on at once.
    threads: int
    window: t.Optional[float]
    usages: tuple[Usage, ...]
    memory: t.Mapping[int, Memory]
    capacity: t.Optional[HostCapacity]
    #: Of each sample: slots that were taken or waited for, and slots.
    loads: t.Sequence[tuple[float, float]]
    #: Seconds that requests ran in the window, all threads together.
    busy_seconds: Maybe[float]
    #: Why the memory, or the processes, cannot be read.
    no_memory: str
    unseen: str

    @property
    def no_cpu(self) -> str:
        return ONE_SAMPLE if self.window is None else self.unseen

    def cpu_cores(self, pid: int, why: str) -> Maybe[float]:
        """Cores that a worker used; more than the machine has is a fault of the counters."""
        used = self._moved_cpu(pid)
        if used is None or not self.window:
            return Unknown(why)
        most = None if self.capacity is None else self.capacity.cores_online
        return at_most(round(used / self.window, 3), most, "cores used by one worker", slack=CLOCK_SLACK)

    def _moved_cpu(self, pid: int) -> t.Optional[float]:
        if self.window is None or len(self.usages) < 2:
            return None
        before, after = self.usages[0].cpu.get(pid), self.usages[-1].cpu.get(pid)
        if after is None or (before is not None and after < before):
            return None  # a process id that was given to another process
        return after - before if before is not None else after  # one that was born in the window started at 0

    def busiest_thread(self, pid: int, why: str) -> Maybe[float]:
        if not self.window or len(self.usages) < 2:
            return Unknown(why)
        before, after = self.usages[0].threads, self.usages[-1].threads
        used = [seconds - before.get(key, 0.0) for key, seconds in after.items() if key[0] == pid]
        return share(max(used), self.window, why, CLOCK_SLACK) if used else Unknown(why)

    def memory_of(self, pid: int, why: str) -> Maybe[int]:
        found = self.memory.get(pid)
        return Unknown(why) if found is None else found.pss if found.pss is not None else found.rss


def _median(sizes: t.Sequence[float]) -> float:
    import statistics  # it loads fractions and more, and many hosts have no workers

    return statistics.median(sizes)


NO_LIMIT = "the address space of its workers has no limit"


def put_memory(facts: Facts, pool: Pool) -> None:
    found = list(pool.memory.values())
    why = pool.no_memory
    exact = bool(found) and all(one.uss is not None for one in found)
    facts.put("memory_kind", ("uss" if exact else "rss") if found else None, why)
    each = [one.uss if one.uss is not None and exact else one.rss for one in found]
    facts.put("memory_bytes_per_worker_median", int(_median(each)) if each else None, why)
    # the limit people know is that of a process in top, less what it shares with its siblings
    largest = [one.pss if one.pss is not None else one.rss for one in found]
    facts.put("memory_bytes_per_worker_peak", max(largest) if largest else None, why)
    missing = pool.running - len(largest)
    put_total(facts, "memory_bytes", [*largest, *[Unknown(why)] * max(missing, int(not largest))])
    limited = [one.of_limit for one in found if one.of_limit is not None]
    facts.put("memory_limited_workers", len(limited) if found else None, why)
    facts.put("memory_limit_ratio", round(max(limited), 3) if limited else None, NO_LIMIT if found else why)
    facts.put("rss_bytes_per_worker_median", int(_median([one.rss for one in found])) if found else None, why)


def put_cpu(facts: Facts, pool: Pool, rows: t.Sequence[t.Mapping[str, t.Any]]) -> None:
    """`rows`: of the workers that run, with `cpu_cores` and `busiest_thread_ratio`."""
    used = total(row["cpu_cores"] for row in rows) if rows else Unknown("no worker runs")
    facts.put("cpu_cores", used if isinstance(used, Unknown) else round(used, 3))
    put_largest(facts, "busiest_thread_ratio", [row["busiest_thread_ratio"] for row in rows], "no worker runs")
    facts.put("machine_cpu_free_cores", _free_cores(pool, known(used) or 0.0))
    per_busy_why = used.reason if isinstance(used, Unknown) else "no request ran in the window"
    facts.put("cpu_per_busy_ratio", _per_busy(facts, pool), per_busy_why)


def _free_cores(pool: Pool, used: float) -> Maybe[float]:
    """Cores that were idle, and that the workers' own limits (affinity, control group) would let them use."""
    first, last = pool.usages[0].machine, pool.usages[-1].machine
    if pool.window is None or pool.capacity is None or not first or not last:
        return Unknown(pool.no_cpu)
    moves = [moved(before, after, pool.no_cpu, name) for before, after, name in zip(first, last, ("idle time", "processor time"))]
    idle = share(moves[0], moves[1], "the processors' time did not move between the samples", CLOCK_SLACK)
    if isinstance(idle, Unknown):
        return idle
    return round(max(0.0, min(idle * pool.capacity.cores_online, pool.capacity.cores - used)), 3)


def _per_busy(facts: Facts, pool: Pool) -> t.Optional[float]:
    """CPU of the workers per second that a request was running: about 1 when it computes, 0.1 when it waits for a database."""
    seconds = pool.busy_seconds
    if facts.get("cpu_cores") is None or not pool.window or isinstance(seconds, Unknown):
        return None
    return min(1.0, round(facts.get("cpu_cores") * pool.window / seconds, 4)) if seconds > LEAST_BUSY else None


def put_addable(facts: Facts, pool: Pool) -> None:
    """Workers that RAM and CPU of this host leave room for. The database's connection budget is the fleet's to know."""
    by_ram = by_cpu = None
    memory = facts.get("memory_bytes_per_worker_median")
    capacity = pool.capacity
    if capacity is not None and memory:
        by_ram = int(SHARE * max(0, capacity.memory_available - max(RESERVE_BYTES, capacity.memory_total // 10)) // memory)
    per_busy, free = facts.get("cpu_per_busy_ratio"), facts.get("machine_cpu_free_cores")
    if per_busy is not None and free is not None:
        by_cpu = int(SHARE * free // (max(LEAST_CPU, per_busy) * pool.threads))
    facts.put("addable.by_ram", by_ram, pool.unseen)
    missing = first_unknown(facts.value("cpu_per_busy_ratio"), facts.value("machine_cpu_free_cores"))
    facts.put("addable.by_cpu", by_cpu, pool.unseen if missing is None else missing.reason)
    wanted = facts.put("addable.wanted", _wanted(pool), "no worker can take requests")
    most = limit = None
    if by_ram is not None and by_cpu is not None:
        most, limit = min((by_ram, "RAM"), (by_cpu, "CPU"))
    why = "needs both RAM and CPU of this host"
    facts.put("addable.workers", most, why)
    facts.put("addable.limit", limit, why)
    advised = facts.put("addable.advised", None if most is None or wanted is None else min(most, wanted), why)
    facts.put("addable.processes", None if advised is None else pool.configured + advised, why)


def _wanted(pool: Pool) -> t.Optional[int]:
    """Workers that would bring what was busy and waiting down to a comfortable share of all."""
    loads = [(load, active) for load, active in pool.loads if active]
    if not loads:
        return None
    load = sum(load for load, _active in loads) / len(loads)
    active = sum(active for _load, active in loads) / len(loads)
    return max(0, math.ceil((load / COMFORTABLE - active) / pool.threads))


def put_overflows(facts: Facts, usages: t.Sequence[Usage], window: t.Optional[float], why: str) -> None:
    """Connections refused because a queue was full: of every TCP socket of the machine, which is why it is only a hint."""
    last = usages[-1].overflows
    facts.put("lifetime_listen_overflows", last.get("ListenOverflows"), why)
    counted = Window(usages[0].overflows, last if len(usages) > 1 else None, window, lambda _name: why)
    facts.put("listen_overflows", counted.moved("ListenOverflows"))
    facts.put("listen_overflows_per_second", counted.rate("ListenOverflows"))
