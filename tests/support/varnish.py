# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real Varnish over a small backend: what a path begins with says what becomes of a request to it."""

from __future__ import annotations

import contextlib
import http.client
import http.server
import json
import pathlib
import socket
import socketserver
import threading
import typing as t

from .server import Server, accepts, free_port

#: The fate of a request is its path's first part; anything else is cached for two minutes.
VCL = """
vcl 4.1;
backend default { .host = "127.0.0.1"; .port = "%(backend)d"; %(probe)s }
backend dead { .host = "127.0.0.1"; .port = "%(nobody)d"; }
sub vcl_recv {
  if (req.url ~ "^/dead") { set req.backend_hint = dead; return (pass); }
  if (req.url ~ "^/pass") { return (pass); }
  if (req.url ~ "^/pipe") { return (pipe); }
  if (req.url ~ "^/synth") { return (synth(410)); }
  if (req.url ~ "^/again" && req.restarts == 0) { return (restart); }
}
sub vcl_backend_response {
  if (bereq.url ~ "^/hfp") { return (pass(60s)); }
  if (bereq.url ~ "^/grace") { set beresp.ttl = 0.5s; set beresp.grace = 1h; }
}
"""

PROBE = '.probe = { .url = "/probe"; .interval = 200ms; .window = 4; .threshold = 2; .initial = 2; }'


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # one packet per answer: no delayed acknowledgement in between

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path
        status = next((code for start, code in _STATUS.items() if path.startswith(start)), 200)
        if path.startswith("/wait"):
            t.cast(Backend, self.server).gate.wait(20)
        if path == "/probe" and not t.cast(Backend, self.server).well:
            status = 500
        self.send_response(status)
        for start, name, value in _HEADERS:
            if path.startswith(start):
                self.send_header(name, value)
        body = b"x" * 100
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_POST = do_HEAD = do_PUT = do_GET  # names that http.server wants

    def log_message(self, *_args: t.Any) -> None:
        pass


_STATUS = {"/missing": 404, "/old": 301, "/moved": 308, "/error": 500}
_HEADERS = (
    ("/old", "Location", "/new"),
    ("/moved", "Location", "/new"),
    ("/hfm", "Set-Cookie", "sid=EXAMPLEsecret"),
    ("/private", "Cache-Control", "private, no-store"),
    ("/account", "Cache-Control", "private"),
    ("/stale", "Cache-Control", "max-age=0"),
    ("/vary", "Vary", "*"),
)


class Backend(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """The application: a thread of the test. `well` off makes its sampler fail; below /wait it answers while `gate` is set."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.well = True
        self.gate = threading.Event()
        self.gate.set()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def handle_error(self, *_args: t.Any) -> None:
        """A peer that went away is no news here."""

    def __enter__(self) -> Backend:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_exc: t.Any) -> None:
        self.shutdown()
        self.server_close()


class HasPort(t.Protocol):
    @property
    def port(self) -> int: ...


class Varnish(Server):
    """A private varnishd of this machine. `instance` is its working directory, as for `-n`."""

    def __init__(self, backend: HasPort, *arguments: str, probe: bool = False, storage: str = "8m") -> None:
        super().__init__()
        self.port, self.admin_port = free_port(), free_port()
        self.instance = str(self.dir / "vd")
        self.arguments = arguments
        self.storage = storage
        self.vcl = VCL % {"backend": backend.port, "nobody": free_port(), "probe": PROBE if probe else ""}

    def prepare(self) -> None:
        (self.dir / "test.vcl").write_text(self.vcl)

    def argv(self) -> list[str]:
        return [
            "varnishd", "-F", "-j", "none", "-n", self.instance, "-a", f"127.0.0.1:{self.port}", "-T", f"127.0.0.1:{self.admin_port}",
            "-f", str(self.dir / "test.vcl"), "-s", f"main=malloc,{self.storage}", *self.arguments,
        ]  # fmt: skip

    def ready(self) -> bool:
        return accepts(self.port)

    def tool(self, name: str, *words: str) -> str:
        """What one of Varnish's own tools prints about this instance."""
        return self.run(name, "-n", self.instance, "-t", "1" if name == "varnishadm" else "0", *words).stdout.decode("utf-8", "replace")

    def counters(self) -> dict[str, int]:
        counters = json.loads(self.tool("varnishstat", "-1", "-j"))["counters"]
        return {name.replace("MAIN.", ""): entry["value"] for name, entry in counters.items()}

    def get(self, *paths: str, method: str = "GET", headers: t.Optional[dict[str, str]] = None, times: int = 1) -> list[int]:
        """The statuses of requests over one connection."""
        statuses = []
        sent = {"Host": "shop.example.com", **(headers or {})}
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)) as conn:
            for path in paths * times:
                conn.request(method, path, body=b"a=1" if method == "POST" else None, headers=sent)
                answer = conn.getresponse()
                answer.read()
                statuses.append(answer.status)
        return statuses

    def send(self, raw: bytes) -> bytes:
        """Any bytes as a request; what came back until the other side closed."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as conn:
            conn.sendall(raw)
            got = b""
            while chunk := conn.recv(65536):
                got += chunk
        return got


#: Where Debian's package keeps the VCL that it starts with.
DISTRIBUTION_VCL = pathlib.Path("/etc/varnish/default.vcl")


class StockVarnish(Varnish):
    """With the VCL of the distribution, which leaves all to Varnish's builtin one. Only the backend's port is another."""

    def __init__(self, backend: HasPort, *arguments: str) -> None:
        super().__init__(backend, *arguments)
        shipped = DISTRIBUTION_VCL.read_text()
        self.vcl = shipped.replace('.port = "8080"', f'.port = "{backend.port}"')
        assert self.vcl != shipped
