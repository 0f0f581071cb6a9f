# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two and three sites in one inventory, each with a fault: each cause on its own instances, none lost, none swallowed, none invented."""

from __future__ import annotations

import itertools
import typing as t

import pytest

from .several import Site, renamed, talks, together, troubled, words
from .test_diagnosis import SINGLE
from .world import World

A, B, C = "a-", "b-", "c-"
Named = list[tuple[str, tuple[str, ...]]]


def named(world: World) -> Named:
    found = world.diagnose()
    assert not world.search.failures
    for cause in found:
        prefixes = {host[:2] for host in cause["hosts"]}
        assert len(prefixes) == 1, f"{cause['cause']} is on hosts of several sites: {cause['hosts']}"
        for other in {A, B, C} - prefixes:
            assert f"{other}app" not in words(cause) and f"{other}db" not in words(cause), f"{cause['cause']} speaks of another site"
    return sorted((cause["cause"], tuple(cause["hosts"])) for cause in found)


@pytest.fixture(scope="module")
def alone() -> t.Callable[[str, int, str], Named]:
    known: dict[tuple[str, int, str], Named] = {}

    def causes(disaster: str, number: int, prefix: str) -> Named:
        key = (disaster, number, prefix)
        if key not in known:
            known[key] = named(troubled(disaster, number, prefix))
        return known[key]

    return causes


@pytest.mark.parametrize("disaster", SINGLE)
def test_a_site_whose_sockets_are_known_has_the_same_cause(disaster: str, alone: t.Any) -> None:
    assert [cause for cause, _hosts in alone(disaster, 1, A)] == [SINGLE[disaster]]


#: Nothing is connected to a server that is down, so whose it is cannot be told from another one that is down as well.
NOT_APART = {("database_down", "database_down")}


@pytest.mark.parametrize("disaster", SINGLE)
def test_every_cause_beside_every_other_one_of_another_site(disaster: str, alone: t.Any) -> None:
    for other in SINGLE:
        if (disaster, other) in NOT_APART:
            continue
        both = together(troubled(disaster, 1, A), troubled(other, 2, B))
        assert named(both) == sorted(alone(disaster, 1, A) + alone(other, 2, B)), other


@pytest.mark.parametrize(("first", "second", "third"), list(itertools.islice(itertools.permutations(SINGLE, 3), 0, None, 170)))
def test_three_sites(first: str, second: str, third: str, alone: t.Any) -> None:
    whole = together(troubled(first, 1, A), troubled(second, 2, B), troubled(third, 3, C))
    assert named(whole) == sorted(alone(first, 1, A) + alone(second, 2, B) + alone(third, 3, C))


def test_two_databases_that_are_down_are_both_named() -> None:
    (cause,) = together(troubled("database_down", 1, A), troubled("database_down", 2, B)).diagnose()
    assert cause["hosts"] == ["a-db1", "b-db1"]


@pytest.mark.parametrize("deep", ["missing_index", "idle_in_transaction", "lock_chain", "disks_slow", "rogue_client"])
def test_each_sites_workers_are_the_consequence_of_its_own_database(deep: str) -> None:
    sites = []
    for number, prefix in ((1, A), (2, B)):
        site = Site(number)
        getattr(site, deep)()
        site.of("db1", "postgresql")["active"] = 30
        site.workers_exhausted()
        site.connect()
        sites.append((site, prefix))
    found = together(*(renamed(site, prefix) for site, prefix in sites)).diagnose()
    assert [(cause["cause"], cause["hosts"]) for cause in found] == [(SINGLE[deep], ["a-db1"]), (SINGLE[deep], ["b-db1"])]
    for cause in found:
        own = cause["hosts"][0][:2]
        consequences = [said for said in cause["evidence"] if said.startswith("Its consequence: All workers")]
        assert len(consequences) == 1 and f"{own}app1" in consequences[0]


def test_workers_do_not_wait_for_a_database_that_they_do_not_talk_to() -> None:
    """On one machine, with one name for all sessions: the sockets tell them apart."""
    first, second = troubled("missing_index", 1, A), Site(2)
    first.of("a-db1", "postgresql").update(active=30, clients=[{"address": "10.1.0.99", "application": "site"}])
    second.workers_exhausted()
    second.connect()
    assert [cause for cause, _hosts in named(together(first, renamed(second, B)))] == ["missing_index", "workers_exhausted"]


def test_the_path_leads_from_the_visitors_to_the_cause() -> None:
    (cause,) = troubled("lock_chain", 1, A).diagnose()
    assert cause["path"] == ["varnish a-web1", "uwsgi a-app1, a-app2, a-app3 and 1 more", "postgresql a-db1"]
    (cause,) = troubled("cold_cache", 1, A).diagnose()
    assert cause["path"] == []


def test_where_sockets_are_not_known_the_earlier_rules_decide() -> None:
    """Nothing tells the sites apart, so the workers of either may wait for the one database that is in trouble."""
    first, second = troubled("missing_index", 1, A), troubled("workers_exhausted", 2, B)
    first.of("a-db1", "postgresql")["active"] = 30
    for site in (first, second):
        for facts in site.facts.values():
            for fact in facts.values():
                for each in fact["instances"]:
                    for name in ("listens", "talks_to", "talks_to_total", "net_namespace"):
                        each.pop(name, None)
    world = together(first, second)
    assert [cause["cause"] for cause in world.diagnose()] == ["missing_index"]


def test_a_proxy_that_may_lead_anywhere_separates_nothing() -> None:
    first, second = troubled("missing_index", 1, A), troubled("workers_exhausted", 2, B)
    first.of("a-db1", "postgresql")["active"] = 30
    for number in range(1, 5):
        second.of(f"b-app{number}", "uwsgi").update(talks("10.9.9.9:6033"))
    assert [cause["cause"] for cause in together(first, second).diagnose()] == ["missing_index"]
