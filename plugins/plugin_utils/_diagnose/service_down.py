# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A service that is down or hangs: what needs it waits, and looks overloaded from where it waits."""

from __future__ import annotations

import typing as t

from ...module_utils._collect.problem import TURNS_AWAY
from .._checks.finding import Finding
from .._checks.services import TIERS, TITLES
from .._fleet.nodes import Key, Place
from .cause import Cause, look, said, several
from .fleet_view import SILENT_WORKERS, Fleet

#: The variant of a queue whose broker is well and whose workers do nothing; the others are named as the tier that is down.
WORKERS = "workers"
#: Down together with another service, which says it; the code that another runs; or all of them, seen from outside;
#: or what no request needs.
PART_OF_ANOTHER = ("varnish_traffic", "django", "site", "backup", "checklist")

BRING_BACK = "and the end of its log, and bring it back. If it was removed on purpose, take it out of the inventory."


def service_down(fleet: Fleet) -> t.Iterator[Cause]:
    for service, tier in TIERS.items():
        down = fleet.down(service) if service not in PART_OF_ANOTHER else []
        if service == "celery" and down:
            servers = fleet.down("redis")
            down = [finding for finding in down if not _is_its_server(finding, servers)]
        for of_site in _by_site(service, down, fleet):
            only_workers = all(finding["check"] == SILENT_WORKERS for finding in of_site)
            yield _cause(service, of_site, WORKERS if only_workers else tier)


def _is_its_server(celery: Finding, servers: list[Finding]) -> bool:
    """Whether a Celery without its broker is only what the broker's own server, which is down as well, looks like from there."""
    words = f"{celery['instance']} {celery.get('reason') or ''}"
    there = [server for server in servers if f"redis://{server['instance']}/" in words]
    return any(server["host"] == celery["host"] or not Place.of(str(server["instance"])).is_loopback for server in there)


def _by_site(service: str, down: list[Finding], fleet: Fleet) -> list[list[Finding]]:
    groups = fleet.graph.grouped(_key(service, finding) for finding in down)
    if groups is None:
        return [down]
    place = {key: number for number, group in enumerate(groups) for key in group}
    found: list[list[Finding]] = [[] for _group in groups]
    for finding in down:
        found[place[_key(service, finding)]].append(finding)
    return found


def _key(service: str, finding: Finding) -> Key:
    return (str(finding["host"]), service, str(finding["instance"]))


def _cause(service: str, down: list[Finding], variant: str) -> Cause:
    places = [f"{finding['host']} ({finding['instance']})" for finding in down]
    full = TURNS_AWAY in _why(down[0])
    does = "takes no further client" if full else "does not respond"
    return Cause(
        tier=service,
        hosts=sorted({str(finding["host"]) for finding in down}),
        statement=f"{TITLES[service]} {does} on {several(places)}: {_why(down[0])}.",
        evidence=[f"{place}: {_why(finding)}." for place, finding in zip(places[1:6], down[1:6])],
        first_fix=_first_fix(service, down, places, full),
        avoid="Do not add workers or servers in front of it: they would " + ("want connections" if full else "wait") + " as well.",
        look=look(down[0]),
        variant=variant,
        of=tuple(_key(service, finding) for finding in down),
    )


def _first_fix(service: str, down: list[Finding], places: list[str], full: bool) -> str:
    if down[0]["check"] == SILENT_WORKERS and said(down[0], "advice"):
        return said(down[0], "advice") + "."
    if full:
        return (
            f"On {several(places)}, count its connections by the host that holds them (ss -Htn state established), restart what holds far "
            f"more than it has workers, and raise the limit. A restart of {TITLES[service]} only lets the same clients in again."
        )
    return f"Look at the process of {TITLES[service]} on {several(places)} {BRING_BACK}"


def _why(finding: Finding) -> str:
    return said(finding, "reason") or said(finding)
