# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the sampler saw, for shape: several looks at the sockets and the workers, from the window's first moment to its last."""

from __future__ import annotations

import dataclasses
import typing as t

from ..._collect.facts import Maybe, Unknown
from ..._collect.worker_host import HostCapacity, Usage
from ..._linux.backlog import Backlog
from ..._linux.served import Served
from ..._linux.usage import Memory
from ..._linux.waits import Waits
from . import control, heartbeat
from .load import Load
from .settings import Settings


@dataclasses.dataclass(frozen=True)
class Worker:
    """A process that takes requests. `read`: whether its descriptors could be; without them its connections are not known."""

    pid: int
    connections: tuple[Served, ...] = ()
    #: Inodes of those that its event loop watches while no thread has them.
    parked: frozenset[int] = frozenset()
    listens: bool = False
    read: bool = False
    threads: int = 0
    #: Seconds since Gunicorn's main process heard of it last, None where that cannot be read.
    silent: t.Optional[float] = None
    #: By a signal or a debugger: it serves nobody, and what it holds waits.
    stopped: bool = False


@dataclasses.dataclass(frozen=True)
class Look:
    """`queued`: connections that no worker has accepted; `accepted`: all others, None where the kernel does not say whose they are."""

    workers: tuple[Worker, ...]
    listeners: tuple[Backlog, ...] = ()
    queued: tuple[Served, ...] = ()
    accepted: t.Optional[tuple[Served, ...]] = None
    hindrance: t.Optional[str] = None
    #: By the monotonic clock.
    moment: float = 0.0

    @property
    def silence(self) -> dict[int, float]:
        """By worker, of those of which it is known."""
        return {worker.pid: worker.silent for worker in self.workers if worker.silent is not None}


@dataclasses.dataclass(frozen=True)
class History:
    """`loads`: of every look in order; `window` is None when there was one look only."""

    settings: Settings
    last: Look
    loads: tuple[Load, ...]
    window: t.Optional[float]
    pid: int
    #: Workers that were not there at the first look, and how many more there are at the last.
    born: int = 0
    grown: int = 0
    #: Main processes of Gunicorn that share the sockets: two while an upgrade (USR2) is not finished. The last one has `newest` workers.
    masters: tuple[int, ...] = ()
    newest: t.Optional[int] = None
    usages: tuple[Usage, ...] = (Usage(),)
    memory: t.Mapping[int, Memory] = dataclasses.field(default_factory=dict)
    capacity: t.Optional[HostCapacity] = None
    #: Seconds since each worker's start, by process.
    ages: t.Mapping[int, float] = dataclasses.field(default_factory=dict)
    somaxconn: t.Optional[int] = None
    waits: t.Optional[Waits] = None
    #: What Gunicorn tells of itself, at the window's first moment and at its last.
    control: tuple[Maybe[control.Control], ...] = (Unknown(control.OTHER),)
    #: Workers that Gunicorn ended in the window because they were silent for too long.
    timeouts: Maybe[int] = Unknown(heartbeat.NONE)
    top: int = 10
