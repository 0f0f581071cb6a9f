# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collector of uWSGI: its options, its instances on a host, its sampler."""

from __future__ import annotations

import contextlib
import time
import typing as t

from ..._collect import stacks
from ..._collect.base import Collector, Presence, Sampler
from ..._collect.facts import Facts, Maybe, Unknown
from ..._collect.host_tools import HostTools
from ..._collect.problem import Problem
from ..._collect.worker_host import Usage
from ..._linux import backlog
from ..._linux.waits import Waits
from . import fetch, host_view, parse, shape
from .discover import discover, settings_of
from .document import Stats
from .samples import Glance, History, Look

OPTIONS: dict[str, t.Any] = {"stats": {"type": "str"}, "stacks": {"type": "bool", "default": False}}

#: Seconds between the light samples of the window, and the most of them: a reading costs the master 1 to 3 ms.
INTERVAL = 0.25
MOST = 40
#: A reading may take up to this part of the interval; larger documents are read less often.
COST = 0.1


class UwsgiSampler(Sampler):
    """Reads the stats server at both ends of the window and several times in between."""

    _reader: fetch.Reader
    _last: Stats
    _ours = False

    def __init__(self, options: dict[str, t.Any], tools: HostTools) -> None:
        super().__init__(options, tools)
        self._ends: list[Look] = []
        self._glances: list[Glance] = []
        self._usages: list[Usage] = []
        self._waits = Waits()
        self._stacks: t.Optional[Maybe[list[stacks.Row]]] = None if options.get("stacks") else Unknown(stacks.NOT_ASKED)

    @property
    def name(self) -> str:
        return str(self.options.get("name") or self.options.get("stats") or "uwsgi")

    def first(self) -> None:
        if self.options.get("problem"):
            raise Problem(self.options["problem"])
        if not self.options.get("stats"):
            raise Problem("say where the stats server listens: stats: 127.0.0.1:1717")
        self._reader = fetch.Reader(self.options["stats"])
        stats = parse.stats(self._reader.read(self.tools.timeout))
        self._ours = host_view.pids_are_ours(stats, self._reader.local)
        self._end(stats)

    def watch(self, seconds: float) -> None:
        """Look now and then. A look that fails is left out: the last one decides whether the instance is there."""
        ends = time.monotonic() + seconds
        self._waits.begin(seconds)
        interval = max(INTERVAL, seconds / MOST)
        while time.monotonic() + interval < ends:
            time.sleep(interval)
            begun = time.monotonic()
            with contextlib.suppress(Problem):
                look = self._look(parse.stats(self._reader.read(min(self.tools.timeout, max(0.1, ends - begun)))))
                if self._ours:
                    self._waits.look(host_view.busy(look.stats))
            interval = max(interval, (time.monotonic() - begun) / COST)
        self._read_stacks()
        time.sleep(max(0.0, ends - time.monotonic()))

    def _read_stacks(self) -> Maybe[list[stacks.Row]]:
        """Once, of the workers that are longest in their requests."""
        if self._stacks is None:
            stats = self._last
            self._stacks = stacks.read(self.tools, host_view.busy(stats), stats.cwd) if self._ours else Unknown(stacks.ELSEWHERE)
        return self._stacks

    def second(self) -> None:
        self._end(parse.stats(self._reader.read(self.tools.timeout)))

    def _look(self, stats: Stats) -> Look:
        stats = host_view.with_stopped(stats) if self._ours else stats
        look = Look(stats, tuple(host_view.queues(stats, self._ours)), time.time())
        self._last = stats
        self._glances.append(Glance.of(look))
        return look

    def _end(self, stats: Stats) -> None:
        self._ends.append(self._look(stats))
        self._usages.append(host_view.usage_of(stats, self._ours))

    def facts(self, window: t.Optional[float]) -> Facts:
        found = shape.facts(
            History(
                first=self._ends[0],
                last=self._ends[-1],
                glances=tuple(self._glances),
                window=window,
                usages=tuple(self._usages),
                memory=host_view.memory_of(self._ends[-1].stats, self._ours),
                ours=self._ours,
                capacity=host_view.capacity_of(self._ends[-1].stats, self._ours),
                somaxconn=backlog.somaxconn() if self._ours else None,
                top=self.tools.top,
                transport=self._reader.transport,
                http=self._reader.http,
                local=self._reader.local,
                address=self._reader.place,
                settings=self._settings(),
                waits=self._waits if self._ours and window is not None else None,
            )
        )
        stacks.put(found, self._read_stacks())
        return found

    def presence(self) -> Presence:
        stats = self._ends[-1].stats
        return Presence(
            [stats.pid] if self._ours and stats.pid else [],
            [socket.name for socket in stats.sockets],
            code=stats.cwd,
            loaded_at=stats.loaded_at,
        )

    def _settings(self) -> t.Optional[dict[str, t.Any]]:
        """The master's configuration; None when the master is not a process that can be seen here."""
        pid = self._ends[-1].stats.pid
        master = next((row for row in self.tools.processes.rows if row.pid == pid), None) if self._ours else None
        return None if master is None else settings_of(master)


COLLECTOR = Collector("uwsgi", OPTIONS, UwsgiSampler, discover, places=("stats",), access=("stats",))
