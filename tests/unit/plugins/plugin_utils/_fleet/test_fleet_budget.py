# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection budget: what the application tier can hold open against what the database has."""

from __future__ import annotations

import typing as t

from ansible_collections.warroom.launch.plugins.plugin_utils._fleet.connection_budget import budgets
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
