# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Balance of memcached pools, from every server's own facts, whichever host reported them."""

from __future__ import annotations

import dataclasses
import typing as t

from .graph import Graph
from .observed import Hosts, Instance, instances_up, known_sum, skew, variation

IDLE, LISTS, HASHING, HOT = "a server gets nothing", "differing client lists", "hashing or weights", "hot key"

#: Operations in the window below which a balance is chance, and the least for windows shorter than five seconds.
ENOUGH, ENOUGH_AT_LEAST, FULL_WINDOW = 1000, 200, 5.0
#: From here on a share is called uneven; the catalogue has the limits of the verdict.
UNEVEN = 1.25
#: A server with less than this part of its share gets nothing that matters.
NOTHING = 0.01
ROWS = 50

_LOOPBACK = ("127.", "localhost", "[::1]", "::1", "/", "@", "unix:")


@dataclasses.dataclass
class _Server:
    instance: Instance
    share: t.Optional[float] = None

    @property
    def host(self) -> str:
        return self.instance.host

    @property
    def name(self) -> str:
        """An address that says which server it is, also when that is one of many hosts' loopback addresses."""
        name = self.instance.name
        return f"{self.host} {name}" if name.startswith(_LOOPBACK) else name

    @property
    def weight(self) -> float:
        weight = self.measure("weight")
        return weight if weight and weight > 0 else 1.0

    def measure(self, name: str) -> t.Optional[float]:
        return self.instance.number(name)

    @property
    def rate(self) -> float:
        return self.measure("operations_per_second") or 0.0

    @property
    def connections(self) -> t.Optional[float]:
        counted = self.measure("client_connections")
        return self.measure("connections") if counted is None else counted

    def row(self) -> dict[str, t.Any]:
        names = ("hit_ratio", "operations_per_second", "items_total", "bytes", "evictions_per_second")
        address = self.instance.facts.get("address") or self.instance.name
        row = {"name": self.name, "host": self.host, "address": address, "weight": self.weight, "share_ratio": self.share}
        return {**row, **{name: self.measure(name) for name in names}, "connections": self.connections}


def pools(hosts: Hosts, graph: t.Optional[Graph] = None) -> list[dict[str, t.Any]]:
    """One instance per pool: how even its servers' work is and, when it is not, why.

    A pool is the servers of one name (`pool`) that one site's applications talk to.
    """
    by_pool: dict[str, dict[str, _Server]] = {}
    for instance in instances_up(hosts, "memcached"):
        if instance.facts.get("kind", "server") != "server":
            continue  # a proxy's operations are those of the servers behind it
        server = _Server(instance)
        pool = by_pool.setdefault(str(instance.facts.get("pool") or "default"), {})
        known = pool.setdefault(_identity(server), server)
        if known.measure("operations_per_second") is None:
            pool[_identity(server)] = server  # of several reports, one with two samples
    named = [(name, list(servers.values())) for name, servers in sorted(by_pool.items())]
    return [_pool(of_site, group) for name, servers in named for of_site, group in _by_site(name, servers, graph)]


def _by_site(name: str, servers: list[_Server], graph: t.Optional[Graph]) -> list[tuple[str, list[_Server]]]:
    """The servers of each site, where they are known to be of several. One that nothing talks to is of its machine's sites.

    An application that hangs in its database has no connections to its caches: what is seen of its site falls apart.
    """
    groups: dict[tuple[t.Any, ...], list[_Server]] = {}
    sites = graph.sites if graph is not None else {}
    for server in servers:
        site = sites.get(server.instance.key)
        of_machine = {site} if site is not None else _sites_of(server.host, graph)
        groups.setdefault(tuple(sorted(of_machine)) or (server.name,), []).append(server)
    certain = {group[0] for group in groups if len(group) == 1}
    numbers = set(sites.values())
    known = [group for group in groups if group[0] in numbers and (len(group) == 1 or not certain & set(group))]
    if graph is None or len(known) < 2:
        return [(name, servers)]
    clients = _clients(graph)
    return [(f"{name} of {_users(set(group), of_site, graph, clients)}", of_site) for group, of_site in groups.items()]


def _sites_of(host: str, graph: t.Optional[Graph]) -> set[int]:
    return set() if graph is None else {graph.sites[key] for key in graph.on_hosts([host]) if key in graph.sites}


def _clients(graph: Graph) -> dict[str, set[t.Any]]:
    """The sites of what talks to anything, by its host."""
    found: dict[str, set[t.Any]] = {}
    for edge in graph.edges:
        found.setdefault(edge.source[0], set()).add(graph.sites.get(edge.source))
    return found


def _users(of_group: set[t.Any], servers: list[_Server], graph: Graph, clients: t.Mapping[str, set[t.Any]]) -> str:
    """Whose pool it is: by the hosts of its clients, and of itself when nothing talks to it."""
    keys = [server.instance.key for server in servers]
    hosts = sorted({edge.source[0] for key in keys for edge in graph.edges_to(key)}) or sorted({server.host for server in servers})
    shown = ", ".join(hosts[:3])
    alone = all(clients.get(host, of_group) <= of_group for host in hosts[:3])
    return shown if alone else f"{shown} ({', '.join(server.name for server in servers[:2])})"


def _identity(server: _Server) -> str:
    """The same for every host that reports this server."""
    facts = server.instance.facts
    known = facts.get("identity")
    if known:
        return str(known)
    address = str(facts.get("address") or facts.get("name"))
    return f"{server.host} {address}" if address.startswith(_LOOPBACK) else address


def _pool(name: str, servers: list[_Server]) -> dict[str, t.Any]:
    measured = [server for server in servers if server.measure("operations_per_second") is not None]
    rates = [server.rate for server in measured]
    for server in measured:
        server.share = round(server.rate / sum(rates), 4) if sum(rates) else None
    result: dict[str, t.Any] = {
        "name": name,
        "state": "up",
        "problem": None,
        "servers": [server.row() for server in sorted(servers, key=lambda server: -server.rate)[:ROWS]],
        "servers_total": len(servers),
        "operations": known_sum(server.measure("operations") for server in measured),
        "operations_per_second": round(sum(rates), 3) if measured else None,
        "notes": [],
        "unknown": {},
        **_spread(servers, measured),
    }
    why = _unjudged(result, servers, measured)
    if why:
        result["unknown"] = dict.fromkeys(("imbalance", "skew_ratio", "cv"), why)
        result.update(imbalance=None, skew_ratio=None, cv=None)
    result.update(_culprit(result, measured))
    return result


def _spread(servers: list[_Server], measured: list[_Server]) -> dict[str, t.Any]:
    weights = [server.weight for server in measured]
    rates = [server.rate for server in measured]
    uneven, varied = skew(rates, weights), variation(rates, weights)
    ratios = [value for value in (server.measure("hit_ratio") for server in measured) if value is not None]
    return {
        "skew_ratio": uneven,
        "cv": varied,
        # both on one scale, so that one limit serves both: a variation of 0.2 stands beside a skew of 1.25, 0.4 beside 1.5
        "imbalance": None if uneven is None or varied is None else round(max(uneven, 1 + 1.25 * varied), 4),
        "hit_spread": round(max(ratios) - min(ratios), 4) if len(ratios) > 1 else None,
        "items_skew": _skew_of(servers, lambda server: server.measure("items_total")),
        "bytes_skew": _skew_of(servers, lambda server: server.measure("bytes")),
        "connections_skew": _skew_of(servers, lambda server: server.connections, weighted=False),
        "evictions_skew": _skew_of(servers, lambda server: server.measure("evictions_per_second")),
    }


def _skew_of(servers: list[_Server], measure: t.Callable[[_Server], t.Optional[float]], weighted: bool = True) -> t.Optional[float]:
    values = [measure(server) for server in servers]
    if any(value is None for value in values):
        return None
    # every client connects to every server, whatever the servers' weights
    return skew([value or 0.0 for value in values], [server.weight if weighted else 1.0 for server in servers])


def _unjudged(result: dict[str, t.Any], servers: list[_Server], measured: list[_Server]) -> t.Optional[str]:
    """Why the balance is unknown, or None."""
    if len(measured) < len(servers):
        missing = ", ".join(server.name for server in servers if server not in measured)
        return f"no operations were counted at {missing}; a balance needs every server and two samples"
    windows = [server.measure("window") or 0.0 for server in measured]
    needed = min(ENOUGH, max(ENOUGH_AT_LEAST, ENOUGH * max(windows) / FULL_WINDOW))
    if len(servers) > 1 and (result["operations"] or 0) < needed:
        made = f"{result['operations'] or 0:.0f} operations in the window"
        return f"only {made}: too few to tell an uneven pool from chance ({needed:.0f} are needed)"
    return None


def _culprit(result: dict[str, t.Any], measured: list[_Server]) -> dict[str, t.Any]:
    weight = sum(server.weight for server in measured)
    busiest = max(measured, key=lambda server: server.rate / server.weight, default=None)
    idle = [server for server in measured if (server.share or 0.0) < NOTHING * server.weight / weight]
    uneven = len(measured) > 1 and (result["imbalance"] or 0) > UNEVEN
    return {
        "busiest": busiest.name if busiest else None,
        "busiest_share": busiest.share if busiest else None,
        "idle": [server.name for server in idle] if uneven else [],
        "idle_names": ", ".join(server.name for server in idle[:5]) if uneven else "",
        "cause": _cause(result, measured, idle) if uneven else None,
    }


def _cause(result: dict[str, t.Any], measured: list[_Server], idle: list[_Server]) -> str:
    if idle:
        return IDLE
    if (result["connections_skew"] or 0) > UNEVEN or _differing_clients(measured):
        return LISTS
    if max(result["items_skew"] or 0, result["bytes_skew"] or 0) > UNEVEN:
        return HASHING
    return HOT


def _differing_clients(measured: list[_Server]) -> bool:
    """Whether some client hosts are connected to one server and not to another (only where all of them are listed)."""
    lists = []
    for server in measured:
        rows, count = server.instance.facts.get("clients"), server.instance.facts.get("clients_total")
        if not isinstance(rows, list) or count != len(rows):
            return False
        lists.append({row.get("name") for row in rows if isinstance(row, dict)} - {"127.0.0.1", "::1", "unix", server.host})
    return any(clients != lists[0] for clients in lists)
