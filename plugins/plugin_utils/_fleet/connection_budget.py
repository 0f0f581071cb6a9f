# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection budget: how many sessions the application tier can open at most, against what the database has."""

from __future__ import annotations

import typing as t

from .._checks.services import in_tiers
from .graph import Graph
from .nodes import Key
from .observed import Hosts, Instance, figure, instances_up


def budgets(hosts: Hosts, graph: t.Optional[Graph] = None) -> list[dict[str, t.Any]]:
    """One instance per database server whose application tier is in the fleet.

    `planned`: sessions when every thread of an application server and every Celery process of the hosts that use this database holds one
    (persistent connections, one database each), and of those that use it through a PgBouncer as many as its pools may open; `usable`:
    what the server has for them, without its reserves.
    """
    capacity = _Capacity(hosts)
    poolers = {pooler.key: pooler for pooler in instances_up(hosts, "pgbouncer")}
    instances: list[dict[str, t.Any]] = []
    for service in in_tiers("database"):
        for database in instances_up(hosts, service):
            usable = database.number("connections.usable")
            users = capacity.of(database)
            if graph is not None:
                users = _pooled(database, capacity, poolers, graph)
            if usable and users:
                instances.append(_budget(database, usable, users))
    return instances


def _pooled(database: Instance, capacity: _Capacity, poolers: t.Mapping[Key, Instance], graph: Graph) -> dict[str, int]:
    """Hosts whose sessions are those of a pooler have none of their own, unless one of their instances is seen to have."""
    users = capacity.of(database)
    direct, pooled = dict(users), {}
    talking = [edge.source for edge in graph.edges_to(database.key)]
    for pooler in (poolers[key] for key in graph.in_order(graph.needed_by(database.key)) if key in poolers):
        possible = pooler.number("servers_possible")
        if possible is None:
            continue
        pooled[f"PgBouncer {pooler}"] = int(possible)
        seen = {source[0] for source in talking if source != pooler.key}
        for host in capacity.of(pooler):
            if host in users and host not in seen:
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


class _Capacity:
    """What the application hosts can hold, by the addresses of these."""

    def __init__(self, hosts: Hosts) -> None:
        self._sessions = _capacity(hosts)
        self._order = {host: place for place, host in enumerate(self._sessions)}
        self._by_address: dict[str, list[str]] = {}
        for host in self._sessions:
            entry = hosts.get(host)
            for address in set(entry.get("addresses") or []) if isinstance(entry, dict) else ():
                self._by_address.setdefault(address, []).append(host)

    def of(self, database: Instance) -> dict[str, int]:
        """Of the application hosts that this database serves: those whose addresses are among its clients'."""
        addresses = {str(row.get("address")) for row in database.rows("clients")}
        users = {host for address in addresses for host in self._by_address.get(address, ())}
        if database.host in self._sessions:
            users.add(database.host)
        return {host: self._sessions[host] for host in sorted(users, key=self._order.__getitem__)}
