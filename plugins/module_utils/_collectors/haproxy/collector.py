# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collector of HAProxy: its options, its instances on a host, its sampler."""

from __future__ import annotations

import typing as t

from ..._collect import stream
from ..._collect.base import Collector, Presence, Sampler
from ..._collect.edges import BECOME
from ..._collect.facts import Facts, Maybe, Unknown
from ..._collect.problem import Problem
from ..._linux import backlog, opened
from ..._linux.processes import Process, Processes
from ..._linux.served import address_of
from . import discover, fetch, shape
from .fetch import Reading
from .samples import History

OPTIONS: dict[str, t.Any] = {
    "socket": {"type": "str"},
    "stats_url": {"type": "str"},
    "login_user": {"type": "str"},
    "login_password": {"type": "str", "no_log": True},
}
#: How the configuration writes the place of a server on this machine.
_UNIX = ("/", "unix@", "abns@")
UNSEEN = "its process is not one of this host that can be seen: run the check where it runs"
NO_SOCKET = (
    f"its configuration has no stats socket that can be read: add {fetch.RIGHTS} to its section global and reload it, "
    f"or give socket or stats_url; {BECOME}"
)


class HaproxySampler(Sampler):
    _first: Reading
    _second: t.Optional[Reading] = None
    _master: t.Optional[Process] = None
    _settings = discover.Settings()

    @property
    def name(self) -> str:
        return str(self.options.get("name") or self.options.get("socket") or self.options.get("stats_url") or "haproxy")

    def first(self) -> None:
        pid = self.options.get(discover.PID)
        masters = discover.masters(self.tools)
        self._master = next((each for each in masters if each.pid == pid), None) or (
            masters[0] if len(masters) == 1 and self._is_here() else None
        )
        if self._master is not None:
            self._settings = discover.configuration(self._master)
        self._first = self._read()

    def _is_here(self) -> bool:
        return str(self.options.get("socket") or "").startswith(("/", "@"))

    def _read(self) -> Reading:
        if self.options.get("socket"):
            return fetch.from_socket(stream.parse_address(self.options["socket"]), self.tools.timeout)
        if self.options.get("stats_url"):
            password = self.options.get("login_password")
            return fetch.from_page(self.options["stats_url"], self.options.get("login_user"), password, self.tools.timeout)
        raise Problem(NO_SOCKET)

    def second(self) -> None:
        self._second = self._read()

    def facts(self, window: t.Optional[float]) -> Facts:
        encrypts: Maybe[bool] = Unknown(UNSEEN if self._master is None else f"its configuration cannot be read: {BECOME}")
        if self._settings.encrypts is not None:
            encrypts = self._settings.encrypts
        pid = None if self._master is None else self._master.pid
        listeners, templates = self._listeners(), self._settings.templates
        self._history = History(self._first, self._second, window, pid, encrypts, listeners, self.tools.top, templates)
        found = shape.facts(self._history)
        place = self.options.get("socket")
        found.put("socket", place or None, "its statistics were read from the page")
        return found

    def _listeners(self) -> Maybe[tuple[backlog.Backlog, ...]]:
        if self._master is None:
            return Unknown(UNSEEN)
        if self._master.elsewhere("net"):
            return Unknown("it listens in a network namespace of its own (a container): run the module there")
        processes = [self._master, *discover.serving(self._master, Processes.read().rows)]
        descriptors = [each for process in processes if (each := opened.of(process.pid)) is not None]
        if not descriptors:
            return Unknown(f"the sockets of its processes may not be read: {BECOME}")
        inodes = {inode for each in descriptors for inode in each.inodes}
        own = tuple(str(place) for place in (self.options.get("socket"), *self._settings.sockets) if place)
        try:
            rows = [row for row in backlog.listening() if row.inode in inodes]
        except Problem as problem:
            return Unknown(str(problem))
        # a stats socket is made under another name and renamed: the kernel keeps the first
        return tuple(row for row in rows if not (own and (row.address.startswith(own) or address_of(row) in own)))

    def presence(self) -> t.Optional[Presence]:
        if self._master is None:
            return Presence()
        servers = self._settings.servers
        addresses = [row["addr"] for row in self._first.rows if row.get("type") == "2" and row.get("addr")]
        if addresses:
            # of a UNIX socket only that it is one is told
            servers = (*(each for each in addresses if each != "unix"), *(each for each in servers if each.startswith(_UNIX)))
        partial = None if servers else "the addresses of its servers are not told"
        return Presence([self._master.pid], (), servers, partial, reads=self._settings.files)


COLLECTOR = Collector(
    "haproxy",
    OPTIONS,
    HaproxySampler,
    discover.discover,
    places=("socket", "stats_url"),
    access=("socket", "stats_url"),
)
