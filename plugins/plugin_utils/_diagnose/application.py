# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The application tier: no worker left, or no CPU left; and how many workers or servers that means."""

from __future__ import annotations

import math
import typing as t

from .._checks.services import TITLES
from .cause import Cause, percent, several
from .errors import BEHIND_APPLICATION
from .fleet_view import Fleet, Seen

#: From here on a machine has no CPU to give to another worker.
CPU_FULL = 0.9
#: The part of the busy CPU that must be the workers' own before their computing is the cause.
OWN_SHARE = 0.5
#: What a tier should be busy for at most, when servers are counted.
COMFORT = 0.7
SATURATED = ("uwsgi_saturated", "uwsgi_workers_busy", "uwsgi_listen_queue_full")


def workers_exhausted(fleet: Fleet) -> t.Iterator[Cause]:
    """Every worker is busy and the CPU is not theirs: they wait, or there are too few of them."""
    exhausted = [one for one in fleet.seen("uwsgi") if fleet.bad(one, *SATURATED) and not _computes(fleet, one)]
    if not exhausted:
        return
    worst = max(exhausted, key=lambda one: (one.number("listen_queue") or 0, one.number("busy_ratio") or 0))
    pages = _pages(worst)
    yield Cause(
        cause="workers_exhausted",
        tier="uwsgi",
        hosts=sorted({one.host for one in exhausted}),
        statement=(
            f"All workers of {several([str(one) for one in exhausted])} are busy, {int(worst.number('listen_queue') or 0)} requests wait "
            f"in line, and {_idle(fleet, worst)}" + (f": most of them are in {several(pages)}." if pages else ".")
        ),
        evidence=[*_evidence(exhausted)],
        first_fix=_look_first(fleet) + _more(fleet, worst, len(exhausted)),
        avoid="Do not only lengthen the listen queue: visitors would wait longer for the same workers.",
        look=f"uwsgitop {worst.facts.get('address') or worst.name}",
        rows=worst.rows("in_flight")[:10],
        at=worst,
    )


def overload(fleet: Fleet) -> t.Iterator[Cause]:
    """The application's own computing fills the machine."""
    full = []
    for one in fleet.seen("uwsgi"):
        noticed = fleet.bad(one, *SATURATED) or fleet.machine_bad(one.host, "server_load", "server_cpu_busy")
        if noticed and _computes(fleet, one):
            full.append(one)
    if not full:
        return
    worst = max(full, key=lambda one: fleet.machine(one.host).number("load_ratio") or 0)
    machine = fleet.machine(worst.host)
    servers = len({one.host for one in fleet.seen("uwsgi")})
    needed = math.ceil(servers * max((one.number("utilisation") or 1.0 for one in full), default=1.0) / COMFORT)
    pages = _pages(worst)
    yield Cause(
        cause="application_overload",
        tier="uwsgi",
        hosts=sorted({one.host for one in full}),
        statement=(
            f"The application fills the CPU of {several(sorted({one.host for one in full}))} "
            f"({percent(machine.number('cpu_busy_ratio'))} busy, "
            f"{percent(fleet.share_of_cpu(worst.host, 'uwsgi'))} of it in the workers) while the databases are calm."
        ),
        evidence=[*_evidence(full)],
        first_fix=(
            f"Cache or simplify the pages that compute most ({several(pages) or 'see uwsgitop'}); "
            f"if they must be computed, {needed} servers of this size carry the present load instead of {servers}."
        ),
        avoid="Do not add workers on these machines: they have no CPU left for them.",
        look=f"uwsgitop {worst.facts.get('address') or worst.name}",
        rows=worst.rows("in_flight")[:10],
        at=worst,
    )


def _computes(fleet: Fleet, one: Seen) -> bool:
    """Whether the machine's CPU is full, and mostly of these workers: then more workers would not help."""
    share = fleet.share_of_cpu(one.host, "uwsgi")
    return _cpu_full(fleet, one.host) and share is not None and share >= OWN_SHARE


def _cpu_full(fleet: Fleet, host: str) -> bool:
    return (fleet.machine(host).number("cpu_busy_ratio") or 0) >= CPU_FULL


def _idle(fleet: Fleet, one: Seen) -> str:
    busy = percent(fleet.machine(one.host).number("cpu_busy_ratio"))
    if _cpu_full(fleet, one.host):
        own = percent(fleet.share_of_cpu(one.host, "uwsgi"))
        return f"the CPU is busy with other things than these workers ({busy} busy, {own} theirs)"
    return f"the CPU has room ({busy} busy)"


def _pages(one: Seen) -> list[str]:
    return [str(row.get("pattern")) for row in one.rows("in_flight")]


def _evidence(instances: list[Seen]) -> t.Iterator[str]:
    for one in instances[:4]:
        workers = one.part("workers")
        share, seconds = one.number("utilisation"), one.number("mean_response_seconds")
        told = [f"{workers.get('busy')} of {workers.get('active')} workers busy"]
        told += [] if share is None else [f"busy for {percent(share)} of the time"]
        told += [] if seconds is None else [f"{seconds:.2f} s per request"]
        yield f"{one}: {', '.join(told)}."
        for row in one.rows("in_flight")[:2]:
            yield f"{row.get('count')} of its workers are in {row.get('pattern')}, the longest for {row.get('oldest_seconds') or 0:.1f} s."


def _look_first(fleet: Fleet) -> str:
    """What workers may wait for and nobody could read."""
    findings = fleet.unread(*BEHIND_APPLICATION)
    unread = [f"{TITLES[str(one['service'])]} on {one['host']} ({one['instance']})" for one in findings]
    return f"Look first whether they wait for {several(unread)}, which could not be read. " if unread else ""


def _more(fleet: Fleet, one: Seen, exhausted: int) -> str:
    """Add workers, or servers: with the number and what limits it."""
    room, limit = one.number("addable.workers"), one.part("addable").get("limit")
    advised, processes = one.number("addable.advised"), one.number("addable.processes")
    left = min((row.number("left") or 0 for row in fleet.seen("connection_budget")), default=None)
    if room is None:
        return "Add workers (processes) as long as memory and database connections allow it; look at what the busy ones wait for."
    if room < 1:
        servers = len({seen.host for seen in fleet.seen("uwsgi")})
        needed = math.ceil(servers * (one.number("utilisation") or 1.0) / COMFORT)
        return f"Add servers: {needed} instead of {servers}. {one.host} has no {limit} left for another worker."
    count = int(min(advised or room, room if left is None else max(left, 0) or room))
    each = "each of them" if exhausted > 1 else one.host
    target = f" (processes = {int(processes)})" if processes and count == int(advised or 0) else ""
    return f"Add {count} workers on {each}{target}; its {limit} has room for {int(room)}. Then shorten what these pages wait for."
