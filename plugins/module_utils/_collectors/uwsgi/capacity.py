# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: what a worker costs in memory and CPU, and how many more this host could carry."""

from __future__ import annotations

import typing as t

from ..._collect import worker_capacity
from ..._collect.facts import Facts, Maybe, Unknown, measured
from ..._collect.sampling import top
from ..._collect.worker_capacity import Pool
from . import traffic
from .document import Worker
from .samples import History
from .traffic import NO_CORES

CHEAP = "the worker is cheap: it has no process"
NO_MEMORY = "uWSGI reports no memory: add `memory-report = true` to its configuration and reload it, or run the module on its host"
_ELSEWHERE = (
    "the workers' processes cannot be seen from here (another host, a container, or hidden from this user): "
    "run the module there, with become"
)


def put(facts: Facts, history: History) -> None:
    """Memory and CPU of the workers, and `addable`."""
    pool = _pool(history)
    worker_capacity.put_memory(facts, pool)
    rows = [_row(worker, pool) for worker in history.last.stats.workers if worker.pid > 0]
    running = {worker.id for worker in history.last.stats.workers if worker.running}
    facts.rows("worker_list", top(rows, "memory_bytes", len(rows)), history.top)
    worker_capacity.put_cpu(facts, pool, [row for row in rows if row["id"] in running])
    worker_capacity.put_addable(facts, pool)


def _pool(history: History) -> Pool:
    workers = history.last.stats.workers
    return Pool(
        running=sum(worker.running for worker in workers),
        configured=len(workers),
        threads=_threads_per_worker(history),
        window=history.window,
        usages=history.usages,
        memory=history.memory,
        capacity=history.capacity,
        loads=[(busy + (look.waiting or 0), active) for look in history.glances for busy, active in [look.slots]],
        busy_seconds=_busy_seconds(history),
        no_memory=NO_MEMORY,
        unseen=_ELSEWHERE,
    )


def _busy_seconds(history: History) -> Maybe[float]:
    running = traffic.Moved(history).sum(lambda worker: worker.running_microseconds)
    if isinstance(running, Unknown):
        return running
    # running_time grows when a request ends: while all are stuck only the samples know that they are busy
    return max(running / 1e6, history.mean_cores_busy * (history.window or 0.0))


def _threads_per_worker(history: History) -> int:
    sizes = [len(worker.cores) for worker in history.last.stats.serving if worker.cores]
    return max(1, round(sum(sizes) / len(sizes))) if sizes else 1


def _row(worker: Worker, pool: Pool) -> dict[str, t.Any]:
    why = pool.no_cpu if worker.running else CHEAP
    return {
        "id": worker.id,
        "pid": worker.pid,
        "state": worker.status,
        "threads": measured(None if worker.cores is None else len(worker.cores), NO_CORES),
        "threads_busy": measured(None if worker.cores is None else worker.busy_cores, NO_CORES),
        "lifetime_requests": measured(worker.requests, traffic.UNTOLD),
        "lifetime_harakiri": measured(worker.harakiri, traffic.UNTOLD),
        "lifetime_respawns": measured(traffic.respawned(worker), traffic.UNTOLD),
        "memory_bytes": pool.memory_of(worker.pid, NO_MEMORY if worker.running else CHEAP),
        "cpu_cores": pool.cpu_cores(worker.pid, why),
        "busiest_thread_ratio": pool.busiest_thread(worker.pid, why),
    }
