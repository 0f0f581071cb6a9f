# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A service that is stopped or hangs: whoever needs it waits, and looks overloaded from where they are."""

from __future__ import annotations

import typing as t

from .._checks.services import GATHERED, TITLES
from .cause import APPLICATION, Cause, several
from .fleet_view import SILENT_WORKERS, Data, Fleet

#: service → what the others look like while it is down. None: that it is down is no cause of its own, because another's says it.
CONSEQUENCES: dict[str, t.Optional[frozenset[str]]] = {
    "postgresql": frozenset({"workers_exhausted", "queue_growth"}),
    "mysql": frozenset({"workers_exhausted", "queue_growth"}),
    "varnish": frozenset({"accelerator_bypassed"}),
    "uwsgi": frozenset(),
    "memcached": frozenset({"unbalanced_pool", *APPLICATION}),
    # its broker: whoever sends a task waits for it
    "celery": frozenset({"queue_growth", "workers_exhausted"}),
    # a machine that cannot be read is a host that was not reached
    "server": None,
    # its log is varnish's own
    "varnish_traffic": None,
}


BRING_BACK = "Look at its process and the end of its log, and bring it back. If it is meant to be gone, take it out of the inventory."


def service_down(fleet: Fleet) -> t.Iterator[Cause]:
    for service in dict.fromkeys((*CONSEQUENCES, *GATHERED)):
        consequences = CONSEQUENCES.get(service, frozenset())
        down = fleet.down(service)
        if down and consequences is not None:
            only_workers = all(one["check"] == SILENT_WORKERS for one in down)
            yield _cause(service, down, frozenset({"queue_growth"}) if only_workers else consequences)


def _cause(service: str, down: list[Data], consequences: frozenset[str]) -> Cause:
    places = [f"{one['host']} ({one['instance']})" for one in down]
    return Cause(
        cause="service_down",
        tier=service,
        hosts=sorted({str(one["host"]) for one in down}),
        statement=f"{TITLES[service]} does not answer on {several(places)}: {_why(down[0])}.",
        evidence=[f"{place}: {_why(one)}." for place, one in zip(places[1:6], down[1:6])],
        first_fix=str(down[0].get("advice")) if down[0]["check"] == SILENT_WORKERS else BRING_BACK,
        avoid="Do not add workers or servers to what waits for it: they would wait as well.",
        look=str(down[0].get("look") or ""),
        consequences=consequences,
    )


def _why(finding: Data) -> str:
    return str(finding.get("reason") or finding.get("finding")).rstrip(".")


def explains(down: Cause, other: Cause) -> bool:
    return other.cause in down.consequences
