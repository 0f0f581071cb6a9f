# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collector of memcached: its options, its instances on a host, its sampler."""

from __future__ import annotations

import typing as t

from ..._collect import stream
from ..._collect.base import Collector, Presence, Sampler
from ..._collect.facts import Facts
from ..._collect.host_tools import HostTools
from ..._collect.problem import Down, Problem
from ..._linux.processes import Listener, Process
from . import fetch, parse, proxy, shape
from .samples import Latency, Sample

OPTIONS: dict[str, t.Any] = {
    "address": {"type": "str"},
    "username": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "tls": {"type": "bool", "default": False},
    "ca_cert": {"type": "path"},
    "validate_certs": {"type": "bool", "default": True},
    "pool": {"type": "str", "default": "default"},
    "weight": {"type": "float", "default": 1.0},
}

#: Gets of each of the two latency probes, one before the first sample and one after the second.
GETS = 25
#: `stats conns` has a line or two per connection; a server with more than this many bytes of them is not listed.
CONNS_LIMIT = 2 * 1024 * 1024


class MemcachedSampler(Sampler):
    _session: t.Optional[fetch.Session] = None
    _first: Sample
    _second: t.Optional[Sample] = None
    _silent = False  # a proxy that has no stats

    def __init__(self, options: dict[str, t.Any], tools: HostTools) -> None:
        super().__init__(options, tools)
        self._latency = Latency()

    @property
    def name(self) -> str:
        return str(self.options.get("name") or self.options.get("address") or "memcached")

    def first(self) -> None:
        if not self.options.get("address"):
            raise Problem("option address is missing: host:port, [IPv6]:port or the path of a UNIX socket")
        try:
            self._ask("stats")
        except Down as down:
            if not self.options.get("_elsewhere"):
                raise
            raise Problem(
                f"memcached (pid {self.options['_elsewhere']}) runs in a container with a network of its own, and {down}: "
                "run the module in the container, or give the address at which it is published"
            ) from None
        except fetch.Closed:
            self._silent = self._serves_data()
            if not self._silent:
                raise
        self._measure(GETS)  # outside the window, so that these gets are no misses in it
        self._first = self._sample(whole=False)

    def second(self) -> None:
        self._second = self._sample(whole=True)
        self._measure(GETS)

    def facts(self, window: t.Optional[float]) -> Facts:
        if window is None:
            self._first = self._sample(whole=True)
        result = shape.facts(self._first, self._second, window, self._latency, self.tools.top)
        for name in ("address", "pool", "weight"):
            result.put(name, self.options[name])
        return result

    def close(self) -> None:
        if self._session is not None:
            self._session.close()

    def presence(self) -> Presence:
        place = str(self.options["address"])
        return Presence(self.tools.processes.serving(place, "memcached", "mcrouter"), [place])

    def _ask(self, command: str, limit: int = 1024 * 1024) -> dict[str, str]:
        if self._session is None:
            self._session = fetch.Session(self.options, self.tools.timeout)
        try:
            return parse.stats(self._session.ask(command, limit), self._session.shown)
        except fetch.Closed:
            # an idle connection is dropped by some (idle_timeout, a restart): once more on a new one
            self._session.close()
            self._session = fetch.Session(self.options, self.tools.timeout)
            return parse.stats(self._session.ask(command, limit), self._session.shown)

    def _sample(self, whole: bool) -> Sample:
        if self._silent:
            return Sample(dict(proxy.SILENT))
        sample = Sample(self._ask("stats"), own_gets=len(self._latency.gets))
        if proxy.kind(sample.stats) == "proxy":
            return sample
        sample.classes = parse.rows(self._part(sample, "stats items"))
        if whole:
            sample.slabs = parse.rows(self._part(sample, "stats slabs"))
            sample.settings = self._part(sample, "stats settings")
            connections = self._part(sample, "stats conns", CONNS_LIMIT)
            if connections:
                sample.clients = parse.clients(parse.rows(connections))
                self._without_ourselves(sample.clients)
        return sample

    def _part(self, sample: Sample, command: str, limit: int = 1024 * 1024) -> dict[str, str]:
        """A sub-command that old servers and proxies refuse: then its measures are unknown, the others stay."""
        try:
            return self._ask(command, limit)
        except Problem as problem:
            if not isinstance(problem, parse.Refused):
                self.close()  # late bytes of this answer must not be taken for the next one
                self._session = None
            sample.refused[command] = self.tools.hide(str(problem))
            return {}

    def _without_ourselves(self, clients: dict[str, int]) -> None:
        own = "unix"
        if self._session is not None and isinstance(self._session.address, tuple):
            own = str(self._session.conn.getsockname()[0])
        if clients.get(own, 0) > 1:
            clients[own] -= 1
        else:
            clients.pop(own, None)

    def _serves_data(self) -> bool:
        try:
            return bool(fetch.probe(self.options, 1, self.tools.timeout)[1])
        except Problem:
            return False

    def _measure(self, gets: int) -> None:
        try:
            connect, taken = fetch.probe(self.options, gets, self.tools.timeout)
        except Problem as problem:
            self._latency.problem = self.tools.hide(f"the latency probe failed: {problem}")
            return
        self._latency.connect.append(connect)
        self._latency.gets += taken


def discover(tools: HostTools) -> list[dict[str, t.Any]]:
    """Where the memcached (and mcrouter) processes of this host listen."""
    found = []
    for process in tools.named("memcached", "mcrouter"):
        entry: dict[str, t.Any] = {"address": _listens(tools.processes.listening(process.pid)) or _told(process), **tools.guessed(process)}
        if {"-Z", "--enable-ssl"} & set(process.argv):
            entry["tls"] = True
        if process.elsewhere("mnt") and entry["address"].startswith("/"):
            entry = {**entry, "name": entry["address"], "address": process.reach(entry["address"])}
        elif process.elsewhere("net"):
            entry["_elsewhere"] = process.pid
        found.append(entry)
    return found


def _listens(listeners: list[Listener]) -> t.Optional[str]:
    """The address to use: loopback before a wildcard before others, TCP before a UNIX socket."""

    def preference(one: Listener) -> tuple[bool, bool, bool]:
        return one.kind != "tcp", one.address not in ("127.0.0.1", "0.0.0.0"), one.address not in ("::1", "::")

    for one in sorted(listeners, key=preference):
        if one.kind == "unix":
            return one.address
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(one.address, one.address)
        return stream.shown((host, one.port or fetch.DEFAULT_PORT))
    return None


def _told(process: Process) -> str:
    """From the command line, when the process's descriptors may not be read (another user's)."""
    path = process.option("-s", "--unix-socket")
    if path:
        return path
    host = (process.option("-l", "--listen") or "127.0.0.1").split(",")[0]
    port = process.option("-p", "--port")
    if not port or ":" in host:
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"{'127.0.0.1' if host == '0.0.0.0' else host}:{port}"


COLLECTOR = Collector(
    "memcached",
    OPTIONS,
    MemcachedSampler,
    discover,
    places=("address",),
    helpful={"pymemcache": "python3-pymemcache"},
    access=("address",),
)
