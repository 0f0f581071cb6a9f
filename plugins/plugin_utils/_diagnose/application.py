# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The application tier: no worker left, or no CPU left; and how many workers or servers that means."""

from __future__ import annotations

import math
import typing as t

from .._checks.services import TITLES, in_tiers
from .._checks.units import numbered
from .._fleet.observed import Instance
from .._fleet.waiting import waits_of
from .by_edge import pages_by_edge
from .cause import Cause, percent, several
from .dependencies import told
from .extent import Extent, extent, grouped, may_concern, together
from .fleet_view import Fleet, accelerator_of
from .stack_lines import stack_lines
from .waits import pages_of, pages_seen

#: From here on a machine has no CPU to give to another worker.
CPU_FULL = 0.9
#: The part of the busy CPU that must be the workers' own before their computing is the cause.
OWN_SHARE = 0.5
#: What a tier should be busy for at most, when servers are counted.
COMFORT = 0.7
#: What all application servers are asked, and that says that no worker is left.
SATURATED = ("saturated", "workers_busy", "listen_queue_full")
#: The part of the samples in which no worker was free, and requests waited, from which workers are exhausted again and again.
OFTEN, SAMPLES = 0.25, 5
#: What says that visitors wait for what the application does.
LATE = {
    "varnish_traffic": ("varnish_traffic_slow_passes", "varnish_traffic_slow"),
    "nginx": ("nginx_response_time",),
    "haproxy": ("haproxy_response_time",),
    "visitors": ("visitors_response_time", "visitors_slower"),
}
#: The setting for the number of workers, where it is not called so.
SETTINGS = {"uwsgi": "processes"}
#: Tiers that workers wait for.
BEHIND = ("cache", "store", "queue", "database")


def workers_exhausted(fleet: Fleet) -> t.Iterator[Cause]:
    """Every worker is busy and the CPU is not theirs: they wait, or there are too few of them."""
    saturated = [workers for workers in fleet.troubled_workers(*SATURATED) if not _takes_none(workers)]
    keys = {workers.key for workers in saturated}
    every = [*saturated, *(each for each in fleet.applications() if each.key not in keys and _in_bursts(fleet, each))]
    for exhausted in grouped([workers for workers in every if not _computes(fleet, workers)], fleet):
        yield _workers_exhausted(fleet, exhausted)


def workers_stuck(fleet: Fleet) -> t.Iterator[Cause]:
    """Requests wait all the time for workers that are all free: these do not accept, whatever the reason."""
    for workers in filter(_takes_none, fleet.applications()):
        active, samples = workers.part("workers").get("active"), int(workers.number("samples") or 0)
        died = int(workers.number("respawns") or 0)
        yield Cause(
            hosts=[workers.host],
            statement=(
                f"{workers} takes no request: {numbered(_waiting(workers), 'request waits/requests wait')} in its listen queue, and none "
                f"of its {numbered(active, 'worker/workers')} was busy in {samples} samples"
                f"{f'; {died} came in the place of others that ended' if died else ''}."
            ),
            evidence=[*_waits(fleet, [workers]), *stack_lines([workers])],
            first_fix=(
                f"Read the log of {workers} for why its workers end as soon as they start: an import that fails, or memory (dmesg). "
                "Roll back the release that it began with."
                if died
                else f"Start {workers} with --no-http1-keep-alive, or raise its --backpressure: connections that are kept alive without a "
                "request hold every place."
                if (workers.number("connections_ratio") or 0) >= 1
                else f"See where a worker stands (py-spy dump --pid) and what its log says of locks, then reload {workers}: its workers "
                "are replaced, and the listen queue stays."
            ),
            avoid="Do not add workers: " + ("they would end as these do." if died else "those that are there are free."),
            look=fleet.look_at_workers(workers, "htop"),
            at=workers,
            tier=workers.service,
        )


def _takes_none(workers: Instance) -> bool:
    """No worker had a request at any look, and at every look requests waited."""
    _full, waited, samples = _samples(workers)
    nothing = workers.number("busy_ratio_peak") == 0 and not workers.number("requests")
    return bool(nothing and workers.part("workers").get("active") and samples and samples >= SAMPLES and waited == samples)


def _workers_exhausted(fleet: Fleet, exhausted: list[Instance]) -> Cause:
    worst = max(exhausted, key=lambda workers: (_waiting(workers), workers.number("busy_ratio") or 0))
    return Cause(
        hosts=sorted({workers.host for workers in exhausted}),
        statement=(
            f"All workers of {several([str(workers) for workers in exhausted])} are busy{_how(fleet, worst)}, "
            f"and {_cpu(fleet, worst)}{_busy_with(fleet, worst)}."
        ),
        evidence=[*_evidence(exhausted), *_waits(fleet, exhausted), *stack_lines(exhausted)],
        first_fix=_look_first(fleet) + _more(fleet, worst, len(exhausted)),
        avoid="Do not only lengthen the listen queue: visitors would wait longer for the same workers.",
        look=fleet.look_at_workers(worst, "htop"),
        rows=worst.rows("in_flight")[:10],
        at=worst,
        of=tuple(workers.key for workers in exhausted),
        tier=worst.service,
    )


def _how(fleet: Fleet, workers: Instance) -> str:
    if fleet.bad_workers(workers, *SATURATED):
        return f", {numbered(_waiting(workers), 'request waits/requests wait')} {_where(workers)}"
    full, waited, samples = (int(count or 0) for count in _samples(workers))
    return f" again and again: none was free in {full} of {samples} samples, and requests waited in {waited}"


def _in_bursts(fleet: Fleet, workers: Instance) -> bool:
    """Whether they are all busy for moments, often enough that visitors feel it: no share of time says so."""
    full, waited, samples = _samples(workers)
    if full is None or waited is None or not samples or samples < SAMPLES or min(full, waited) < OFTEN * samples:
        return False
    return may_concern(extent([workers.key], (), fleet), fleet.once(_late), fleet)


def _late(fleet: Fleet) -> Extent:
    """What says that visitors wait."""
    bad = (front for service, checks in LATE.items() for front, _finding in fleet.each_bad(service, *checks, least="warn"))
    return extent((accelerator_of(front).key for front in bad), (), fleet)


def _samples(workers: Instance) -> tuple[t.Optional[float], t.Optional[float], t.Optional[float]]:
    """In how many no worker was free, in how many a request waited, and all of them."""
    waited = workers.number("requests_waiting_samples")
    return (
        workers.number("all_busy_samples"),
        workers.number("listen_queue_samples") if waited is None else waited,
        workers.number("samples"),
    )


def _waiting(workers: Instance) -> int:
    """Requests that no thread works on, wherever they wait."""
    waiting = workers.number("requests_waiting")
    return int((workers.number("listen_queue") if waiting is None else waiting) or 0)


def _where(workers: Instance) -> str:
    inside = int(workers.number("requests_waiting_inside") or 0)
    if not inside:
        return "in the listen queue"
    return f"({int(workers.number('listen_queue') or 0)} in the listen queue, {inside} inside of the workers)"


def overload(fleet: Fleet) -> t.Iterator[Cause]:
    """The application's own computing fills the machine."""
    every = [workers for workers in fleet.applications() if _is_bad(fleet, workers) and _computes(fleet, workers)]
    for full in grouped(every, fleet):
        yield _overload(fleet, full)


def _overload(fleet: Fleet, full: list[Instance]) -> Cause:
    worst = max(full, key=lambda workers: fleet.machine(workers.host).number("load_ratio") or 0)
    machine = fleet.machine(worst.host)
    servers = _servers(fleet, worst)
    needed = math.ceil(servers * max((_used(workers) for workers in full), default=1.0) / COMFORT)
    pages = pages_of(worst, fleet)
    hosts = sorted({workers.host for workers in full})
    return Cause(
        hosts=hosts,
        statement=(
            f"The application fills the CPU of {several(hosts)}: {percent(machine.number('cpu_busy_ratio'))} busy, "
            f"{percent(fleet.share_of_workers(worst))} of it in the workers."
        ),
        evidence=[*_evidence(full), *stack_lines(full)],
        first_fix=(
            f"Cache or simplify the pages that compute most ({several(pages) or _unnamed(worst)}); "
            f"if they must be computed, {needed} servers of this size carry the present load instead of {servers}."
        ),
        avoid="Do not add workers on these machines: they have no CPU left for them.",
        look=fleet.look_at_workers(worst, "htop"),
        rows=worst.rows("in_flight")[:10],
        at=worst,
        of=tuple(workers.key for workers in full),
        tier=worst.service,
    )


def _unnamed(workers: Instance) -> str:
    """Where the pages stand that the facts do not have."""
    return "see uwsgitop" if workers.service == "uwsgi" else "its access log and a profiler name them"


def _used(workers: Instance) -> float:
    """The part of their time in which the workers have a request."""
    return workers.number("utilisation") or workers.number("busy_ratio") or 1.0


def _is_bad(fleet: Fleet, workers: Instance) -> bool:
    """Whether the workers are saturated, or their machine is. Where something suffers, an accepted finding about it hides nothing."""
    machine_bad = fleet.machine_shown if fleet.suffers() else fleet.machine_bad
    return bool(fleet.bad_workers(workers, *SATURATED) or machine_bad(workers.host, "server_load", "server_cpu_busy"))


def _computes(fleet: Fleet, workers: Instance) -> bool:
    """Whether the machine's CPU is full, and mostly of these workers: then more workers would not help."""
    share = fleet.share_of_workers(workers)
    return _cpu_full(fleet, workers.host) and share is not None and share >= OWN_SHARE


def _cpu_full(fleet: Fleet, host: str) -> bool:
    return (fleet.machine(host).number("cpu_busy_ratio") or 0) >= CPU_FULL


def _cpu(fleet: Fleet, workers: Instance) -> str:
    ratio = fleet.machine(workers.host).number("cpu_busy_ratio")
    if ratio is None:
        return "the CPU was not measured"
    if _cpu_full(fleet, workers.host):
        own = percent(fleet.share_of_workers(workers))
        return f"other programs take the CPU ({percent(ratio)} busy, {own} of it in these workers)"
    return f"the CPU has room ({percent(ratio)} busy)"


def _busy_with(fleet: Fleet, workers: Instance) -> str:
    seen, logged = pages_seen(workers), pages_by_edge(workers, fleet)
    if seen:
        return f": most workers are in {several(seen)}"
    return f": by the log of the edge, {several(logged)} takes most of the time" if logged else ""


def _evidence(instances: list[Instance]) -> t.Iterator[str]:
    for workers in instances[:4]:
        counts = workers.part("workers")
        share, seconds = workers.number("utilisation"), workers.number("mean_response_seconds")
        parts = [f"{counts.get('busy')} of {numbered(counts.get('active'), 'worker/workers')} busy"]
        parts += [] if share is None else [f"busy for {percent(share)} of the time"]
        parts += [] if seconds is None else [f"{seconds:.2f} s per request"]
        yield f"{workers}: {', '.join(parts)}."
        for row in workers.rows("in_flight")[:2]:
            held = f"{row.get('count')} of its workers {numbered(row.get('count'), '/is/are')} in {row.word('pattern')}"
            yield f"{held}, the longest for {row.amount('oldest_seconds'):.1f} s."


def _waits(fleet: Fleet, instances: list[Instance]) -> t.Iterator[str]:
    for workers in instances[:4]:
        waits = waits_of(workers, fleet.graph)
        if waits is not None:
            yield f"{workers}: {told(waits)}."


def _look_first(fleet: Fleet) -> str:
    """What workers may wait for and could not be read."""
    return fleet.once(_unread)


def _unread(fleet: Fleet) -> str:
    findings = fleet.unread(*in_tiers(*BEHIND))
    unread = [f"{TITLES[str(finding['service'])]} on {finding['host']} ({finding['instance']})" for finding in findings]
    return f"First check whether they wait for {several(unread)}, which could not be read. " if unread else ""


def _more(fleet: Fleet, workers: Instance, exhausted: int) -> str:
    """Add workers, or servers: with the number and what limits it."""
    room, limit = workers.number("addable.workers"), workers.part("addable").get("limit")
    advised, processes = workers.number("addable.advised"), workers.number("addable.processes")
    left = _connections_left(fleet, workers)
    if room is None:
        return f"Add workers{_setting(workers)} as long as memory and database connections allow it; look at what the busy ones wait for."
    if room < 1:
        servers = _servers(fleet, workers)
        needed = math.ceil(servers * _used(workers) / COMFORT)
        return f"Add servers: {needed} instead of {servers}. {workers.host} has no {limit} left for another worker."
    count = int(min(advised or room, room if left is None else max(left, 0) or room))
    where = "each of them" if exhausted > 1 else workers.host
    target = f" ({SETTINGS.get(workers.service, 'workers')} = {int(processes)})" if processes and count == int(advised or 0) else ""
    workers_more = numbered(count, "worker/workers")
    return f"Add {workers_more} on {where}{target}; its {limit} has room for {int(room)}. Then shorten what these pages wait for."


def _setting(workers: Instance) -> str:
    return f" ({SETTINGS[workers.service]})" if workers.service in SETTINGS else ""


def _servers(fleet: Fleet, workers: Instance) -> int:
    """The application servers of its site."""
    return len({each.host for each in together(workers, fleet.applications(), fleet)})


def _connections_left(fleet: Fleet, workers: Instance) -> t.Optional[float]:
    """What the databases that it uses have left for further workers."""
    left = fleet.once(_left)
    return left.get(workers.host, left.get(None))


def _left(fleet: Fleet) -> dict[t.Optional[str], float]:
    """The least by the host of the application, and of all."""
    found: dict[t.Optional[str], float] = {}
    for budget in fleet.instances("connection_budget"):
        left = budget.number("left") or 0
        for host in (None, *(row.word("name") for row in budget.rows("users"))):
            found[host] = min(left, found.get(host, left))
    return found
