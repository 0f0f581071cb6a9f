# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the page draws of the topology: instances and addresses as boxes, like ones grouped, and the edges between boxes.

A lane is a site. The number of boxes is bounded for any fleet; every instance of the topology is in one of them.
"""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from ...module_utils._texts.redact import clean
from .._checks.finding import natural
from .._checks.services import COLUMNS, TIERS, TITLES, instances_in
from .._fleet.observed import Instance
from .._judge.report import Report

#: Columns of the drawing, from the visitors on.
VISITORS, ACCELERATOR, APPLICATION, BEHIND, OUTSIDE = range(5)
HEADINGS = ("", "Accelerator", "Application and workers", "Cache, queue, database", "Outside")
_COLUMN = {"accelerator": ACCELERATOR, "application": APPLICATION, "queue": APPLICATION}
#: Statuses of an instance, the worst first.
RANK = ("fail", "unknown", "warn", "ok", "skipped")
#: Sites with a lane of their own; the others share one.
LANES = 6
#: Addresses outside of the fleet with a box of their own, in each lane.
ADDRESSES = 4
#: The share of the looks at busy workers from which an edge is one that they wait for.
WAITING = 0.3
#: How many instances a fleet may have, and how many of one service in one lane then stand alone.
ALONE = ((16, 8), (60, 3))
NAMED = 8  # members of a group, or of those with its status, that are named
#: Tiers of causes that are no tier of instances: where the workers wait is what they are about.
_ON_THE_WAY = ("network", "outside")

Lane = t.Union[int, str]
NO_SITE, OTHER_SITES = "none", "others"


@dataclasses.dataclass
class Member:
    """An instance of the topology."""

    id: str
    host: str
    service: str
    name: str
    tier: str
    site: t.Optional[int]
    status: str = "skipped"
    causes: tuple[int, ...] = ()
    #: Its busy workers wait for one of those that it talks to.
    waits: bool = False

    @property
    def urgency(self) -> tuple[int, int, bool]:
        return min(self.causes, default=999), RANK.index(self.status), not self.waits

    @property
    def is_in_trouble(self) -> bool:
        return bool(self.causes) or self.waits or self.status in ("fail", "unknown", "warn")


@dataclasses.dataclass
class Box:
    lane: Lane
    column: int
    title: str
    subtitle: str
    status: t.Optional[str] = None
    #: How many of its members have this status, where it has several.
    status_count: int = 1
    #: The whole of it in words.
    description: str = ""
    link: t.Optional[str] = None
    #: Numbers of the causes that are about it, as the page counts them.
    causes: tuple[int, ...] = ()
    #: It may talk to more than its edges say.
    incomplete: bool = False
    members: list[Member] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class BoxEdge:
    source: Box
    target: Box
    #: None when they were not counted.
    connections: t.Optional[int]
    #: The largest share of the looks at busy workers of one instance that waited here; None where nobody could look.
    waits: t.Optional[float] = None

    @property
    def is_waiting(self) -> bool:
        return self.waits is not None and self.waits >= WAITING


@dataclasses.dataclass
class Parts:
    #: Lane → what it is called, in the order in which they are drawn.
    lanes: dict[Lane, str]
    boxes: list[Box]
    edges: list[BoxEdge]
    #: What of the edges is unknown, in sentences.
    unknown: list[str]


class _Talk(t.NamedTuple):
    """What an instance says of one address that it talks to."""

    connections: t.Optional[int]
    waits: t.Optional[float]


def parts(report: Report, causes: t.Sequence[t.Sequence[t.Mapping[str, t.Any]]], panels: t.Collection[str]) -> t.Optional[Parts]:
    """None without a topology. `causes`: the groups of diagnoses as the page numbers them; `panels`: services that have one."""
    topology = report.get("topology")
    if not topology or not topology["nodes"]:
        return None
    members = _members(report, topology["nodes"])
    talks = {member.id: _talks(report, member) for member in members.values()}
    for member in members.values():
        member.waits = _is_waited_for(talks[member.id].values())
    ends = _ends(topology, talks)
    _mark(members, causes, ends)
    lane_of, lanes = _lanes(members.values())
    why_unknown = {row["node"]: row["reason"] for row in topology["unknown"]}
    box_of = _boxes(members.values(), lane_of, panels, why_unknown)
    boxes = list({id(box): box for box in box_of.values()}.values())
    calls = [_Call(box_of[of], members[of], address, talk) for (of, address), talk in ends.outside.items() if of in box_of]
    outside, edges = _outside(calls, {row["address"]: row["host"] for row in topology["outside"]}, causes)
    edges = _edges(ends.inside, box_of) + edges
    entries = _visitors(report, boxes)
    return Parts(
        lanes, [*(edge.source for edge in _first_of_each(entries)), *boxes, *outside], [*entries, *edges], _unknown(why_unknown, members)
    )


def _first_of_each(edges: t.Iterable[BoxEdge]) -> list[BoxEdge]:
    return list({id(edge.source): edge for edge in edges}.values())


# ---- instances ----------------------------------------------------------------------------------------------------


def _members(report: Report, nodes: t.Iterable[t.Mapping[str, t.Any]]) -> dict[str, Member]:
    worst: dict[tuple[str, str, t.Optional[str]], str] = {}
    for finding in report["findings"]:
        if finding["accepted"]:
            continue
        key = (finding["host"], COLUMNS.get(finding["service"], finding["service"]), finding["instance"])
        worst[key] = _worst((finding["status"], worst.get(key, "skipped")))
    found = {}
    for node in nodes:
        member = Member(node["id"], node["host"], node["service"], node["name"], node["tier"], node["site"])
        place = (member.host, member.service)
        member.status = _worst((worst.get((*place, member.name), "skipped"), worst.get((*place, None), "skipped")))
        found[member.id] = member
    return found


def _worst(statuses: t.Iterable[str]) -> str:
    return min(statuses, key=RANK.index)


def _talks(report: Report, member: Member) -> dict[str, _Talk]:
    """Address → connections and waits, as the instance's facts have them."""
    record = report["hosts"].get(member.host)
    facts = (
        next((each for each in instances_in(record["facts"], member.service) if str(each.get("name")) == member.name), {}) if record else {}
    )
    instance = Instance(member.host, member.service, facts)
    connections = {row.word("address"): row.number("connections") for row in instance.rows("talks_to")}
    waits = instance.part("waits")
    was_seen = instance.number("waits.samples") is not None
    shares = {row.word("address"): row.amount("share_ratio") for row in Instance(member.host, "", waits).rows("edges")}
    return {
        address: _Talk(_whole(connections.get(address)), shares.get(address, 0.0) if was_seen else None)
        for address in dict.fromkeys([*connections, *shares])
    }


def _whole(value: t.Optional[float]) -> t.Optional[int]:
    return None if value is None else int(value)


@dataclasses.dataclass
class _Ends:
    #: (source, target) → what is said of each address by which it is reached.
    inside: dict[tuple[str, str], list[_Talk]]
    #: (source, address) outside of what is checked.
    outside: dict[tuple[str, str], _Talk]


def _ends(topology: t.Mapping[str, t.Any], talks: t.Mapping[str, t.Mapping[str, _Talk]]) -> _Ends:
    inside: dict[tuple[str, str], list[_Talk]] = {}
    known = set()
    for edge in topology["edges"]:
        told = talks.get(edge["source"], {}).get(edge["address"])
        known.add((edge["source"], edge["address"]))
        inside.setdefault((edge["source"], edge["target"]), []).append(_Talk(edge["connections"], told.waits if told else None))
    outside = {}
    for row in topology["outside"]:
        for source in row["sources"]:
            alone = row["connections"] if len(row["sources"]) == 1 else None
            outside[(source, row["address"])] = talks.get(source, {}).get(row["address"], _Talk(alone, None))
    # what is waited for may have no connection at the end of the window
    for source, addresses in talks.items():
        for address, talk in addresses.items():
            if talk.waits and (source, address) not in known:
                outside.setdefault((source, address), talk)
    return _Ends(inside, outside)


# ---- causes -------------------------------------------------------------------------------------------------------


def _mark(members: t.Mapping[str, Member], causes: t.Sequence[t.Sequence[t.Mapping[str, t.Any]]], ends: _Ends) -> None:
    """Give each instance the numbers of the causes that are about it."""
    by_host: dict[str, list[Member]] = {}
    for member in members.values():
        by_host.setdefault(member.host, []).append(member)
    for number, group in enumerate(causes, 1):
        for cause in group:
            there = [member for host in cause.get("hosts") or [] for member in by_host.get(host, [])]
            for about in _about(cause, there, ends):
                members[about].causes = tuple(dict.fromkeys((*members[about].causes, number)))


def _about(cause: t.Mapping[str, t.Any], there: list[Member], ends: _Ends) -> list[str]:
    tier = cause.get("tier")
    if tier in _ON_THE_WAY:
        waiters = {member.id for member in there}
        return [
            target for (source, target), talks in ends.inside.items() if tier == "network" and source in waiters and _is_waited_for(talks)
        ]
    of_tier = [member.id for member in there if tier in (member.service, member.tier, TIERS.get(member.service))]
    return of_tier or [member.id for member in there if tier == "server"]


def _is_waited_for(talks: t.Iterable[_Talk]) -> bool:
    return any((talk.waits or 0) >= WAITING for talk in talks)


# ---- lanes and boxes ----------------------------------------------------------------------------------------------


def _lanes(members: t.Iterable[Member]) -> tuple[t.Callable[[Member], Lane], dict[Lane, str]]:
    """The lane of each instance; the sites that need attention first."""
    sites: dict[int, list[Member]] = {}
    loose = 0
    for member in members:
        if member.site is None:
            loose += 1
        else:
            sites.setdefault(member.site, []).append(member)
    order = sorted(sites, key=lambda site: (min(member.urgency for member in sites[site]), site))
    own = order
    if len(order) > LANES:
        own = [site for site in order if any(member.is_in_trouble for member in sites[site])][: LANES - 1]
    names: dict[Lane, str] = {site: _site_name(sites[site]) for site in own}
    if len(order) > len(own):
        names[OTHER_SITES] = f"{len(order) - len(own)} {'more ' if own else ''}sites, like instances together"
    if loose:
        names[NO_SITE] = "No connection to another instance was seen" if sites else ""
    return (lambda member: NO_SITE if member.site is None else member.site if member.site in names else OTHER_SITES), names


def _site_name(members: t.Sequence[Member]) -> str:
    """By its first hosts from the visitors' side: sites have no names of their own."""
    hosts = list(dict.fromkeys(member.host for member in sorted(members, key=lambda each: (_column(each), natural(each.host)))))
    more = f" and {len(hosts) - 2} more" if len(hosts) > 2 else ""
    return f"Site of {', '.join(clean(host, 40) for host in hosts[:2])}{more}"


def _column(member: Member) -> int:
    return _COLUMN.get(member.tier, BEHIND)


def _boxes(
    members: t.Collection[Member], lane_of: t.Callable[[Member], Lane], panels: t.Collection[str], why_unknown: t.Mapping[str, str]
) -> dict[str, Box]:
    """Instance → its box."""
    like: dict[tuple[Lane, str], list[Member]] = collections.defaultdict(list)
    for member in members:
        like[(lane_of(member), member.service)].append(member)
    alone = next((most for total, most in ALONE if len(members) <= total), 1)
    order = {service: place for place, service in enumerate(TITLES)}
    found = {}
    for (lane, service), all_of_them in sorted(like.items(), key=lambda entry: order.get(entry[0][1], len(order))):
        groups: dict[t.Any, list[Member]] = {}
        for member in sorted(all_of_them, key=lambda each: (natural(each.host), natural(each.name))):
            together = len(all_of_them) > alone or lane == OTHER_SITES
            groups.setdefault(member.causes if together else member.id, []).append(member)
        several = collections.Counter(member.host for member in all_of_them)
        for group in groups.values():
            box = _box(lane, group, several[group[0].host] > 1)
            box.link = f"panel-{service}" if service in panels else "board"
            box.incomplete = any(member.id in why_unknown for member in group)
            found.update({member.id: box for member in group})
    return found


def _box(lane: Lane, group: list[Member], with_name: bool) -> Box:
    first = group[0]
    service = TITLES.get(first.service) or f"{clean(first.service, 40)} ({clean(first.tier, 20)})"
    status = _worst(member.status for member in group)
    with_status = [member for member in group if member.status == status]
    box = Box(lane, _column(first), "", service, status, len(with_status), causes=first.causes, members=group)
    if len(group) == 1:
        box.title = clean(first.host, 80) + (f" {clean(first.name, 80)}" if with_name else "")
        box.description = f"{service} on {clean(first.host, 80)}, {clean(first.name, 80)}"
        return box
    hosts = list(dict.fromkeys(clean(member.host, 80) for member in group))
    box.title = hosts[0] if len(hosts) == 1 else f"{hosts[0]}, {hosts[1]}" if len(hosts) == 2 else f"{hosts[0]}–{hosts[-1]}"
    box.subtitle = f"{len(group)} × {service}"
    box.description = f"{len(group)} × {service} on {_listed(hosts)}"
    if len(with_status) < len(group):
        box.description += f"; {status}: {_listed([clean(member.host, 80) for member in with_status])}"
    return box


def _listed(names: t.Sequence[str]) -> str:
    return ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")


# ---- edges --------------------------------------------------------------------------------------------------------


def _edges(inside: t.Mapping[tuple[str, str], list[_Talk]], box_of: t.Mapping[str, Box]) -> list[BoxEdge]:
    told: dict[tuple[int, int], tuple[Box, Box, list[_Talk]]] = {}
    for (source, target), talks in inside.items():
        if source in box_of and target in box_of:
            pair = box_of[source], box_of[target]
            told.setdefault((id(pair[0]), id(pair[1])), (*pair, []))[2].extend(talks)
    return [BoxEdge(source, target, _sum(talks), _most(talks)) for source, target, talks in told.values()]


def _sum(talks: t.Sequence[_Talk]) -> t.Optional[int]:
    counted = [talk.connections for talk in talks if talk.connections is not None]
    return sum(counted) if len(counted) == len(talks) else None


def _most(talks: t.Iterable[_Talk]) -> t.Optional[float]:
    return max((talk.waits for talk in talks if talk.waits is not None), default=None)


class _Call(t.NamedTuple):
    """An instance that talks to an address outside."""

    box: Box
    member: Member
    address: str
    talk: _Talk


def _outside(
    calls: t.Iterable[_Call], hosts: t.Mapping[str, t.Optional[str]], causes: t.Sequence[t.Any]
) -> tuple[list[Box], list[BoxEdge]]:
    """A box for each address of a lane that matters most, one for all others. `hosts`: address → host of the inventory."""
    by_lane: dict[Lane, dict[str, list[_Call]]] = {}
    for call in calls:
        by_lane.setdefault(call.box.lane, {}).setdefault(call.address, []).append(call)
    boxes, edges = [], []
    for lane, by_address in by_lane.items():
        order = sorted(by_address, key=lambda address: (*_weight([call.talk for call in by_address[address]]), address))
        own = order if len(order) <= ADDRESSES + 1 else order[:ADDRESSES]
        rest = order[len(own) :]
        for addresses in [[address] for address in own] + ([rest] if rest else []):
            there = [call for address in addresses for call in by_address[address]]
            target = _address_box(lane, addresses, hosts)
            target.causes = _causes_outside(there, causes)
            boxes.append(target)
            edges += _to(target, there)
    return boxes, edges


def _weight(talks: t.Sequence[_Talk]) -> tuple[float, int]:
    """The most waited for first, then those with most connections."""
    return -(_most(talks) or 0.0), -sum(talk.connections or 0 for talk in talks)


def _address_box(lane: Lane, addresses: t.Sequence[str], hosts: t.Mapping[str, t.Optional[str]]) -> Box:
    if len(addresses) > 1:
        shown = _listed([clean(address, 100) for address in addresses])
        return Box(lane, OUTSIDE, f"{len(addresses)} more addresses", "not checked", description=f"not checked: {shown}")
    address, host = clean(addresses[0], 100), hosts.get(addresses[0])
    where = f"on {clean(host, 80)}, not checked" if host else "outside of the fleet"
    return Box(lane, OUTSIDE, address, where, description=f"{address}, {where}")


def _causes_outside(calls: t.Iterable[_Call], causes: t.Sequence[t.Any]) -> tuple[int, ...]:
    waiters = {call.member.host for call in calls if _is_waited_for([call.talk])}
    return tuple(
        number
        for number, group in enumerate(causes, 1)
        if any(cause.get("tier") in _ON_THE_WAY and waiters & set(cause.get("hosts") or []) for cause in group)
    )


def _to(target: Box, calls: t.Iterable[_Call]) -> list[BoxEdge]:
    by_source: dict[int, tuple[Box, list[_Talk]]] = {}
    for call in calls:
        by_source.setdefault(id(call.box), (call.box, []))[1].append(call.talk)
    return [BoxEdge(box, target, _sum(of_box), _most(of_box)) for box, of_box in by_source.values()]


def _visitors(report: Report, boxes: t.Sequence[Box]) -> list[BoxEdge]:
    """From the visitors of each lane to where they come in: accelerators, or applications where there is none."""
    edges = []
    for lane in dict.fromkeys(box.lane for box in boxes):
        here = [box for box in boxes if box.lane == lane]
        tier = next((tier for tier in ("accelerator", "application") if any(box.members[0].tier == tier for box in here)), None)
        entries = [box for box in here if tier and box.members[0].tier == tier]
        source = Box(lane, VISITORS, "Visitors", "", description="visitors")
        edges += [BoxEdge(source, box, None) for box in entries]
    return edges


def _unknown(why_unknown: t.Mapping[str, str], members: t.Mapping[str, Member]) -> list[str]:
    """Each reason once, with those that it is about."""
    by_reason: dict[str, list[str]] = {}
    for node, reason in why_unknown.items():
        if node in members:
            by_reason.setdefault(clean(reason, 300), []).append(clean(members[node].host, 80))
    return [f"{_listed(list(dict.fromkeys(hosts)))}: {reason}" for reason, hosts in list(by_reason.items())[:NAMED]]
