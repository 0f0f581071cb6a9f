# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nodes and edges, and the paths of edges: what is behind a node and what is before it, each found once."""

from __future__ import annotations

import functools
import typing as t

from .nodes import Key, Node


class Edge(t.NamedTuple):
    """`source` talks to `target`."""

    source: Key
    target: Key
    address: str
    connections: t.Optional[int]


class Paths:
    """Nothing may be added to nodes and edges once paths were asked for."""

    def __init__(self, nodes: dict[Key, Node]) -> None:
        self.nodes = nodes
        self.edges: list[Edge] = []
        self._behind: dict[Key, frozenset[Key]] = {}
        self._needed_by: dict[Key, frozenset[Key]] = {}

    def edges_of(self, key: Key) -> t.Sequence[Edge]:
        """Those that begin at the node."""
        return self._down.get(key, ())

    def edges_to(self, key: Key) -> t.Sequence[Edge]:
        """Those that end at the node."""
        return self._up.get(key, ())

    @functools.cached_property
    def _down(self) -> dict[Key, list[Edge]]:
        found: dict[Key, list[Edge]] = {}
        for edge in self.edges:
            found.setdefault(edge.source, []).append(edge)
        return found

    @functools.cached_property
    def _up(self) -> dict[Key, list[Edge]]:
        found: dict[Key, list[Edge]] = {}
        for edge in self.edges:
            found.setdefault(edge.target, []).append(edge)
        return found

    def behind(self, key: Key) -> frozenset[Key]:
        """The node and all that it depends on, as far as edges are known."""
        if key not in self._behind:
            self._behind[key] = _reached(key, lambda each: (edge.target for edge in self.edges_of(each)))
        return self._behind[key]

    def needed_by(self, key: Key) -> frozenset[Key]:
        """The node and all that depend on it."""
        if key not in self._needed_by:
            self._needed_by[key] = _reached(key, lambda each: (edge.source for edge in self.edges_to(each)))
        return self._needed_by[key]

    def in_order(self, keys: t.Iterable[Key]) -> list[Key]:
        """Those of them that are nodes, as these stand."""
        return sorted((key for key in keys if key in self._order), key=self._order.__getitem__)

    @functools.cached_property
    def _order(self) -> dict[Key, int]:
        return {key: place for place, key in enumerate(self.nodes)}

    def on_hosts(self, hosts: t.Iterable[str]) -> list[Key]:
        """The nodes of these hosts."""
        return self.in_order(key for host in set(hosts) for key in self._of_host.get(host, ()))

    @functools.cached_property
    def _of_host(self) -> dict[str, list[Key]]:
        found: dict[str, list[Key]] = {}
        for key in self.nodes:
            found.setdefault(key[0], []).append(key)
        return found

    def host_named(self, address: str) -> t.Optional[str]:
        """The host of the first node that has the address, has the name, or is shown like this."""
        return self._named.get(address)

    @functools.cached_property
    def _named(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for key, node in self.nodes.items():
            for address in (node.host, *node.addresses, shown(key)):
                found.setdefault(address, node.host)
        return found


def shown(key: Key) -> str:
    """`web1/varnish/default`"""
    return "/".join(key)


def _reached(key: Key, following: t.Callable[[Key], t.Iterable[Key]]) -> frozenset[Key]:
    found, waiting = {key}, [key]
    while waiting:
        for other in following(waiting.pop()):
            if other not in found:
                found.add(other)
                waiting.append(other)
    return frozenset(found)
