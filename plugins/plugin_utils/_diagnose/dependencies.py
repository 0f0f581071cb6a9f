# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What workers wait for and no check can look into: a service outside the fleet, a name server, the network between two tiers."""

from __future__ import annotations

import typing as t

from .._checks.services import in_tiers
from .._fleet.nodes import Key
from .._fleet.observed import Instance
from .._fleet.waiting import Outside, Waits, waits_of
from .cause import Cause, percent, several
from .extent import grouped
from .fleet_view import Fleet
from .stack_lines import stack_lines
from .waits import sessions_at_work

#: The part of the looks from which a wait is the reason that workers are busy.
MOSTLY = 0.5
#: Seconds to another tier and back from which the network may be what is waited for, and from which it is whatever the other tier says.
FAR, VERY_FAR = 0.003, 0.02
NAME_SERVER = ":53"
#: Seconds of a request spent in a wait for a proxy from which it is slow although nothing is saturated.
FELT_SECONDS = 0.1
#: What makes busy workers a matter at all.
SLOW = ("saturated", "workers_busy", "listen_queue_full", "response_time", "listen_queue", "longest_request")
BACKLOG = ("celery_queue_growth", "celery_queue_wait", "celery_queue_drain", "celery_queue_stuck")


class Waiter(t.NamedTuple):
    """Who waits, and how."""

    instance: Instance
    waits: Waits


def outside_slow(fleet: Fleet) -> t.Iterator[Cause]:
    """Workers wait for an address where no host of the inventory is."""
    for address, waiters in _by_outside(fleet, name_servers=False):
        work = _work(waiters)
        yield _cause(
            fleet,
            [waiter for waiter, _row in waiters],
            statement=f"The busy workers of {_named(waiters)} wait for {address}, which is outside what was checked: "
            f"{_share(waiters)} of them" + (f", most in {work}." if work else "."),
            first_fix=f"Give the calls to {address} a short timeout and a fallback, or move them into a task; "
            "then contact the people who run it.",
            avoid="Do not add workers: they would wait for the same response.",
        )
    yield from _proxies_slow(fleet, {address for address, _waiters in _by_outside(fleet, name_servers=False)})


def _proxies_slow(fleet: Fleet, named: t.Collection[str]) -> t.Iterator[Cause]:
    """Requests spend their time waiting for a proxy (or a name of its own) of a database that answers at once."""
    troubled = {waiter.instance.key for waiter in _waiters(fleet)}
    for workers in fleet.applications():
        waits = None if workers.key in troubled else waits_of(workers, fleet.graph)
        if waits is None:
            continue
        waiter = Waiter(workers, waits)
        for row in waits.outside:
            database = _hidden_at_rest(fleet, waiter, row)
            if database is not None and row.address not in named:
                yield _proxy(fleet, waiter, row, database)


def _hidden_at_rest(fleet: Fleet, waiter: Waiter, row: Outside) -> t.Optional[Instance]:
    """The database that the address may lead to, which the workers reach no other way, and that does not work for them meanwhile."""
    waited = (waiter.instance.number("mean_response_seconds") or 0.0) * row.share
    if row.share < MOSTLY or waited < FELT_SECONDS or row.address.endswith(NAME_SERVER):
        return None
    reached = {key[1] for key in fleet.graph.behind(waiter.instance.key)}
    services = [
        service
        for service in in_tiers("database")
        if service not in reached and fleet.graph.may_hide(row.address, service, waiter.waits.tier)
    ]
    # of several it is not known which, unless others are seen to use all but one
    unused = [database for service in services for database in fleet.once(_unused).get(service, ())]
    hidden = unused or [database for service in services for database in fleet.instances(service)]
    return hidden[0] if len(hidden) == 1 and _is_at_rest(hidden[0].key, [(waiter, row.share)], fleet) else None


def _unused(fleet: Fleet) -> dict[str, list[Instance]]:
    """Databases that no application is seen to reach, by service."""
    reached = {key for each in fleet.applications() for key in fleet.graph.behind(each.key)}
    found: dict[str, list[Instance]] = {}
    for database in fleet.databases():
        if database.key not in reached:
            found.setdefault(database.service, []).append(database)
    return found


def _proxy(fleet: Fleet, waiter: Waiter, row: Outside, database: Instance) -> Cause:
    milliseconds = 1000 * (waiter.instance.number("mean_response_seconds") or 0.0) * row.share
    return _cause(
        fleet,
        [waiter],
        statement=f"The workers of {waiter.instance} wait for {row.address}, which is outside what was checked, for about "
        f"{milliseconds:.0f} ms of each request" + (f", most in {row.work}" if row.work else "") + f", while {database}, which it may "
        "lead to, is at rest.",
        first_fix=f"Look at what listens at {row.address} (a proxy, a tunnel) and at the network behind it: {database} responds at once, "
        "but its responses arrive late. Until that is fixed, let the application connect to the database directly.",
        avoid=f"Do not tune {database} and do not add workers: each would wait on the same path.",
    )


def names_slow(fleet: Fleet) -> t.Iterator[Cause]:
    """Workers wait for a name server."""
    for address, waiters in _by_outside(fleet, name_servers=True):
        yield _cause(
            fleet,
            [waiter for waiter, _row in waiters],
            statement=f"The busy workers of {_named(waiters)} wait for the name server {address}: {_share(waiters)} of them.",
            first_fix=f"Fix or replace the name server {address} in /etc/resolv.conf, or run a local cache (systemd-resolved, unbound); "
            "until then, configure databases and caches by address.",
            avoid="Do not add workers: each would wait for the same name server.",
        )


def network_slow(fleet: Fleet) -> t.Iterator[Cause]:
    """Workers wait for a tier that is far away, and that does not work for them meanwhile."""
    by_target: dict[Key, list[tuple[Waiter, float, float]]] = {}
    for waiter in _waiters(fleet):
        for row in Instance("", "", {"rows": waiter.instance.part("waits").get("edges")}).rows("rows"):
            targets, seconds = fleet.graph.ends_at(waiter.instance.key, row.word("address")), row.number("round_trip_seconds")
            share = row.amount("share_ratio")
            if targets and seconds is not None and seconds >= FAR and share >= MOSTLY:
                by_target.setdefault(targets[0], []).append((waiter, share, seconds))
    for target, found in by_target.items():
        seconds = max(each[2] for each in found)
        if seconds >= VERY_FAR or _is_at_rest(target, [(waiter, share) for waiter, share, _seconds in found], fleet):
            yield _network(fleet, target, found, seconds)


def _network(fleet: Fleet, target: Key, found: list[tuple[Waiter, float, float]], seconds: float) -> Cause:
    host, service, _name = target
    waiters = [waiter for waiter, _share, _seconds in found]
    return _cause(
        fleet,
        waiters,
        statement=f"The network between {several([str(waiter.instance) for waiter in waiters])} and {service} on {host} takes "
        f"{1000 * seconds:.1f} ms there and back, and {percent(min(share for _waiter, share, _seconds in found))} of the busy workers wait "
        f"for it: each query of a page pays that.",
        first_fix=f"Look for what changed on the path to {host} (route, zone, VPN, a saturated link); "
        "ping and mtr from the workers' hosts show where the time goes.",
        avoid=f"Do not tune {service}: it responds at once, but its responses arrive late.",
    )


def _is_at_rest(target: Key, found: list[tuple[Waiter, float]], fleet: Fleet) -> bool:
    """Whether fewer of the waiting workers' questions are worked on than wait: the others are on their way."""
    waiting = sum((waiter.instance.number("workers.busy") or waiter.instance.number("active") or 0) * share for waiter, share in found)
    host, service, _name = target
    databases = [each for each in fleet.on_host(host, service) if each.key == target and service in in_tiers("database")]
    at_work = [sessions_at_work(database, fleet) for database in databases]
    return bool(waiting) and all(count is not None and count < waiting / 2 for count in at_work)


def _waiters(fleet: Fleet) -> t.Iterator[Waiter]:
    """Applications and workers that are in trouble, and of which it was seen what they wait for."""
    troubled = [workers for workers, _finding in fleet.each_bad_workers(*SLOW, least="warn")]
    backlog = {view.part("broker").get("name") for view, _finding in fleet.each_bad("celery_queue", *BACKLOG, least="warn")}
    troubled += [celery for celery in fleet.instances("celery") if celery.part("broker").get("name") in backlog]
    for instance in troubled:
        waits = waits_of(instance, fleet.graph)
        if waits is not None:
            yield Waiter(instance, waits)


def _by_outside(fleet: Fleet, name_servers: bool) -> t.Iterator[tuple[str, list[tuple[Waiter, Outside]]]]:
    """Each address that workers mostly wait for, with those of one site."""
    found: dict[str, dict[Key, tuple[Waiter, Outside]]] = {}
    for waiter in _waiters(fleet):
        for row in waiter.waits.outside:
            if row.share >= MOSTLY and row.address.endswith(NAME_SERVER) is name_servers:
                found.setdefault(row.address, {})[waiter.instance.key] = (waiter, row)
    for address, waiting in found.items():
        for group in grouped([waiter.instance for waiter, _row in waiting.values()], fleet):
            yield address, [waiting[instance.key] for instance in group]


def _named(waiters: list[tuple[Waiter, Outside]]) -> str:
    return several([str(waiter.instance) for waiter, _row in waiters])


def _share(waiters: list[tuple[Waiter, Outside]]) -> str:
    looks = sum(waiter.waits.samples for waiter, _row in waiters)
    return percent(sum(waiter.waits.samples * row.share for waiter, row in waiters) / looks)


def _work(waiters: list[tuple[Waiter, Outside]]) -> str:
    return max(waiters, key=lambda each: each[1].share)[1].work


def _cause(fleet: Fleet, waiters: list[Waiter], statement: str, first_fix: str, avoid: str) -> Cause:
    worst = max(waiters, key=lambda waiter: waiter.waits.samples).instance
    return Cause(
        hosts=sorted({waiter.instance.host for waiter in waiters}),
        statement=statement,
        evidence=[
            *(f"{waiter.instance}: {told(waiter.waits)}." for waiter in waiters[:4]),
            *stack_lines(waiter.instance for waiter in waiters),
        ],
        first_fix=first_fix,
        avoid=avoid,
        look=fleet.look_at_workers(worst),
        rows=Instance("", "", {"rows": worst.part("waits").get("edges")}).rows("rows"),
        at=worst,
        of=tuple(waiter.instance.key for waiter in waiters),
    )


def told(waits: Waits) -> str:
    """`of 40 looks at busy workers 62 % waited for postgresql on db1, 20 % were on a CPU`"""
    parts = [(share, f"waited for {service} on {host}") for (host, service, _name), share in waits.on.items()]
    parts += [(row.share, f"waited for {row.address}") for row in waits.outside]
    parts += [(share, WORDS[kind]) for kind, share in waits.kinds.items()]
    shown = [f"{percent(share)} {words}" for share, words in sorted(parts, reverse=True)[:4] if share >= 0.05]
    return f"of {waits.samples} looks at busy workers {', '.join(shown)}"


WORDS = {
    "cpu": "were on a CPU",
    "disk": "waited for a disk",
    "lock": "waited for a lock",
    "sleep": "slept",
    "client": "read from or sent to who had asked",
    "other": "waited for a process, a pipe or a file",
    "unknown": "cannot be told",
}
