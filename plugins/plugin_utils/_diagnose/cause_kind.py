# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The form of a row of the table of causes, and the groups of causes that several rows explain."""

from __future__ import annotations

import dataclasses
import typing as t

from . import machine
from .cause import Cause
from .fleet_view import Fleet
from .relations import NEEDS_IT, SAME_WAITERS, TASKS_WAIT, WORKERS_WAIT, Relation

Rule = t.Callable[[Fleet], t.Iterator[Cause]]


@dataclasses.dataclass(frozen=True)
class Explains:
    """These causes are consequences when the relation holds; of a cause with variants, only of these (of all when none is named)."""

    causes: tuple[str, ...]
    relation: Relation
    variants: tuple[str, ...] = ()

    def holds(self, deep: Cause, shallow: Cause, fleet: Fleet) -> bool:
        if shallow.cause not in self.causes or (self.variants and deep.variant not in self.variants):
            return False
        return self.relation.holds(deep, shallow, fleet)


@dataclasses.dataclass(frozen=True)
class CauseKind:
    """One row of the table."""

    name: str
    #: The tier it is in; "" where its rule says so case by case.
    tier: str
    title: str
    #: For the documentation: when it is named.
    said_when: str
    #: None for a cause that is made of two others.
    rule: t.Optional[Rule]
    explains: tuple[Explains, ...] = ()
    #: The two causes that it stands for when both hold and nothing explains either.
    both_of: tuple[str, ...] = ()
    #: Named only when it explains something: alone, its finding says all there is to say.
    only_with_consequences: bool = False


#: Causes that are only the application tier's view of something that waits or works too much.
APPLICATION = ("workers_exhausted", "application_overload")
#: Causes that are what visitors and tasks get when something behind them does not respond in time.
ERRORS = ("application_errors", "backend_unreachable", "tasks_failing", "edge_exhausted", "upstream_failing", "upstream_slow")
#: What the edge shows of anything behind it that does not respond in time.
EDGE = ("edge_exhausted", "upstream_failing", "upstream_slow")
#: What an accelerator, and the edge, show of an application that does not respond in time.
FRONT = ("backend_unreachable", "threads_exhausted", *EDGE)

#: Causes that are themselves what visitors or tasks suffer.
SUFFERED = (
    *ERRORS, "service_down", "missing_migration", "requests_refused", "workers_stopped", "workers_stuck", "threads_exhausted",
    "tasks_stuck", "queue_growth", "broker_full",
)  # fmt: skip

#: What a queue shows of something that its tasks wait for.
QUEUES = ("tasks_stuck", "queue_growth")

#: What a database shows of anything that makes its statements slow.
SLOW_STATEMENTS = ("cache_stampede", "database_overload", "connection_budget")

WAITING = Explains(APPLICATION, WORKERS_WAIT)
TASKS = Explains(QUEUES, TASKS_WAIT)
GIVES_ERRORS = Explains(ERRORS, NEEDS_IT)
IN_FRONT = Explains(FRONT, NEEDS_IT)
WAITERS = (
    Explains((*APPLICATION, *QUEUES, "application_errors", "tasks_failing"), SAME_WAITERS),
    IN_FRONT,
)
#: A pooler's clients wait as long as its sessions work.
POOL = Explains(("pool_too_small",), NEEDS_IT)
SLOW_MACHINE = (machine.HANGS, machine.MEMORY, machine.CPU, machine.STOLEN, machine.THROTTLED)
#: A machine on which nothing more can be opened or started.
SPENT_MACHINE = (machine.DESCRIPTORS, machine.TASKS, machine.PORTS)
DOWN_MACHINE = (machine.HANGS, machine.MEMORY, machine.DISK, machine.DESCRIPTORS, machine.TASKS)
