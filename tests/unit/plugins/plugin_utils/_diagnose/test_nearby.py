# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is found by place and kind is what asking about every pair would find."""

from __future__ import annotations

import itertools
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._diagnose import engine
from ansible_collections.warroom.launch.plugins.plugin_utils._diagnose.cause import Cause
from ansible_collections.warroom.launch.plugins.plugin_utils._diagnose.causes import CAUSES, explains
from ansible_collections.warroom.launch.plugins.plugin_utils._diagnose.explainers import Explainers
from ansible_collections.warroom.launch.plugins.plugin_utils._diagnose.extent import apart, extent, extent_of, may_be_used_by, users_among
from ansible_collections.warroom.launch.plugins.plugin_utils._diagnose.fleet_view import Fleet
from ansible_collections.warroom.launch.plugins.plugin_utils._diagnose.nearby import Nearby
from ansible_collections.warroom.launch.plugins.plugin_utils._judge.pipeline import Asked, judge
from tests.support.check_cases import catalogue
from tests.support.shapes import SHAPES, many_sites, nobody_knows_who_uses_which


def _mixed(size: int) -> list[Asked]:
    """Sites whose sockets were read beside hosts whose were not."""
    unread = nobody_knows_who_uses_which(size)
    for at, asked in enumerate(unread):
        asked.name, asked.addresses = f"u{at}", [f"192.0.2.{at}"]
    return [*many_sites(size), *unread]


FLEETS = {**SHAPES, "mixed": _mixed}


@pytest.fixture(params=FLEETS, scope="module")
def seen(request: pytest.FixtureRequest) -> tuple[Fleet, list[Cause]]:
    hosts = FLEETS[request.param](8)
    report = judge(hosts, catalogue())
    summaries: dict[str, t.Any] = {host.name: host.summary() for host in hosts}
    fleet = Fleet({**summaries, "fleet": {"facts": report["fleet"]}}, report["findings"], {})
    search = engine.Search()
    causes = [cause for kind in CAUSES for cause in engine._named(kind, fleet, search)]
    assert causes and not search.failures
    return fleet, causes


def test_whatever_explains_a_cause_is_found(seen: tuple[Fleet, list[Cause]]) -> None:
    fleet, causes = seen
    failed: list[str] = []
    index = Explainers(fleet, lambda cause, _error: failed.append(cause))
    for number, cause in enumerate(causes):
        index.add(cause, number)
    for shallow in causes:
        found = list(index.of(shallow))
        assert [group for group, _deep in found] == sorted({group for group, _deep in found})
        asked = {id(deep) for _group, deep in found}
        assert not [deep.cause for deep in causes if explains(deep, shallow, fleet) and id(deep) not in asked]
    assert not failed


def test_what_is_not_known_to_be_apart_is_near(seen: tuple[Fleet, list[Cause]]) -> None:
    fleet, causes = seen
    index: Nearby[Cause] = Nearby(fleet)
    for cause in causes:
        index.add(extent_of(cause, fleet), cause)
    for cause in causes:
        near = [id(each) for each in index.of(extent_of(cause, fleet))]
        assert near == [id(each) for each in causes if not apart(each, cause, fleet)]


def test_extents_are_apart_when_all_of_their_pairs_are(seen: tuple[Fleet, list[Cause]]) -> None:
    fleet, causes = seen
    by_hosts = fleet.sites.apart
    for one, other in itertools.combinations(causes, 2):
        pairs = itertools.product(extent_of(one, fleet).keys, extent_of(other, fleet).keys)
        answers = {fleet.graph.apart(*pair) for pair in pairs}
        assert apart(one, other, fleet) is (False not in answers and (answers == {True} or by_hosts(one.hosts, other.hosts)))


def test_users_are_those_of_which_each_may_use_the_database(seen: tuple[Fleet, list[Cause]]) -> None:
    fleet, _causes = seen
    for database in fleet.databases():
        for instances in (fleet.applications(), fleet.instances("celery")):
            assert users_among(instances, database, fleet) == [each for each in instances if may_be_used_by(each, database, fleet)]


def test_groups_are_certain_when_all_of_their_pairs_are(seen: tuple[Fleet, list[Cause]]) -> None:
    graph = seen[0].graph
    keys = list(graph.nodes)
    for chosen in (keys, keys[::2], keys[::3], [key for key in keys if key in graph.sites]):
        firsts = {graph.sites.get(key, key): key for key in reversed(chosen)}.values()
        certain = all(graph.apart(*pair) is not None for pair in itertools.combinations(firsts, 2))
        assert (graph.grouped(chosen) is not None) is certain


def test_extent_without_instances_is_near_everything(seen: tuple[Fleet, list[Cause]]) -> None:
    fleet, causes = seen
    index: Nearby[int] = Nearby(fleet)
    for number, cause in enumerate(causes):
        index.add(extent_of(cause, fleet), number)
    assert list(index.of(extent((), (), fleet))) == list(range(len(causes)))
