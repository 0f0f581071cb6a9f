# Copyright (c) 2026, the warroom.launch authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Gunicorn answers over its control socket, beside what the kernel tells of its workers, as the collector reads both."""

from __future__ import annotations

import struct
import typing as t

from ansible_collections.warroom.launch.plugins.module_utils._collect.facts import Maybe, Unknown
from ansible_collections.warroom.launch.plugins.module_utils._collect.problem import Problem
from ansible_collections.warroom.launch.plugins.module_utils._collect.worker_host import HostCapacity, Usage
from ansible_collections.warroom.launch.plugins.module_utils._collectors.wsgi import control, load, settings, shape
from ansible_collections.warroom.launch.plugins.module_utils._collectors.wsgi.samples import History, Look, Worker
from ansible_collections.warroom.launch.plugins.module_utils._linux.backlog import Backlog
from ansible_collections.warroom.launch.plugins.module_utils._linux.served import Served

from .reply_source import Facts, Source, part, written

#: Recorded from Gunicorn 27.0.1 with `-w 2 -k gthread --threads 3 -t 9`.
STATS: dict[str, t.Any] = {
    "uptime": 3.21,
    "pid": 4100,
    "workers_current": 2,
    "workers_target": 2,
    "workers_spawned": 3,
    "workers_killed": 1,
    "reloads": 0,
    "dirty_arbiter_pid": None,
}
CONFIG: dict[str, t.Any] = {
    "bind": ["127.0.0.1:8000"],
    "workers": 2,
    "worker_class": "<class 'gunicorn.workers.gthread.ThreadWorker'>",
    "threads": 3,
    "timeout": 9,
    "max_requests": 0,
}
#: All that is known without the socket: a process title hides the command line.
HIDDEN = settings.Settings("gunicorn", unread=settings.HIDDEN, statsd="127.0.0.1:8125")
_LOOK = Look(
    (Worker(4101, tuple(Served(inode, True, 0, 2.5) for inode in range(10, 15)), listens=True, read=True, threads=4),
     Worker(4102, (Served(20, True, 0, 1.0),), listens=True, read=True, threads=4)),
    (Backlog("tcp", "127.0.0.1", 8000, 1, 1, 2048),), (Served(0, True, 0, 0.5),), tuple(Served(inode) for inode in (*range(10, 15), 20)),
)  # fmt: skip


def framed(answer: bytes) -> bytes:
    return struct.pack(">I", len(answer)) + answer


def _asked(document: t.Any) -> Maybe[control.Control]:
    try:
        stats, config = (control.parse(framed(written({"status": "ok", "data": part(document, name)}))) for name in ("stats", "config"))
        return control.Control(stats, config)
    except Problem as problem:
        return Unknown(f"its control socket cannot be read: {problem}")


def _read(first: t.Any, second: t.Any) -> Facts:
    asked = (_asked(first), _asked(second))
    known = settings.in_force(asked[0].config, HIDDEN) if isinstance(asked[0], control.Control) else HIDDEN
    history = History(
        known, _LOOK, (load.of(_LOOK, known),) * 3, 5.0, 4100,
        usages=(Usage({4101: 1.0, 4102: 1.0}, machine=(90.0, 100.0)), Usage({4101: 3.0, 4102: 1.5}, machine=(96.0, 110.0))),
        capacity=HostCapacity(2, 2, 8 << 30, 4 << 30),
        ages={4101: 30.0, 4102: 2.0}, somaxconn=4096, control=asked, timeouts=0,
    )  # fmt: skip
    return shape.facts(history).done()


def sources() -> list[Source]:
    """`pid` is of the main process, and the socket is its own by then."""
    return [Source("wsgi", "gunicorn-27.0.1", {"stats": STATS, "config": CONFIG}, _read, frozenset({"worker_class"}))]
