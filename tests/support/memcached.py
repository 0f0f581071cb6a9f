# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real memcached: over TCP, a UNIX socket, TLS, or with ASCII authentication."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import typing as t

from .server import Server, free_port, self_signed, wait_until

USERNAME, PASSWORD = "monitor", "EXAMPLEPW#mc1:"


class Memcached(Server):
    """`extra` are further command line words; `socket_path`, `tls` and `login` choose how it is spoken to."""

    def __init__(
        self, *extra: str, megabytes: int = 16, host: str = "127.0.0.1", unix: bool = False, tls: bool = False, login: bool = False
    ) -> None:
        super().__init__()
        self.extra = extra
        self.megabytes = megabytes
        self.host = host
        self.port = free_port()
        self.socket_path = self.dir / "memcached.sock" if unix else None
        self.certificate = self.dir / "cert.pem" if tls else None
        self.login = login

    @property
    def address(self) -> str:
        return str(self.socket_path or f"127.0.0.1:{self.port}")

    def prepare(self) -> None:
        if self.certificate:
            self_signed(self)
        if self.login:
            path = self.dir / "users"
            path.write_text(f"{USERNAME}:{PASSWORD}\n")
            if self.user:
                shutil.chown(path, self.user)

    def argv(self) -> list[str]:
        words = ["memcached", "-m", str(self.megabytes), "-c", "256", "-U", "0", *self.extra]
        words += ["-s", str(self.socket_path)] if self.socket_path else ["-l", self.host, "-p", str(self.port)]
        if self.certificate:
            words += ["-Z", "-o", f"ssl_chain_cert={self.certificate},ssl_key={self.dir}/key.pem"]
        return words + (["-Y", str(self.dir / "users")] if self.login else [])

    def ready(self) -> bool:
        with self.connected():
            return True

    def stop(self, with_signal: int = signal.SIGKILL) -> None:
        super().stop(with_signal)  # it keeps nothing, and takes a second to end politely

    @contextlib.contextmanager
    def connected(self) -> t.Iterator[socket.socket]:
        """A plain connection."""
        family = socket.AF_UNIX if self.socket_path else socket.AF_INET6 if ":" in self.host else socket.AF_INET
        with socket.socket(family) as conn:
            conn.settimeout(5)
            conn.connect(str(self.socket_path) if self.socket_path else (self.host, self.port))
            yield conn

    def client(self, **options: t.Any) -> t.Any:
        """A pymemcache client that keeps its connection; close it."""
        from pymemcache.client.base import Client

        return Client(self.socket_path and str(self.socket_path) or ("127.0.0.1", self.port), no_delay=True, timeout=10, **options)

    def stats(self) -> dict[str, str]:
        """The second opinion: memcached's own tool."""
        tool = "/usr/share/memcached/scripts/memcached-tool"
        if not os.access(tool, os.X_OK):
            tool = shutil.which("memcached-tool") or tool
        output = subprocess.run([tool, self.address, "stats"], check=True, capture_output=True, text=True, timeout=30).stdout
        return dict(
            line.split(None, 1) for line in output.replace("\r", "").splitlines() if not line.startswith("#") and " " in line.strip()
        )


def pool(count: int, **options: t.Any) -> contextlib.ExitStack:
    """Several servers; the stack's `servers` are them."""
    stack = contextlib.ExitStack()
    stack.servers = [stack.enter_context(Memcached(**options)) for _number in range(count)]  # type: ignore[attr-defined]
    return stack


def settled(server: Memcached, clients: int) -> None:
    """Wait until the server sees exactly this many connections (closing is not immediate)."""
    wait_until(lambda: int(server.stats()["curr_connections"]) <= clients + 1, "connections to settle")
