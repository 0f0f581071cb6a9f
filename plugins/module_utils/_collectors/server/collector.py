# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collector of the machine itself: one instance, named by the host's own name."""

from __future__ import annotations

import os
import time
import typing as t

from ..._collect.base import Collector, Sampler
from ..._collect.facts import Facts
from ..._collect.host_tools import HostTools
from ..._collect.problem import Problem
from ..._linux import cgroup
from ..._linux.kernel_text import keyed
from . import clock, deleted_files, kernel_tables, local_ports, logs, process_disk, process_kinds, process_table, shape, task_limits, tools
from .fetch import Host, Sample
from .proc_source import ProcSource
from .process_table import Row, Table
from .sample import Reading, Tick

OPTIONS: dict[str, t.Any] = {"name": {"type": "str"}}

#: Looks in a window; between the first two of them the busy processes are found whose threads are then followed.
FEWEST_LOOKS, MOST_LOOKS = 4, 10
#: A process below this cannot hold a thread that uses a whole core.
CANDIDATE_CORES = 0.8
CANDIDATES = 50
#: First processes of services whose control groups are looked at.
GROUPS_READ = 60
DESCRIPTORS_READ = 200
#: What processes below these sizes share with each other does not change a picture.
SHARING_BYTES, LARGE_BYTES = 8 << 20, 100 << 20


def source() -> t.Any:
    """psutil where it works, else the same from /proc: load and memory need no library."""
    try:
        import psutil
    except Exception as error:  # pylint: disable=broad-exception-caught # it reads /proc when it is imported, and fails as it likes
        if not os.path.exists("/proc/stat"):
            why = f"{type(error).__name__}: {error}"
            raise Problem(f"the Python library psutil does not work here ({why}), and there is no /proc to read instead") from None
        return ProcSource()
    return psutil


class ServerSampler(Sampler):
    quiet = True

    _first: Sample
    _table_first: Table
    _second: t.Optional[Sample] = None
    _table_last: t.Optional[Table] = None
    _disk_first: t.Optional[process_disk.Account] = None
    _disk_last: t.Optional[process_disk.Account] = None

    def __init__(self, options: dict[str, t.Any], tools: HostTools) -> None:
        super().__init__(options, tools)
        self._ticks: list[Tick] = []
        self._candidates: list[int] = []

    @property
    def name(self) -> str:
        return str(self.options.get("name") or os.uname().nodename)

    def first(self) -> None:
        self._host = Host(source())
        self._tables = process_table.TableReader(self._host)
        self._table_first = self._tables.read()
        self._limits = self._service_limits(self._table_first)
        self._host.watched.update(one.cpu_folder for one in self._limits.values() if one.cpu_folder)
        self._first = self._host.sample()
        self._disk_first = process_disk.read(self._host, self._table_first)

    def watch(self, seconds: float) -> None:
        """Look several times: what holds in every look is a state and not a burst."""
        begun = time.monotonic()
        looks = max(FEWEST_LOOKS, min(MOST_LOOKS, int(seconds)))
        for look in range(1, looks):
            time.sleep(max(0.0, begun + seconds * look / looks - time.monotonic()))
            if look == 1:
                self._candidates = self._busy(*self._tables.work())
            self._look()
        time.sleep(max(0.0, begun + seconds - time.monotonic()))

    def second(self) -> None:
        self._look()
        self._second = self._host.sample()
        self._table_last = self._tables.read()
        self._disk_last = process_disk.read(self._host, self._table_last)

    def _look(self) -> None:
        followed = {pid: process_table.threads(self._host, pid) for pid in self._candidates}
        host = self._host
        self._ticks.append(Tick(time.monotonic(), keyed(host.read("/proc/vmstat")), keyed(host.read("/proc/stat")), followed))

    def _busy(self, moment: float, work: dict[tuple[int, float], float]) -> list[int]:
        """Processes that used nearly a core since the first sample."""
        seconds = moment - self._table_first.at
        before = {(pid, row.created): row.cpu for pid, row in self._table_first.rows.items()}
        used = [(cpu - (before.get(process) or 0.0), process[0]) for process, cpu in work.items() if before.get(process) is not None]
        return [pid for cpu, pid in sorted(used, reverse=True)[:CANDIDATES] if seconds > 0 and cpu / seconds >= CANDIDATE_CORES]

    def _service_limits(self, now: Table) -> dict[int, cgroup.Limits]:
        """Limits of the control groups of services' first processes: a group's quota holds for the service, not for the host."""
        return {row.pid: cgroup.limits(self._host.read, self._host.mounts, row.pid) for row in _heads(now)}

    def facts(self, window: t.Optional[float]) -> Facts:
        host, last = self._host, self._table_last or self._table_first
        state = host.state(self.tools.timeout)
        folders = {one.memory_folder for one in (host.limits, *self._limits.values()) if one.memory_folder}
        killed = state.vmstat.get("oom_kill") != 0
        return shape.facts(
            Reading(
                state=state,
                limits=host.limits,
                first=self._first,
                second=self._second,
                table_first=self._table_first,
                table_last=last,
                ticks=self._ticks,
                exact=process_table.exact_memory(self._of_interest(last)),
                files=process_table.open_files(host, [row for row in last.rows.values() if row.service][:DESCRIPTORS_READ]),
                service_limits=self._limits,
                group_memory={folder: cgroup.memory_in_use(host.read, folder) for folder in folders},
                clock=clock.clock(self.tools.commands),
                kernel_log=clock.kernel_log() if killed else None,
                own_pid=os.getpid(),
                ticks_per_second=os.sysconf("SC_CLK_TCK"),
                top=self.tools.top,
                tools_absent=tools.absent(self.tools.commands),
                monitoring=tools.shown(self.tools.commands, {row.service for row in last.rows.values() if row.service}),
                logs=logs.read([row for row in last.rows.values() if row.service][:DESCRIPTORS_READ], host.root),
                disk_use=(self._disk_first, self._disk_last),
                task_limits=task_limits.read(host, _heads(last), state.container),
                deleted_files=deleted_files.read(last.rows.values(), host.root) if deleted_files.is_occasion(state.filesystems) else [],
                kernel_tables=kernel_tables.read(host.read),
                local_ports=local_ports.read(host.read),
            )
        )

    def _of_interest(self, now: Table) -> list[Row]:
        """Processes whose exact memory is worth its price, largest first: those that share what their parents loaded, and large Pythons."""
        least = {True: SHARING_BYTES, False: LARGE_BYTES}
        rows = [
            row
            for row in now.rows.values()
            if row.service in process_kinds.SHARING or process_kinds.is_python(row.name, row.service, row.kind)
        ]
        rows = [row for row in rows if (row.memory or 0) >= least[row.service in process_kinds.SHARING]]
        return sorted(rows, key=lambda row: -(row.memory or 0))


def _heads(now: Table) -> list[Row]:
    """The first processes of services."""
    heads = [row for row in now.rows.values() if row.service and getattr(now.rows.get(row.ppid), "service", None) != row.service]
    return heads[:GROUPS_READ]


def discover(_tools: HostTools) -> list[dict[str, t.Any]]:
    """A machine is always there."""
    return [{}]


COLLECTOR = Collector("server", OPTIONS, ServerSampler, discover, places=("name",), helpful={"psutil": "python3-psutil"})
