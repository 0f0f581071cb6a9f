# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The services that are judged, in the order of a request's way through the stack, and the tier each one makes a host."""

from __future__ import annotations

import typing as t

#: service → what people call it. The order is that of boards and panels.
TITLES: dict[str, str] = {
    "server": "Server",
    "varnish": "Varnish",
    "varnish_traffic": "Varnish traffic",
    "accelerator_bypass": "Traffic around Varnish",
    "uwsgi": "uWSGI",
    "memcached": "memcached",
    "memcached_pool": "memcached pool",
    "celery": "Celery",
    "celery_queue": "Celery queues",
    "postgresql": "PostgreSQL",
    "mysql": "MySQL",
    "database_clients": "Database clients",
    "connection_budget": "Connection budget",
    "siblings": "Hosts of one kind",
}

#: Services that exist once for the fleet: made on the control node from the facts of several hosts.
FLEET = ("accelerator_bypass", "memcached_pool", "celery_queue", "database_clients", "connection_budget", "siblings")

#: A host's tier is what it runs, not what its group is called.
TIERS: dict[str, str] = {
    "varnish": "accelerator",
    "varnish_traffic": "accelerator",
    "uwsgi": "application",
    "memcached": "cache",
    "celery": "queue",
    "postgresql": "database",
    "mysql": "database",
}

#: The host that fleet-wide findings are given to.
FLEET_HOST = "fleet"

_PREFIX = "launch_"


def fact_key(service: str) -> str:
    return _PREFIX + service


def facts_of(variables: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Those of `ansible_facts` that this collection judges: `launch_<service>`."""
    return {key: variables[key] for key in variables if isinstance(key, str) and key.startswith(_PREFIX) and key[len(_PREFIX) :] in TITLES}


def instances_in(facts: t.Mapping[str, t.Any], service: str) -> list[dict[str, t.Any]]:
    """The instances of one service in a host's facts; nothing when the fact is absent or has another form."""
    fact = facts.get(fact_key(service))
    instances = fact.get("instances") if isinstance(fact, dict) else None
    return [one for one in instances if isinstance(one, dict)] if isinstance(instances, list) else []


def tiers_of(facts: t.Mapping[str, t.Any], configured: t.Iterable[str] = ()) -> list[str]:
    """The tiers of a host, by what was found on it and what it was asked for; a service that is down still makes its tier."""
    wanted = set(configured)
    running = [service for service in TIERS if service in wanted or instances_in(facts, service)]
    return list(dict.fromkeys(TIERS[service] for service in running))
