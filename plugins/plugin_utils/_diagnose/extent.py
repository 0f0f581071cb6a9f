# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a cause is about, as instances; and whether these need others. Edges decide; where they are unknown, sessions and hosts do."""

from __future__ import annotations

import itertools
import typing as t

from .._checks.services import GATHERED
from .._fleet.graph import Kind
from .._fleet.nodes import Key
from .._fleet.observed import Instance, Row
from .cause import Cause, several
from .fleet_view import Fleet
from .sites import is_full

#: Instances that a cause lists.
MOST_HIT = 100
#: Services that only show another one's instances.
_SEEN_AS = {"varnish_traffic": "varnish"}


class Extent(t.NamedTuple):
    """Where something is. Two extents are compared by what they have in common and by kinds, of which there are few, and not by pairs."""

    keys: tuple[Key, ...]
    #: Those that are nodes of no site, and the numbers of the sites of the others.
    places: frozenset[t.Union[Key, int]]
    kinds: frozenset[t.Optional[Kind]]
    #: The sites of its hosts by the sessions of databases; None where that of one is not known.
    of_hosts: t.Optional[frozenset[int]]


def extent(keys: t.Iterable[Key], hosts: t.Iterable[str], fleet: Fleet) -> Extent:
    keys, sites = tuple(keys), [fleet.sites.site_of(host) for host in hosts]
    return Extent(
        keys,
        frozenset(fleet.graph.sites.get(key, key) for key in keys),
        frozenset(map(fleet.graph.kind_of, keys)),
        None if None in sites else frozenset(site for site in sites if site is not None),
    )


def extent_of(cause: Cause, fleet: Fleet) -> Extent:
    """Of the instances that the cause is about."""
    return fleet.once(_extent_of, cause)


def _extent_of(fleet: Fleet, cause: Cause) -> Extent:
    return extent(_keys_of(cause, fleet), cause.hosts, fleet)


def keys_of(cause: Cause, fleet: Fleet) -> tuple[Key, ...]:
    """The instances that the cause is about; of a machine all that run on it."""
    return extent_of(cause, fleet).keys


def _keys_of(cause: Cause, fleet: Fleet) -> t.Sequence[Key]:
    if cause.of:
        return cause.of
    return _keys_at(cause.at, fleet) if cause.at is not None else fleet.graph.on_hosts(cause.hosts)


def _keys_at(at: Instance, fleet: Fleet) -> list[Key]:
    if at.service in GATHERED:
        return [(at.host, _SEEN_AS.get(at.service, at.service), at.name)]
    if at.service == "celery_queue":
        return _workers_of(at, fleet)
    if at.service in ("database_clients", "connection_budget"):
        return [(str(at.facts.get("host")), str(at.facts.get("service")), str(at.facts.get("database_instance")))]
    if at.service == "memcached_pool":
        return _servers_of(at.rows("servers"), fleet)
    return [(row.word("host"), "uwsgi", row.word("name")) for row in at.rows("applications")]


def _workers_of(broker: Instance, fleet: Fleet) -> list[Key]:
    listed, name = broker.facts.get("hosts"), broker.part("broker").get("name")
    hosts = set(map(str, listed if isinstance(listed, list) and listed else [broker.facts.get("host")]))
    here = [celery for host in hosts for celery in fleet.on_host(host, "celery")]
    return fleet.graph.in_order(celery.key for celery in here if celery.part("broker").get("name") == name)


def _servers_of(rows: list[Row], fleet: Fleet) -> list[Key]:
    places = {(row.word("host"), row.word("address")) for row in rows}
    there = [each for host in {host for host, _address in places} for each in fleet.on_host(host, "memcached")]
    return fleet.graph.in_order(each.key for each in there if (each.host, str(each.facts.get("address") or each.name)) in places)


def may_concern(one: Extent, other: Extent, fleet: Fleet) -> bool:
    """Whether any of the one is not known to be apart from any of the other, by edges."""
    if not one.places.isdisjoint(other.places):
        return True
    return any(fleet.graph.apart_by_kind(*pair) is not True for pair in itertools.product(one.kinds, other.kinds))


def apart(deep: Cause, shallow: Cause, fleet: Fleet) -> bool:
    """Whether the two are known to belong to different sites."""
    one, other = extent_of(deep, fleet), extent_of(shallow, fleet)
    if not one.places.isdisjoint(other.places):
        return False
    if {fleet.graph.apart_by_kind(*pair) for pair in itertools.product(one.kinds, other.kinds)} == {True}:
        return True
    return one.of_hosts is not None and other.of_hosts is not None and one.of_hosts.isdisjoint(other.of_hosts)


def may_use(cause: Cause, database: Instance, fleet: Fleet) -> bool:
    """Whether what the cause is about uses the database, or it is not known that nothing of it does."""
    where, graph = extent_of(cause, fleet), fleet.graph
    answers = {graph.depends_by_kind(kind, graph.kind_of(database.key)) for kind in where.kinds}
    if graph.sites.get(database.key, database.key) in where.places and not graph.needed_by(database.key).isdisjoint(where.keys):
        answers.add(True)
    return _decided(answers, fleet, cause.hosts, database)


def may_be_used_by(user: Instance, database: Instance, fleet: Fleet) -> bool:
    return _decided({fleet.graph.depends(user.key, database.key)}, fleet, [user.host], database)


class _Alike(t.NamedTuple):
    """Instances by kind and host, each with its position among all."""

    of_kind: dict[t.Optional[Kind], dict[str, list[int]]]
    at: dict[Key, int]


def _alike(fleet: Fleet, instances: list[Instance]) -> _Alike:
    of_kind: dict[t.Optional[Kind], dict[str, list[int]]] = {}
    for number, each in enumerate(instances):
        of_kind.setdefault(fleet.graph.kind_of(each.key), {}).setdefault(each.host, []).append(number)
    return _Alike(of_kind, {each.key: number for number, each in enumerate(instances)})


def users_among(instances: list[Instance], database: Instance, fleet: Fleet) -> list[Instance]:
    """Those that may use the database, as `may_be_used_by` says of each; asked by kind, and not one by one."""
    alike, graph, full = fleet.once(_alike, instances), fleet.graph, is_full(database)
    known = fleet.sites.users_of(database)
    found = {alike.at[key] for key in graph.needed_by(database.key) if key in alike.at}
    for kind, by_host in alike.of_kind.items():
        if graph.depends_by_kind(kind, graph.kind_of(database.key)) is None or full:
            if known is None and len(alike.of_kind) == 1:
                return instances
            hosts = by_host if known is None else [host for host in by_host if host in known or not fleet.sites.runs_users(host)]
            found.update(number for host in hosts for number in by_host[host])
    return [instances[number] for number in sorted(found)]


def _decided(answers: set[t.Optional[bool]], fleet: Fleet, hosts: t.Iterable[str], database: Instance) -> bool:
    if True in answers:
        return True
    # who is refused has no connection either
    if answers and None not in answers and not is_full(database):
        return False
    return fleet.sites.may_use(hosts, database)


def path_of(cause: Cause, fleet: Fleet) -> list[str]:
    """The tiers between visitors and the cause, with their instances; empty when nothing is known to lie between."""
    key = next((key for key in keys_of(cause, fleet) if key in fleet.graph.sites), None)
    levels = fleet.graph.way_to(key) if key is not None else []
    return [_level(level) for level in levels] if len(levels) > 1 else []


def around(cause: Cause, fleet: Fleet) -> tuple[list[Key], list[Key]]:
    """What the cause hits: the instances that it is about and those in front of them. And what these depend on."""
    graph = fleet.graph
    hit = dict.fromkeys(keys_of(cause, fleet)[:MOST_HIT])
    for key in [key for key in hit if key in graph.sites]:
        hit.update(dict.fromkeys(other for level in graph.way_to(key) for other in level))
    needs = dict.fromkeys(other for key in hit if key in graph.nodes for other in sorted(graph.behind(key)))
    return list(hit)[:MOST_HIT], [key for key in needs if key not in hit][:MOST_HIT]


def _level(keys: list[Key]) -> str:
    services = list(dict.fromkeys(service for _host, service, _name in keys))
    return f"{'/'.join(services)} {several(list(dict.fromkeys(host for host, _service, _name in keys)))}"


def grouped(instances: t.Sequence[Instance], fleet: Fleet) -> list[list[Instance]]:
    """The instances of each site. Those that may belong to any are one group."""
    by_key = {each.key: each for each in instances}
    groups = fleet.graph.grouped(by_key)
    return fleet.sites.grouped(instances) if groups is None else [[by_key[key] for key in group] for group in groups]


def together(one: Instance, others: list[Instance], fleet: Fleet) -> list[Instance]:
    """Those of the others, itself among them, that are of the same site."""
    return fleet.once(_groups, others)[one.key]


def _groups(fleet: Fleet, instances: list[Instance]) -> dict[Key, list[Instance]]:
    return {each.key: group for group in grouped(instances, fleet) for each in group}
