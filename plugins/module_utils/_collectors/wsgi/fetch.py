# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fetch: one look at a server through the kernel: its listening sockets, their connections, and what each worker has open."""

from __future__ import annotations

import collections
import dataclasses
import time
import typing as t

from ..._collect.edges import BECOME
from ..._collect.problem import Problem
from ..._linux import backlog, opened, served, unix_ends, usage
from ..._linux.backlog import Backlog
from ..._linux.processes import Process
from ..._linux.served import Served
from ..._linux.thread_wait import threads
from . import heartbeat
from .samples import Look, Worker
from .settings import ONE, THREADS, Settings

CONTAINED = "it runs in a network namespace of its own (a container), whose sockets cannot be asked for from here: run the module there"
UNSEEN = f"where it listens may not be read: {BECOME}"
#: The end of the path of the socket that Gunicorn is controlled over.
CONTROL = "/gunicorn.ctl"
NOWHERE = "it listens on no socket"


class Reader:
    """Looks at one server. Which sockets it listens on is found once."""

    def __init__(self, master: Process, settings: Settings) -> None:
        self._master = master
        self._settings = settings
        self._listening: set[int] = set()
        self._single = False

    def look(self, workers: t.Sequence[int]) -> Look:
        """`workers`: the processes that take requests."""
        if self._master.elsewhere("net"):
            return _blind(workers, CONTAINED)
        if not self._listening:
            self._listening = self._found(workers)
        try:
            # connections before descriptors: one that is accepted meanwhile is counted once, as waiting
            every = backlog.listening()
            listeners = [row for row in every if row.inode in self._listening and not row.address.endswith(CONTROL)]
            tcp = [(listener, served.connections(listener, every)) for listener in listeners if listener.kind == "tcp"]
            unix = unix_ends.connected() if len(tcp) < len(listeners) else {}
        except Problem as problem:
            return _blind(workers, str(problem))
        if not listeners:
            return _blind(workers, NOWHERE if opened.of(self._master.pid) is not None else UNSEEN)
        self._single = len(listeners) == 1
        rows = {row.inode: row for _listener, connections in tcp for row in connections if row.inode}
        owned = {**rows, **{inode: Served(inode) for inode, end in unix.items() if end.accepted}}
        queued = {listener.inode: [row for row in connections if not row.inode] for listener, connections in tcp}
        places = collections.Counter((each.address, each.port) for each in listeners)
        return Look(
            self._workers(workers, owned),
            tuple(_dated(each, queued.get(each.inode), places[each.address, each.port]) for each in listeners),
            tuple(row for waiting in {(each.address, each.port): queued[each.inode] for each, _rows in tcp}.values() for row in waiting),
            tuple(rows.values()) if len(tcp) == len(listeners) else None,
            moment=time.monotonic(),
        )

    def _found(self, workers: t.Sequence[int]) -> set[int]:
        """Inodes among which those of its listening sockets are: what its workers have, as far as that may be read."""
        descriptors = [opened.of(pid) for pid in workers or [self._master.pid]]
        return {inode for each in descriptors if each is not None for inode in each.inodes}

    def _workers(self, pids: t.Sequence[int], owned: t.Mapping[int, Served]) -> tuple[Worker, ...]:
        found = [self._worker(pid, owned) for pid in pids]
        if any(worker.listens for worker in found):
            # a child that neither listens nor holds a connection is a helper
            found = [worker for worker in found if worker.listens or worker.connections or not worker.read]
        return tuple(found)

    def _worker(self, pid: int, owned: t.Mapping[int, Served]) -> Worker:
        descriptors = opened.of(pid, heartbeat.FILE if self._settings.server == "gunicorn" else "")
        if descriptors is None:
            return Worker(pid, stopped=usage.is_stopped(pid))
        silent = heartbeat.silent(pid, descriptors.files)
        own = {number: inode for number, inode in descriptors.sockets.items() if inode in owned}
        listens = bool(descriptors.inodes & self._listening)
        parked: set[int] = set()
        if self._settings.server == "gunicorn" and self._settings.model == THREADS:
            watched = [opened.watched(pid, epoll) for epoll in descriptors.epolls]
            # the loop's own watches more than connections; a thread that waits for a request's bytes watches that connection alone
            parked = {own[number] for each in watched if each - set(own) for number in each if number in own}
        connections = tuple(owned[inode] for inode in dict.fromkeys(own.values()))
        if self._settings.model == ONE and self._single:
            # with several sockets it waits for any of them after its sign
            connections = tuple(each if each.age is not None else each._replace(age=silent) for each in connections)
        return Worker(pid, connections, frozenset(parked), listens, True, len(threads(pid)), silent, usage.is_stopped(pid))


def _dated(listener: Backlog, queued: t.Optional[list[Served]], at_its_place: int) -> Backlog:
    """With as many as were read with their times. Of several sockets at one place (SO_REUSEPORT) the kernel's count holds."""
    return listener if queued is None or at_its_place > 1 else dataclasses.replace(listener, waiting=len(queued))


def _blind(workers: t.Sequence[int], why: str) -> Look:
    return Look(tuple(Worker(pid) for pid in workers), hindrance=why)
