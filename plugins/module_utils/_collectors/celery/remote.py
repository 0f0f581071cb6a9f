# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fetch: the workers, asked by remote control. Replies are kept without arguments of tasks or settings."""

from __future__ import annotations

import collections
import contextlib
import time
import typing as t

from .broker import Connection

#: The first round is short; who did not answer gets the whole time-out (replies can be late: celery/celery#5685).
FIRST_ROUND = 1.0
#: When the user has named the workers, so much silence is enough: who is missing then is waited for by name, the others are a bonus.
NAMED_ROUND = 0.1


class _Producers:
    """In place of kombu's pool: its own producers repeat for ever what a broker does not take."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @contextlib.contextmanager
    def acquire(self) -> t.Iterator[t.Any]:
        import kombu  # pylint: disable=import-outside-toplevel

        class Producer(kombu.Producer):  # type: ignore[misc,unused-ignore]
            def publish(self, *what: t.Any, **how: t.Any) -> t.Any:
                return super().publish(*what, **{**how, "retry": False})

        yield Producer(self._connection.kombu.default_channel, auto_declare=False)


class Remote:
    """Remote control as Celery does it (kombu's mailbox), on a connection of ours and under no application."""

    def __init__(self, connection: Connection, control_exchange: str = "celery") -> None:
        from kombu.pidbox import Mailbox  # pylint: disable=import-outside-toplevel

        # json only: a reply that needs pickle would be a way to run code here
        # no expiry on Redis: kombu would keep a list of deadlines there, in a key that stays
        expires = None if connection.on_redis else 10.0
        own = Mailbox(control_exchange, type="fanout", accept=["json"], reply_queue_expires=expires, producer_pool=_Producers(connection))
        self.mailbox = own(connection.kombu)
        if not connection.on_redis:
            # RabbitMQ 4.3 takes no queue that is neither durable nor exclusive, as kombu's was before 5.7; it is ours alone
            self.mailbox.reply_queue.exclusive = True
        self.twins: dict[str, int] = {}  # names that several workers have, and how many have it

    def ask(self, command: str, to: t.Optional[list[str]] = None, seconds: float = FIRST_ROUND, **arguments: t.Any) -> dict[str, t.Any]:
        """The reply of each worker by its name; those that do not reply are missing."""
        if to is None:
            replies = self.mailbox.multi_call(command, arguments, timeout=seconds)
        else:
            replies = self.mailbox.call(to, command, arguments, timeout=seconds)
        by_name: dict[str, t.Any] = {}
        heard: t.Counter[str] = collections.Counter()
        for reply in replies or []:
            for name, answer in reply.items() if isinstance(reply, dict) else ():
                by_name[str(name)] = answer
                heard[str(name)] += 1
        if command == "ping":
            self.twins.update({name: max(count, self.twins.get(name, 0)) for name, count in heard.items() if count > 1})
        return by_name

    def ping(self, expected: int, seconds: float, named: t.Collection[str] = ()) -> tuple[list[str], float]:
        """The workers that answer, and how long they had. A second, longer round when fewer than expected, or a named one, did not."""
        begun = time.monotonic()
        first = min(NAMED_ROUND if named else FIRST_ROUND, seconds)
        names = set(self.ask("ping", seconds=first))
        missing = sorted(set(named) - names)
        if seconds > first and missing:
            names |= set(self.ask("ping", missing, seconds - first))
        elif seconds > first and len(names) < expected:
            names |= set(self.ask("ping", seconds=seconds - first))
        return sorted(names), time.monotonic() - begun

    def wake(self) -> None:
        """Have every worker send a heartbeat now, as Celery's own monitors do when they begin to listen."""
        self.mailbox.abcast("heartbeat", {})

    def snapshot(self, names: list[str], seconds: float, *commands: str) -> dict[str, dict[str, t.Any]]:
        """For each command the replies of the named workers. They are waited for only as long as they are missing."""
        found: dict[str, dict[str, t.Any]] = {}
        deadline = time.monotonic() + seconds
        for command in commands:
            left = deadline - time.monotonic()
            arguments = {"safe": True} if command in ("active", "reserved") else {}
            found[command] = self.ask(command, names, max(left, 0.2), **arguments) if names else {}
        return found
