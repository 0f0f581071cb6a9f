# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No rule stumbles over facts of another form: each measure and each row of every disaster is spoiled in turn."""

from __future__ import annotations

import typing as t

import pytest

from .test_diagnosis import SINGLE
from .world import World


def instances(world: World) -> list[dict[str, t.Any]]:
    """The instances of the fleet; of those that are alike in everything but their name, one."""
    facts = [(service, fact) for of_host in (*world.facts.values(), world.shared) for service, fact in of_host.items()]
    alike: dict[tuple[str, str], dict[str, t.Any]] = {}
    for service, fact in facts:
        for instance in fact["instances"]:
            alike.setdefault((service, repr({**instance, "name": None, "hostname": None, "addresses": None})), instance)
    return list(alike.values())


SPOILED = [None, 3, "text", [], [None, 1, "x"], {"a": 1}, [{}], [{"count": "x"}]]


@pytest.mark.parametrize("spoiled", SPOILED, ids=repr)
@pytest.mark.parametrize("disaster", SINGLE)
def test_no_rule_stumbles_over_strange_facts(disaster: str, spoiled: t.Any) -> None:
    world = World()
    getattr(world, disaster)()
    for instance in instances(world):
        for key in set(instance) - {"name", "state"}:
            before, instance[key] = instance[key], spoiled
            world.diagnose()
            assert world.search.failures == {}, key
            instance[key] = before


@pytest.mark.parametrize("spoiled", [None, 3, "text", [], {"a": 1}, True], ids=repr)
@pytest.mark.parametrize("disaster", SINGLE)
def test_no_rule_stumbles_over_strange_rows(disaster: str, spoiled: t.Any) -> None:
    world = World()
    getattr(world, disaster)()
    rows = [row for instance in instances(world) for value in instance.values() if isinstance(value, list) for row in value]
    for row in [row for row in rows if isinstance(row, dict)]:
        for key in row:
            before, row[key] = row[key], spoiled
            world.diagnose()
            assert world.search.failures == {}, key
            row[key] = before


@pytest.mark.parametrize("number", ["1); DROP TABLE x; --", None, 1.5, [1]], ids=repr)
def test_a_session_is_ended_by_its_number_or_not_by_a_statement(number: t.Any) -> None:
    world = World()
    world.idle_in_transaction()
    for host in world.facts.values():
        for fact_ in host.values():
            for instance in fact_["instances"]:
                for row in instance.get("idle_in_transaction") or []:
                    row["pid"] = number
                    row.pop("id", None)
    [cause] = [cause for cause in world.diagnose() if cause["cause"] == "idle_in_transaction"]
    assert "DROP" not in cause["first_fix"] and "pg_terminate_backend" not in cause["first_fix"]
