# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests that reach the application without having passed an accelerator: what the workers take against what Varnish sends."""

from __future__ import annotations

import typing as t

from .._checks.services import instances_in
from .graph import Graph, by_site
from .observed import Hosts, Instance, instances_up, known_sum


def traffic(hosts: Hosts, graph: t.Optional[Graph] = None) -> list[dict[str, t.Any]]:
    """One instance for each site that has both tiers; one for the fleet where its sites are not known.

    `application_per_second`: requests that all uWSGI instances took; `accelerator_per_second`: requests that all
    accelerators sent to what is behind them; `around_per_second`, `around_each_per_second` and `around_ratio`: what is left,
    that for each uWSGI instance (every accelerator's probes reach every one of them), and its part of the former.
    An accelerator that could not be read may have sent it: then these are unknown, unless nothing is left.
    """
    applications = [workers for workers in instances_up(hosts, "uwsgi") if workers.number("requests_per_second") is not None]
    both = [group for group in by_site(graph, [*applications, *instances_up(hosts, "varnish")]) if _has_both(group)]
    return [_traffic(hosts, group, _name(group) if len(both) > 1 else "uwsgi") for group in both]


def _has_both(group: list[Instance]) -> bool:
    return {"uwsgi", "varnish"} == {each.service for each in group}


def _name(group: list[Instance]) -> str:
    """Findings go by name: with several sites, theirs say which."""
    return f"uwsgi of {', '.join(sorted({each.host for each in group if each.service == 'uwsgi'})[:3])}"


def _traffic(hosts: Hosts, group: list[Instance], name: str) -> dict[str, t.Any]:
    applications = [each for each in group if each.service == "uwsgi"]
    accelerators = [each for each in group if each.service == "varnish"]
    arrived = known_sum(workers.number("requests_per_second") for workers in applications) or 0.0
    sent = known_sum(varnish.number("backend_requests_per_second") for varnish in accelerators)
    around = max(0.0, arrived - (sent or 0.0))
    why = _unread(hosts, accelerators) if around else None
    busiest = sorted(applications, key=lambda workers: -(workers.number("requests_per_second") or 0))
    measures: dict[str, t.Any] = {
        "application_per_second": round(arrived, 3),
        "accelerator_per_second": None if sent is None else round(sent, 3),
        "around_per_second": None if why else round(around, 3),
        "around_each_per_second": None if why else round(around / len(applications), 3),
        "around_ratio": None if why else round(around / arrived, 4) if arrived else 0.0,
    }
    return {
        "name": name,
        "state": "up",
        "problem": None,
        **measures,
        "accelerators": sorted({varnish.host for varnish in accelerators}),
        "applications": [_row(workers) for workers in busiest[:10]],
        "applications_total": len(applications),
        "unknown": {measure: why for measure, value in measures.items() if value is None},
        "notes": [],
    }


def _row(workers: Instance) -> dict[str, t.Any]:
    return {
        "host": workers.host,
        "name": workers.facts.get("name"),
        "address": workers.facts.get("address"),
        "requests_per_second": workers.number("requests_per_second"),
    }


def _unread(hosts: Hosts, accelerators: list[Instance]) -> t.Optional[str]:
    """Why there may be more traffic through accelerators than was counted; None when all of it was."""
    silent = [varnish.host for varnish in accelerators if varnish.number("backend_requests_per_second") is None]
    for host, entry in hosts.items():
        entry = entry if isinstance(entry, dict) else {}
        facts = entry.get("facts", entry)
        unreadable = isinstance(facts, dict) and any(varnish.get("state") == "unreadable" for varnish in instances_in(facts, "varnish"))
        if unreadable or entry.get("reached") is False:
            silent.append(host)
    return f"what the accelerators send was not counted everywhere: {', '.join(sorted(set(silent))[:5])}" if silent else None
