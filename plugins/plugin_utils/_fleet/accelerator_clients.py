# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who is connected to an application without having come through an accelerator: by address, and by who talks to whom on one host."""

from __future__ import annotations

import collections
import typing as t

from .graph import Graph
from .nodes import UNIX, Key, Node, Place
from .observed import Instance

#: Tiers through which an accelerator may reach the application.
_ON_THE_WAY = ("edge", "accelerator")
_LOCAL = UNIX.rstrip(":")


class Clients(t.NamedTuple):
    """Connections of all applications, those around the accelerators, and the addresses of the latter with how many each has."""

    connections: int
    around: int
    rows: list[dict[str, t.Any]]


def clients(graph: t.Optional[Graph], applications: list[Instance], accelerators: list[Instance]) -> t.Union[Clients, str]:
    """Or why they are not known."""
    if graph is None:
        return "who talks to whom is not known"
    way = _way(graph, accelerators)
    hosts = {each.host for each in way.values()}
    called = {address for each in way.values() for address in (each.host, *each.addresses)}
    total, found = 0, collections.Counter[str]()
    for application in applications:
        if application.number("clients_from_total") is None:
            return f"who is connected to {application} is not known"
        node = graph.nodes[application.key]
        for row in application.rows("clients_from"):
            total += int(row.amount("connections"))
            if not _comes_by(row.word("address"), node, called):
                found[row.word("address")] += int(row.amount("connections"))
        found.update(_beside(graph, node, way, hosts))
    rows = [{"address": address, "host": graph.host_named(address), "connections": count} for address, count in found.most_common()]
    return Clients(total, sum(found.values()), rows)


def _way(graph: Graph, accelerators: list[Instance]) -> dict[Key, Node]:
    """The accelerators, and the proxies between them and the application."""
    keys = {key for each in accelerators for key in graph.behind(each.key)}
    return {key: graph.nodes[key] for key in keys if key in graph.nodes and graph.nodes[key].tier in _ON_THE_WAY}


def _comes_by(address: str, node: Node, called: t.Collection[str]) -> bool:
    if address == _LOCAL or Place(address, "").is_loopback or address in node.addresses:
        return True  # of its own host: `_beside` says who
    return address in called


def _beside(graph: Graph, node: Node, way: t.Mapping[Key, Node], hosts: t.Collection[str]) -> collections.Counter[str]:
    """Connections of others on the hosts of accelerators, or on its own, whose addresses tell nothing."""
    found = collections.Counter[str]()
    for edge in graph.edges_to(node.key):
        if edge.source not in way and (edge.source[0] == node.host or edge.source[0] in hosts) and edge.connections:
            found["/".join(edge.source)] += edge.connections
    return found
