# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real uWSGI servers (the wheel `pyuwsgi` of the virtualenv) with a small application, for tests."""

from __future__ import annotations

import contextlib
import json
import socket
import typing as t

from .server import VENV, Server, accepts, free_port

#: The wheel's program; it takes Python for itself, and would reload or start vassals as that.
BINARY = [str(VENV / "uwsgi"), "--binary-path", str(VENV / "uwsgi")]

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


def _unix(name: str) -> str:
    """The address as the kernel wants it; uWSGI's abstract names end in a NUL."""
    return "\0" + name[1:] + "\0" if name.startswith("@") else name


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
        return [*BINARY, "--ini", self.ini]

    @property
    def has_stats(self) -> bool:
        return any(line.startswith("stats = ") for line in (self.dir / "shop.ini").read_text().splitlines())

    def ready(self) -> bool:
        """Every worker takes requests and the backlogs were taken once (the master does that in its cycle)."""
        if b"spawned uWSGI worker" not in self.log.read_bytes() or not self.get("/"):
            return False
        if not self.has_stats:
            return True
        found = self.raw()
        measured = all(one["max_queue"] for one in found["sockets"] if ":" in one["name"])
        return measured and all(one["accepting"] or one["status"] == "cheap" for one in found["workers"])

    def request(self, path: str, headers: t.Optional[dict[str, str]] = None) -> socket.socket:
        """Send a request and do not wait for its answer."""
        unix = self.bind.startswith(("/", "@"))
        conn = socket.socket(socket.AF_UNIX if unix else socket.AF_INET)
        conn.settimeout(60)
        conn.connect(_unix(self.bind) if unix else ("127.0.0.1", self.port))
        lines = [f"GET {path} HTTP/1.0", *(f"{name}: {value}" for name, value in {"Host": "shop.example", **(headers or {})}.items())]
        conn.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
        return conn

    def get(self, path: str, headers: t.Optional[dict[str, str]] = None) -> bytes:
        """One request, answered; what came so far when the connection was cut."""
        answer = b""
        with self.request(path, headers) as conn, contextlib.suppress(ConnectionError):
            for chunk in iter(lambda: conn.recv(65536), b""):
                answer += chunk
        return answer

    def raw(self) -> dict[str, t.Any]:
        """The stats server's document, read as plainly as can be: the second opinion."""
        unix = self.stats.startswith(("/", "@"))
        with socket.socket(socket.AF_UNIX if unix else socket.AF_INET) as conn:
            conn.settimeout(20)
            conn.connect(_unix(self.stats) if unix else ("127.0.0.1", int(self.stats.rpartition(":")[2])))
            if "stats-http = true" in self.options:
                conn.sendall(b"GET / HTTP/1.0\r\n\r\n")
            data = b"".join(iter(lambda: conn.recv(65536), b""))
        return json.loads(data[data.index(b"{") :])

    @contextlib.contextmanager
    def running(self, path: str, count: int, headers: t.Optional[dict[str, str]] = None) -> t.Iterator[None]:
        """`count` requests in flight, or in line for a worker; cut off at the end."""
        with contextlib.ExitStack() as stack:
            for _turn in range(count):
                stack.enter_context(self.request(path, headers))
            yield

    def busy(self, count: int) -> bool:
        """Whether that many requests are being served."""
        return sum(core["in_request"] for worker in self.raw()["workers"] for core in worker["cores"]) == count


class Emperor(Server):
    """An emperor with a vassal that runs and one whose application does not exist."""

    unprivileged = False

    def __init__(self) -> None:
        super().__init__()
        self.stats = f"127.0.0.1:{free_port()}"
        self.vassal_stats = f"127.0.0.1:{free_port()}"

    def prepare(self) -> None:
        (self.dir / "app.py").write_text(APPLICATION)
        (self.dir / "vassals").mkdir()
        common = f"[uwsgi]\npythonpath = {self.dir}\nmaster = true\nneed-app = true\nprocesses = 1\n"
        good = f"socket = 127.0.0.1:{free_port()}\nmodule = app\nstats = {self.vassal_stats}\n"
        (self.dir / "vassals" / "shop.ini").write_text(common + good)
        (self.dir / "vassals" / "broken.ini").write_text(common + f"socket = 127.0.0.1:{free_port()}\nmodule = missing\n")

    def argv(self) -> list[str]:
        return [*BINARY, "--emperor", f"{self.dir}/vassals", "--emperor-stats", self.stats, "--die-on-term"]

    def ready(self) -> bool:
        return accepts(int(self.stats.rpartition(":")[2])) and accepts(int(self.vassal_stats.rpartition(":")[2]))
