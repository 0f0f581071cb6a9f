# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real uWSGI servers (the wheel `pyuwsgi` of the virtualenv) with a small application, for tests."""

from __future__ import annotations

import json
import socket
import threading
import typing as t
import urllib.request

from .server import VENV, Server, free_port

#: /slow?s=SECONDS sleeps, /burn?s=SECONDS computes, /fail raises, anything else answers at once.
APPLICATION = """
import time

def application(environ, start_response):
    path = environ["PATH_INFO"]
    query = dict(pair.split("=", 1) for pair in environ["QUERY_STRING"].split("&") if "=" in pair)
    seconds = float(query.get("s", "0"))
    if path.startswith("/slow"):
        time.sleep(seconds)
    if path.startswith("/burn"):
        until = time.process_time() + seconds
        while time.process_time() < until:
            pass
    if path.startswith("/fail"):
        raise RuntimeError("asked for")
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]
"""


class Uwsgi(Server):
    """`options` are lines of the ini file; `bind` the application's HTTP socket, `stats` the stats server."""

    unprivileged = False

    def __init__(self, *options: str, stats: t.Optional[str] = None, bind: t.Optional[str] = None, processes: int = 2) -> None:
        super().__init__()
        self.port = free_port()
        self.bind = (bind or f"127.0.0.1:{self.port}").format(dir=self.dir)
        self.stats = (stats or f"127.0.0.1:{free_port()}").format(dir=self.dir)
        self.options = options
        self.processes = processes

    @property
    def ini(self) -> str:
        return str(self.dir / "shop.ini")

    def prepare(self) -> None:
        (self.dir / "app.py").write_text(APPLICATION)
        lines = [
            "[uwsgi]",
            f"http-socket = {self.bind}",
            f"pythonpath = {self.dir}",
            "module = app",
            "master = true",
            "need-app = true",
            f"processes = {self.processes}",
            "die-on-term = true",
            f"stats = {self.stats}",
            *self.options,
        ]
        (self.dir / "shop.ini").write_text("\n".join(lines) + "\n")

    def argv(self) -> list[str]:
        return [str(VENV / "uwsgi"), "--ini", self.ini]

    def ready(self) -> bool:
        return b"spawned uWSGI worker" in self.log.read_bytes() and bool(self.get("/"))

    def request(self, path: str, headers: t.Optional[dict[str, str]] = None) -> socket.socket:
        """Send a request and do not wait for its answer."""
        unix = self.bind.startswith(("/", "@"))
        conn = socket.socket(socket.AF_UNIX if unix else socket.AF_INET)
        conn.settimeout(60)
        conn.connect(self.bind.replace("@", "\0", 1) if unix else ("127.0.0.1", self.port))
        lines = [f"GET {path} HTTP/1.0", *(f"{name}: {value}" for name, value in {"Host": "shop.example", **(headers or {})}.items())]
        conn.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
        return conn

    def get(self, path: str, headers: t.Optional[dict[str, str]] = None) -> bytes:
        """One request, answered; empty when the connection was cut."""
        with self.request(path, headers) as conn:
            return b"".join(iter(lambda: conn.recv(65536), b""))

    def raw(self) -> dict[str, t.Any]:
        """The stats server's document, read as plainly as can be: the second opinion."""
        if self.stats.startswith(("/", "@")):
            conn = socket.socket(socket.AF_UNIX)
            conn.connect(self.stats.replace("@", "\0", 1))
        else:
            host, _sep, port = self.stats.rpartition(":")
            if "stats-http = true" in self.options:
                with urllib.request.urlopen(f"http://{self.stats}/", timeout=20) as answer:
                    return json.load(answer)
            conn = socket.create_connection((host, int(port)), timeout=20)
        with conn:
            conn.settimeout(20)
            return json.loads(b"".join(iter(lambda: conn.recv(65536), b"")))

    def drive(self, path: str, count: int) -> list[threading.Thread]:
        """`count` requests side by side in the background."""
        threads = [threading.Thread(target=self.get, args=(path,), daemon=True) for _ in range(count)]
        for thread in threads:
            thread.start()
        return threads
