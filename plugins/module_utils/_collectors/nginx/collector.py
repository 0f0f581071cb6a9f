# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collector of nginx: its options, its instances on a host, its sampler."""

from __future__ import annotations

import os
import time
import typing as t

from ..._collect.base import Collector, Presence, Sampler
from ..._collect.edges import BECOME
from ..._collect.facts import Facts, Maybe, Unknown
from ..._collect.host_tools import HostTools
from ..._collect.problem import Down, Ended, Problem
from ..._collect.sampling import ONE_SAMPLE
from ..._linux import backlog, limits, opened, usage
from ..._linux.processes import Process, Processes
from ..._linux.served import address_of
from ..._texts.redact import clean
from . import discover, shape, status
from .files import Reader
from .logs import Logs
from .samples import History, Worker
from .settings import StatusPlace, of
from .status import Status

OPTIONS: dict[str, t.Any] = {
    "status_url": {"type": "str"},
    "config": {"type": "path"},
}
NO_STATUS = f"its configuration has no stub_status page: {status.ALLOW}"
UNSEEN = "its process is not one of this host that can be seen: run the check where it runs"


class NginxSampler(Sampler):
    """Asks the status page at both ends of the window and counts what the logs grew by."""

    _master: t.Optional[Process] = None
    _logs: t.Optional[Logs] = None
    _files: t.Sequence[str] = ()

    def __init__(self, options: dict[str, t.Any], tools: HostTools) -> None:
        super().__init__(options, tools)
        self._history = History(top=tools.top)
        self._pids: set[int] = set()

    @property
    def name(self) -> str:
        return str(self.options.get("name") or self.options.get("status_url") or self.options.get("config") or "nginx")

    def first(self) -> None:
        given = self.options.get("status_url")
        place = status.place_of(given) if given else None
        self._master = self._process(place)
        if self._master is None and place is None:
            raise Down("no nginx that can be seen runs here with this configuration")
        self._read_configuration()
        self._history.first = self._status()
        if self._master is None and isinstance(self._history.first, Unknown):
            raise Problem(self._history.first.reason)
        self._pids = {process.pid for process in self._workers()}

    def _process(self, place: t.Optional[StatusPlace]) -> t.Optional[Process]:
        """The main process that discovery found, that reads the given file, or that listens where the status page is."""
        masters = discover.masters(self.tools)
        pid, config = self.options.get(discover.PID), self.options.get("config")
        if pid:
            return next((each for each in masters if each.pid == pid), None)
        if config:
            reading = [each for each in masters if discover.configuration(each, None, discover.built(each, self.tools)).path == config]
            return next(iter(reading or (masters if len(masters) == 1 else [])), None)
        if place is None or isinstance(place.address, str):
            return None
        pids = self.tools.processes.serving("{}:{}".format(*place.address), *discover.NAMES)
        return next((each for each in masters if each.pid in pids), None)

    def _read_configuration(self) -> None:
        history, master = self._history, self._master
        if master is None:
            history.settings = Unknown(UNSEEN)
            return
        built = discover.built(master, self.tools)
        place = discover.configuration(master, self.options.get("config"), built)
        history.version, history.pid = built.version, master.pid
        read = Reader(place.path, place.root).found
        if not read.tree:
            history.settings = Unknown(f"its configuration {clean(place.path, 200)} cannot be read: {BECOME}, or give config")
            return
        if read.unread:
            history.notes.append(f"{clean(read.unread[0], 200)}, which its configuration includes, cannot be read: {BECOME}")
        if read.cut:
            history.notes.append("its configuration is larger than what is read of one")
        history.settings = of(read.tree)
        self._files = [path for path in read.files if not place.root]
        self._logs = Logs(history.settings, place, (built.http_log, built.error_log))

    def _places(self) -> list[StatusPlace]:
        if self.options.get("status_url"):
            return [status.place_of(self.options["status_url"])]
        settings = self._history.settings
        return [] if isinstance(settings, Unknown) else list(settings.status)

    def _status(self) -> Maybe[Status]:
        """From the first place that answers; else why the first of them does not."""
        settings, places = self._history.settings, self._places()
        if not places:
            self._history.status_url = Unknown(settings.reason if isinstance(settings, Unknown) else NO_STATUS)
            return self._history.status_url
        if self._master is not None and self._master.elsewhere("net"):
            return Unknown("it runs in a network namespace of its own (a container): run the module there, or give status_url")
        problems = []
        for place in places:
            try:
                found = status.fetch(place, self.tools.timeout)
                self._history.status_url = status.url_of(place)
                return found
            except Problem as problem:
                problems.append(self.tools.sentence(problem))
        self._history.status_url = Unknown(problems[0])
        return Unknown(problems[0])

    def second(self) -> None:
        history = self._history
        history.second = self._status()
        if self._logs is not None:
            own = {place.path for place in self._places()}
            history.access = self._logs.access(history.tally, own)
            history.errors = self._logs.errors(history.messages)
        if self._master is not None:
            self._check_alive(self._master)

    def _check_alive(self, master: Process) -> None:
        now = Processes.read()
        if any(row.pid == master.pid and row.argv for row in now.rows):
            self._history.workers_born = len({row.pid for row in discover.workers(master, now.rows)} - self._pids)
            return
        # an upgrade of the program replaces the main process as well
        raise Ended(f"nginx (pid {master.pid}) ended within the window: start it again, read its error log")

    def _workers(self) -> list[Process]:
        return [] if self._master is None else discover.workers(self._master, self.tools.processes.rows)

    def facts(self, window: t.Optional[float]) -> Facts:
        history = self._history
        history.window = window
        if window is None:
            history.access.why = history.errors.why = ONE_SAMPLE
        elif self._logs is None:
            why = history.settings.reason if isinstance(history.settings, Unknown) else ONE_SAMPLE
            history.access.why = history.errors.why = why
        if self._logs is not None:
            history.access.paths, history.errors.paths = self._logs.access_paths, self._logs.error_paths
        self._look_at_processes()
        return shape.facts(history)

    def _look_at_processes(self) -> None:
        history, master = self._history, self._master
        if master is None:
            history.workers = history.listeners = Unknown(UNSEEN)
            return
        started = usage.started_at(master.pid)
        history.uptime = None if started is None else max(0.0, time.time() - started)
        rows = Processes.read().rows
        history.workers = tuple(_worker(process.pid) for process in discover.workers(master, rows))
        history.workers_leaving = len(discover.leaving(master, rows))
        history.listeners = self._listeners(master)

    def _listeners(self, master: Process) -> Maybe[tuple[backlog.Backlog, ...]]:
        if master.elsewhere("net"):
            return Unknown("it listens in a network namespace of its own (a container): run the module there")
        pids = [master.pid, *(process.pid for process in self._workers())]
        descriptors = [found for pid in pids if (found := opened.of(pid)) is not None]
        if not descriptors:
            return Unknown(f"the sockets of its processes may not be read: {BECOME}")
        inodes = {inode for found in descriptors for inode in found.inodes}
        try:
            return tuple(row for row in backlog.listening() if row.inode in inodes)
        except Problem as problem:
            return Unknown(str(problem))

    def presence(self) -> t.Optional[Presence]:
        history = self._history
        listens = [] if isinstance(history.listeners, Unknown) else [address_of(each) for each in history.listeners]
        pids = [] if self._master is None else [self._master.pid]
        settings = history.settings
        if isinstance(settings, Unknown):
            return Presence(pids, listens, (), f"whom it sends requests to is not known: {settings.reason}")
        partial = "some of its locations name the server by a variable" if settings.variable_targets else None
        return Presence(pids, listens, settings.places, partial, reads=self._files)


def _worker(pid: int) -> Worker:
    found = opened.of(pid)
    try:
        descriptors = None if found is None else len(os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        descriptors = None
    return Worker(pid, None if found is None else len(found.sockets), descriptors, limits.descriptors(pid))


COLLECTOR = Collector("nginx", OPTIONS, NginxSampler, discover.discover, places=("status_url", "config"))
