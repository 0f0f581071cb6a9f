# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The instances of the topology as the page draws them: their statuses, the causes that are about them, what they talk to and wait for."""

from __future__ import annotations

import dataclasses
import typing as t

from .._checks.services import COLUMNS, TIERS, instances_in
from .._fleet.observed import Instance
from .._judge.report import Report

#: Statuses of an instance, the worst first.
RANK = ("fail", "unknown", "warn", "ok", "skipped")
#: The share of the looks at busy workers from which an edge is one that they wait for.
WAITING = 0.3
#: Tiers of causes that are no tier of instances: where the workers wait is what they are about.
ON_THE_WAY = ("network", "outside")


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


class Talk(t.NamedTuple):
    """What an instance says of one address that it talks to."""

    connections: t.Optional[int]
    waits: t.Optional[float]


# ---- instances ----------------------------------------------------------------------------------------------------


def members_of(report: Report, nodes: t.Iterable[t.Mapping[str, t.Any]]) -> dict[str, Member]:
    statuses: dict[tuple[str, str, t.Optional[str]], str] = {}
    for finding in report["findings"]:
        if finding["accepted"]:
            continue
        key = (finding["host"], COLUMNS.get(finding["service"], finding["service"]), finding["instance"])
        statuses[key] = worst((finding["status"], statuses.get(key, "skipped")))
    found = {}
    for node in nodes:
        member = Member(node["id"], node["host"], node["service"], node["name"], node["tier"], node["site"])
        place = (member.host, member.service)
        member.status = worst((statuses.get((*place, member.name), "skipped"), statuses.get((*place, None), "skipped")))
        found[member.id] = member
    return found


def worst(statuses: t.Iterable[str]) -> str:
    return min(statuses, key=RANK.index)


def talks_of(report: Report, member: Member) -> dict[str, Talk]:
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
        address: Talk(_whole(connections.get(address)), shares.get(address, 0.0) if was_seen else None)
        for address in dict.fromkeys([*connections, *shares])
    }


def _whole(value: t.Optional[float]) -> t.Optional[int]:
    return None if value is None else int(value)


@dataclasses.dataclass
class Ends:
    #: (source, target) → what is said of each address by which it is reached.
    inside: dict[tuple[str, str], list[Talk]]
    #: (source, address) outside of what is checked.
    outside: dict[tuple[str, str], Talk]


def ends_of(topology: t.Mapping[str, t.Any], talks: t.Mapping[str, t.Mapping[str, Talk]]) -> Ends:
    inside: dict[tuple[str, str], list[Talk]] = {}
    known = set()
    for edge in topology["edges"]:
        told = talks.get(edge["source"], {}).get(edge["address"])
        known.add((edge["source"], edge["address"]))
        inside.setdefault((edge["source"], edge["target"]), []).append(Talk(edge["connections"], told.waits if told else None))
    outside = {}
    for row in topology["outside"]:
        for source in row["sources"]:
            alone = row["connections"] if len(row["sources"]) == 1 else None
            outside[(source, row["address"])] = talks.get(source, {}).get(row["address"], Talk(alone, None))
    # what is waited for may have no connection at the end of the window
    for source, addresses in talks.items():
        for address, talk in addresses.items():
            if talk.waits and (source, address) not in known:
                outside.setdefault((source, address), talk)
    return Ends(inside, outside)


# ---- causes -------------------------------------------------------------------------------------------------------


def mark(members: t.Mapping[str, Member], causes: t.Sequence[t.Sequence[t.Mapping[str, t.Any]]], ends: Ends) -> None:
    """Give each instance the numbers of the causes that are about it."""
    by_host: dict[str, list[Member]] = {}
    for member in members.values():
        by_host.setdefault(member.host, []).append(member)
    for number, group in enumerate(causes, 1):
        for cause in group:
            there = [member for host in cause.get("hosts") or [] for member in by_host.get(host, [])]
            for about in _about(cause, there, ends):
                members[about].causes = tuple(dict.fromkeys((*members[about].causes, number)))


def _about(cause: t.Mapping[str, t.Any], there: list[Member], ends: Ends) -> list[str]:
    tier = cause.get("tier")
    if tier in ON_THE_WAY:
        waiters = {member.id for member in there}
        return [
            target for (source, target), talks in ends.inside.items() if tier == "network" and source in waiters and is_waited_for(talks)
        ]
    of_tier = [member.id for member in there if tier in (member.service, member.tier, TIERS.get(member.service))]
    return of_tier or [member.id for member in there if tier == "server"]


def is_waited_for(talks: t.Iterable[Talk]) -> bool:
    return any((talk.waits or 0) >= WAITING for talk in talks)
