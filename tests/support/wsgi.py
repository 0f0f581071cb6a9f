# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real Gunicorn, uvicorn, Granian, Hypercorn and Daphne, an application that counts its requests, and clients that keep it busy."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import random
import threading
import time
import typing as t

from .server import VENV, Server, accepts, free_port, wait_until

#: Writes down when a request begins and ends, by the clock that all processes share. /SECONDS/KEY: how long it takes, and its name.
APPLICATION = """
import asyncio, os, pathlib, time

LOG = os.open(pathlib.Path(__file__).parent / "requests", os.O_WRONLY | os.O_APPEND | os.O_CREAT)

class Counted:
    def __init__(self, path):
        seconds, _slash, self.key = path.strip("/").partition("/")
        self.seconds = float(seconds or 0)
        # forked workers have objects at the same addresses
        self.key = self.key or f"{os.getpid()}-{id(self)}"
    def note(self, sign):
        os.write(LOG, f"{sign} {os.getpid()} {self.key} {time.monotonic():.6f}\\n".encode())
    def __enter__(self):
        self.note("+")
        return self
    def __exit__(self, *_exc):
        self.note("-")

def wsgi(environ, start_response):
    with Counted(environ["PATH_INFO"]) as counted:
        time.sleep(counted.seconds)
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "1")])
    return [b"x"]

async def asgi(scope, receive, send):
    if scope["type"] != "http":
        raise RuntimeError("only http")
    with Counted(scope["path"]) as counted:
        await asyncio.sleep(counted.seconds)
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


class Noted(t.NamedTuple):
    """A request began or ended in a process."""

    begins: bool
    pid: str
    key: str
    moment: float


class Sent(t.NamedTuple):
    """When a request was sent: not before the first moment, and by the second."""

    first: float
    last: float


class Wsgi(Server):
    """`kind`: one of KINDS, or the words of a command line."""

    unprivileged = False

    def __init__(self, kind: str, *words: str) -> None:
        super().__init__()
        self.port = free_port()
        self.words = words or KINDS[kind][0]

    @property
    def name(self) -> str:
        return f"127.0.0.1:{self.port}"

    def prepare(self) -> None:
        (self.dir / "app.py").write_text(APPLICATION)

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

    def account(self) -> list[Noted]:
        """By the application itself."""
        lines = [line.split() for line in (self.dir / "requests").read_text().splitlines()]
        return [Noted(sign == "+", pid, key, float(moment)) for sign, pid, key, moment in lines]

    def counted(self) -> tuple[int, int]:
        """(processes with a request, requests that are worked on) now."""
        running: dict[str, str] = {}
        for noted in self.account():
            if noted.begins:
                running[noted.key] = noted.pid
            else:
                running.pop(noted.key, None)
        return len(set(running.values())), len(running)


class Clients:
    """Visitors that ask, think, and ask again, over one connection each while the server keeps it. `sent`: key → when, of each request."""

    def __init__(self, server: Wsgi, count: int, seed: int, longest: float = 0.25) -> None:
        self._server, self._longest = server, longest
        self._stop = threading.Event()
        self.sent: dict[str, Sent] = {}
        self._threads = [
            threading.Thread(target=self._visit, args=(each, random.Random(seed + each)), daemon=True) for each in range(count)
        ]

    def __enter__(self) -> Clients:
        for thread in self._threads:
            thread.start()
        wait_until(lambda: self._server.counted()[1], "the visitors have come", 20)
        return self

    def __exit__(self, *_exc: t.Any) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(30)

    def _visit(self, visitor: int, chance: random.Random) -> None:
        conn = http.client.HTTPConnection("127.0.0.1", self._server.port, timeout=30)
        for key in (f"{visitor}-{number}" for number in itertools.count()):
            if self._stop.is_set():
                break
            try:
                begun = time.monotonic()
                conn.request("GET", f"/{chance.uniform(0, self._longest):.3f}/{key}")
                self.sent[key] = Sent(begun, time.monotonic())
                conn.getresponse().read()
            except (OSError, http.client.HTTPException):  # the server did not keep the connection
                conn.close()
                self.sent.pop(key, None)
            time.sleep(chance.uniform(0.01, self._longest))
        conn.close()
