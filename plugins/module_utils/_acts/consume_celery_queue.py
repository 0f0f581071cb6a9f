# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Have a Celery worker consume a queue as well that no worker consumes.

A worker throws away a task that it does not know, so the messages that wait are looked at first: each must name a task that is registered
with the worker. Only Redis shows messages without taking them.
"""

from __future__ import annotations

import json
import typing as t

from .._collect.sampling import count
from .._collectors.celery.broker import Connection
from .._collectors.celery.remote import Remote
from .._texts.plain import text
from .act import Done, Looked, Refused, Target
from .celery_worker import IS_HERE, CeleryWorkerAct
from .guard import Guard, broken, judged

#: Messages that are looked at, from each end of the queue.
LOOKED_AT = 200

GUARDS = (
    Guard("messages", "messages wait in the queue", ">=", 1),
    Guard("unknown_tasks", "the worker knows the task of every message that was looked at", "<=", 0),
    Guard("other_consumers", "no worker that answers consumes the queue", "<=", 0),
    IS_HERE,
    Guard("consumes", "the worker does not consume it yet", "=", False),
)


class ConsumeCeleryQueue(CeleryWorkerAct):
    guards = GUARDS

    def __init__(self, target: Target) -> None:
        super().__init__(target)
        self._queue = target.word("queue")

    def look(self) -> Looked:
        with self.connected() as (connection, remote):
            row = self._read(connection, remote)
        identity = {"worker": self.worker, "pid": row["pid"], "queue": self._queue}
        cost = f"the worker's processes work on {self._queue} as well, so its other queues get less of them"
        return Looked(identity, row, [self._command("add_consumer")], cost, self._command("cancel_consumer"))

    def state_before(self, looked: Looked) -> dict[str, t.Any]:
        return dict(looked.identity)

    def run(self, identity: t.Mapping[str, t.Any], limits: t.Mapping[str, t.Any]) -> Done:
        with self.connected() as (connection, remote):
            row = self._read(connection, remote)
            if row["pid"] is None or row["pid"] != identity.get("pid"):
                raise Refused("the worker was restarted since the plan was made")
            why = broken(judged(GUARDS, row, limits))
            if why:
                raise Refused(f"a guard no longer holds: {'; '.join(why)}")
            self.tell(remote, "add_consumer", queue=self._queue)
        return Done(f"worker {self.worker} consumes {self._queue} as well", dict(identity))

    def undo(self, state: t.Mapping[str, t.Any]) -> str:
        with self.connected() as (_connection, remote):
            if count(self.stats(remote).get("pid")) != state.get("pid"):
                return f"worker {self.worker} was restarted, with the queues of its own settings"
            if self._queue not in _queues(self.ask(remote, "active_queues")):
                return f"worker {self.worker} does not consume {self._queue}, nothing is left behind"
            self.tell(remote, "cancel_consumer", queue=self._queue)
        return f"worker {self.worker} no longer consumes {self._queue}"

    def _command(self, command: str) -> str:
        return f"celery control --destination {self.worker} {command} {self._queue}"

    def _read(self, connection: Connection, remote: Remote) -> dict[str, t.Any]:
        stats = self.stats(remote)
        everyone = remote.ask("active_queues", None, self.target.timeout)
        consuming = {name for name, reply in everyone.items() if self._queue in _queues(reply)}
        registered = self.ask(remote, "registered")
        known = {str(name).partition(" ")[0] for name in registered} if isinstance(registered, list) else None
        waiting = self._waiting(connection)
        return {
            "pid": count(stats.get("pid")),
            "messages": self._length(connection),
            "unknown_tasks": None if known is None or waiting is None else sum(task not in known for task in waiting),
            "other_consumers": len(consuming - {self.worker}),
            "is_here": self.is_here(stats),
            "consumes": self.worker in consuming,
        }

    def _waiting(self, connection: Connection) -> t.Optional[list[t.Optional[str]]]:
        """The tasks of the messages at both ends of the queue; None where they cannot be seen without taking them."""
        if not connection.on_redis:
            return None
        client, key = connection.redis(), f"{connection.broker.prefix}{self._queue}"
        try:
            messages = [*client.lrange(key, 0, LOOKED_AT - 1), *client.lrange(key, -LOOKED_AT, -1)]
            elsewhere = self._length(connection) > client.llen(key)
        except connection.refusals:
            return None
        # messages of another priority are in lists of their own
        return None if elsewhere else [_task(message) for message in messages]

    def _length(self, connection: Connection) -> int:
        return connection.read([self._queue]).lengths[self._queue].ready or 0


def _queues(reply: t.Any) -> set[str]:
    return {str(row.get("name")) for row in reply if isinstance(row, dict)} if isinstance(reply, list) else set()


def _task(message: t.Any) -> t.Optional[str]:
    """The name of its task; nothing else of a message is kept."""
    try:
        decoded = json.loads(text(message))
    except (ValueError, RecursionError):
        return None
    headers = decoded.get("headers") if isinstance(decoded, dict) else None
    task = headers.get("task") if isinstance(headers, dict) else None
    return task if isinstance(task, str) else None
