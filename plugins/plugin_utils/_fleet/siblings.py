# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts of one kind, compared with each other: who is far from the median of the hosts that run the same?"""

from __future__ import annotations

import statistics
import typing as t

from .observed import Hosts, figure, seen

#: Siblings needed before one of them can be called an outlier.
SIBLINGS = 4
#: service → (part of the facts, measure, what it is, how far from the median counts: a share of the median, and at least so much).
#: A service that is not named here is not compared: its hosts differ by what is asked of them (a primary and its replicas, the keys
#: that a cache has, the queues that a worker takes).
MEASURES: dict[str, tuple[tuple[str, str, str, float, float], ...]] = {
    "varnish": (("judged", "hit_ratio_true", "hit ratio", 0.3, 0.2),),
    "uwsgi": (("", "mean_response_seconds", "response time", 1.5, 0.3), ("", "requests_per_second", "requests per second", 0.6, 5.0)),
    "server": (("", "load_ratio", "load per core", 1.5, 0.8),),
}

Group = list[tuple[str, dict[str, t.Any]]]


def alike(hosts: Hosts) -> list[dict[str, t.Any]]:
    """One instance when at least four hosts can be compared.

    `outliers`: {host, name, service, measure, value, median, siblings}; `compared_total`: how many comparisons there were.
    """
    outliers: list[dict[str, t.Any]] = []
    compared = 0
    for service, measures in MEASURES.items():
        for group in _groups(hosts, service):
            for part, measure, label, share, least in measures:
                known = [(host, one, value) for host, one in group if (value := _value(one, part, measure)) is not None]
                if len(known) >= SIBLINGS:
                    compared += len(known)
                    outliers += _far(known, service, label, share, least)
    if not compared:
        return []
    named = ", ".join(f"{row['host']} ({row['measure']} {row['value']:.2f} instead of {row['median']:.2f})" for row in outliers[:3])
    more = f" and {len(outliers) - 3} more" if len(outliers) > 3 else ""
    measures_ = {"outliers": outliers[:20], "outliers_total": len(outliers), "outliers_named": named + more, "compared_total": compared}
    return [{"name": "siblings", "state": "up", "problem": None, **measures_, "unknown": {}, "notes": []}]


def _groups(hosts: Hosts, service: str) -> list[Group]:
    """Instances of a service, grouped by what else runs on their hosts: only like is compared with like."""
    groups: dict[tuple[str, ...], Group] = {}
    for host, instance in seen(hosts, service):
        entry = hosts[host]
        groups.setdefault(tuple(sorted(entry.get("facts", entry))), []).append((host, instance))
    return list(groups.values())


def _value(instance: t.Mapping[str, t.Any], part: str, measure: str) -> t.Optional[float]:
    place = instance.get(part) if part else instance
    return figure(place, measure) if isinstance(place, dict) else None


def _far(known: list[tuple[str, dict[str, t.Any], float]], service: str, label: str, share: float, least: float) -> list[dict[str, t.Any]]:
    median = statistics.median(value for _host, _one, value in known)
    spread = statistics.median(abs(value - median) for _host, _one, value in known)
    far = max(share * abs(median), least, 5 * spread)
    told = {"service": service, "measure": label, "median": round(median, 4), "siblings": len(known) - 1}
    return [
        {"host": host, "name": one.get("name"), **told, "value": round(value, 4)} for host, one, value in known if abs(value - median) > far
    ]
