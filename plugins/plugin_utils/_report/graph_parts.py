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
from .._checks.services import TITLES
from .._judge.report import Report
from .graph_members import ON_THE_WAY, WAITING, Member, Talk, ends_of, is_waited_for, mark, members_of, talks_of, worst

#: Columns of the drawing, from the visitors on.
VISITORS, EDGE, ACCELERATOR, APPLICATION, BEHIND, OUTSIDE = range(6)
HEADINGS = ("", "Edge", "Accelerator", "Application and workers", "Cache, queue, database", "Outside")
_COLUMN = {"edge": EDGE, "accelerator": ACCELERATOR, "application": APPLICATION, "queue": APPLICATION}
#: Sites with a lane of their own; the others share one.
LANES = 6
#: Addresses outside of the fleet with a box of their own, in each lane.
ADDRESSES = 4
#: How many instances a fleet may have, and how many of one service in one lane then stand alone.
ALONE = ((16, 8), (60, 3))
NAMED = 8  # members of a group, or of those with its status, that are named
Lane = t.Union[int, str]
NO_SITE, OTHER_SITES = "none", "others"


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


def parts(report: Report, causes: t.Sequence[t.Sequence[t.Mapping[str, t.Any]]], panels: t.Collection[str]) -> t.Optional[Parts]:
    """None without a topology. `causes`: the groups of diagnoses as the page numbers them; `panels`: services that have one."""
    topology = report.get("topology")
    if not topology or not topology["nodes"]:
        return None
    members = members_of(report, topology["nodes"])
    talks = {member.id: talks_of(report, member) for member in members.values()}
    for member in members.values():
        member.waits = is_waited_for(talks[member.id].values())
    ends = ends_of(topology, talks)
    mark(members, causes, ends)
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
    status = worst(member.status for member in group)
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


def _edges(inside: t.Mapping[tuple[str, str], list[Talk]], box_of: t.Mapping[str, Box]) -> list[BoxEdge]:
    told: dict[tuple[int, int], tuple[Box, Box, list[Talk]]] = {}
    for (source, target), talks in inside.items():
        if source in box_of and target in box_of:
            pair = box_of[source], box_of[target]
            told.setdefault((id(pair[0]), id(pair[1])), (*pair, []))[2].extend(talks)
    return [BoxEdge(source, target, _sum(talks), _most(talks)) for source, target, talks in told.values()]


def _sum(talks: t.Sequence[Talk]) -> t.Optional[int]:
    counted = [talk.connections for talk in talks if talk.connections is not None]
    return sum(counted) if len(counted) == len(talks) else None


def _most(talks: t.Iterable[Talk]) -> t.Optional[float]:
    return max((talk.waits for talk in talks if talk.waits is not None), default=None)


class _Call(t.NamedTuple):
    """An instance that talks to an address outside."""

    box: Box
    member: Member
    address: str
    talk: Talk


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


def _weight(talks: t.Sequence[Talk]) -> tuple[float, int]:
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
    waiters = {call.member.host for call in calls if is_waited_for([call.talk])}
    return tuple(
        number
        for number, group in enumerate(causes, 1)
        if any(cause.get("tier") in ON_THE_WAY and waiters & set(cause.get("hosts") or []) for cause in group)
    )


def _to(target: Box, calls: t.Iterable[_Call]) -> list[BoxEdge]:
    by_source: dict[int, tuple[Box, list[Talk]]] = {}
    for call in calls:
        by_source.setdefault(id(call.box), (call.box, []))[1].append(call.talk)
    return [BoxEdge(box, target, _sum(of_box), _most(of_box)) for box, of_box in by_source.values()]


def _visitors(report: Report, boxes: t.Sequence[Box]) -> list[BoxEdge]:
    """From the visitors of each lane to where they come in: the edge, or accelerators, or applications where there is neither."""
    edges = []
    for lane in dict.fromkeys(box.lane for box in boxes):
        here = [box for box in boxes if box.lane == lane]
        tier = next((tier for tier in ("edge", "accelerator", "application") if any(box.members[0].tier == tier for box in here)), None)
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
