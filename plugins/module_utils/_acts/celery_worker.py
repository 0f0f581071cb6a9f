# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the acts at a Celery worker share: it is told by remote control, and nobody else is."""

from __future__ import annotations

import contextlib
import typing as t

from .._collect.problem import Problem
from .._collectors.celery.broker import Connection
from .._collectors.celery.broker_url import Broker
from .._collectors.celery.remote import Remote
from .._texts.redact import clean
from .act import Act, Refused, Target


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

    def tell(self, remote: Remote, command: str, **arguments: t.Any) -> None:
        reply = remote.ask(command, [self.worker], self.target.timeout, **arguments).get(self.worker)
        if not isinstance(reply, dict) or "ok" not in reply:
            raise Refused(f"the worker did not do it: {clean(str(reply), 200)}")
