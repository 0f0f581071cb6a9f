# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Have one Celery worker begin a task less often, so that what the task works on gets room.

A limit is the worker's own, not the cluster's. What it took from the queue and may not begin yet it holds in its prefetch, where it
keeps out other tasks (celery#8119); `inspect reserved` does not list what is held so. Whether the worker obeys limits at all
(`worker_disable_rate_limits`) stands in its settings only, which it would send with their passwords: the effect shows it.
"""

from __future__ import annotations

import re
import shlex
import typing as t

from .._collect.sampling import count
from .._collectors.celery.remote import Remote
from .act import Done, Looked, Refused, Target
from .celery_worker import IS_HERE, CeleryWorkerAct
from .guard import Guard, broken, judged

#: `30/m`
_RATE = re.compile(r"([1-9]\d{0,6})/([mh])")
_SECONDS = {"m": 60.0, "h": 3600.0}
#: How a worker calls the limit of a task that has none.
NONE_SET = (None, "None", "0")

GUARDS = (
    IS_HERE,
    Guard("knows_task", "the worker knows the task", "=", True),
    Guard("has_limit", "the task has no rate limit there yet", "=", False),
    Guard("running", "the worker runs the task now", ">=", 1),
    Guard("task_share", "most of what it runs and holds is this task, since its other tasks will wait behind it", ">=", 0.5),
    Guard("prefetch", "it limits how many messages it takes in advance", ">=", 1),
    # RabbitMQ ends a connection over a message that is held for 30 minutes, and Redis hands it out again after an hour
    Guard("held_seconds", "under the limit it begins what it took in advance within this time, in seconds", "<=", 900),
)


class LimitTaskRate(CeleryWorkerAct):
    guards = GUARDS
    ends = True

    def __init__(self, target: Target) -> None:
        super().__init__(target)
        self._task, self._rate = target.word("task"), target.word("rate")
        parts = _RATE.fullmatch(self._rate)
        if parts is None:
            raise Refused("the plan has no rate of the form 30/m or 5/h")
        self._each_seconds = _SECONDS[parts[2]] / int(parts[1])

    def look(self) -> Looked:
        with self.connected() as (_connection, remote):
            row = self._read(remote)
        identity = {"worker": self.worker, "pid": row["pid"], "task": self._task, "limit": row["limit"]}
        cost = (
            f"{self._task} is begun {self._rate} at this worker, half as often as now, so about as many are left waiting; its other tasks "
            f"wait behind up to {row['prefetch']} of them that it holds, which come at that pace also after the limit has ended"
        )
        return Looked(identity, row, [self._command(self._rate)], cost, self._command(row["limit"] or "0"))

    def state_before(self, looked: Looked) -> dict[str, t.Any]:
        return dict(looked.identity)

    def run(self, identity: t.Mapping[str, t.Any], limits: t.Mapping[str, t.Any]) -> Done:
        with self.connected() as (_connection, remote):
            row = self._read(remote)
            if row["pid"] is None or row["pid"] != identity.get("pid") or row["limit"] != identity.get("limit"):
                raise Refused("the worker was restarted, or has another rate limit for the task, since the plan was made")
            why = broken(judged(GUARDS, row, limits))
            if why:
                raise Refused(f"a guard no longer holds: {'; '.join(why)}")
            self._limit(remote, self._rate)
        return Done(f"worker {self.worker} begins {self._task} at most {self._rate}", dict(identity))

    def undo(self, state: t.Mapping[str, t.Any]) -> str:
        with self.connected() as (_connection, remote):
            if count(self.stats(remote).get("pid")) != state.get("pid"):
                return f"worker {self.worker} was restarted, with the rate limits of its own code"
            if self._registered(remote).get(self._task) != self._rate:
                return f"{self._task} has another rate limit at {self.worker} by now, which was left alone"
            self._limit(remote, state.get("limit"))
        return f"{self._task} has no rate limit at {self.worker} any more; those that the worker holds still come at the limited pace"

    # -- the worker --------------------------------------------------------------------------------------------

    def _command(self, rate: str) -> str:
        return shlex.join(["celery", "control", "--destination", self.worker, "rate_limit", self._task, rate])

    def _limit(self, remote: Remote, rate: t.Optional[str]) -> None:
        self.tell(remote, "rate_limit", task_name=self._task, rate_limit=rate)

    def _read(self, remote: Remote) -> dict[str, t.Any]:
        stats, registered = self.stats(remote), self._registered(remote)
        active, reserved = (self._names(remote, command) for command in ("active", "reserved"))
        held = None if active is None or reserved is None else [*active, *reserved]
        prefetch = count(stats.get("prefetch_count"))
        limit = registered.get(self._task)
        return {
            "pid": count(stats.get("pid")),
            "limit": limit,
            "is_here": self.is_here(stats),
            "knows_task": self._task in registered,
            "has_limit": limit not in NONE_SET if self._task in registered else None,
            "running": None if active is None else active.count(self._task),
            "task_share": round(held.count(self._task) / len(held), 2) if held else None,
            "prefetch": prefetch,
            "held_seconds": round(prefetch * self._each_seconds, 1) if prefetch else None,
        }

    def _names(self, remote: Remote, command: str) -> t.Optional[list[str]]:
        """The tasks that the worker names, without their arguments."""
        reply = remote.ask(command, [self.worker], self.target.timeout, safe=True).get(self.worker)
        return [str(row.get("name")) for row in reply if isinstance(row, dict)] if isinstance(reply, list) else None

    def _registered(self, remote: Remote) -> dict[str, t.Optional[str]]:
        """Task → its rate limit, None for none. The worker says `shop.add`, or `shop.add [rate_limit=10/m]`."""
        reply = remote.ask("registered", [self.worker], self.target.timeout, taskinfoitems=["rate_limit"]).get(self.worker)
        if not isinstance(reply, list):
            raise Refused(f"worker {self.worker} does not say which tasks it knows")
        parts = [str(line).removesuffix("]").partition(" [rate_limit=") for line in reply]
        return {name: limit or None for name, _mark, limit in parts}
