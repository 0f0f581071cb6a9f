# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: one reading of the machine as facts (documented in the module's RETURN)."""

from __future__ import annotations

import typing as t

from . import shape_cpu, shape_devices, shape_memory, shape_processes
from .sample import ONE_SAMPLE, Reading


def facts(reading: Reading) -> dict[str, t.Any]:
    """The measures; `reading` gathers the reasons of what stays null on the way."""
    state = reading.state
    found: dict[str, t.Any] = {"hostname": state.hostname, "addresses": state.addresses, **shape_cpu.cores(reading)}
    found.update(shape_cpu.load(reading, found))
    for shape in (
        shape_cpu.cpu,
        shape_cpu.quota,
        shape_cpu.kernel,
        shape_cpu.pressure,
        shape_memory.memory,
        shape_memory.swap,
        shape_memory.killed,
        shape_memory.uptime,
        shape_memory.clock,
        shape_devices.filesystems,
        shape_devices.disks,
        shape_devices.network,
        shape_devices.accept_queues,
        shape_devices.tables,
        shape_processes.census,
        shape_processes.sustained,
        shape_processes.python,
        shape_processes.open_files,
    ):
        found.update(shape(reading))
    used = shape_processes.uses(reading)
    found.update(shape_processes.busiest(reading, used))
    found.update(shape_processes.services(reading, used, found))
    shape_processes.table_problem(reading)
    found["cpu_used_ratio"] = shape_cpu.used(reading, found)
    found["quota_holds"], found["throttled_worst_ratio"] = _throttled(reading, found)
    found["descriptors_used_ratio"] = _fullest(found)
    found["headroom"] = {"cpu_cores": shape_cpu.free_cores(found), "ram_bytes": shape_memory.spare(found)}
    _explain_headroom(reading, found)
    found["unknown"], found["notes"] = reading.unknown, reading.notes
    return found


def _throttled(reading: Reading, found: t.Mapping[str, t.Any]) -> tuple[bool, t.Optional[float]]:
    """Whether any processor quota holds here, of the machine or of a service, and how often the worst of them ran out."""
    holds = found["cpu_quota_cores"] is not None or any(row["cpu_quota_cores"] for row in found["services"] or [])
    known = [value for value in (found["throttled_ratio"], found["services_throttled_ratio"]) if value is not None]
    if not known:
        reading.why("throttled_worst_ratio", ONE_SAMPLE if holds and reading.second is None else "no control group here counts it")
    return holds, max(known, default=None)


def _fullest(found: t.Mapping[str, t.Any]) -> t.Optional[float]:
    """The share in use of the fullest table of descriptors: the system's or a service process's."""
    shares = [found["files"]["used_ratio"]] if found["files"] else []
    shares += [row["used_ratio"] for row in found["open_files"][:1]]
    return max((share for share in shares if share is not None), default=None)


def _explain_headroom(reading: Reading, found: t.Mapping[str, t.Any]) -> None:
    for name, source in (("cpu_cores", "cpu_busy_ratio"), ("ram_bytes", "memory_available_bytes")):
        if found["headroom"][name] is None:
            reading.why(f"headroom.{name}", reading.unknown.get(source, "it follows from measures that are not known"))
