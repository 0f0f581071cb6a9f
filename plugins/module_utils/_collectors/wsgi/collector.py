# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collector of Python's application servers other than uWSGI: their instances on a host, their sampler."""

from __future__ import annotations

import time
import typing as t

from ..._collect import stacks, worker_host
from ..._collect.base import Collector, Presence, Sampler
from ..._collect.facts import Facts, Maybe, Unknown
from ..._collect.host_tools import HostTools
from ..._collect.problem import Down, Problem
from ..._collect.sampling import ONE_SAMPLE
from ..._linux import backlog, usage
from ..._linux.busy import Busy
from ..._linux.processes import Listener, Process, children_now, nearest
from ..._linux.served import address_of
from ..._linux.waits import Waits
from ..._texts.redact import clean
from . import control, fetch, heartbeat, load, settings, shape
from .discover import PID, discover, masters, settings_of, upgraded, workers_of
from .samples import History, Look
from .settings import LOOP, Settings

OPTIONS: dict[str, t.Any] = {"bind": {"type": "str"}, "stacks": {"type": "bool", "default": False}}

#: Seconds between the looks within the window, and the most of them.
INTERVAL, MOST = 0.25, 40
#: Seconds for which a profiler does not stop a process.
A_PROFILERS_STOP = 0.1
#: Processor seconds that the looks may take together: fewer are taken where there are many connections, at both ends and between at least.
BUDGET, WAITS_BUDGET = 0.01, 0.012


class WsgiSampler(Sampler):
    """Looks at the server's sockets and workers at both ends of the window and several times in between."""

    _master: Process
    _settings: Settings
    _reader: fetch.Reader

    def __init__(self, options: dict[str, t.Any], tools: HostTools) -> None:
        super().__init__(options, tools)
        self._looks: list[Look] = []
        self._loads: list[load.Load] = []
        self._pids: list[set[int]] = []
        self._silences: list[heartbeat.Silence] = []
        self._control: tuple[Maybe[control.Control], ...] = ()
        self._usages: list[worker_host.Usage] = []
        self._waits = Waits(WAITS_BUDGET)
        self._spent = 0.0
        self._stacks: t.Optional[Maybe[list[stacks.Row]]] = None if options.get("stacks") else Unknown(stacks.NOT_ASKED)

    @property
    def name(self) -> str:
        return str(self.options.get("name") or self.options.get("bind") or "wsgi")

    def first(self) -> None:
        self._master = self.process()
        self._settings = settings_of(self._master)
        self._ask()
        first = self._control[0]
        if isinstance(first, control.Control):
            self._settings = settings.in_force(first.config, self._settings)
        self._reader = fetch.Reader(self._master, self._settings)
        self._end()
        self._must_run()

    def process(self) -> Process:
        """The main process that discovery found, or that listens at the given place."""
        pid, place = self.options.get(PID), self.options.get("bind")
        every = {row.pid: row for row in masters(self.tools)}
        if pid in every:
            return every[pid]
        at = nearest({master: self._listening(master) for master in every}, place) if place else []
        if at:
            return every[at[0]]
        if not place:
            raise Problem("say where the server listens: bind: 127.0.0.1:8000")
        raise Down(f"no Gunicorn, uvicorn, Granian, Daphne or Hypercorn that can be seen here listens at {clean(str(place), 80)}")

    def _listening(self, master: int) -> list[Listener]:
        return [listener for pid in (master, *children_now(master)) for listener in self.tools.processes.listening(pid)]

    def watch(self, seconds: float) -> None:
        """Look now and then."""
        ends = time.monotonic() + seconds
        self._waits.begin(seconds)
        interval = max(INTERVAL, seconds / MOST)
        while time.monotonic() + interval < ends:
            time.sleep(interval)
            if len(self._loads) == 1 or self._spent * (1 + 1 / len(self._loads)) < BUDGET:
                self._look()
            if self._settings.model != LOOP:
                self._waits.look(self._busy())
        self._read_stacks()
        time.sleep(max(0.0, ends - time.monotonic()))

    def _read_stacks(self) -> Maybe[list[stacks.Row]]:
        """Once, of workers with requests."""
        if self._stacks is None:
            self._stacks = stacks.read(self.tools, self._busy(), self._master.link("cwd") or "")
        return self._stacks

    def second(self) -> None:
        if usage.owner(self._master.pid) is None:
            raise Down("it ended within the window")
        self._end()
        self._must_run()
        self._ask()

    def _must_run(self) -> None:
        """Workers that are stopped hold their sockets, on which requests wait for ever, and none of them is busy."""
        pids = [worker.pid for worker in self._looks[-1].workers]
        if pids and all(map(usage.is_stopped, pids)):
            time.sleep(A_PROFILERS_STOP)
            if not all(map(usage.is_stopped, pids)):
                return
            raise Down(f"all its workers are stopped by a signal or a debugger (state T); {usage.continued(*{self._master.pid, *pids})}")

    def _ask(self) -> None:
        """Gunicorn itself, over its control socket."""
        pids = workers_of(self._master, self._settings)
        asked = control.read(self._master, pids) if self._settings.server == "gunicorn" else Unknown(control.OTHER)
        self._control = (*self._control[:1], asked)

    def _end(self) -> None:
        self._look()
        self._usages.append(worker_host.usage_of(worker.pid for worker in self._looks[-1].workers))

    def _look(self) -> None:
        begun = time.thread_time()
        pids = workers_of(self._master, self._settings)
        look = self._reader.look(pids)
        self._looks[1:] = [look]
        self._loads.append(load.of(look, self._settings))
        self._pids.append({worker.pid for worker in look.workers})
        self._silences.append((look.moment, look.silence))
        self._spent += time.thread_time() - begun

    def _busy(self) -> list[Busy]:
        """Workers with requests, by the last look."""
        last = self._loads[-1]
        threads = {worker.pid: worker.threads for worker in self._looks[-1].workers}
        return [
            Busy(pid, threads.get(pid, 1), share.running, "")
            for pid, share in last.per_worker
            if isinstance(share.running, int) and share.running > 0
        ]

    def facts(self, window: t.Optional[float]) -> Facts:
        last = self._looks[-1]
        memory = {worker.pid: usage.memory(worker.pid) for worker in last.workers}
        starts = {worker.pid: usage.started_at(worker.pid) for worker in last.workers}
        later = upgraded(self._master)
        found = shape.facts(
            History(
                settings=self._settings,
                last=last,
                loads=tuple(self._loads),
                window=window,
                pid=self._master.pid,
                born=len(set().union(*self._pids[1:]) - self._pids[0]) if len(self._pids) > 1 else 0,
                masters=(self._master.pid, *later),
                newest=len(set(children_now(later[-1])) & {worker.pid for worker in last.workers}) if later else None,
                grown=max(0, len(self._pids[-1]) - len(self._pids[0])),
                usages=tuple(self._usages),
                memory={pid: found for pid, found in memory.items() if found is not None},
                capacity=worker_host.capacity_of(self._master.pid),
                ages={pid: round(max(0.0, time.time() - at), 1) for pid, at in starts.items() if at is not None},
                somaxconn=backlog.somaxconn(),
                control=self._control,
                timeouts=heartbeat.timeouts(self._silences, self._settings) if window is not None else Unknown(ONE_SAMPLE),
                waits=self._waits if window is not None and self._settings.model != LOOP else None,
                top=self.tools.top,
            )
        )
        stacks.put(found, self._read_stacks())
        return found

    def presence(self) -> Presence:
        listens = [address_of(each) for each in self._looks[-1].listeners] if self._looks else []
        return Presence([self._master.pid], listens, code=self._master.link("cwd") or "")


COLLECTOR = Collector("wsgi", OPTIONS, WsgiSampler, discover, places=("bind",))
