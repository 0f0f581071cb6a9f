# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Things by where they are: those near another are found without comparing all pairs, which would grow with the square of the fleet."""

from __future__ import annotations

import bisect
import heapq
import itertools
import typing as t

from .extent import Extent
from .fleet_view import Fleet

T = t.TypeVar("T")
#: Of things, the place in their order.
Rank = tuple[int, ...]
#: What is not known to be of any site by the sessions of databases.
_ANY = None


class Nearby(t.Generic[T]):
    """Things in an order, each with its extent."""

    def __init__(self, fleet: Fleet) -> None:
        self._graph = fleet.graph
        self._things: dict[Rank, T] = {}
        self._by_place: dict[t.Any, list[Rank]] = {}
        self._by_kinds: dict[t.Any, dict[t.Optional[int], list[Rank]]] = {}

    def add(self, where: Extent, thing: T, rank: t.Optional[Rank] = None) -> None:
        """Behind those that are there already, or in the place that its rank says."""
        rank = (len(self._things),) if rank is None else rank
        self._things[rank] = thing
        for place in where.places:
            bisect.insort(self._by_place.setdefault(place, []), rank)
        by_site = self._by_kinds.setdefault(where.kinds, {})
        for site in where.of_hosts or (_ANY,):
            bisect.insort(by_site.setdefault(site, []), rank)

    def of(self, where: Extent) -> t.Iterator[T]:
        """All that are not known to be apart from there."""
        return (self._things[rank] for rank in in_order(self.ranks(where)))

    def of_site(self, where: Extent) -> t.Iterator[T]:
        """Those that are known to belong to the same site."""
        return (self._things[rank] for rank in in_order(self._same(where)))

    def ranks(self, where: Extent) -> t.Iterator[list[Rank]]:
        """Of those that are not known to be apart from there, in lists that may overlap."""
        yield from self._same(where)
        for kinds, by_site in self._by_kinds.items():
            if {self._graph.apart_by_kind(*pair) for pair in itertools.product(kinds, where.kinds)} != {True}:
                for site in (_ANY, *where.of_hosts) if where.of_hosts else by_site:
                    yield by_site.get(site, [])

    def _same(self, where: Extent) -> t.Iterator[list[Rank]]:
        return (self._by_place[place] for place in where.places if place in self._by_place)


def in_order(ranks: t.Iterable[t.Iterable[Rank]]) -> t.Iterator[Rank]:
    """Each once; as few are looked at as are asked for."""
    return (rank for rank, _same in itertools.groupby(heapq.merge(*ranks)))
