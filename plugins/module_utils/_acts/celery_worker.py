# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the acts at a Celery worker share: it is told by remote control, and nobody else is."""

from __future__ import annotations

import contextlib
import typing as t

from .._collect.problem import Problem
from .._collect.sampling import count
from .._collectors.celery import local, refusal
from .._collectors.celery.broker import Connection
from .._collectors.celery.broker_url import Broker
from .._collectors.celery.remote import Remote
from .._linux import usage
from .._texts.redact import clean
from .act import Act, Refused, Target
from .guard import Guard

#: Of every act at a worker.
IS_HERE = Guard("is_here", "its processes are on this host", "=", True)


class CeleryWorkerAct(Act):
    def __init__(self, target: Target) -> None:
        super().__init__(target)
        self.worker = target.word("worker")

    @contextlib.contextmanager
    def connected(self) -> t.Iterator[tuple[Connection, Remote]]:
        url = self.target.options.get("broker_url")
        if not url:
            raise Refused("the address of the broker is not given (broker_url), so the worker cannot be told")
        broker = Broker(str(url))
        self.target.tools.secrets |= broker.secrets()
        try:
            broker.check()
            connection = Connection(broker, self.target.timeout)
            connection.connect()
        except Problem as problem:
            raise Refused(str(problem)) from None
        try:
            yield connection, Remote(connection)
        except connection.refusals as error:
            raise Refused(refusal.reading(error, broker, "remote control")) from None
        finally:
            connection.close()

    def ask(self, remote: Remote, question: str) -> t.Any:
        """What the worker replies; None when it does not."""
        return remote.ask(question, [self.worker], self.target.timeout).get(self.worker)

    def stats(self, remote: Remote) -> dict[str, t.Any]:
        found = self.ask(remote, "stats")
        if not isinstance(found, dict):
            raise Refused(f"worker {self.worker} does not answer")
        return found

    def is_here(self, stats: t.Mapping[str, t.Any]) -> bool:
        """Whether its processes are on this host: the broker would have a worker anywhere do it, also outside of the hosts of the run."""
        main = count(stats.get("pid"))
        # a pid of another host may be one of a worker here by chance: the processes of its pool must have it as their parent
        own = all(usage.parent(pid) == main for pid in pool_of(stats))
        return own and any(worker.pid == main for worker in local.workers(self.target.tools.processes))

    def tell(self, remote: Remote, command: str, **arguments: t.Any) -> None:
        reply = remote.ask(command, [self.worker], self.target.timeout, **arguments).get(self.worker)
        if not isinstance(reply, dict) or "ok" not in reply:
            raise Refused(f"the worker did not do it: {clean(str(reply), 200)}")


def pool_of(stats: t.Mapping[str, t.Any]) -> list[int]:
    """The processes of its pool; none of a pool of threads."""
    pool = stats["pool"] if isinstance(stats.get("pool"), dict) else {}
    listed = pool.get("processes")
    return [pid for pid in listed if isinstance(pid, int)] if isinstance(listed, list) else []
