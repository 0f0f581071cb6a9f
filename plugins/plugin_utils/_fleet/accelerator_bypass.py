# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests that reach the application without having passed an accelerator: what the workers take against what Varnish sends."""

from __future__ import annotations

import heapq
import typing as t

from .._checks.services import in_tiers, instances_in
from .accelerator_clients import Clients, clients
from .graph import Graph, by_site
from .observed import Hosts, Instance, instances_up, known_sum

APPLICATIONS = in_tiers("application")
#: Services that count their requests; of others the connections of one moment are compared.
COUNTED = ("uwsgi",)
NOT_COUNTED = "this server does not count its requests: accelerator_bypass_clients goes by its connections"


def traffic(hosts: Hosts, graph: t.Optional[Graph] = None) -> list[dict[str, t.Any]]:
    """One instance for each site, and service of the application, with an accelerator before it; one for the fleet without known sites.

    `application_per_second`: requests that all instances took; `accelerator_per_second`: requests that all accelerators sent to what is
    behind them; `around_per_second`, `around_each_per_second` and `around_ratio`: what is left, that for each instance (every accelerator's
    probes reach every one of them), and its part of the former. Likewise `application_connections`, `around_connections` and
    `around_connections_ratio`. An accelerator that could not be read may have sent it: then these are unknown, unless nothing is left.
    """
    applications = [each for service in APPLICATIONS for each in instances_up(hosts, service) if _can_tell(each)]
    sites = by_site(graph, [*applications, *instances_up(hosts, "varnish")])
    groups = [group for site in sites for service in APPLICATIONS if (group := _of_service(site, service, graph))]
    several = {service: sum(each[0][0].service == service for each in groups) > 1 for service in APPLICATIONS}
    silent = _silent(hosts)
    return [_traffic(silent, graph, *group, _name(group[0], several[group[0][0].service])) for group in groups]


def _can_tell(application: Instance) -> bool:
    return application.service not in COUNTED or application.number("requests_per_second") is not None


def _of_service(site: list[Instance], service: str, graph: t.Optional[Graph]) -> t.Optional[tuple[list[Instance], list[Instance]]]:
    """The applications of a service and the accelerators of a site that has both.

    Where not all sites are known, those of another site than every accelerator are left out: they bypass none.
    """
    accelerators = [each for each in site if each.service == "varnish"]
    applications = [each for each in site if each.service == service and not _elsewhere(each, accelerators, graph)]
    return (applications, accelerators) if applications and accelerators else None


def _elsewhere(application: Instance, accelerators: list[Instance], graph: t.Optional[Graph]) -> bool:
    return graph is not None and all(graph.apart(varnish.key, application.key) for varnish in accelerators)


def _name(applications: list[Instance], of_several: bool) -> str:
    """Findings go by name: with several sites, theirs say which."""
    service = applications[0].service
    return f"{service} of {', '.join(sorted({each.host for each in applications})[:3])}" if of_several else service


def _traffic(
    silent: list[str], graph: t.Optional[Graph], applications: list[Instance], accelerators: list[Instance], name: str
) -> dict[str, t.Any]:
    counted = applications[0].service in COUNTED
    busiest = sorted(applications, key=lambda workers: -(workers.number("requests_per_second") or 0))
    measures, reasons = _requests(silent, applications, accelerators) if counted else ({}, dict.fromkeys(_REQUESTS, NOT_COUNTED))
    told = _connections(silent, clients(graph, applications, accelerators))
    return {
        "name": name,
        "state": "up",
        "problem": None,
        **dict.fromkeys(_REQUESTS),
        **measures,
        **told[0],
        "accelerators": sorted({varnish.host for varnish in accelerators}),
        "applications": [_row(workers) for workers in busiest[:10]],
        "applications_total": len(applications),
        "unknown": {**reasons, **told[1]},
        "notes": [],
    }


Told = tuple[dict[str, t.Any], dict[str, str]]
_REQUESTS = ("application_per_second", "accelerator_per_second", "around_per_second", "around_each_per_second", "around_ratio")


def _requests(silent: list[str], applications: list[Instance], accelerators: list[Instance]) -> Told:
    """The measures, and why some of them are not known."""
    arrived = known_sum(workers.number("requests_per_second") for workers in applications) or 0.0
    sent = known_sum(varnish.number("backend_requests_per_second") for varnish in accelerators)
    around = max(0.0, arrived - (sent or 0.0))
    uncounted = [varnish.host for varnish in accelerators if varnish.number("backend_requests_per_second") is None]
    why = _unread(silent, uncounted) if around else None
    measures: dict[str, t.Any] = {
        "application_per_second": round(arrived, 3),
        "accelerator_per_second": None if sent is None else round(sent, 3),
        "around_per_second": None if why else round(around, 3),
        "around_each_per_second": None if why else round(around / len(applications), 3),
        "around_ratio": None if why else round(around / arrived, 4) if arrived else 0.0,
    }
    return measures, {measure: why or "" for measure, value in measures.items() if value is None}


def _connections(silent: list[str], found: t.Union[Clients, str]) -> Told:
    why = found if isinstance(found, str) else _unread(silent, []) if found.around else None
    if isinstance(found, str) or why:
        names = ("around_connections", "around_connections_ratio", "clients_around", "clients_around_total")
        total = None if isinstance(found, str) else found.connections
        measures = {"application_connections": total, **dict.fromkeys(names)}
        return measures, {name: why or "" for name, value in measures.items() if value is None}
    around = min(found.around, found.connections)
    return {
        "application_connections": found.connections,
        "around_connections": around,
        "around_connections_ratio": round(around / found.connections, 4) if found.connections else 0.0,
        "clients_around": found.rows[:10],
        "clients_around_total": len(found.rows),
    }, {}


def _row(workers: Instance) -> dict[str, t.Any]:
    return {
        "host": workers.host,
        "name": workers.facts.get("name"),
        "address": workers.facts.get("address"),
        "port": workers.facts.get("port"),
        "requests_per_second": workers.number("requests_per_second"),
    }


def _unread(silent: list[str], uncounted: list[str]) -> t.Optional[str]:
    """Why there may be more traffic through accelerators than was counted; None when all of it was."""
    first = heapq.nsmallest(5, {*silent[:5], *uncounted})
    return f"what the accelerators send was not counted everywhere: {', '.join(first)}" if first else None


def _silent(hosts: Hosts) -> list[str]:
    """Hosts that may have an accelerator which could not be read, in alphabetical order."""
    silent = set()
    for host, entry in hosts.items():
        entry = entry if isinstance(entry, dict) else {}
        facts = entry.get("facts", entry)
        unreadable = isinstance(facts, dict) and any(varnish.get("state") == "unreadable" for varnish in instances_in(facts, "varnish"))
        if unreadable or entry.get("reached") is False:
            silent.add(host)
    return sorted(silent)
