# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who talks to whom in the fleet: the edges between its instances, what is outside of it, and the sites that follow from both.

Two instances belong to one site when a path of edges joins them; a machine or a dependency that they share does not. What may not be
read leaves an answer unknown (None), never "no".
"""

from __future__ import annotations

import dataclasses
import functools
import typing as t

from .nodes import TALKERS, Key, Node, Place, Talk, addresses_of, nodes
from .observed import Hosts, Instance, instances_up
from .paths import Edge, Paths, shown

#: Ports of protocols that cannot carry another one's: what listens there is no way to any other service.
PROTOCOLS = {
    "3306": "mysql", "5432": "postgresql", "6432": "postgresql", "11211": "memcached", "6379": "redis", "26379": "redis", "5672": "amqp",
    "5671": "amqp", "9200": "elasticsearch", "27017": "mongodb", "9092": "kafka", "22": "ssh", "25": "mail", "465": "mail", "587": "mail",
    "53": "dns", "123": "ntp", "514": "syslog", "8125": "statsd", "4317": "traces", "4318": "traces", "389": "ldap", "636": "ldap",
}  # fmt: skip
#: Services that speak the protocol of another.
SPEAKS = {"pgbouncer": "postgresql"}
#: Tiers from the visitors' side on: who comes first may need who comes later.
RANK = {tier: rank for rank, tier in enumerate(TALKERS)}
#: Ports of the web: an API of others, or a way to an application, and never to a database.
WEB = ("80", "443")


class Topology(t.TypedDict):
    """The graph in launch.json. A node's `id` is `host/service/name`; `site` is null where no edge of it is known."""

    #: {id, host, service, name, tier, site}
    nodes: list[dict[str, t.Any]]
    #: {source, target, address, connections}: null connections were not counted.
    edges: list[dict[str, t.Any]]
    #: {address, host, connections, sources}: `host` is the host of the inventory that has it, null when none has.
    outside: list[dict[str, t.Any]]
    #: {node, reason}: it may talk to more than its edges say.
    unknown: list[dict[str, t.Any]]


class Kind(t.NamedTuple):
    """All that tells whether two instances that no path of edges joins have to do with each other: there are few kinds in any fleet."""

    tier: str
    service: str
    is_talker: bool
    is_in_site: bool
    #: Services that it may reach where its edges do not show it.
    may_reach: frozenset[str]
    #: Services among what it is seen to depend on, itself included.
    reaches: frozenset[str]


class Outside(t.NamedTuple):
    """`source` talks to an address where no instance of the check listens; `host`: the host of the inventory that has it."""

    source: Key
    address: str
    host: t.Optional[str]
    connections: t.Optional[int]


@dataclasses.dataclass
class _Found:
    """Where a connection ends: at these nodes, or nowhere that is known."""

    targets: list[Node] = dataclasses.field(default_factory=list)
    host: t.Optional[str] = None
    why_unknown: t.Optional[str] = None


class Graph(Paths):
    def __init__(self, hosts: Hosts) -> None:
        super().__init__(nodes(hosts))
        self._host_of: dict[str, set[str]] = {}
        for host, entry in hosts.items():
            for address in (host, *addresses_of(entry)):
                self._host_of.setdefault(address, set()).add(host)
        #: (network, host or address; port) → nodes that may be met there.
        self._met_at: dict[tuple[t.Optional[str], t.Optional[str]], dict[Key, Node]] = {}
        for node in self.nodes.values():
            self._index(node)
        self.outside: list[Outside] = []
        #: Node → why not all that it talks to is known.
        self.unknown: dict[Key, str] = {key: node.why_unknown for key, node in self.nodes.items() if node.why_unknown and node.is_talker}
        self._brokers = _brokers(hosts)
        for node in list(self.nodes.values()):
            for talk in node.talks:
                self._add(node, talk)
        self._kinds: dict[Key, t.Optional[Kind]] = {}

    # -- edges -----------------------------------------------------------------------------------------------

    def _add(self, node: Node, talk: Talk) -> None:
        place = Place.of(talk.address)
        found = self._ends_at(node, place)
        transport = self._brokers.get((node.host if place.is_loopback else None, talk.address))
        if not found.targets and transport is not None and found.host is not None:
            found.targets = [self._broker((found.host, transport, talk.address), node, place)]
        targets = [target for target in found.targets if target is not node]
        self.edges += [Edge(node.key, target.key, talk.address, talk.connections) for target in targets]
        if found.why_unknown:
            self.unknown.setdefault(node.key, found.why_unknown)
        elif not found.targets:
            self.outside.append(Outside(node.key, talk.address, found.host, talk.connections))

    def _index(self, node: Node) -> None:
        for place in node.listens:
            for where in {node.network, node.host, place.host, *node.addresses}:
                self._met_at.setdefault((where, place.port), {})[node.key] = node

    def _listening(self, place: Place, *where: t.Optional[str]) -> list[Node]:
        known = [each for each in where if each is not None]  # what is in no known network is met at its host
        found = {key: node for each in known for key, node in self._met_at.get((each, place.port), {}).items()}
        return [node for node in found.values() if node.listens_at(place)]

    def _ends_at(self, node: Node, place: Place) -> _Found:
        if place.port is None or place.is_loopback or place.host in node.addresses:
            return _Found([other for other in self._listening(place, node.network, node.host) if other.is_near(node)], node.host)
        hosts = self._host_of.get(place.host, set())
        listening = self._listening(place, place.host, *hosts)
        by_host = [other for other in listening if other.host in hosts and (other.network is None or place.is_name)]
        there = [other for other in listening if other in by_host or place.host in other.addresses]
        # reports of a server from hosts where it does not run all mean the one that listens at this very address
        exact = [other for other in listening if other.network is None and other.listens_at(place, exactly=True)]
        same_kernel = [other for other in there if _kernel(other) is not None and _kernel(other) == _kernel(node)]
        there = same_kernel if same_kernel and len({other.network for other in there}) > 1 else there
        places = {other.network or other.host for other in there}
        if len(places) > 1 and not _are_one(there):
            return _Found(why_unknown=f"{place.host} is an address of several: {', '.join(sorted(other.host for other in there)[:3])}")
        return _Found([*there, *(other for other in exact if other not in there)], next(iter(sorted(hosts)), None))

    def _broker(self, key: Key, node: Node, place: Place) -> Node:
        """A broker that no collector reads, on a host of the fleet."""
        if key not in self.nodes:
            network, addresses = (node.network, node.addresses) if place.is_loopback else (None, frozenset({place.host}))
            self.nodes[key] = Node(key, "broker", [place], [], None, network, addresses, False)
            self._index(self.nodes[key])
        return self.nodes[key]

    def ends_at(self, key: Key, address: str) -> list[Key]:
        """The instances that the node reaches under this address, as it sees it; none where nothing of the check listens."""
        node = self.nodes.get(key)
        return [] if node is None else [found.key for found in self._ends_at(node, Place.of(address)).targets if found is not node]

    def may_hide(self, address: str, service: str, tier: str) -> bool:
        """Whether what listens at an address where no instance is known may be a proxy, or another name, that leads to the service."""
        port = Place.of(address).port
        protocol = PROTOCOLS.get(port or "")
        return protocol == SPEAKS.get(service, service) or (protocol is None and (port not in WEB or tier in ("edge", "accelerator")))

    # -- sites -----------------------------------------------------------------------------------------------

    @functools.cached_property
    def sites(self) -> dict[Key, int]:
        """Node → the number of its site; nodes without any edge are in none."""
        joined: dict[Key, set[Key]] = {}
        for edge in self.edges:
            first, second = joined.get(edge.source, {edge.source}), joined.get(edge.target, {edge.target})
            if first is second:
                continue
            small, large = sorted((first, second), key=len)
            large |= small
            for key in (edge.source, edge.target, *small):
                joined[key] = large
        numbers: dict[int, int] = {}
        return {key: numbers.setdefault(id(joined[key]), len(numbers)) for key in self.nodes if key in joined}

    def depends(self, one: Key, on: Key) -> t.Optional[bool]:
        """Whether `one` needs `on`: a path of edges leads there. None when there may be one that is not known."""
        return True if one in self.nodes and on in self.behind(one) else self.depends_by_kind(self.kind_of(one), self.kind_of(on))

    def depends_by_kind(self, kind: t.Optional[Kind], other: t.Optional[Kind]) -> t.Optional[bool]:
        """As `depends`, of any two instances of these kinds that no path joins: never True."""
        if kind is None or other is None:
            return None
        if not kind.is_talker:
            return False
        if not kind.is_in_site:
            return None  # connected to nothing at the moment: that says nothing of what it needs when there is work
        if other.service in kind.may_reach:
            return None
        if other.is_in_site:
            return False
        # nothing is connected to it (it is down, or refuses): who has another of its kind does not need it, if any has none
        lacking = any(other.service not in alike.reaches for alike in self._talkers.get(kind.tier, ()))
        return False if lacking and other.service in kind.reaches else None

    def kind_of(self, key: Key) -> t.Optional[Kind]:
        """None where it is no node."""
        if key not in self._kinds:
            self._kinds[key] = self._kind(self.nodes[key]) if key in self.nodes else None
        return self._kinds[key]

    def _kind(self, node: Node) -> Kind:
        behind = self.behind(node.key)
        if any(key in self.unknown for key in behind):
            may_reach = self._services
        else:
            outside = {(row.address, self.nodes[key].tier) for key in behind for row in self._outside_of.get(key, ())}
            may_reach = frozenset(service for service in self._services if any(self.may_hide(at, service, tier) for at, tier in outside))
        reaches = frozenset(self.nodes[key].service for key in behind)
        return Kind(node.tier, node.service, node.is_talker, node.key in self.sites, may_reach, reaches)

    @functools.cached_property
    def _services(self) -> frozenset[str]:
        return frozenset(node.service for node in self.nodes.values())

    @functools.cached_property
    def _talkers(self) -> dict[str, set[Kind]]:
        """By tier."""
        found: dict[str, set[Kind]] = {}
        for key in self.nodes:
            kind = self.kind_of(key)
            if kind is not None and kind.is_talker:
                found.setdefault(kind.tier, set()).add(kind)
        return found

    @functools.cached_property
    def _outside_of(self) -> dict[Key, list[Outside]]:
        found: dict[Key, list[Outside]] = {}
        for row in self.outside:
            found.setdefault(row.source, []).append(row)
        return found

    def apart(self, one: Key, other: Key) -> t.Optional[bool]:
        """Whether they are known to have nothing to do with each other."""
        site = self.sites.get(one)
        if one == other or (site is not None and site == self.sites.get(other)):
            return False
        return self.apart_by_kind(self.kind_of(one), self.kind_of(other))

    def apart_by_kind(self, one: t.Optional[Kind], other: t.Optional[Kind]) -> t.Optional[bool]:
        """As `apart`, of any two instances of these kinds that are not of one site: never False."""
        if one is None or other is None:
            return None
        if not (one.is_talker or other.is_talker) and not (one.is_in_site and other.is_in_site):
            return None  # a server that nothing is connected to may be of any site
        ranks = [RANK.get(kind.tier, len(RANK)) for kind in (one, other)]
        answers = [self.depends_by_kind(one, other)] if ranks[0] <= ranks[1] else []
        answers += [self.depends_by_kind(other, one)] if ranks[1] <= ranks[0] else []
        return True if all(answer is False for answer in answers) else None

    def grouped(self, keys: t.Iterable[Key]) -> t.Optional[list[list[Key]]]:
        """The instances of each site; None when one of them may belong to several."""
        groups: dict[t.Any, list[Key]] = {}
        for key in keys:
            groups.setdefault(self.sites.get(key, key), []).append(key)
        # of each kind two at most: the others of the kind are apart from the same
        firsts: dict[t.Optional[Kind], list[Key]] = {}
        for group in groups.values():
            alike = firsts.setdefault(self.kind_of(group[0]), [])
            alike += group[:1] if len(alike) < 2 else []
        compared = [key for alike in firsts.values() for key in alike]
        uncertain = any(self.apart(one, other) is None for place, one in enumerate(compared) for other in compared[place + 1 :])
        return None if uncertain else list(groups.values())

    def way_to(self, key: Key) -> list[list[Key]]:
        """How trouble at the node reaches visitors: edges, accelerators, applications (or workers without any), and the node itself."""
        before = self.in_order(self.needed_by(key) - {key})
        levels = [[other for other in before if self.nodes[other].tier == tier] for tier in TALKERS]
        edges, accelerators, applications, workers = levels
        return [level for level in (edges, accelerators, applications or workers, [key]) if level]

    # -- the report ------------------------------------------------------------------------------------------

    def as_dict(self) -> Topology:
        """In the form of launch.json."""
        outside: dict[tuple[str, t.Optional[str]], list[Outside]] = {}
        for row in self.outside:
            outside.setdefault((row.address, row.host), []).append(row)
        return {
            "nodes": [
                {"id": shown(key), "host": key[0], "service": key[1], "name": key[2], "tier": node.tier, "site": self.sites.get(key)}
                for key, node in self.nodes.items()
            ],
            "edges": [{**edge._asdict(), "source": shown(edge.source), "target": shown(edge.target)} for edge in self.edges],
            "outside": [
                {"address": address, "host": host, "connections": _sum(rows), "sources": sorted({shown(row.source) for row in rows})}
                for (address, host), rows in sorted(outside.items(), key=lambda entry: entry[0][0])
            ],
            "unknown": [{"node": shown(key), "reason": why} for key, why in self.unknown.items()],
        }


def by_site(graph: t.Optional[Graph], instances: t.Sequence[Instance]) -> list[list[Instance]]:
    """The instances of each site; all together where these are not known."""
    by_key = {instance.key: instance for instance in instances}
    groups = graph.grouped(by_key) if graph is not None else None
    return [list(instances)] if groups is None else [[by_key[key] for key in group] for group in groups]


def _sum(rows: t.Iterable[Outside]) -> t.Optional[int]:
    """Connections of all of them, None when one was not counted."""
    counted = [row.connections for row in rows]
    return None if None in counted else sum(count or 0 for count in counted)


def _kernel(node: Node) -> t.Optional[str]:
    return node.network.partition("-")[0] if node.network else None


def _are_one(found: t.Sequence[Node]) -> bool:
    """Reports of one server: by hosts where its processes are not."""
    return all(node.network is None for node in found)


def _brokers(hosts: Hosts) -> dict[tuple[t.Optional[str], str], str]:
    """Where Celery's brokers are: (host, address on its loopback interface) or (None, address) → transport."""
    found: dict[tuple[t.Optional[str], str], str] = {}
    for celery in instances_up(hosts, "celery"):
        port = celery.number("broker.port")
        for row in celery.rows("talks_to"):
            place = Place.of(row.word("address"))
            if port is not None and place.port == str(int(port)):
                of_host = celery.host if place.is_loopback else None
                found[(of_host, row.word("address"))] = str(celery.part("broker").get("transport") or "broker")
    return found
