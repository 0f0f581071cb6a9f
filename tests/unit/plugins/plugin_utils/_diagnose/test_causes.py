# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of causes holds together, and one rule that fails costs its own cause only."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.problem import Full
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.services import TIERS
from ansible_collections.warroom.launch.plugins.plugin_utils._diagnose import cache_servers, database_members, engine, machine, service_down
from ansible_collections.warroom.launch.plugins.plugin_utils._diagnose.cause import Cause
from ansible_collections.warroom.launch.plugins.plugin_utils._diagnose.cause_kind import CauseKind
from ansible_collections.warroom.launch.plugins.plugin_utils._diagnose.causes import CAUSES, ORDER
from ansible_collections.warroom.launch.plugins.plugin_utils._diagnose.fleet_view import Fleet

from .test_diagnosis import SINGLE
from .world import World

VARIANTS = {
    cache_servers.AGAIN,
    database_members.MEMBER,
    database_members.NODE,
    machine.HANGS,
    machine.DISK,
    machine.MEMORY,
    machine.DESCRIPTORS,
    machine.CPU,
    machine.STOLEN,
    machine.THROTTLED,
    machine.TASKS,
    machine.PORTS,
    service_down.WORKERS,
    *TIERS.values(),
}


@pytest.mark.parametrize("kind", CAUSES, ids=lambda kind: kind.name)
def test_a_cause_explains_only_what_stands_below_it(kind: CauseKind) -> None:
    for entry in kind.explains:
        assert entry.causes and all(ORDER[name] > ORDER[kind.name] for name in entry.causes)
        assert set(entry.variants) <= VARIANTS
    assert (kind.rule is None) == bool(kind.both_of) and all(ORDER[name] > ORDER[kind.name] for name in kind.both_of)
    assert kind.title and kind.said_when


def test_names_are_unique() -> None:
    assert len({kind.name for kind in CAUSES}) == len({kind.title for kind in CAUSES}) == len(CAUSES)


def _breaks(_fleet: Fleet) -> t.Iterator[Cause]:
    raise IndexError("list index out of range")


@pytest.mark.parametrize("name", [kind.name for kind in CAUSES if kind.rule is not None])
def test_a_rule_that_fails_costs_its_own_cause_only(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two disasters: one whose rule fails, and one that must still be named."""
    broken = tuple(dataclasses.replace(kind, rule=_breaks) if kind.name == name else kind for kind in CAUSES)
    monkeypatch.setattr(engine, "CAUSES", broken)
    other = "cache_small" if name != "cache_exhausted" else "tasks_fail"
    for disaster, cause in SINGLE.items():
        if cause == name:
            world = World()
            getattr(world, disaster)()
            getattr(world, other)()
            assert SINGLE[other] in world.causes() and name not in world.causes()
            assert world.search.failures == {name: "IndexError: list index out of range"}


def test_a_relation_that_fails_leaves_both_causes(monkeypatch: pytest.MonkeyPatch) -> None:
    def explains(_deep: Cause, _shallow: Cause, _fleet: Fleet) -> bool:
        raise KeyError("hosts")

    monkeypatch.setattr(engine, "explains", explains)
    world = World()
    world.missing_index()
    world.tasks_fail()
    assert world.causes() == ["missing_index", "database_overload", "tasks_failing"]
    assert set(world.search.failures) == {"missing_index", "database_overload"}


def test_what_a_rule_named_before_it_failed_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    world.cold_cache()
    world.facts["web2"] = {"launch_varnish": {"instances": [{"name": "default", "state": "up", "judged": {}}]}}
    world.bad("varnish_pass_ratio", "web2")
    bad = Fleet.bad

    def fails_on_web2(self: Fleet, instance: t.Any, *checks: str, least: str = "fail") -> t.Any:
        if instance.host == "web2" and "varnish_hit_ratio" in checks:
            raise ZeroDivisionError("division by zero")
        return bad(self, instance, *checks, least=least)

    monkeypatch.setattr(Fleet, "bad", fails_on_web2)
    assert [(cause["cause"], cause["hosts"]) for cause in world.diagnose()] == [("accelerator_fault", ["web1"])]
    assert set(world.search.failures) == {"accelerator_fault"}


def test_a_limit_that_holds_without_any_unknown_client_names_none() -> None:
    """`database_unknown_client: {fail: '>= 0'}`: the finding stands, and the search for all other causes too."""
    world = World()
    view = {"host": "db1", "service": "postgresql", "database_instance": "5432", "unknown_clients": [], "replicas_total": 0}
    world.shared["launch_database_clients"] = {"schema": 1, "instances": [{"name": "db1 5432", "state": "up", **view}]}
    world.bad("database_unknown_client", "fleet", instance="db1 5432")
    world.tasks_fail()
    assert world.causes() == ["tasks_failing"] and world.search.failures == {}


@pytest.mark.parametrize("full", [True, False])
def test_a_service_without_a_connection_left_is_not_brought_back_by_a_restart(full: bool) -> None:
    """https://github.com/django/djangosnippets.org/issues/224, https://github.com/celery/celery/issues/2811"""
    world = World()
    reason = str(Full("127.0.0.1:6379", "as many are connected as maxclients allows")) if full else "no connection to 127.0.0.1:6379"
    world.bad("redis_answers", "cache1", instance="127.0.0.1:6379", reason=reason)
    (cause,) = (cause for cause in world.diagnose() if cause["cause"] == "service_down")
    assert ("takes no further client on cache1" in cause["statement"], "does not respond" in cause["statement"]) == (full, not full)
    assert ("only lets the same clients in again" in cause["first_fix"], "bring it back" in cause["first_fix"]) == (full, not full)
