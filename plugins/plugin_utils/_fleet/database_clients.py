# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who uses each database, and who of them nobody knows: every client against what the inventory explains."""

from __future__ import annotations

import fnmatch
import typing as t

from .observed import Hosts, figure, known_sum, seen

#: Sessions of ours; the modules say so in their application name.
OWN = "warroom.launch*"

#: Services of a host that use a database, so that a local session of it is explained when nothing else is known.
LOCAL_USERS = ("uwsgi", "celery")

Data = t.Mapping[str, t.Any]


def databases(hosts: Hosts, inventory: t.Optional[Data] = None) -> list[dict[str, t.Any]]:
    """One instance per database server: its clients, each with `known`, and the share of those that are not.

    A client is known when an entry of the database host's `known_clients` matches it: a text matches the user, the
    application or the address, a dictionary ({user, application, address, database}, shell patterns) matches all it
    names. Without any entry the client's address must be one of the inventory's; a session from the host itself is then
    known when the host also runs an application tier.
    """
    addresses = _addresses(hosts, inventory or {})
    found = []
    for service in ("postgresql", "mysql"):
        for host, instance in seen(hosts, service):
            clients = instance.get("clients")
            if isinstance(clients, list):
                entry = hosts[host] if isinstance(hosts[host], dict) else {}
                explain = _explainer(entry, addresses)
                found.append(_database(service, host, instance, [row for row in clients if isinstance(row, dict)], explain))
    return found


def belonging(known: t.Any) -> list[t.Any]:
    """The entries of `launch_check_known_clients`; one entry may stand without its list.

    Never the characters of a text: the `*` of `app_*` alone would make everybody known.
    """
    if isinstance(known, (str, dict)):
        known = [known]
    return [one for one in known if _usable(one)] if isinstance(known, list) else []


def known_problems(known: t.Any) -> t.Iterator[str]:
    """What is wrong with `launch_check_known_clients`: entries that name nobody would explain nobody, or everybody."""
    if known not in (None, "", {}) and not isinstance(known, (str, dict, list)):
        yield "launch_check_known_clients: must be a list of texts and mappings"
    for one in known if isinstance(known, list) else [known] if known else []:
        if not _usable(one):
            yield (
                f"launch_check_known_clients: {str(one)[:60]!r} is neither the name of a user, an application or an address, nor a "
                f"mapping of some of {', '.join(_NAMES)} to such a name"
            )


_NAMES = ("user", "application", "address", "database")


def _usable(one: t.Any) -> bool:
    if isinstance(one, dict):
        return bool(one) and all(name in _NAMES and isinstance(pattern, str) and pattern for name, pattern in one.items())
    return isinstance(one, str) and bool(one.strip())


def _addresses(hosts: Hosts, inventory: Data) -> set[str]:
    known = {address for entry in hosts.values() if isinstance(entry, dict) for address in entry.get("addresses") or []}
    for names in (inventory.get("addresses") or {}).values():
        known.update(names)
    return known


def _explainer(entry: Data, addresses: set[str]) -> t.Callable[[Data], bool]:
    entries = belonging(entry.get("known_clients"))
    local = any(tier in LOCAL_USERS for tier in entry.get("tiers") or [])

    def known(client: Data) -> bool:
        if fnmatch.fnmatchcase(str(client.get("application") or ""), OWN) or client.get("backend") == "walsender":
            return True
        if entries:
            return any(_matches(one, client) for one in entries)
        if _is_local(client.get("address")):
            return local
        return str(client.get("address")) in addresses

    return known


def _is_local(address: t.Any) -> bool:
    return address in (None, "", "local", "localhost", "127.0.0.1", "::1")


def _matches(entry: t.Any, client: Data) -> bool:
    if isinstance(entry, dict):
        return all(fnmatch.fnmatchcase(str(client.get(name) or ""), str(pattern)) for name, pattern in entry.items())
    return any(fnmatch.fnmatchcase(str(client.get(name) or ""), str(entry)) for name in ("user", "application", "address"))


def _database(service: str, host: str, instance: Data, clients: list[t.Any], known: t.Callable[[Data], bool]) -> dict[str, t.Any]:
    rows = [{**client, "known": known(client)} for client in clients]
    strangers = [row for row in rows if not row["known"]]
    longest = [figure(row, "longest_query_seconds") for row in strangers]
    return {
        "name": f"{host} {instance.get('name')}",
        "state": "up",
        "problem": None,
        "host": host,
        "service": service,
        "database_instance": instance.get("name"),
        "clients": rows,
        "clients_total": instance.get("clients_total", len(rows)),
        "unknown_clients": strangers,
        "unknown_clients_total": len(strangers),
        "unknown_clients_named": ", ".join(named(row) for row in strangers[:3]),
        "unknown_session_share_ratio": known_sum([figure(row, "session_share_ratio") for row in strangers]) or 0.0,
        "unknown_time_share_ratio": known_sum([figure(row, "time_share_ratio") for row in strangers]) if strangers else 0.0,
        "unknown_active_seconds": known_sum([figure(row, "active_seconds") for row in strangers]) if strangers else 0.0,
        "unknown_longest_query_seconds": None if None in longest else max((value or 0.0 for value in longest), default=0.0),
        "replicas_total": len(instance.get("replicas") or []),
        "unknown": dict(instance.get("unknown") or {}),
        "notes": [],
    }


def named(client: Data) -> str:
    """A client as people name it: `report (bi-export) from 10.0.0.9`."""
    application = f" ({client['application']})" if client.get("application") else ""
    return f"{client.get('user') or 'somebody'}{application} from {client.get('address') or 'the host itself'}"
