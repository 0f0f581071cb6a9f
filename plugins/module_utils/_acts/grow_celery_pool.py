# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Give a Celery worker more processes, by remote control and to this one worker only."""

from __future__ import annotations

import time
import typing as t

from .._collect.sampling import count
from .._collect.worker_host import capacity_of
from .._collectors.celery.remote import Remote
from .._linux import usage
from .act import Done, Looked, Refused
from .celery_worker import IS_HERE, CeleryWorkerAct, pool_of
from .guard import Guard, broken, judged

GUARDS = (
    Guard("is_prefork", "its pool can grow (prefork)", "=", True),
    Guard("autoscales", "it does not scale itself (--autoscale)", "=", False),
    IS_HERE,
    Guard("free_for_growth", "free memory is at least twice what the new processes need (ratio)", ">=", 2.0),
    Guard("processes_by_core", "its cores suffice for the processes that it will have (processes per core)", "<=", 4.0),
)

#: A process goes only between two of its tasks, and where messages wait that is a moment: so long, and so often, it is tried.
PATIENCE_SECONDS, PAUSE_SECONDS = 30.0, 0.01
#: And then it ends at once.
ENDING_SECONDS = 10.0


class GrowCeleryPool(CeleryWorkerAct):
    guards = GUARDS

    def __init__(self, target: t.Any) -> None:
        super().__init__(target)
        self._add = target.number("add")

    def look(self) -> Looked:
        with self.connected() as (_connection, remote):
            row = self._read(remote)
        identity = {"worker": self.worker, "pid": row["pid"], "processes": row["processes"]}
        cost = (
            f"{self._add} more processes, about {(row['process_bytes'] or 0) * self._add / 2**20:.0f} MiB, and as many database connections"
        )
        return Looked(identity, row, [self._command("pool_grow", self._add)], cost, self._command("pool_shrink", self._add))

    def state_before(self, looked: Looked) -> dict[str, t.Any]:
        return dict(looked.identity)

    def run(self, identity: t.Mapping[str, t.Any], limits: t.Mapping[str, t.Any]) -> Done:
        with self.connected() as (_connection, remote):
            row = self._read(remote)
            if row["pid"] != identity.get("pid") or row["processes"] != identity.get("processes"):
                raise Refused("the worker was restarted, or has another number of processes, since the plan was made")
            why = broken(judged(GUARDS, row, limits))
            if why:
                raise Refused(f"a guard no longer holds: {'; '.join(why)}")
            self.tell(remote, "pool_grow", n=self._add)
        return Done(f"worker {self.worker} got {self._add} more processes ({row['processes']} before)", dict(identity))

    def undo(self, state: t.Mapping[str, t.Any]) -> str:
        with self.connected() as (_connection, remote):
            row = self._read(remote)
            surplus = (row["processes"] or 0) - (count(state.get("processes")) or 0)
            if row["pid"] != state.get("pid"):
                return f"worker {self.worker} was restarted, with the processes of its own settings"
            if not 0 < surplus <= self._add:
                return f"worker {self.worker} has another number of processes by now, which was left alone"
            self._shrink(remote, row["processes"], row["processes"] - surplus)
        return f"worker {self.worker} has {row['processes'] - surplus} processes again"

    def _shrink(self, remote: Remote, processes: int, goal: int) -> None:
        """One after the other: of several the worker may end some, and then say that it could not."""
        while processes > goal:
            ends = time.monotonic() + PATIENCE_SECONDS
            while not self._agrees(remote, ends):
                time.sleep(PAUSE_SECONDS)
            # told again while that process ends, it may choose the same one, and count two
            ends = time.monotonic() + ENDING_SECONDS
            while len(pool_of(self.stats(remote))) >= processes:
                if time.monotonic() >= ends:
                    raise Refused(f"worker {self.worker} does not end the process that it agreed to end")
                time.sleep(PAUSE_SECONDS)
            processes -= 1

    def _agrees(self, remote: Remote, ends: float) -> bool:
        """Whether it ends a process now. Raises Refused when the time is up."""
        try:
            self.tell(remote, "pool_shrink", n=1)
        except Refused:
            if time.monotonic() >= ends:
                raise
            return False
        return True

    # -- the worker --------------------------------------------------------------------------------------------

    def _command(self, command: str, number: int) -> str:
        return f"celery control --destination {self.worker} {command} {number}"

    def _read(self, remote: Remote) -> dict[str, t.Any]:
        stats = self.stats(remote)
        pool = stats["pool"] if isinstance(stats.get("pool"), dict) else {}
        pids, main = pool_of(stats), count(stats.get("pid"))
        here = bool(pids) and self.is_here(stats)
        sizes = [size.rss for size in (usage.memory(pid) for pid in pids) if size is not None] if here else []
        capacity = capacity_of(main) if here and main else None
        largest = max(sizes, default=0)
        return {
            "pid": main,
            "processes": len(pids) or None,
            "process_bytes": largest or None,
            "is_prefork": "prefork" in str(pool.get("implementation")),
            "autoscales": bool(stats.get("autoscaler")),
            "is_here": here,
            "free_for_growth": round(capacity.memory_available / (largest * self._add), 1) if capacity is not None and largest else None,
            "processes_by_core": round((len(pids) + self._add) / capacity.cores, 2) if capacity is not None else None,
        }
