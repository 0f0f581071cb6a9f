# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which application servers an edge sends its requests to, by the addresses in its log or its statistics."""

from __future__ import annotations

import typing as t

from .._fleet.nodes import Key
from .._fleet.observed import Instance, Row

if t.TYPE_CHECKING:
    from .fleet_view import Fleet


class Columns(t.NamedTuple):
    """The measure of an edge with its servers; the columns with a server's address, its group, its requests in the window."""

    measure: str
    address: str
    group: str
    requests: str


SERVERS = {
    "nginx": Columns("upstreams", "name", "group", "attempts"),
    "haproxy": Columns("servers", "address", "backend", "requests"),
}


def servers_of(edge: Instance, fleet: Fleet) -> t.Iterator[tuple[Row, list[Key]]]:
    """Its servers that are instances of the check: the row, and what listens there."""
    columns = SERVERS[edge.service]
    for row in edge.rows(columns.measure):
        ends = fleet.graph.ends_at(edge.key, row.word(columns.address)) if row.get(columns.address) else []
        if ends:
            yield row, ends


def edges_before(fleet: Fleet) -> dict[Key, list[Instance]]:
    """The edges of each server all of whose requests go to it, or to one group that it is in: what they tell of all is true of it."""
    found: dict[Key, list[Instance]] = {}
    for service, columns in SERVERS.items():
        for edge in fleet.instances(service):
            ends = {key for _row, keys in servers_of(edge, fleet) for key in keys}
            if len(ends) == 1 or len({row.word(columns.group) for row in edge.rows(columns.measure)}) == 1:
                for key in ends:
                    found.setdefault(key, []).append(edge)
    return found
