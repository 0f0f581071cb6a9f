# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the hosts of a fleet saw: the instances of one service that are up, with the host that reported each."""

from __future__ import annotations

import statistics
import typing as t

from .._checks.services import instances_in

Hosts = t.Mapping[str, t.Any]


def seen(hosts: Hosts, service: str) -> t.Iterator[tuple[str, dict[str, t.Any]]]:
    """(host, instance) of every instance that is up. A host's entry is its facts, or a record that has them under `facts`."""
    for host, entry in hosts.items():
        facts = entry.get("facts", entry) if isinstance(entry, dict) else {}
        for instance in instances_in(facts, service) if isinstance(facts, dict) else ():
            if instance.get("state") == "up":
                yield host, instance


def figure(instance: t.Mapping[str, t.Any], name: str) -> t.Optional[float]:
    """A measure that is a number, else None."""
    value = instance.get(name)
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
