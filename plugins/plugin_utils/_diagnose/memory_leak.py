# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Workers that grow with every request until they throw, are replaced, or take the machine's memory."""

from __future__ import annotations

import typing as t

from .._checks.units import numbered
from .._fleet.observed import Instance, Row
from .cause import Cause, several
from .fleet_view import Fleet

#: A worker that has served fewer requests still loads what it needs.
WARM_REQUESTS = 20
#: What the warm workers grew by in the window, per request and in all.
PER_REQUEST_BYTES, BYTES = 256 << 10, 8 << 20
#: What growth does to a machine or to visitors before it is more than growth.
HURTS = ("exceptions", "worker_memory", "respawns")
MACHINE_HURTS = ("server_memory_available", "server_swapping", "server_memory_limit")


def memory_leak(fleet: Fleet) -> t.Iterator[Cause]:
    for workers in fleet.applications():
        growing = _growing(fleet, workers)
        grown, requests = sum(row.amount("grown_bytes") for row in growing), workers.number("requests")
        if not requests or grown < BYTES or grown / requests < PER_REQUEST_BYTES:
            continue
        harm = [*_harm(fleet, workers)]
        if harm:
            yield _cause(fleet, workers, growing, grown / requests, harm)


def _growing(fleet: Fleet, workers: Instance) -> list[Row]:
    """The warm workers that grew, those that grew most first."""
    warm = {row.number("pid") for row in workers.rows("worker_list") if row.amount("lifetime_requests") >= WARM_REQUESTS} - {None}
    return [row for row in fleet.machine(workers.host).rows("processes_growing") if row.number("pid") in warm]


def _harm(fleet: Fleet, workers: Instance) -> t.Iterator[str]:
    respawns, killed = workers.number("respawns"), fleet.machine(workers.host).number("oom_kills")
    if respawns:
        yield f"{numbered(int(respawns), 'worker/workers')} ended and {numbered(int(respawns), 'was/were')} replaced in the window."
    if killed:
        yield f"The kernel killed {numbered(int(killed), 'process/processes')} for lack of memory in the window."
    for finding in (fleet.shown(workers, f"{workers.service}_{check}", least="warn") for check in HURTS):
        if finding is not None and finding.get("finding"):
            yield f"{finding['finding']}."
    machine = fleet.machine(workers.host)
    for finding in (fleet.shown(machine, check, least="warn") for check in MACHINE_HURTS):
        if finding is not None and finding.get("finding"):
            yield f"{workers.host}: {finding['finding']}."


def _cause(fleet: Fleet, workers: Instance, growing: list[Row], per_request: float, harm: list[str]) -> Cause:
    pages = list(dict.fromkeys(row.word("pattern") for row in workers.rows("in_flight")))
    largest = workers.number("memory_bytes_per_worker_peak")
    size = "" if largest is None else f"; the largest has {largest / 2**20:.0f} MiB"
    return Cause(
        hosts=[workers.host],
        statement=(
            f"The workers of {workers} leak memory: {numbered(len(growing), 'of them grows/of them grow')} by "
            f"{per_request / 2**20:.1f} MiB per request{size}."
        ),
        evidence=[
            *harm,
            *(f"Worker pid {row.get('pid')} grew by {row.amount('grown_bytes') / 2**20:.1f} MiB in the window." for row in growing[:3]),
            *([f"The busy workers are in {several(pages)}."] if pages else []),
        ],
        first_fix=(
            "Replace workers before they are too large: max-requests = 1000 with max-requests-delta, and reload-on-rss, both well below "
            "what the machine has for each; reload gracefully. If the growth came with a release, roll back to the one "
            "before. Then find what is kept: a list or cache at module level, a query set that is held, DEBUG = True."
        ),
        avoid="Do not add workers and do not only add memory: it takes a little longer until it is full again.",
        look=fleet.command(workers, "uwsgitop {login}", "htop"),
        rows=growing[:10],
        at=workers,
    )
