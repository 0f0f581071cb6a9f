# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: one reading of the machine as facts (documented in the module's RETURN)."""

from __future__ import annotations

from ..._collect.derived import largest
from ..._collect.facts import Facts
from . import (
    deleted_files,
    kernel_tables,
    local_ports,
    logs,
    process_disk,
    shape_cpu,
    shape_devices,
    shape_memory,
    shape_processes,
    task_limits,
)
from .sample import Reading


def facts(reading: Reading) -> Facts:
    """The measures; later shapes rest on what earlier ones put."""
    result = Facts()
    result.put("hostname", reading.state.hostname)
    result.put("addresses", reading.state.addresses)
    result.put("tools_absent", reading.tools_absent)
    for shape in (
        shape_cpu.cores,
        shape_cpu.load,
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
        shape_devices.arrays,
        shape_devices.disks,
        shape_devices.network,
        shape_devices.accept_queues,
        shape_devices.tables,
        shape_processes.census,
        shape_processes.sustained,
        shape_processes.python,
        shape_processes.open_files,
    ):
        shape(result, reading)
    used = shape_processes.uses(reading)
    shape_processes.busiest(result, reading, used)
    process_disk.put(result, reading.table_last, *reading.disk_use, reading.seconds, reading.top)
    result.rows("monitoring_tools", reading.monitoring, len(reading.monitoring))
    result.put("monitoring_tools_absent_total", sum(not row["installed"] for row in reading.monitoring))
    logs.put(result, reading.logs, reading.top)
    task_limits.put(result, reading.task_limits, reading.top)
    deleted_files.put(result, reading.deleted_files, reading.top)
    kernel_tables.put(result, reading.kernel_tables, reading.top)
    local_ports.put(result, reading.local_ports, reading.top)
    shape_processes.services(result, reading, used)
    shape_processes.table_problem(result, reading)
    shape_cpu.used(result)
    _throttled(result)
    result.put("headroom", {"cpu_cores": shape_cpu.free_cores(result), "ram_bytes": shape_memory.spare(result)})
    return result


def _throttled(result: Facts) -> None:
    """Whether any processor quota holds here, of the machine or of a service, and how often the worst of them ran out."""
    own = result.get("cpu_quota_cores") is not None
    services = any(row["cpu_quota_cores"] for row in result.get("services") or [])
    parts = [result.value(name) for name, holds in (("throttled_ratio", own), ("services_throttled_ratio", services)) if holds]
    result.put("quota_holds", own or services)
    result.put("throttled_worst_ratio", largest(parts, "no control group here counts it", ceiling=1.0))
