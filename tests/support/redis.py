# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real Redis, in memory only."""

from __future__ import annotations

import typing as t
import urllib.parse

# at the top: an import while others run can fail in CPython 3.11 when a collection of garbage imports as well (its lock is not reentrant)
import redis

from .server import Server, free_port, self_signed


class Redis(Server):
    def __init__(self, password: str = "", *extra: str, tls: bool = False) -> None:
        super().__init__()
        self.port = free_port()
        self.tls_port = free_port() if tls else 0
        self.password = password
        self.extra = extra

    @property
    def url(self) -> str:
        return f"redis://{':' + urllib.parse.quote(self.password, safe='') + '@' if self.password else ''}127.0.0.1:{self.port}/0"

    @property
    def tls_url(self) -> str:
        """Over TLS, without a word on how the certificate is checked."""
        return self.url.replace("redis://", "rediss://").replace(f":{self.port}/", f":{self.tls_port}/")

    def prepare(self) -> None:
        # a file, because a command line is everybody's to read
        lines = ["bind 127.0.0.1", f"port {self.port}", f"dir {self.dir}", 'save ""', "appendonly no", *self.extra]
        if self.password:
            lines.append(f'requirepass "{self.password}"')
        if self.tls_port:
            certificate, key = self_signed(self)
            lines += [f"tls-port {self.tls_port}", f"tls-cert-file {certificate}", f"tls-key-file {key}", f"tls-ca-cert-file {certificate}"]
            lines += ["tls-auth-clients no"]
        (self.dir / "redis.conf").write_text("\n".join(lines) + "\n")

    def argv(self) -> list[str]:
        return ["redis-server", str(self.dir / "redis.conf")]

    def client(self) -> t.Any:
        return redis.Redis(port=self.port, password=self.password or None)

    def ready(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.RedisError as error:
            raise OSError(str(error)) from None

    def contents(self) -> dict[str, t.Any]:
        """Every key and what it holds: to compare before and after."""
        found: dict[str, t.Any] = {}
        with self.client() as client:
            for key in sorted(client.keys()):
                kind = client.type(key).decode()
                name = key.decode("utf-8", "backslashreplace")
                if kind == "set":
                    found[name] = sorted(client.smembers(key))
                elif kind == "list":
                    found[name] = client.llen(key)
                elif kind == "hash":
                    found[name] = sorted(client.hkeys(key))
                else:
                    found[name] = kind
        return found
