# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection budget: how many sessions the application tier can open at most, against what the database has."""

from __future__ import annotations

import typing as t

from .._checks.services import in_tiers
from .graph import Graph
from .observed import Hosts, Instance, figure, instances_up


def budgets(hosts: Hosts, graph: t.Optional[Graph] = None) -> list[dict[str, t.Any]]:
    """One instance per database server whose application tier is in the fleet.

    `planned`: sessions when every thread of an application server and every Celery process of the hosts that use this database holds one
    (persistent connections, one database each), and of those that use it through a PgBouncer as many as its pools may open; `usable`:
    what the server has for them, without its reserves.
    """
    capacity = _capacity(hosts)
    poolers = list(instances_up(hosts, "pgbouncer"))  # once: for each database it would be a walk over all hosts
    instances: list[dict[str, t.Any]] = []
    for service in in_tiers("database"):
        for database in instances_up(hosts, service):
            usable = database.number("connections.usable")
            users = {name: capacity[name] for name in _users(hosts, database, capacity)}
            if graph is not None:
                users = _pooled(hosts, database, users, poolers, graph)
            if usable and users:
                instances.append(_budget(database, usable, users))
    return instances


def _pooled(hosts: Hosts, database: Instance, users: t.Mapping[str, int], poolers: t.Sequence[Instance], graph: Graph) -> dict[str, int]:
    """Hosts whose sessions are those of a pooler have none of their own, unless one of their instances is seen to have."""
    direct, pooled = dict(users), {}
    for pooler in poolers:
        possible = pooler.number("servers_possible")
        if possible is None or graph.depends(pooler.key, database.key) is not True:
            continue
        pooled[f"PgBouncer {pooler}"] = int(possible)
        for host in _users(hosts, pooler, users):
            if not any(edge.source[0] == host and edge.target == database.key and edge.source != pooler.key for edge in graph.edges):
                direct.pop(host, None)
    return {**direct, **pooled}


def _budget(database: Instance, usable: float, users: t.Mapping[str, int]) -> dict[str, t.Any]:
    planned = sum(users.values())
    return {
        "name": f"{database.host} {database.name}",
        "state": "up",
        "problem": None,
        **database.place,
        "service": database.service,
        "planned": planned,
        "usable": int(usable),
        "left": int(usable) - planned,
        "used": database.number("connections.used"),
        "budget_ratio": round(planned / usable, 4),
        "users": [{"name": name, "sessions_planned": sessions} for name, sessions in users.items()],
        "users_total": len(users),
        "unknown": {},
        "notes": [],
    }


def _capacity(hosts: Hosts) -> dict[str, int]:
    """Sessions that the application tier of each host can hold at the same time."""
    result: dict[str, int] = {}
    for application in (each for service in in_tiers("application") for each in instances_up(hosts, service)):
        result[application.host] = result.get(application.host, 0) + int(application.number("concurrency") or 0)
    workers: dict[str, int] = {}
    for report in instances_up(hosts, "celery"):
        for worker in report.rows("workers"):
            if isinstance(worker.get("name"), str):
                workers[worker["name"]] = int(figure(worker, "concurrency") or 0)
    by_short_name = {host.split(".")[0]: host for host in hosts}
    for name, concurrency in workers.items():
        # celery@app1 runs on the inventory's app1; a worker on a host outside the check still holds its sessions
        short_name = name.partition("@")[2].split(".")[0]
        host = by_short_name.get(short_name, short_name or name)
        result[host] = result.get(host, 0) + concurrency
    return {host: sessions for host, sessions in result.items() if sessions}


def _users(hosts: Hosts, database: Instance, capacity: t.Mapping[str, int]) -> list[str]:
    """The application hosts that this database serves: those whose addresses are among its clients'."""
    addresses = {str(row.get("address")) for row in database.rows("clients")}
    users = []
    for host in capacity:
        entry = hosts.get(host)
        own = set(entry.get("addresses") or []) if isinstance(entry, dict) else set()
        if addresses & own or host == database.host:
            users.append(host)
    return users
