# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection budget: how many sessions the application tier can open at most, against what the database has."""

from __future__ import annotations

import typing as t

from .observed import Hosts, figure, seen


def budgets(hosts: Hosts, inventory: t.Optional[t.Mapping[str, t.Any]] = None) -> list[dict[str, t.Any]]:
    """One instance per database server whose application tier is in the fleet.

    `planned`: sessions when every uWSGI core and every Celery process of the hosts that use this database holds one
    (persistent connections, one database each); `usable`: what the server has for them, without its reserves.
    """
    capacity = _capacity(hosts)
    found: list[dict[str, t.Any]] = []
    for service in ("postgresql", "mysql"):
        for host, instance in seen(hosts, service):
            connections = instance.get("connections")
            usable = figure(connections, "usable") if isinstance(connections, dict) else None
            users = _users(hosts, host, instance, capacity)
            if usable and users:
                planned = sum(capacity[name] for name in users)
                found.append(
                    {
                        "name": f"{host} {instance.get('name')}",
                        "state": "up",
                        "problem": None,
                        "host": host,
                        "service": service,
                        "planned": planned,
                        "usable": int(usable),
                        "left": int(usable) - planned,
                        "used": figure(t.cast("dict[str, t.Any]", connections), "used"),
                        "budget_ratio": round(planned / usable, 4),
                        "users": [{"name": name, "sessions_planned": capacity[name]} for name in users],
                        "users_total": len(users),
                        "unknown": {},
                        "notes": [],
                    }
                )
    return found


def _capacity(hosts: Hosts) -> dict[str, int]:
    """Sessions that the application tier of each host can hold at the same time."""
    result: dict[str, int] = {}
    for host, instance in seen(hosts, "uwsgi"):
        result[host] = result.get(host, 0) + int(figure(instance, "concurrency") or 0)
    workers: dict[str, int] = {}
    for _host, instance in seen(hosts, "celery"):
        for worker in instance.get("workers") or []:
            if isinstance(worker, dict) and isinstance(worker.get("name"), str):
                workers[worker["name"]] = int(figure(worker, "concurrency") or 0)
    by_short_name = {host.split(".")[0]: host for host in hosts}
    for name, concurrency in workers.items():
        # celery@app1 runs on the inventory's app1; a worker whose host nobody asked still holds its sessions
        place = name.partition("@")[2].split(".")[0]
        host = by_short_name.get(place, place or name)
        result[host] = result.get(host, 0) + concurrency
    return {host: sessions for host, sessions in result.items() if sessions}


def _users(hosts: Hosts, database_host: str, instance: t.Mapping[str, t.Any], capacity: t.Mapping[str, int]) -> list[str]:
    """The application hosts that this database serves: those whose addresses are among its clients'."""
    clients = instance.get("clients")
    addresses = {str(row.get("address")) for row in clients if isinstance(row, dict)} if isinstance(clients, list) else set()
    users = []
    for host in capacity:
        entry = hosts.get(host)
        own = set(entry.get("addresses") or []) if isinstance(entry, dict) else set()
        if addresses & own or host == database_host:
            users.append(host)
    return users
