# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What visitors and tasks feel: a few requests of each kind of page beside the load generator's, and how orders and tasks fare."""

from __future__ import annotations

import contextlib
import http.client
import random
import re
import threading
import time
import typing as t

from celery import Celery

from .stack import Stack

PATIENCE = 10.0
#: Kind of page → a request a second or so: method, path, cookie.
PAGES: dict[str, t.Callable[[random.Random], tuple[str, str, str]]] = {
    "cached": lambda chance: ("GET", f"/product/{chance.randint(1, 40)}/", "_ga=GA1.1.42"),
    "personal": lambda chance: ("GET", "/account/", f"sessionid=member-{chance.randint(1, 20_000)}"),
    "order": lambda chance: ("POST", "/order/", f"sessionid=member-{chance.randint(1, 20_000)}"),
    "catalogue": lambda chance: ("GET", f"/stock/{chance.randint(100, 10**6)}/", "_ga=GA1.1.42"),
}
EVERY = {"cached": 0.1, "personal": 0.25, "order": 1.0, "catalogue": 0.5}


class Visitors:
    """Requests from `start` to `stop`; `view` tells what was felt."""

    def __init__(self, stack: Stack, seed: int) -> None:
        self._stack = stack
        self._port = stack.ports[stack.front]
        self._over = threading.Event()
        self._seen: dict[str, list[tuple[float, bool]]] = {name: [] for name in PAGES}
        self._orders: dict[int, float] = {}
        self._waits: list[float] = []
        self._tasks: list[bool] = []
        self._threads = [threading.Thread(target=self._visit, args=(name, random.Random(seed)), daemon=True) for name in PAGES]
        self._threads += [threading.Thread(target=work, daemon=True) for work in (self._follow, self._hear)]

    def __enter__(self) -> Visitors:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error: t.Any) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(PATIENCE + 1)

    def forget(self) -> None:
        """What was felt so far; orders that still wait go on waiting."""
        self._seen, self._waits, self._tasks = {name: [] for name in PAGES}, [], []

    def view(self) -> dict[str, t.Any]:
        oldest = min(self._orders.values(), default=None)
        waits = [*self._waits, *([time.monotonic() - oldest] if oldest is not None else [])]
        pages = {name: _times(seen) for name, seen in self._seen.items() if seen}
        view: dict[str, t.Any] = {"pages": pages, "queue_wait_seconds": round(max(waits), 2) if waits else None}
        if self._tasks:
            view["tasks"] = {"count": len(self._tasks), "errors_ratio": round(1 - sum(self._tasks) / len(self._tasks), 4)}
        return view

    def _visit(self, name: str, chance: random.Random) -> None:
        while not self._over.is_set():
            began = time.monotonic()
            answered = self._request(name, *PAGES[name](chance))
            self._seen[name].append((time.monotonic() - began, answered))
            self._over.wait(EVERY[name])

    def _request(self, name: str, method: str, path: str, cookie: str) -> bool:
        conn = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
        try:
            conn.request(method, path, headers={"Cookie": cookie})
            answer = conn.getresponse()
            body = answer.read().decode(errors="replace")
        except (OSError, http.client.HTTPException):
            return False
        finally:
            conn.close()
        if name == "order" and answer.status == 200:
            placed = re.search(r"<li>(\d+)", body)
            if placed:
                self._orders[int(placed[1])] = time.monotonic()
        return answer.status < 400

    def _follow(self) -> None:
        """How long the receipts of our orders wait: the shop itself looks whether they are paid."""
        while not self._over.wait(0.5):
            with contextlib.suppress(Exception), self._stack.postgresql("shop", "shop", connect_timeout=2) as db:
                waiting = list(self._orders)
                db.execute("SET statement_timeout = 1000")
                done = db.execute("SELECT id FROM shop_order WHERE paid AND id = ANY(%s)", [waiting]).fetchall()
                for (order,) in done:
                    self._waits.append(time.monotonic() - self._orders.pop(order))

    def _hear(self) -> None:
        """The workers' own events: which tasks succeed and which fail."""
        app = Celery(broker=f"redis://127.0.0.1:{self._stack.ports['redis']}/0")
        handlers = {"task-succeeded": lambda _event: self._tasks.append(True), "task-failed": lambda _event: self._tasks.append(False)}
        while not self._over.is_set():
            with contextlib.suppress(Exception), app.connection_for_read(connect_timeout=2) as conn:
                receiver = app.events.Receiver(conn, handlers=handlers)
                while not self._over.is_set():
                    with contextlib.suppress(TimeoutError):
                        receiver.capture(limit=None, timeout=1, wakeup=False)
            self._over.wait(1)


def _times(seen: t.Sequence[tuple[float, bool]]) -> dict[str, t.Any]:
    seconds = sorted(took for took, _answered in seen)
    return {
        "count": len(seen),
        "p50_milliseconds": round(1000 * seconds[len(seconds) // 2], 1),
        "p95_milliseconds": round(1000 * seconds[min(len(seconds) - 1, int(0.95 * len(seconds)))], 1),
        "errors_ratio": round(sum(not answered for _took, answered in seen) / len(seen), 4),
    }
