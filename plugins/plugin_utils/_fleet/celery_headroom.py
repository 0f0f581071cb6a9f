# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Capacity for more Celery workers on the hosts that run them, from their free CPU and memory."""

from __future__ import annotations

import typing as t

from .observed import Data, Hosts, Instance, figure, instances_up

#: A worker slot whose size is not known is taken for a usual Django process.
USUAL_BYTES = 150 * 1024 * 1024


def headrooms(hosts: Hosts) -> dict[str, Data]:
    """What each machine has left."""
    return {machine.host: machine.part("headroom") for machine in instances_up(hosts, "server")}


def addable(headroom_of: t.Mapping[str, Data], reports: t.Iterable[Instance]) -> dict[str, t.Any]:
    """Worker slots that could be added: one for each free core and as many as fit into memory. Null when the hosts were not measured."""
    rows = []
    for report in reports:
        headroom = headroom_of.get(report.host)
        if report.part("local").get("processes") and headroom:
            row = _row(report.host, headroom, _slot_bytes(report))
            if row is not None:
                rows.append(row)
    if not rows:
        return {"workers": None, "limit": None, "hosts": []}
    scarce = min(rows, key=lambda row: row["workers"])
    return {"workers": sum(row["workers"] for row in rows), "limit": scarce["limit"], "hosts": rows}


def _slot_bytes(report: Instance) -> float:
    peaks = [figure(row, "memory_peak_bytes") for row in report.rows("workers")]
    return max((peak for peak in peaks if peak), default=USUAL_BYTES)


def _row(host: str, headroom: Data, each: float) -> t.Optional[dict[str, t.Any]]:
    cores, memory = figure(headroom, "cpu_cores"), figure(headroom, "ram_bytes")
    if cores is None or memory is None:
        return None
    by_cpu, by_memory = max(0, int(cores)), max(0, int(memory // each))
    return {"name": host, "workers": min(by_cpu, by_memory), "limit": "CPU" if by_cpu <= by_memory else "memory"}
