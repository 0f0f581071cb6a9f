# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The services that are judged: views of the one table (the collectors' registry), in the order of a request's way through the stack."""

from __future__ import annotations

import typing as t

from ...module_utils._collect.fact_names import fact_key
from ...module_utils._collectors.registry import GATHERED, MACHINES, ROWS

__all__ = [
    "COLUMNS", "DATABASE_USERS", "FLEET", "FLEET_HOST", "FOLLOWED", "GATHERED", "MODULES", "TIERS", "TITLES", "WINDOWS",
    "fact_key", "facts_of", "in_tiers", "instances_in", "tiers_of",
]  # fmt: skip

#: service → what people call it. The order is that of boards and panels.
TITLES: dict[str, str] = {row.name: row.title for row in ROWS}

#: Services that exist once for the fleet: made on the control node from the facts of several hosts.
FLEET = tuple(row.name for row in ROWS if row.fleet)

#: service → the module that gathers it.
MODULES: dict[str, str] = {row.name: row.module for row in ROWS if row.module}

#: A host's tier is what it runs, not what its group is called.
TIERS: dict[str, str] = {row.name: row.tier for row in GATHERED.values() if row.tier != MACHINES}

#: Tiers whose processes use databases themselves; any other client of one may speak for others (a pooler, NAT).
DATABASE_USERS = ("application", "queue")

#: service → the cockpit's window that shows its instances; machines first, then a request's way.
WINDOWS: dict[str, str] = {row.name: row.tier for row in ROWS}

#: service → its column on the board.
COLUMNS: dict[str, str] = {row.name: row.column for row in ROWS}

#: Checks whose values a war room follows over time.
FOLLOWED = tuple(check for row in ROWS for check in row.followed)

#: The host that fleet-wide findings are given to.
FLEET_HOST = "fleet"


_KEYS: dict[str, str] = {name: fact_key(name) for name in TITLES}


def in_tiers(*tiers: str) -> tuple[str, ...]:
    """The services that make a host one of these tiers."""
    return tuple(service for service, tier in TIERS.items() if tier in tiers)


def facts_of(variables: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Those of `ansible_facts` that this collection judges: `launch_<service>`."""
    return {key: variables[key] for key in map(fact_key, TITLES) if key in variables}


def instances_in(facts: t.Mapping[str, t.Any], service: str) -> list[dict[str, t.Any]]:
    """The instances of one service in a host's facts; nothing when the fact is absent or has another form."""
    fact = facts.get(_KEYS.get(service) or fact_key(service))
    instances = fact.get("instances") if isinstance(fact, dict) else None
    return [instance for instance in instances if isinstance(instance, dict)] if isinstance(instances, list) else []


def tiers_of(facts: t.Mapping[str, t.Any], configured: t.Iterable[str] = ()) -> list[str]:
    """The tiers of a host, by what runs there and what is configured; a service that is down still counts."""
    wanted = set(configured)
    running = [service for service in TIERS if service in wanted or instances_in(facts, service)]
    return list(dict.fromkeys(TIERS[service] for service in running))
