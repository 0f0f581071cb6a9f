# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a cause is about, as instances; and whether these need others. Edges decide; where they are unknown, sessions and hosts do."""

from __future__ import annotations

import itertools
import typing as t

from .._checks.services import GATHERED
from .._fleet.nodes import Key
from .._fleet.observed import Instance, Row
from .cause import Cause, several
from .fleet_view import Fleet
from .sites import is_full

#: Pairs of instances that are compared; of more the hosts decide.
MOST_PAIRS = 20_000
#: Instances that a cause lists.
MOST_HIT = 100
#: Services that only show another one's instances.
_SEEN_AS = {"varnish_traffic": "varnish"}


def keys_of(cause: Cause, fleet: Fleet) -> list[Key]:
    """The instances that the cause is about; of a machine all that run on it."""
    if cause.of:
        return list(cause.of)
    if cause.at is not None:
        return _keys_at(cause.at, fleet)
    return [key for key in fleet.graph.nodes if key[0] in cause.hosts]


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
    hosts, name = broker.facts.get("hosts") or [broker.facts.get("host")], broker.part("broker").get("name")
    here = [celery for celery in fleet.instances("celery") if celery.host in hosts]
    return [celery.key for celery in here if celery.part("broker").get("name") == name]


def _servers_of(rows: list[Row], fleet: Fleet) -> list[Key]:
    places = {(row.word("host"), row.word("address")) for row in rows}
    return [each.key for each in fleet.instances("memcached") if (each.host, str(each.facts.get("address") or each.name)) in places]


def apart(deep: Cause, shallow: Cause, fleet: Fleet) -> bool:
    """Whether the two are known to belong to different sites."""
    pairs = itertools.product(keys_of(deep, fleet), keys_of(shallow, fleet))
    answers = set()
    for one, other in itertools.islice(pairs, MOST_PAIRS):
        answers.add(fleet.graph.apart(one, other))
        if False in answers:
            return False
    if answers == {True} and next(pairs, None) is None:
        return True
    return fleet.sites.apart(deep.hosts, shallow.hosts)


def may_use(cause: Cause, database: Instance, fleet: Fleet) -> bool:
    """Whether what the cause is about uses the database, or it is not known that nothing of it does."""
    answers = [fleet.graph.depends(key, database.key) for key in keys_of(cause, fleet)]
    return _decided(answers, fleet, cause.hosts, database)


def may_be_used_by(user: Instance, database: Instance, fleet: Fleet) -> bool:
    return _decided([fleet.graph.depends(user.key, database.key)], fleet, [user.host], database)


def _decided(answers: list[t.Optional[bool]], fleet: Fleet, hosts: t.Iterable[str], database: Instance) -> bool:
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


def together(one: Instance, others: t.Iterable[Instance], fleet: Fleet) -> list[Instance]:
    """Those of the others that are of the same site."""
    return next(group for group in grouped([one, *(other for other in others if other.key != one.key)], fleet) if one in group)
