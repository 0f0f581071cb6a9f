# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection budget: what the application tier can hold open against what the database has."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._fleet.connection_budget import budgets
from ansible_collections.warroom.launch.plugins.plugin_utils._fleet.graph import Graph
from tests.support.facts import facts, instance

SERVER = instance("p", connections={"used": 12, "usable": 20}, clients=[{"address": "10.0.0.7"}])


def fleet(**applications: int) -> dict[str, t.Any]:
    hosts: dict[str, t.Any] = {"db": {"facts": facts(postgresql=[SERVER]), "addresses": ["10.0.0.1"]}}
    for place, (name, concurrency) in enumerate(applications.items(), 7):
        hosts[name] = {"facts": facts(uwsgi=[instance("shop", concurrency=concurrency)]), "addresses": [f"10.0.0.{place}"]}
    return hosts


def test_threads_of_the_hosts_that_use_the_database_are_counted_against_its_slots() -> None:
    [found] = budgets(fleet(app1=16, elsewhere=99))
    assert (found["host"], found["service"], found["name"]) == ("db", "postgresql", "db p")
    assert (found["planned"], found["usable"], found["left"], found["used"], found["budget_ratio"]) == (16, 20, 4, 12, 0.8)
    assert found["users"] == [{"name": "app1", "sessions_planned": 16}] and found["users_total"] == 1


def test_a_database_without_an_application_tier_has_no_budget() -> None:
    assert budgets(fleet()) == []


def behind_a_pooler(**sockets: t.Any) -> dict[str, t.Any]:
    """app1 has 40 threads and a PgBouncer beside the database, of 15 connections."""
    hosts = fleet(app1=40)
    database = {**SERVER, "clients": [{"address": "10.0.0.7"}], "listens": ["0.0.0.0:5432"], "talks_to": [], "talks_to_total": 0}
    talks = {"talks_to": [{"address": "10.0.0.1:5432", "connections": 9}], "talks_to_total": 1}
    pooler = instance("6432", listens=["0.0.0.0:6432"], servers_possible=15, clients=[{"address": "10.0.0.7"}], **talks)
    hosts["db"]["facts"] = facts(postgresql=[database], pgbouncer=[{**pooler, **sockets.get("pooler", {})}])
    used = [{"address": f"10.0.0.1:{port}", "connections": 3} for port in sockets.get("ports", (6432,))]
    hosts["app1"]["facts"] = facts(uwsgi=[instance("shop", concurrency=40, listens=[], talks_to=used, talks_to_total=len(used))])
    return hosts


@pytest.mark.parametrize(
    ("sockets", "planned"),
    [
        ({}, {"PgBouncer db (6432)": 15}),
        ({"ports": (5432, 6432)}, {"app1": 40, "PgBouncer db (6432)": 15}),
        ({"pooler": {"servers_possible": None}}, {"app1": 40}),
        ({"pooler": {"talks_to": None, "talks_to_total": None}}, {"app1": 40}),
    ],
    ids=["all of it through the pooler", "some of it directly", "a pooler of unknown size", "a pooler of an unknown database"],
)
def test_what_uses_a_pooler_takes_as_many_slots_as_its_pools(sockets: dict[str, t.Any], planned: dict[str, int]) -> None:
    hosts = behind_a_pooler(**sockets)
    [found] = budgets(hosts, Graph(hosts))
    assert {row["name"]: row["sessions_planned"] for row in found["users"]} == planned
