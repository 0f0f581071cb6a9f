# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the host knows of a master that runs on it: backlogs from the kernel, CPU and memory of its workers by pid."""

from __future__ import annotations

import dataclasses
import math
import os
import typing as t

from ..._collect import worker_host
from ..._collect.problem import Problem
from ..._collect.worker_host import HostCapacity, Usage
from ..._linux import backlog, usage
from ..._linux.busy import Busy
from ..._linux.processes import socket_inodes
from .document import Socket, Stats


@dataclasses.dataclass(frozen=True)
class Queue:
    """A socket's backlog. `waiting` is None when unknown, with the reason."""

    name: str
    protocol: str
    kind: str
    waiting: t.Optional[int]
    limit: t.Optional[int]
    reason: t.Optional[str] = None


def pids_are_ours(stats: Stats, local: bool) -> bool:
    """Whether the document's process ids mean processes of this host.

    Not so for a remote stats server, nor for one in a container with its own process ids: the workers must be
    children of the master here as well.
    """
    pids = [worker.pid for worker in stats.workers if worker.running]
    parents = {usage.parent(pid) for pid in pids if pid != stats.pid} - {None}
    return local and bool(stats.pid) and (parents == {stats.pid} or stats.pid in pids)


def with_stopped(stats: Stats) -> Stats:
    """As the kernel knows it: a free worker that a signal or a debugger stopped is no free worker, and uWSGI calls it idle."""
    workers = [
        dataclasses.replace(each, status="stopped") if each.status == "idle" and usage.is_stopped(each.pid) else each
        for each in stats.workers
    ]
    return dataclasses.replace(stats, workers=tuple(workers))


def queues(stats: Stats, ours: bool) -> list[Queue]:
    """The backlog of each socket, from the kernel where that is ours to ask.

    uWSGI's own numbers are only looked at elsewhere: they are 0 for UNIX sockets (case U-10) and up to a second old for
    TCP, because the master takes them once in its cycle.
    """
    rows: list[backlog.Backlog] = []
    reason = "uWSGI does not measure UNIX sockets, and this one is not on the host that was asked; run the module there"
    if ours and stats.sockets:
        try:
            rows = backlog.listening()
            reason = "the kernel of the host that was asked does not list this socket (another network namespace?)"
        except Problem as problem:
            reason = f"uWSGI does not measure UNIX sockets, and {problem}"
    owned = socket_inodes(stats.pid) if rows and stats.pid else set()
    return [_queue(socket, _row_of(socket, stats.cwd, rows, owned), reason) for socket in stats.sockets]


def _queue(socket: Socket, row: t.Optional[backlog.Backlog], reason: str) -> Queue:
    kind = "unix" if socket.unix else "tcp"
    if row is not None:
        return Queue(socket.name, socket.protocol, kind, row.waiting, row.limit or None)
    if not socket.unix and socket.queue is not None and (socket.limit or socket.queue):
        return Queue(socket.name, socket.protocol, kind, socket.queue, socket.limit or None)
    return Queue(
        socket.name, socket.protocol, kind, None, None, reason if socket.unix else "uWSGI does not report the backlog of this socket"
    )


def _row_of(socket: Socket, cwd: str, rows: list[backlog.Backlog], owned: set[int]) -> t.Optional[backlog.Backlog]:
    """The kernel's row: by address, of the master's own sockets when they may be read, else the newest of that address."""
    if socket.unix:
        names = {socket.name, os.path.join(cwd, socket.name), os.path.normpath(os.path.join(cwd, socket.name))}
        named = [row for row in rows if row.kind == "unix" and row.address in names]
    else:
        host, _sep, port = socket.name.rpartition(":")
        hosts = {host.strip("[]"), "0.0.0.0", "::"}
        named = [row for row in rows if row.kind == "tcp" and str(row.port) == port]
        named = [row for row in named if row.inode in owned or row.address in hosts]
    mine = [row for row in named if row.inode in owned]
    return max(mine or named, key=lambda row: (row.waiting if mine else 0, row.inode), default=None)


def usage_of(stats: Stats, ours: bool) -> Usage:
    """One look at the workers' and the machine's CPU. Empty for a master that is not on this host."""
    return worker_host.usage_of(worker.pid for worker in stats.workers if worker.running) if ours else Usage()


def busy(stats: Stats) -> list[Busy]:
    """The workers in a request, with the kind of page that each serves, those of the longest requests first."""
    found = []
    for worker in stats.serving:
        if worker.busy_cores:
            running = [core.request for core in worker.cores or () if core.busy and core.request is not None]
            oldest = min(running, key=lambda request: request.started or math.inf, default=None)
            label = "" if oldest is None else f"{oldest.method} {oldest.pattern}".strip()
            began = math.inf if oldest is None else oldest.started or math.inf
            found.append((began, Busy(worker.pid, len(worker.cores or ()), worker.busy_cores, label)))
    return [worker for _began, worker in sorted(found)]


def memory_of(stats: Stats, ours: bool) -> dict[int, usage.Memory]:
    """Memory of each worker by pid: from the process table, else what uWSGI itself reports with memory-report."""
    found = {}
    for worker in stats.workers:
        if not worker.running:
            continue
        memory = usage.memory(worker.pid) if ours else None
        if memory is None and worker.rss_bytes:
            memory = usage.Memory(worker.rss_bytes, worker.pss_bytes, worker.uss_bytes)
        if memory is not None:
            found[worker.pid] = memory
    return found


def capacity_of(stats: Stats, ours: bool) -> t.Optional[HostCapacity]:
    """The capacity of the host of a master that runs here; None elsewhere."""
    return worker_host.capacity_of(stats.pid) if ours and stats.pid else None
