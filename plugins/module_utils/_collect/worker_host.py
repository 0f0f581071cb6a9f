# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the host knows of an application server's workers: CPU by pid, refused connections, and what the host has left for more of them."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from .._linux import backlog, cgroup, kernel_text, usage


@dataclasses.dataclass(frozen=True)
class Usage:
    """CPU seconds so far: of each worker, of each of their threads by (pid, thread), of the machine as (idle, all)."""

    cpu: dict[int, float] = dataclasses.field(default_factory=dict)
    threads: dict[tuple[int, int], float] = dataclasses.field(default_factory=dict)
    machine: t.Optional[tuple[float, float]] = None
    overflows: dict[str, int] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class HostCapacity:
    """What the main process may use of the host: the tighter of the machine and its own control groups."""

    cores: float
    cores_online: int
    memory_total: int
    memory_available: int


def usage_of(pids: t.Iterable[int]) -> Usage:
    """One look at the CPU of these workers and of the machine."""
    cpu: dict[int, float] = {}
    threads: dict[tuple[int, int], float] = {}
    for pid in pids:
        seconds = usage.cpu_seconds(pid)
        if seconds is not None:
            cpu[pid] = seconds
            threads.update({(pid, thread): used for thread, used in usage.thread_cpu_seconds(pid).items()})
    return Usage(cpu, threads, usage.machine_cpu(), backlog.overflows())


def capacity_of(pid: int) -> t.Optional[HostCapacity]:
    """The capacity of the host for the server of this main process; None where it cannot be read."""
    machine = usage.machine_memory()
    if "MemAvailable" not in machine:
        return None
    limits = cgroup.limits(_contents, kernel_text.mounts(_contents("/proc/self/mountinfo")), pid)
    cores = [usage.cores(), *(limit for limit in (limits.cpu_cores, limits.cpuset_cores) if limit)]
    total, available = machine["MemTotal"], machine["MemAvailable"]
    if limits.memory_bytes is not None:
        in_use = cgroup.memory_in_use(_contents, limits.memory_folder) or 0
        total, available = min(total, limits.memory_bytes), min(available, max(0, limits.memory_bytes - in_use))
    return HostCapacity(min(cores), os.cpu_count() or 1, total, available)


def _contents(path: str) -> t.Optional[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as handle:
            return handle.read(1 << 20)
    except OSError:
        return None
