# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Collector for more Celery workers on the hosts that run them, from what those hosts have to spare."""

from __future__ import annotations

import typing as t

from .observed import Hosts, figure, seen

#: A place whose size is not known is taken for a usual Django process.
USUAL_BYTES = 150 * 1024 * 1024


def addable(hosts: Hosts, reports: t.Iterable[tuple[str, dict[str, t.Any]]]) -> dict[str, t.Any]:
    """Places that could be added: one for each free core and as many as fit into memory. Null when the hosts were not measured."""
    headrooms = {host: instance.get("headroom") for host, instance in seen(hosts, "server")}
    rows = []
    for host, report in reports:
        local, headroom = report.get("local"), headrooms.get(host)
        if isinstance(local, dict) and local.get("processes") and isinstance(headroom, dict):
            row = _row(host, headroom, _place_bytes(report))
            if row is not None:
                rows.append(row)
    if not rows:
        return {"workers": None, "limit": None, "hosts": []}
    scarce = min(rows, key=lambda row: row["workers"])
    return {"workers": sum(row["workers"] for row in rows), "limit": scarce["limit"], "hosts": rows}


def _place_bytes(report: t.Mapping[str, t.Any]) -> float:
    workers = report.get("workers")
    peaks = [figure(row, "memory_peak_bytes") for row in workers if isinstance(row, dict)] if isinstance(workers, list) else []
    return max((peak for peak in peaks if peak), default=USUAL_BYTES)


def _row(host: str, headroom: t.Mapping[str, t.Any], each: float) -> t.Optional[dict[str, t.Any]]:
    cores, memory = figure(headroom, "cpu_cores"), figure(headroom, "ram_bytes")
    if cores is None or memory is None:
        return None
    by_cpu, by_memory = max(0, int(cores)), max(0, int(memory // each))
    return {"name": host, "workers": min(by_cpu, by_memory), "limit": "CPU" if by_cpu <= by_memory else "memory"}
