# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Everything that was read of a machine in one window: what the shapes make facts of."""

from __future__ import annotations

import dataclasses
import typing as t

from ..._collect.derived import Window
from ..._collect.facts import Maybe
from ..._linux.cgroup import Limits
from ..._linux.kernel_text import Counters
from ..._linux.usage import Memory
from . import parse
from .clock import Clock
from .deleted_files import Held
from .fetch import Sample, State
from .kernel_tables import Full
from .local_ports import Ports
from .logs import Log
from .process_disk import Account
from .process_table import Row, Table
from .task_limits import TaskLimit

FILTERED = "other users' processes are hidden from this user (hidepid): run with become"
NO_TABLE = "the process table could not be read"


@dataclasses.dataclass
class Tick:
    """A look between the two samples: swap counters, runnable and blocked tasks, the threads of busy processes."""

    at: float
    vmstat: Counters
    kernel: Counters
    threads: dict[int, dict[tuple[int, int], parse.Thread]]  # pid → (tid, start) → thread


@dataclasses.dataclass
class Reading:
    state: State
    limits: Limits
    first: Sample
    second: t.Optional[Sample]
    table_first: Table
    table_last: Table
    ticks: list[Tick]
    exact: dict[int, Memory]  # where PSS could be read
    files: tuple[list[tuple[Row, int, int]], int]  # of processes with a limit; how many could not be read
    service_limits: dict[int, Limits]  # pid of a service's first process → its own groups' limits
    group_memory: dict[str, t.Optional[int]]  # folder of a memory group → bytes in use
    clock: Clock
    kernel_log: t.Optional[list[str]]
    own_pid: int
    ticks_per_second: int
    top: int
    tools_absent: list[str]  # programs that printed commands would run
    monitoring: list[dict[str, t.Any]] = dataclasses.field(default_factory=list)  # programs that show the services of this host
    logs: Maybe[list[Log]] = dataclasses.field(default_factory=list)  # the large ones
    task_limits: list[TaskLimit] = dataclasses.field(default_factory=list)
    local_ports: Maybe[list[Ports]] = dataclasses.field(default_factory=list)
    deleted_files: list[Held] = dataclasses.field(default_factory=list)  # when a filesystem is nearly full
    kernel_tables: list[Full] = dataclasses.field(default_factory=list)
    disk_use: tuple[t.Optional[Account], t.Optional[Account]] = (None, None)  # bytes by process, at both samples

    @property
    def seconds(self) -> t.Optional[float]:
        """Between the two samples of the kernel's counters."""
        return None if self.second is None else self.second.at - self.first.at

    def window(self, part: str, lacking: str) -> Window:
        """A part of the samples (`vmstat`, `kernel`, `tcp`) over the window; `lacking`: the reason for a counter that is not there."""
        after = None if self.second is None else getattr(self.second, part)
        return Window(getattr(self.first, part), after, self.seconds, lacking.format)

    def devices(self, part: str, name: str) -> Window:
        """The counters of one disk or network interface over the window."""
        after = {} if self.second is None else getattr(self.second, part)
        return Window(getattr(self.first, part).get(name, {}), after.get(name), self.seconds, "this system does not count {}".format)

    def incomplete(self) -> t.Optional[str]:
        """Why the process table does not show everything, None when it does."""
        if not self.table_last.readable:
            return NO_TABLE
        return FILTERED if self.table_last.filtered else None
