# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real Gunicorn, uvicorn, Granian, Hypercorn and Daphne, an application that counts its requests, and clients that keep it busy."""

from __future__ import annotations

import contextlib
import http.client
import random
import threading
import time
import typing as t

from .server import VENV, Server, accepts, free_port, wait_until

#: A file for each request that is worked on, named by its process. /SECONDS says how long it takes.
APPLICATION = """
import asyncio, os, pathlib, time

HERE = pathlib.Path(__file__).parent / "requests"

class Counted:
    def __enter__(self):
        self.file = HERE / f"{os.getpid()}-{id(self)}-{time.monotonic_ns()}"
        self.file.touch()
    def __exit__(self, *_exc):
        self.file.unlink()

def wsgi(environ, start_response):
    with Counted():
        time.sleep(float(environ["PATH_INFO"].strip("/") or 0))
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "1")])
    return [b"x"]

async def asgi(scope, receive, send):
    if scope["type"] != "http":
        raise RuntimeError("only http")
    with Counted():
        await asyncio.sleep(float(scope["path"].strip("/") or 0))
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"1")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"x"})
"""

_GUNICORN = ("gunicorn", "-b", "127.0.0.1:{port}")
#: kind → (its command line, requests that all workers work on at once; None for event loops).
KINDS: dict[str, tuple[tuple[str, ...], t.Optional[int]]] = {
    "gunicorn sync": ((*_GUNICORN, "-w", "3", "app:wsgi"), 3),
    "gunicorn gthread": ((*_GUNICORN, "-w", "2", "--threads", "3", "app:wsgi"), 6),
    "gunicorn gevent": ((*_GUNICORN, "-w", "2", "-k", "gevent", "app:wsgi"), None),
    "gunicorn asgi": ((*_GUNICORN, "-w", "2", "-k", "asgi", "app:asgi"), None),
    "uvicorn": (("uvicorn", "--port", "{port}", "--workers", "2", "app:asgi"), None),
    "granian": (("granian", "--port", "{port}", "--workers", "2", "--interface", "asgi", "app:asgi"), None),
    "granian wsgi": (
        ("granian", "--port", "{port}", "--workers", "2", "--interface", "wsgi", "--blocking-threads", "2", "app:wsgi"),
        4,
    ),
    "hypercorn": (("hypercorn", "-b", "127.0.0.1:{port}", "-w", "2", "app:asgi"), None),
    "daphne": (("daphne", "-b", "127.0.0.1", "-p", "{port}", "app:asgi"), None),
}


class Wsgi(Server):
    """`kind`: one of KINDS, or the words of a command line."""

    unprivileged = False

    def __init__(self, kind: str, *words: str) -> None:
        super().__init__()
        self.port = free_port()
        self.words = words or KINDS[kind][0]

    def prepare(self) -> None:
        (self.dir / "app.py").write_text(APPLICATION)
        (self.dir / "requests").mkdir()

    def argv(self) -> list[str]:
        program, *rest = (word.format(port=self.port, dir=self.dir) for word in self.words)
        return [str(VENV / "python"), str(VENV / program), *rest]

    def ready(self) -> bool:
        return accepts(self.port) and self.get(0.0) == 200

    def get(self, seconds: float) -> int:
        conn = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        conn.request("GET", f"/{seconds:.3f}")
        with contextlib.closing(conn):
            return conn.getresponse().status

    def counted(self) -> tuple[int, int]:
        """(processes with a request, requests that are worked on), by the application's own account."""
        names = [path.name for path in (self.dir / "requests").iterdir()]
        return len({name.partition("-")[0] for name in names}), len(names)


class Clients:
    """Visitors that ask, think, and ask again, over one connection each while the server keeps it."""

    def __init__(self, server: Wsgi, count: int, seed: int, longest: float = 0.25) -> None:
        self._server, self._longest = server, longest
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self.unanswered = 0
        self._threads = [threading.Thread(target=self._visit, args=(random.Random(seed + each),), daemon=True) for each in range(count)]

    def __enter__(self) -> Clients:
        for thread in self._threads:
            thread.start()
        wait_until(lambda: self._server.counted()[1], "the visitors have come", 20)
        return self

    def __exit__(self, *_exc: t.Any) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(30)

    def _visit(self, chance: random.Random) -> None:
        conn = http.client.HTTPConnection("127.0.0.1", self._server.port, timeout=30)
        while not self._stop.is_set():
            self._count(1)
            try:
                conn.request("GET", f"/{chance.uniform(0, self._longest):.3f}")
                conn.getresponse().read()
            except (OSError, http.client.HTTPException):  # the server did not keep the connection
                conn.close()
            finally:
                self._count(-1)
            time.sleep(chance.uniform(0.01, self._longest))
        conn.close()

    def _count(self, by: int) -> None:
        with self._lock:
            self.unanswered += by
