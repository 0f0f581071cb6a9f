# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real nginx in front of given servers, with a status page and a log that tells times and upstream servers."""

from __future__ import annotations

import http.client
import typing as t

from .server import Server, free_port

#: The log_format that the module advises.
LAUNCH = (
    '\'$remote_addr [$time_local] "$request" $status $body_bytes_sent $request_time "$upstream_addr" "$upstream_status" '
    '"$upstream_response_time" $upstream_cache_status\''
)


class Nginx(Server):
    """`upstreams`: ports on loopback of the group `app`; `extra` and `location` go into http and the location of the site."""

    def __init__(
        self, upstreams: t.Sequence[int] = (), *, extra: str = "", location: str = "", log_format: str = LAUNCH, connections: int = 64
    ) -> None:
        super().__init__()
        self.port = free_port()
        self.upstreams = list(upstreams)
        self.extra, self.location, self.log_format, self.connections = extra, location, log_format, connections

    @property
    def access_log(self) -> str:
        return str(self.dir / "access.log")

    @property
    def config(self) -> str:
        return str(self.dir / "nginx.conf")

    def prepare(self) -> None:
        servers = "".join(f"server 127.0.0.1:{port} max_fails=0; " for port in self.upstreams)
        group = f"upstream app {{ {servers} }}" if self.upstreams else ""
        site = self.location or ("proxy_pass http://app;" if self.upstreams else "return 200 'hello';")
        temporary = "".join(f"{kind}_temp_path {self.dir}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (self.dir / "site.conf").write_text(
            f"""{group}
server {{
  listen 127.0.0.1:{self.port} backlog=64;
  server_name shop.example.com;
  location = /nginx_status {{ stub_status; access_log off; allow 127.0.0.1; deny all; }}
  location / {{ {site} }}
}}
"""
        )
        (self.dir / "nginx.conf").write_text(
            f"""daemon off; worker_processes 2; pid {self.dir}/nginx.pid; error_log {self.dir}/error.log;
events {{ worker_connections {self.connections}; }}
http {{
  {temporary}
  log_format launch {self.log_format};
  access_log {self.access_log} launch;
  {self.extra}
  include site.conf;
}}
"""
        )

    def argv(self) -> list[str]:
        return ["/usr/sbin/nginx", "-c", self.config, "-e", str(self.dir / "error.log")]

    def get(self, path: str = "/", headers: t.Optional[dict[str, str]] = None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET", path, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def ready(self) -> bool:
        return self.get("/nginx_status")[0] == 200
