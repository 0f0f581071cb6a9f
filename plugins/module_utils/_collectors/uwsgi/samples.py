# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the sampler saw, for shape: a full look at each end of the window and light ones in between."""

from __future__ import annotations

import dataclasses
import typing as t

from ..._collect.worker_host import HostCapacity, Usage
from ..._linux.usage import Memory
from ..._linux.waits import Waits
from .document import Stats
from .host_view import Queue


@dataclasses.dataclass(frozen=True)
class Look:
    """One reading of the stats server and of the kernel's backlogs."""

    stats: Stats
    queues: tuple[Queue, ...]
    clock: float  # unix seconds when it was read

    @property
    def waiting(self) -> t.Optional[int]:
        """The longest backlog; None when none is known, or when the known ones are empty and others unknown."""
        known = [queue.waiting for queue in self.queues if queue.waiting is not None]
        longest = max(known, default=None)
        return None if not longest and len(known) < len(self.queues) else longest


@dataclasses.dataclass(frozen=True)
class Glance:
    """What is kept of every look: a large document is not held forty times."""

    slots: tuple[int, int]
    cores_known: bool
    cores_active: int
    cores_busy: int
    waiting: t.Optional[int]
    clients: tuple[str, ...]
    #: Of each request that was running and told what it is.
    pages: tuple[str, ...] = ()

    @classmethod
    def of(cls, look: Look) -> Glance:
        stats = look.stats
        running = [core.request for worker in stats.workers for core in worker.cores or () if core.busy and core.request is not None]
        clients = tuple(request.client for request in running if request.client)
        pages = tuple(request.pattern for request in running if request.pattern and not request.streams)
        return cls(stats.slots, stats.cores_known, stats.cores_active, stats.cores_busy, look.waiting, clients, pages)

    @property
    def all_busy(self) -> bool:
        busy, active = self.slots
        return 0 < active <= busy


@dataclasses.dataclass(frozen=True)
class History:
    """`glances` holds every look in order, the ends included; `window` is None when there was one look only."""

    first: Look
    last: Look
    glances: tuple[Glance, ...]
    window: t.Optional[float]
    usages: tuple[Usage, ...]
    memory: dict[int, Memory]
    ours: bool  # the process ids are this host's
    capacity: t.Optional[HostCapacity]
    somaxconn: t.Optional[int]
    top: int = 10
    address: t.Optional[str] = None
    transport: str = "tcp"
    http: bool = False
    local: bool = True
    settings: t.Optional[dict[str, t.Any]] = None
    waits: t.Optional[Waits] = None

    @property
    def mean_cores_active(self) -> float:
        return sum(glance.cores_active for glance in self.glances) / len(self.glances)

    @property
    def mean_cores_busy(self) -> float:
        return sum(glance.cores_busy for glance in self.glances) / len(self.glances)
