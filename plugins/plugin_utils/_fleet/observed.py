# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the hosts of a fleet reported: the instances of one service that are up, with the host that reported each."""

from __future__ import annotations

import dataclasses
import statistics
import typing as t

from .._checks.services import instances_in

Data = t.Mapping[str, t.Any]
Hosts = t.Mapping[str, t.Any]


class HostSummary(t.TypedDict):
    """A host as the fleet's views and the causes get it."""

    facts: dict[str, t.Any]
    tiers: list[str]
    reached: bool
    addresses: list[str]
    groups: list[str]
    known_clients: t.Any


class Inventory(t.TypedDict):
    """What the inventory says about all hosts, checked or not."""

    groups: dict[str, list[str]]
    #: Host → its names and addresses.
    addresses: dict[str, list[str]]


class Row(dict[str, t.Any]):
    """A row of a list of the facts. A measure of it that is no number is unknown."""

    def number(self, name: str) -> t.Optional[float]:
        return figure(self, name)

    def amount(self, name: str) -> float:
        """The number, 0 when it is unknown: to compare and to add up."""
        return figure(self, name) or 0

    def word(self, name: str) -> str:
        """The text, or what stands in its place as text; empty when there is none."""
        value = self.get(name)
        return "" if value is None else str(value)


@dataclasses.dataclass(frozen=True)
class Instance:
    """One instance that is up, and the host that reported it. What is not of the expected form is unknown."""

    host: str
    service: str
    facts: Data

    @property
    def name(self) -> str:
        return str(self.facts.get("name"))

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.host, self.service, self.name)

    def number(self, path: str) -> t.Optional[float]:
        """A measure by its dotted path when it is a number, else None."""
        *parents, last = path.split(".")
        place: t.Any = self.facts
        for part in parents:
            place = place.get(part) if isinstance(place, dict) else None
        return figure(place, last) if isinstance(place, t.Mapping) else None

    def part(self, name: str) -> dict[str, t.Any]:
        """A dictionary of the facts; empty when it is unknown."""
        value = self.facts.get(name)
        return value if isinstance(value, dict) else {}

    def rows(self, name: str) -> list[Row]:
        """A list of the facts as rows; empty when it is unknown."""
        return rows_in(self.facts.get(name))

    @property
    def place(self) -> dict[str, t.Any]:
        """How a printed command reaches it: the host, where it listens there, and the options that it was given."""
        return {"host": self.host, "address": self.facts.get("address") or self.facts.get("name"), "access": self.part("access")}

    def __str__(self) -> str:
        return f"{self.host} ({self.name})" if self.name not in ("default", self.host) else self.host


def instances_up(hosts: Hosts, service: str) -> t.Iterator[Instance]:
    """Every instance that is up. A host's entry is its facts, or a record that has them under `facts`."""
    for host, entry in hosts.items():
        facts = entry.get("facts", entry) if isinstance(entry, dict) else {}
        for instance in instances_in(facts, service) if isinstance(facts, dict) else ():
            if instance.get("state") == "up":
                yield Instance(host, service, instance)


def rows_in(value: t.Any) -> list[Row]:
    """The rows of a list; nothing when it is none."""
    return [Row(row) for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def figure(data: Data, name: str) -> t.Optional[float]:
    """A measure that is a number, else None."""
    value = data.get(name)
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def known_sum(values: t.Iterable[t.Optional[float]]) -> t.Optional[float]:
    """The sum of what is known; None when nothing is."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def skew(values: t.Sequence[float], weights: t.Sequence[float]) -> t.Optional[float]:
    """How many times its share the most loaded one has: 1 is even, k of k means that one has everything."""
    whole, weight = sum(values), sum(weights)
    if not whole or not weight:
        return None
    return round(max(value / whole / (own / weight) for value, own in zip(values, weights, strict=True)), 4)


def variation(values: t.Sequence[float], weights: t.Sequence[float]) -> t.Optional[float]:
    """The coefficient of variation (standard deviation by mean) of the values for each unit of weight."""
    each = [value / own for value, own in zip(values, weights, strict=True)]
    mean = statistics.fmean(each) if each else 0
    return round(statistics.pstdev(each) / mean, 4) if mean else None
