# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Workers that grow until they throw, are replaced, or take the machine's memory.

They are seen to grow with every request, or from round to round of a watch, or are at the limit that their memory has.
"""

from __future__ import annotations

import itertools
import typing as t

from .._checks.units import numbered, shown
from .._fleet.growth import Growth
from .._fleet.observed import Instance, Row
from .._reach.quoting import Line
from .cause import Cause, said, several
from .counted_errors import by_front, counted
from .extent import extent
from .fleet_view import Fleet
from .waits import pages_of

#: A worker that has served fewer requests still loads what it needs.
WARM_REQUESTS = 20
#: What the warm workers grew by in the window, per request and in all.
PER_REQUEST_BYTES, BYTES = 256 << 10, 8 << 20
#: What the largest worker grew by over the rounds of a watch: times what it had, and in all.
TIMES, BYTES_OVER_ROUNDS = 1.25, 32 << 20
#: What growth does to a machine or to visitors before it is more than growth.
LARGE = "worker_memory"
HURTS = ("exceptions", "respawns")
#: Servers in front whose errors are shown; where it is not known who sends what to whom, all of them may be meant.
MOST_FRONTS = 3
MACHINE_HURTS = ("server_memory_available", "server_swapping", "server_memory_limit")


WHAT_TO_DO: dict[str, t.Any] = {
    "first_fix": (
        "Replace workers before they grow too large: max-requests = 1000 with max-requests-delta and reload-on-rss (uWSGI), "
        "max_requests with max_requests_jitter (Gunicorn), well below "
        "what the machine has for each; reload gracefully. If the growth came with a release, roll back to the one "
        "before. Then find what keeps the memory: a list or cache at module level, a queryset that is kept, DEBUG = True."
    ),
    "avoid": "Do not add workers and do not only add memory: that only delays the moment when it is full.",
}


def memory_leak(fleet: Fleet) -> t.Iterator[Cause]:
    for workers in fleet.applications():
        named = _within_window(fleet, workers) or _over_rounds(fleet, workers) or _at_limit(fleet, workers)
        if named is not None:
            yield named


def _within_window(fleet: Fleet, workers: Instance) -> t.Optional[Cause]:
    growing = _growing(fleet, workers)
    grown, requests = sum(row.amount("grown_bytes") for row in growing), workers.number("requests")
    if not requests or grown < BYTES or grown / requests < PER_REQUEST_BYTES:
        return None
    harm = [*_harm(fleet, workers, LARGE, *HURTS)]
    return _cause(fleet, workers, growing, grown / requests, harm) if harm else None


def _over_rounds(fleet: Fleet, workers: Instance) -> t.Optional[Cause]:
    """Too slow for a window to show. As long as it hurts nobody it is a risk, with the time that is left."""
    growth = fleet.growing.get(workers.key)
    if growth is None or growth.last < TIMES * growth.first or growth.last - growth.first < BYTES_OVER_ROUNDS:
        return None
    harm = [*_harm(fleet, workers, *HURTS)]
    left = _seconds_left(fleet, workers, growth)
    when = "" if left is None else f" At this pace {workers.host} has no memory left in about {shown(left, 'seconds')}."
    return Cause(
        hosts=[workers.host],
        statement=(
            f"The workers of {workers} leak memory: within {shown(growth.seconds, 'seconds')} the largest grew from "
            f"{growth.first / 2**20:.0f} to {growth.last / 2**20:.0f} MiB.{when}"
        ),
        evidence=[*harm, f"It grew in {growth.rounds} rounds of the watch, by {growth.per_second * 3600 / 2**20:.0f} MiB per hour."],
        look=_look(fleet, workers),
        rows=workers.rows("worker_list")[:10],
        at=workers,
        is_risk=not harm,
        **WHAT_TO_DO,
    )


def _at_limit(fleet: Fleet, workers: Instance) -> t.Optional[Cause]:
    """They grow no more, because they get no more: a leak, or a limit that is too low."""
    finding = fleet.shown(workers, f"{workers.service}_worker_memory_limit", least="warn")
    if finding is None:
        return None
    fronts = fleet.once(by_front, fleet.once(counted))
    near = itertools.islice(fronts.of(extent([workers.key], (), fleet)), MOST_FRONTS)
    errors = [f"{each.front.host}: {said(each.finding)}." for each in near]
    harm = [*_harm(fleet, workers, *HURTS), *errors]
    return Cause(
        hosts=[workers.host],
        statement=f"The workers of {workers} are at the limit of their memory: {said(finding)}. They leak it, or the limit is too low.",
        evidence=harm,
        look=_look(fleet, workers),
        rows=workers.rows("worker_list")[:10],
        at=workers,
        is_risk=not harm,
        **WHAT_TO_DO,
    )


def _seconds_left(fleet: Fleet, workers: Instance, growth: Growth) -> t.Optional[float]:
    """If all of its workers grow like the largest."""
    available, count = fleet.machine(workers.host).number("memory_available_bytes"), workers.number("workers.active")
    return available / (growth.per_second * count) if available is not None and count else None


def _look(fleet: Fleet, workers: Instance) -> t.Optional[Line]:
    """What shows the memory of each worker."""
    return fleet.command(workers, *(["uwsgitop {login}"] if workers.service == "uwsgi" else []), "htop")


def _growing(fleet: Fleet, workers: Instance) -> list[Row]:
    """The warm workers that grew, those that grew most first."""
    warm = {row.number("pid") for row in workers.rows("worker_list") if row.amount("lifetime_requests") >= WARM_REQUESTS} - {None}
    return [row for row in fleet.machine(workers.host).rows("processes_growing") if row.number("pid") in warm]


def _harm(fleet: Fleet, workers: Instance, *checks: str) -> t.Iterator[str]:
    respawns, killed = workers.number("respawns"), fleet.machine(workers.host).number("oom_kills")
    if respawns:
        yield f"{numbered(int(respawns), 'worker/workers')} ended and {numbered(int(respawns), 'was/were')} replaced in the window."
    if killed:
        yield f"The kernel killed {numbered(int(killed), 'process/processes')} for lack of memory in the window."
    for finding in (fleet.shown(workers, f"{workers.service}_{check}", least="warn") for check in checks):
        if finding is not None and finding.get("finding"):
            yield f"{finding['finding']}."
    machine = fleet.machine(workers.host)
    for finding in (fleet.shown(machine, check, least="warn") for check in MACHINE_HURTS):
        if finding is not None and finding.get("finding"):
            yield f"{workers.host}: {finding['finding']}."


def _cause(fleet: Fleet, workers: Instance, growing: list[Row], per_request: float, harm: list[str]) -> Cause:
    pages = pages_of(workers, fleet)
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
        look=_look(fleet, workers),
        rows=growing[:10],
        at=workers,
        **WHAT_TO_DO,
    )
