# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which hosts belong to one site: a database and the hosts of its clients. Two sites in one inventory do not explain each other."""

from __future__ import annotations

import typing as t

from .._checks.services import DATABASE_USERS, in_tiers, instances_in
from .._fleet.database_clients import is_local, is_own
from .._fleet.observed import Data, Instance

#: A database with this part of its connections in use may keep out those who use it.
FULL = 0.9


class Sites:
    """Hosts joined by the databases whose clients are all known. What is not known joins and separates nothing."""

    def __init__(self, hosts: Data, databases: t.Iterable[Instance]) -> None:
        self._hosts = hosts
        self._by_address: dict[str, set[str]] = {}
        for name, entry in hosts.items():
            for address in _listed(entry, "addresses"):
                self._by_address.setdefault(str(address), set()).add(name)
        self._users: dict[tuple[str, str, str], t.Optional[set[str]]] = {}
        self._runs_users: dict[str, bool] = {}
        self._site: dict[str, int] = {}
        self._members: dict[int, set[str]] = {}
        for database in databases:
            users = self.users_of(database)
            if users is not None:
                self._join({database.host, *users})

    def users_of(self, database: Instance) -> t.Optional[set[str]]:
        """The hosts whose applications and workers have sessions there; None when a client may be anybody."""
        if database.key not in self._users:
            self._users[database.key] = self._read_users(database)
        return self._users[database.key]

    def _read_users(self, database: Instance) -> t.Optional[set[str]]:
        users: set[str] = set()
        clients = database.rows("clients")
        if len(clients) < (database.number("clients_total") or 0) or is_full(database):
            return None  # some are not listed, or are kept out
        for client in clients:
            if is_own(client):
                continue
            address = client.get("address")
            places = {database.host} if is_local(address) else self._by_address.get(str(address), set())
            if not places or not all(self.runs_users(place) for place in places):
                return None
            users |= places
        return users or None

    def runs_users(self, host: str) -> bool:
        """Whether it is a host of an application or its workers."""
        if host not in self._runs_users:
            entry = self._hosts.get(host)
            facts = entry.get("facts") if isinstance(entry, dict) else None
            self._runs_users[host] = isinstance(facts, dict) and any(instances_in(facts, service) for service in in_tiers(*DATABASE_USERS))
        return self._runs_users[host]

    def _join(self, hosts: set[str]) -> None:
        sites = {self._site[host] for host in hosts if host in self._site} or {len(self._members)}
        whole = max(sites, key=lambda site: len(self._members.get(site, ())))
        members = self._members.setdefault(whole, set())
        for joined in (hosts, *(self._members[site] for site in sites if site != whole)):
            members |= joined
            self._site.update(dict.fromkeys(joined, whole))

    def apart(self, some: t.Iterable[str], others: t.Iterable[str]) -> bool:
        """Whether these hosts are known to belong to other sites than those."""
        first, second = ([self._site.get(host) for host in hosts] for hosts in (some, others))
        return None not in first and None not in second and not set(first) & set(second)

    def may_use(self, hosts: t.Iterable[str], database: Instance) -> bool:
        """Whether one of these hosts uses the database, or it is not known that none does."""
        users = self.users_of(database)
        if users is None:
            return True
        candidates = {host for host in hosts if self.runs_users(host)}
        return not candidates or bool(users & candidates)

    def site_of(self, host: str) -> t.Optional[int]:
        """The number of its site; None where that is not known."""
        return self._site.get(host)

    def grouped(self, instances: t.Iterable[Instance]) -> list[list[Instance]]:
        """The instances of each site; those of no known site are one group."""
        groups: dict[t.Optional[int], list[Instance]] = {}
        for instance in instances:
            groups.setdefault(self._site.get(instance.host), []).append(instance)
        return list(groups.values())


def is_full(database: Instance) -> bool:
    """Whether it may refuse those who need it. One that refuses this check does not say how many it takes."""
    if database.facts.get("connections_exhausted") is True:
        return True
    used, usable = database.number("connections.used"), database.number("connections.usable")
    return used is not None and usable is not None and used >= FULL * usable


def _listed(entry: t.Any, name: str) -> list[t.Any]:
    value = entry.get(name) if isinstance(entry, dict) else None
    return value if isinstance(value, list) else []
