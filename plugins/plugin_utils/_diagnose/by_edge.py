# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tier in front of application servers tells of their requests, for those that count and time none themselves."""

from __future__ import annotations

import typing as t

from .._fleet.nodes import Key
from .._fleet.observed import Instance
from .edges_before import SERVERS, edges_before, servers_of
from .fleet_view import Fleet

#: A page that takes so many times as long as the quickest one: all of them wait for a worker, and the rest is its own.
OWN_TIME = 1.3
#: Of the time that is not the same for all pages, the part of one that the workers are in.
MOST_TIME = 0.5


class Sent(t.NamedTuple):
    """Requests per second from one instance to one address, and what listens there."""

    source: Key
    address: str
    ends: tuple[Key, ...]
    rate: t.Optional[float]


def pages_by_edge(workers: Instance, fleet: Fleet) -> list[str]:
    """What takes longest by the log of an edge that sends its requests to these workers, or to them and their siblings."""
    return [page for edge in fleet.once(edges_before).get(workers.key, []) for page in _longest(edge)]


def _longest(edge: Instance) -> list[str]:
    """The kinds of page that take most of the time that is not the same for all."""
    timed = [row for row in edge.rows("pages") if row.number("mean_seconds") is not None]
    quickest = min((row.amount("mean_seconds") for row in timed), default=0.0)
    own = {row.word("pattern"): row.amount("requests") * (row.amount("mean_seconds") - quickest) for row in timed}
    whole = sum(own.values())
    slow = [row.word("pattern") for row in timed if row.amount("mean_seconds") >= OWN_TIME * quickest]
    return [page for page in slow if whole and own[page] / whole >= MOST_TIME]


def requests_to(users: t.Iterable[Instance], fleet: Fleet) -> t.Optional[float]:
    """Requests per second that are sent to these workers together; None where nothing in front of one counts them."""
    keys = {workers.key for workers in users}
    known = fleet.once(_sent_to)
    sent = {each for key in keys for each in known.get(key, ())}
    # what goes to others as well is not known for these
    if not keys or not keys <= known.keys() or any(each.rate is None or not keys.issuperset(each.ends) for each in sent):
        return None
    return sum(each.rate or 0.0 for each in sent)


def _sent_to(fleet: Fleet) -> dict[Key, list[Sent]]:
    found: dict[Key, list[Sent]] = {}
    for sent in (*_sent_by_edges(fleet), *_sent_by_varnish(fleet)):
        for key in sent.ends:
            found.setdefault(key, []).append(sent)
    return found


def _sent_by_edges(fleet: Fleet) -> t.Iterator[Sent]:
    for service, columns in SERVERS.items():
        for edge in fleet.instances(service):
            window = edge.number("window")
            for row, ends in servers_of(edge, fleet):
                # a server whose errors are not counted speaks no HTTP here (mode tcp), and has connections counted
                count = None if row.number("errors") is None else row.number(columns.requests)
                rate = count / window if count is not None and window else None
                yield Sent(edge.key, row.word(columns.address), tuple(ends), rate)


def _sent_by_varnish(fleet: Fleet) -> t.Iterator[Sent]:
    """It tells its backends' names and not where they are: all that it sends goes to all that it is connected to."""
    for varnish in fleet.instances("varnish"):
        ends = tuple(dict.fromkeys(edge.target for edge in fleet.graph.edges_of(varnish.key)))
        yield Sent(varnish.key, "", ends, varnish.number("backend_requests_per_second"))
