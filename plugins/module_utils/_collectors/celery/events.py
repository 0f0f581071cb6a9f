# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fetch: the event stream, listened to while the window passes. Never switches events on."""

from __future__ import annotations

import contextlib
import socket
import time
import typing as t
import uuid

from .broker import Connection
from .tally import Tally


class Listener:
    """An event queue of our own, gone when it is closed. Use as a context manager."""

    def __init__(self, connection: Connection, event_exchange: str, tally: Tally) -> None:
        from kombu import Consumer, Exchange, Queue  # pylint: disable=import-outside-toplevel

        self.connection = connection
        self.tally = tally
        self.channel = connection.kombu.channel()
        # the exchange as Celery's own workers declare it; the queue as its monitors do, but exclusive: it ends with us
        exchange = Exchange(event_exchange, type="fanout" if connection.on_redis else "topic")
        limits = {} if connection.on_redis else {"message_ttl": 5, "expires": 60}
        queue = Queue(f"celeryev.{uuid.uuid4()}", exchange, "#", durable=False, auto_delete=True, exclusive=True, **limits)
        self.queue = queue(self.channel)
        # json only: an event that needs pickle would be a way to run code here
        self.consumer = Consumer(self.channel, [self.queue], callbacks=[self._receive], no_ack=True, accept=["json"])

    def _receive(self, body: t.Any, _message: t.Any) -> None:
        received_at = time.time()
        for event in body if isinstance(body, list) else [body]:
            self.tally.take(event, received_at)

    def __enter__(self) -> Listener:
        self.consumer.consume()
        self.listen(0.005)  # on Redis kombu subscribes with its first poll only
        return self

    def listen(self, seconds: float) -> None:
        """Take events for `seconds`."""
        deadline = time.monotonic() + seconds
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                return
            try:
                self.connection.kombu.drain_events(timeout=left)
            except (socket.timeout, TimeoutError):
                continue

    def __exit__(self, *_exc: t.Any) -> None:
        with contextlib.suppress(Exception):
            self.consumer.cancel()
        with contextlib.suppress(Exception):
            self.queue.delete()
        with contextlib.suppress(Exception):
            self.channel.close()
