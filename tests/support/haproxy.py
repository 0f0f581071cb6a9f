# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real HAProxy in front of given servers, with a stats socket and a stats page."""

from __future__ import annotations

import http.client
import socket
import typing as t

from .server import Server, free_port

PASSWORD = "s3cret-haproxy"


class Haproxy(Server):
    """`servers`: lines of the backend `app`, each `name port options`; `settings` go into its defaults."""

    def __init__(self, servers: t.Sequence[str] = (), *, settings: str = "", backend: str = "", maxconn: int = 100) -> None:
        super().__init__()
        # an instance has the name of its lowest port
        self.port, self.page_port = sorted((free_port(), free_port()))
        self.servers = list(servers)
        self.level = "admin"
        self.settings, self.backend, self.maxconn = settings, backend, maxconn

    @property
    def socket(self) -> str:
        return str(self.dir / "admin.sock")

    @property
    def page(self) -> str:
        return f"http://127.0.0.1:{self.page_port}/stats"

    def prepare(self) -> None:
        lines = "\n".join("  server {} 127.0.0.1:{} {}".format(*line.split(" ", 2), *[""] * (2 - line.count(" "))) for line in self.servers)
        (self.dir / "haproxy.cfg").write_text(
            f"""global
  maxconn {self.maxconn}
  stats socket {self.socket} mode 660 level {self.level}
defaults
  mode http
  timeout connect 1s
  timeout client 10s
  timeout server 10s
  timeout queue 5s
  {self.settings}
frontend web
  bind 127.0.0.1:{self.port}
  default_backend app
frontend page
  bind 127.0.0.1:{self.page_port}
  stats enable
  stats uri /stats
  stats auth ops:{PASSWORD}
backend app
  {self.backend}
{lines}
"""
        )

    def argv(self) -> list[str]:
        return ["/usr/sbin/haproxy", "-db", "-f", str(self.dir / "haproxy.cfg")]

    def get(self, path: str = "/") -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            return answer.status
        finally:
            connection.close()

    def ask(self, command: str) -> str:
        """The stats socket, as `socat` does: the vendor's own tool."""
        with socket.socket(socket.AF_UNIX) as conn:
            conn.settimeout(10)
            conn.connect(self.socket)
            conn.sendall(command.encode() + b"\n")
            parts = []
            while part := conn.recv(65536):
                parts.append(part)
        return b"".join(parts).decode()

    def ready(self) -> bool:
        return "Version" in self.ask("show info")
