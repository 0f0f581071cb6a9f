# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collector of PgBouncer: its options, its instances on a host, its sampler."""

from __future__ import annotations

import typing as t

from ..._collect import stream
from ..._collect.base import Collector, Presence, Sampler
from ..._collect.facts import Facts
from ..._collect.host_tools import HostTools
from ..postgresql import connect, driver
from ..postgresql.discover import from_listeners
from . import shape
from .fetch import Console, Reading

OPTIONS: dict[str, t.Any] = {
    "login_host": {"type": "str"},
    "login_port": {"type": "int"},
    "login_unix_socket": {"type": "str"},
    "login_user": {"type": "str"},
    "login_password": {"type": "str", "no_log": True},
    "ssl_mode": {"type": "str", "choices": ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]},
    "ca_cert": {"type": "path"},
}
NAMES = ("pgbouncer",)
DEFAULT_PORT = 6432


class PgbouncerSampler(Sampler):
    _console: t.Optional[Console] = None
    _first: Reading
    _second: t.Optional[Reading] = None

    def __init__(self, options: dict[str, t.Any], tools: HostTools) -> None:
        port = options.get("login_port") or DEFAULT_PORT
        super().__init__({**options, "login_port": port, "login_db": connect.CONSOLE}, tools)

    @property
    def name(self) -> str:
        return str(self.options.get("name") or connect.shown(self.options))

    def first(self) -> None:
        self._console = Console(connect.connection(self.options, self.tools.timeout))
        self._first = self._console.first()

    def second(self) -> None:
        if self._console is not None:
            self._second = self._console.second()

    def facts(self, window: t.Optional[float]) -> Facts:
        built = shape.facts(self._first, self._second, self.tools.top, self.is_alone())
        built.put("owner", connect.owner_of(self.options), "it was reached over TCP, which does not say")
        return built

    def is_alone(self) -> bool:
        """A UNIX socket is of one process. A port may be shared; whether it is can be seen where the processes are."""
        if self.options.get("login_unix_socket"):
            return True
        processes, port = self.tools.processes, self.options["login_port"]
        listening = [process for process in processes.named(*NAMES) if any(each.port == port for each in processes.listening(process.pid))]
        return len(listening) == 1

    @property
    def lost(self) -> bool:
        return self._console is not None and self._console.lost

    def presence(self) -> Presence:
        place = stream.shown(connect.address_of(self.options))
        return Presence(self.tools.processes.serving(place, *NAMES), [place])

    def close(self) -> None:
        if self._console is not None:
            self._console.close()


def discover(tools: HostTools) -> list[dict[str, t.Any]]:
    """Those of this host, by their sockets; several processes may share one port (so_reuseport)."""
    found: list[dict[str, t.Any]] = []
    for process in tools.named(*NAMES):
        # another user's sockets cannot be seen: then it is where the packages put it
        place = from_listeners(tools, process) or {"login_host": "127.0.0.1", "login_port": DEFAULT_PORT}
        entry = {**place, **tools.guessed(process)}
        if entry not in found:
            found.append(entry)
    return found


COLLECTOR = Collector(
    "pgbouncer",
    OPTIONS,
    PgbouncerSampler,
    discover,
    places=("login_host", "login_port", "login_unix_socket"),
    libraries={driver.LIBRARIES: driver.PACKAGE},
    access=("login_host", "login_port", "login_unix_socket", "login_user"),
)
