# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One document of the stats server, as the rest of the collector knows it: numbers, states, and nothing private."""

from __future__ import annotations

import dataclasses
import typing as t


@dataclasses.dataclass(frozen=True)
class Request:
    """A request being served. Made by `parse.request`, which lets nothing else of it through."""

    method: str
    host: str
    pattern: str
    client: t.Optional[str]  # REMOTE_ADDR: who connected, be it an accelerator or a browser
    started: t.Optional[float]  # unix seconds
    streams: bool = False  # a WebSocket or server-sent events: open for as long as the visitor looks


@dataclasses.dataclass(frozen=True)
class Core:
    """A thread (or async slot) of a worker. A counter that is not told is None, here and in `Worker`."""

    busy: bool
    requests: t.Optional[int] = 0
    static: t.Optional[int] = 0
    routed: t.Optional[int] = 0
    offloaded: t.Optional[int] = 0
    read_errors: t.Optional[int] = 0
    write_errors: t.Optional[int] = 0
    request: t.Optional[Request] = None


@dataclasses.dataclass(frozen=True)
class Worker:
    id: int
    pid: int
    status: str
    accepting: bool
    requests: t.Optional[int] = 0
    exceptions: t.Optional[int] = 0
    harakiri: t.Optional[int] = 0
    respawns: t.Optional[int] = 0
    spawned: int = 0  # unix seconds
    running_microseconds: t.Optional[int] = 0
    sent_bytes: t.Optional[int] = 0
    rss_bytes: int = 0
    pss_bytes: t.Optional[int] = None  # these two from uWSGI 2.1 only
    uss_bytes: t.Optional[int] = None
    cores: t.Optional[tuple[Core, ...]] = None  # None: left out by stats-no-cores
    applications: t.Optional[int] = None  # None: not listed

    @property
    def busy(self) -> bool:
        return self.status == "busy"

    @property
    def running(self) -> bool:
        """Has a process. A cheap worker keeps the process id and the memory of its last one (case U-07)."""
        return self.pid > 0 and self.status != "cheap"

    @property
    def serving(self) -> bool:
        """Can take requests: not cheap, paused, handling a signal, or still loading the application."""
        return self.busy or (self.status == "idle" and self.accepting)

    @property
    def state(self) -> str:
        """`idle`, `busy`, `cheap`, `pause`, `starting`, or `signal` (the status is then sigN)."""
        if self.status == "idle" and not self.accepting:
            return "starting"
        return "signal" if self.status.startswith("sig") else self.status

    @property
    def busy_cores(self) -> int:
        """Cores in a request. A busy worker has at least one, whatever its cores say (some versions leave in_request out)."""
        return max(sum(core.busy for core in self.cores or ()), int(self.busy))

    def count(self, name: str) -> t.Optional[int]:
        """The sum of a counter over the cores; None when one of them does not report it."""
        counts = [getattr(core, name) for core in self.cores or ()]
        return None if None in counts else sum(counts)


@dataclasses.dataclass(frozen=True)
class Socket:
    """A socket of the application: its address as configured, the backlog and limit that uWSGI reports."""

    name: str
    protocol: str
    queue: t.Optional[int]
    limit: int

    @property
    def unix(self) -> bool:
        return self.name.startswith("@") or ":" not in self.name


@dataclasses.dataclass(frozen=True)
class Vassal:
    name: str
    state: str  # loyal | ready (not loyal yet) | starting | asleep (on demand) | cursed
    respawns: int


@dataclasses.dataclass(frozen=True)
class Stats:
    """`kind`: app (a master with workers), emperor (vassals, no workers) or router (an HTTP or fast router)."""

    kind: str
    version: t.Optional[str]
    pid: t.Optional[int]
    uid: t.Optional[int]
    cwd: str = ""
    sockets: tuple[Socket, ...] = ()
    workers: tuple[Worker, ...] = ()
    vassals: tuple[Vassal, ...] = ()
    caches: tuple[dict[str, t.Any], ...] = ()
    spoolers: tuple[dict[str, t.Any], ...] = ()
    nodes: tuple[dict[str, t.Any], ...] = ()
    sessions: t.Optional[int] = None
    signal_queue: t.Optional[int] = None
    repaired: str = ""  # what broke the document and was dropped or mended

    @property
    def loaded_at(self) -> t.Optional[float]:
        """When it was started or reloaded: a reload keeps the master's process and starts the workers' counts anew."""
        spawned = [worker.spawned for worker in self.workers if worker.running and (worker.respawns or 0) <= 1 and worker.spawned]
        return min(spawned) if spawned else None

    @property
    def serving(self) -> list[Worker]:
        return [worker for worker in self.workers if worker.serving]

    @property
    def cores_known(self) -> bool:
        return all(worker.cores is not None for worker in self.serving)

    @property
    def cores_active(self) -> int:
        """Threads that can take a request now, of the workers whose cores are known."""
        return sum(len(worker.cores) for worker in self.serving if worker.cores)

    @property
    def cores_busy(self) -> int:
        return sum(worker.busy_cores for worker in self.serving if worker.cores)

    @property
    def slots(self) -> tuple[int, int]:
        """(busy, active): threads where known, else workers, for which busy means at least one thread."""
        if self.cores_known:
            return self.cores_busy, self.cores_active
        return sum(worker.busy for worker in self.serving), len(self.serving)
