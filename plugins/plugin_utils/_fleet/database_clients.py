# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who uses each database, and which of its clients are unknown: every client against what the inventory explains."""

from __future__ import annotations

import fnmatch
import typing as t

from .._checks.services import DATABASE_USERS, in_tiers, instances_in
from .graph import SPEAKS
from .nodes import PROXY_SERVICES
from .observed import Data, Hosts, Instance, figure, instances_up, known_sum, rows_in

#: Sessions of ours; the modules say so in their application name.
OWN = "warroom.launch*"
#: Accounts with which a hosting service looks after a server, and those that MySQL has for itself.
OF_THE_SERVICE = (
    "rdsadmin",
    "rdsrepladmin",
    "azure_superuser",
    "azuresu",
    "cloudsqladmin",
    "mysql.session",
    "mysql.sys",
    "mysql.infoschema",
)


def databases(hosts: Hosts, inventory: t.Optional[Data] = None) -> list[dict[str, t.Any]]:
    """One instance per database server: its clients, each with `known`, and the share of those that are not.

    A client is known when an entry of the database host's `known_clients` matches it: a text matches the user, the
    application or the address, a dictionary ({user, application, address, database}, shell patterns) matches all it
    names. Without any entry the client's address must be one of the inventory's; a session from the host itself is then
    known when the host also runs an application or its workers, or a pooler that has a pool of its user: who is behind
    that pooler is seen there.
    """
    addresses = _addresses(hosts, inventory or {})
    views = []
    for service in in_tiers("database"):
        for database in instances_up(hosts, service):
            if isinstance(database.facts.get("clients"), list):
                entry = hosts[database.host] if isinstance(hosts[database.host], dict) else {}
                views.append(_view(database, _explainer(entry, addresses, _pools(entry.get("facts") or {}, service))))
    return views


def belonging(known: t.Any) -> list[t.Any]:
    """The entries of `launch_check_known_clients`; one entry may stand without its list.

    Never the characters of a text: the `*` of `app_*` alone would make every client known.
    """
    if isinstance(known, (str, dict)):
        known = [known]
    return [entry for entry in known if _usable(entry)] if isinstance(known, list) else []


def known_problems(known: t.Any) -> t.Iterator[str]:
    """What is wrong with `launch_check_known_clients`: entries that name no client would explain none, or all."""
    if known not in (None, "", {}) and not isinstance(known, (str, dict, list)):
        yield "launch_check_known_clients: must be a list of texts and mappings"
    for entry in known if isinstance(known, list) else [known] if known else []:
        if not _usable(entry):
            yield (
                f"launch_check_known_clients: {str(entry)[:60]!r} is neither the name of a user, an application or an address, nor a "
                f"mapping of some of {', '.join(_NAMES)} to such a name"
            )


_NAMES = ("user", "application", "address", "database")


def _usable(entry: t.Any) -> bool:
    if isinstance(entry, dict):
        return bool(entry) and all(name in _NAMES and isinstance(pattern, str) and pattern for name, pattern in entry.items())
    return isinstance(entry, str) and bool(entry.strip())


def _addresses(hosts: Hosts, inventory: Data) -> set[str]:
    known = {address for entry in hosts.values() if isinstance(entry, dict) for address in entry.get("addresses") or []}
    for names in (inventory.get("addresses") or {}).values():
        known.update(names)
    return known


def _pools(facts: Data, service: str) -> t.Callable[[Data], bool]:
    """Whether a session from the host itself may be one of a pooler there. One that is not read may have any."""
    poolers = [
        row for name in PROXY_SERVICES if SPEAKS.get(name) == service for row in instances_in(facts, name) if row.get("state") != "down"
    ]
    pools = [rows_in(row.get("pools")) for row in poolers]
    # of many pools some are shown
    untold = any(not rows or row.get("pools_total") != len(rows) for row, rows in zip(poolers, pools))
    users = {pool.get("user") for rows in pools for pool in rows}
    return lambda client: untold or client.get("user") in users


def _explainer(entry: Data, addresses: set[str], pools: t.Callable[[Data], bool]) -> t.Callable[[Data], bool]:
    entries = belonging(entry.get("known_clients"))
    local = any(tier in DATABASE_USERS for tier in entry.get("tiers") or [])

    def known(client: Data) -> bool:
        if is_own(client):
            return True
        if entries:
            return any(_matches(each, client) for each in entries)
        if is_local(client.get("address")):
            return local or pools(client)
        return str(client.get("address")) in addresses

    return known


def is_own(client: Data) -> bool:
    """A session of this check, of a replica or of the hosting service: no application's."""
    if client.get("user") in OF_THE_SERVICE:
        return True
    return fnmatch.fnmatchcase(str(client.get("application") or ""), OWN) or client.get("backend") == "walsender"


def is_local(address: t.Any) -> bool:
    return address in (None, "", "local", "localhost", "127.0.0.1", "::1")


def _matches(entry: t.Any, client: Data) -> bool:
    if isinstance(entry, dict):
        return all(fnmatch.fnmatchcase(str(client.get(name) or ""), str(pattern)) for name, pattern in entry.items())
    return any(fnmatch.fnmatchcase(str(client.get(name) or ""), str(entry)) for name in ("user", "application", "address"))


def _view(database: Instance, known: t.Callable[[Data], bool]) -> dict[str, t.Any]:
    facts, host = database.facts, database.host
    rows = [{**client, "known": known(client)} for client in database.rows("clients")]
    unknown = [row for row in rows if not row["known"]]
    longest = [figure(row, "longest_query_seconds") for row in unknown]
    return {
        "name": f"{host} {database.name}",
        "state": "up",
        "problem": None,
        **database.place,
        "service": database.service,
        "database_instance": facts.get("name"),
        "clients": rows,
        "clients_total": facts.get("clients_total", len(rows)),
        "unknown_clients": unknown,
        "unknown_clients_total": len(unknown),
        "unknown_clients_named": ", ".join(named(row) for row in unknown[:3]),
        "unknown_session_share_ratio": known_sum([figure(row, "session_share_ratio") for row in unknown]) or 0.0,
        "unknown_time_share_ratio": known_sum([figure(row, "time_share_ratio") for row in unknown]) if unknown else 0.0,
        "unknown_active_seconds": known_sum([figure(row, "active_seconds") for row in unknown]) if unknown else 0.0,
        "unknown_longest_query_seconds": None if None in longest else max((value or 0.0 for value in longest), default=0.0),
        "replicas_total": len(facts.get("replicas") or []),
        "unknown": dict(facts.get("unknown") or {}),
        "notes": [],
    }


def named(client: Data) -> str:
    """A client in words: `report (bi-export) from 10.0.0.9`."""
    application = f" ({client['application']})" if client.get("application") else ""
    return f"{client.get('user') or 'an unknown user'}{application} from {client.get('address') or 'the host itself'}"
