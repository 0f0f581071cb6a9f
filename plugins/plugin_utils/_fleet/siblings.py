# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts of one kind, compared with each other: who is far from the median of the hosts that run the same?"""

from __future__ import annotations

import statistics
import typing as t

from ...module_utils._collectors.registry import Compared
from .._checks.services import GATHERED
from .graph import Graph, by_site
from .observed import Hosts, Instance, instances_up

#: Siblings needed before one of them can be called an outlier.
SIBLINGS = 4


def alike(hosts: Hosts, graph: t.Optional[Graph] = None) -> list[dict[str, t.Any]]:
    """One instance when at least four hosts can be compared.

    `outliers`: {host, name, service, measure, value, median, siblings}; `compared_total`: how many comparisons there were.
    """
    outliers: list[dict[str, t.Any]] = []
    compared = 0
    for service, row in GATHERED.items():
        for group in _groups(hosts, service, graph) if row.compared else ():
            for measure in row.compared:
                values = [(instance, value) for instance in group if (value := instance.number(measure.path)) is not None]
                if len(values) >= SIBLINGS:
                    compared += len(values)
                    outliers += _far(values, measure)
    if not compared:
        return []
    named = ", ".join(f"{row['host']} ({row['measure']} {row['value']:.2f} instead of {row['median']:.2f})" for row in outliers[:3])
    more = f" and {len(outliers) - 3} more" if len(outliers) > 3 else ""
    measures_ = {"outliers": outliers[:20], "outliers_total": len(outliers), "outliers_named": named + more, "compared_total": compared}
    return [{"name": "siblings", "state": "up", "problem": None, **measures_, "unknown": {}, "notes": []}]


def _groups(hosts: Hosts, service: str, graph: t.Optional[Graph]) -> list[list[Instance]]:
    """Instances of a service, grouped by what else runs on their hosts and by site: only like is compared with like."""
    groups: dict[tuple[str, ...], list[Instance]] = {}
    for instance in instances_up(hosts, service):
        entry = hosts[instance.host]
        groups.setdefault(tuple(sorted(entry.get("facts", entry))), []).append(instance)
    return [of_site for group in groups.values() for of_site in by_site(graph, group)]


def _far(values: list[tuple[Instance, float]], measure: Compared) -> list[dict[str, t.Any]]:
    median = statistics.median(value for _instance, value in values)
    spread = statistics.median(abs(value - median) for _instance, value in values)
    far = max(measure.share * abs(median), measure.least, 5 * spread)
    return [
        {
            "host": instance.host,
            "name": instance.facts.get("name"),
            "service": instance.service,
            "measure": measure.title,
            "median": round(median, 4),
            "siblings": len(values) - 1,
            "value": round(value, 4),
        }
        for instance, value in values
        if abs(value - median) > far
    ]
