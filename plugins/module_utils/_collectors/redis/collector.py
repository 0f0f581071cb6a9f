# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collector of Redis and Valkey: its options, its instances on a host, its sampler."""

from __future__ import annotations

import re
import time
import typing as t

from ..._collect import stream
from ..._collect.base import Collector, Presence, Sampler
from ..._collect.facts import Facts
from ..._collect.host_tools import HostTools
from ..._collect.problem import Down, Problem
from ..._linux.processes import Listener, Process
from . import fetch, shape
from .samples import Pings, Sample

OPTIONS: dict[str, t.Any] = {
    "address": {"type": "str"},
    "login_user": {"type": "str"},
    "login_password": {"type": "str", "no_log": True},
    "tls": {"type": "bool", "default": False},
    "ca_cert": {"type": "path"},
    "validate_certs": {"type": "bool", "default": True},
}

NAMES = ("redis-server", "valkey-server", "redis-sentinel", "valkey-sentinel", "keydb-server", "dragonfly")
#: Seconds between two PINGs while the window passes.
PAUSE = 0.1


class RedisSampler(Sampler):
    _session: t.Optional[fetch.Session] = None
    _first: Sample
    _second: t.Optional[Sample] = None

    def __init__(self, options: dict[str, t.Any], tools: HostTools) -> None:
        super().__init__(options, tools)
        self._pings = Pings()

    @property
    def name(self) -> str:
        return str(self.options.get("name") or self.options.get("address") or "redis")

    def first(self) -> None:
        if not self.options.get("address"):
            raise Problem("option address is missing: host:port, [IPv6]:port or the path of a UNIX socket")
        try:
            self._session = fetch.Session(self.options, self.tools.timeout)
        except Down as down:
            if not self.options.get("_elsewhere"):
                raise
            raise Problem(
                f"its server (pid {self.options['_elsewhere']}) runs in a container with a network of its own, and {down}: "
                "run the module in the container, or give the address at which it is published"
            ) from None
        self._pings.connect = self._session.connect_seconds
        self._first = fetch.sample(self._session, whole=False)

    def watch(self, seconds: float) -> None:
        """A PING every now and then: what takes long for it takes long for every client."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            begun = time.perf_counter()
            self._open.ask(["PING"])
            self._pings.taken.append(time.perf_counter() - begun)
            time.sleep(max(0.0, min(PAUSE, ends - time.monotonic())))

    def second(self) -> None:
        self._second = fetch.sample(self._open, whole=True)

    def facts(self, window: t.Optional[float]) -> Facts:
        if window is None:
            self._first = fetch.sample(self._open, whole=True)
        result = shape.facts(self._first, self._second, window, self._pings, self.tools.top)
        result.put("address", self.options["address"])
        return result

    def close(self) -> None:
        if self._session is not None:
            self._session.close()

    def presence(self) -> Presence:
        place = str(self.options["address"])
        return Presence(self.tools.processes.serving(place, *NAMES), [place])

    @property
    def _open(self) -> fetch.Session:
        if self._session is None:
            raise Problem("it was not connected to")
        return self._session


#: What the server makes of its own command line: `redis-server 127.0.0.1:6379 [cluster]`.
_TITLE = re.compile(r"^\S*(?:redis|valkey|keydb)-(?:server|sentinel) (\S+):(\d{1,5})(?: \[(?:cluster|sentinel)\])?\s*$")


def discover(tools: HostTools) -> list[dict[str, t.Any]]:
    """Where the servers and sentinels of this host listen. A child that saves is none."""
    processes = tools.named(*NAMES)
    pids = {process.pid for process in processes}
    found = []
    for process in processes:
        if process.ppid in pids:
            continue
        told = _told(process)
        entry: dict[str, t.Any] = {"address": _listens(tools.processes.listening(process.pid), told) or told, **tools.guessed(process)}
        if process.elsewhere("mnt") and entry["address"].startswith("/"):
            entry = {**entry, "name": entry["address"], "address": process.reach(entry["address"])}
        elif process.elsewhere("net"):
            entry["_elsewhere"] = process.pid
        found.append(entry)
    return found


def _listens(listeners: list[Listener], told: str) -> t.Optional[str]:
    """The address to use: the port that it is called by (a cluster's members listen on another as well), loopback before others."""
    port = told.rpartition(":")[2]

    def preference(one: Listener) -> tuple[bool, bool, bool, bool, int]:
        named = one.port is not None and str(one.port) == port
        return not named, one.kind != "tcp", one.address not in ("127.0.0.1", "0.0.0.0"), one.address not in ("::1", "::"), one.port or 0

    for one in sorted(listeners, key=preference):
        if one.kind == "unix":
            return one.address
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(one.address, one.address)
        return stream.shown((host, one.port or fetch.DEFAULT_PORT))
    return None


def _told(process: Process) -> str:
    """From its title or command line, when its descriptors may not be read (another user's)."""
    title = _TITLE.match(" ".join(process.argv))
    if title:
        host = title.group(1).strip("[]")
        host = {"*": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1", "-::1": "::1"}.get(host, host)
        return stream.shown((host, int(title.group(2))))
    default = 26379 if "sentinel" in process.name else fetch.DEFAULT_PORT
    port = process.option("--port") or ""
    return f"127.0.0.1:{port if port.isdigit() and port != '0' else default}"


COLLECTOR = Collector(
    "redis",
    OPTIONS,
    RedisSampler,
    discover,
    places=("address",),
    access=("address", "login_user", "tls", "ca_cert"),
)
