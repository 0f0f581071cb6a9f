# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Code before its migration: the column is named, and the errors are its consequence."""

from __future__ import annotations

import typing as t

import pytest

from .made_facts import fact, instance, server
from .world import World


def test_the_column_is_named_and_the_errors_follow_from_it() -> None:
    world = World()
    world.column_missing()
    world.bad_release()
    world.tasks_fail()
    [cause] = world.diagnose()
    assert cause["cause"] == "missing_migration" and "it has no column shop_order.currency: the code is newer" in cause["statement"]
    assert cause["evidence"][0].startswith('shop (site) from app1, 6 sessions: SELECT "shop_order"."id"')
    assert sum(line.startswith("Its consequence: ") for line in cause["evidence"]) == 2


def test_a_typing_error_of_somebody_is_no_cause() -> None:
    world = World()
    world.column_missing()
    world.findings.clear()
    assert world.causes() == []


def test_errors_without_such_a_name_are_the_applications() -> None:
    world = World()
    world.column_missing()
    world.of("db1", "postgresql")["undefined_names"] = []
    assert world.causes() == ["application_errors"]


def test_what_mysql_lacks_is_named_too() -> None:
    world = World()
    world.column_missing()
    rows = world.of("db1", "postgresql").pop("undefined_names")
    world.facts["db2"] = {"launch_mysql": fact(instance("3306", undefined_names=[{**rows[0], "name": "currency"}]))}
    [cause] = world.diagnose()
    assert cause["cause"] == "missing_migration" and "MySQL db2 (3306) fail because it has no column currency" in cause["statement"]
    assert cause["hosts"] == ["db2"]


PAGES = [{"pattern": "/account/", "requests": 40, "errors": 30, "mean_seconds": 0.1}]
EDGES = {
    "nginx": {"errors": 30, "unanswered_requests": 0, "pages": PAGES},
    "haproxy": {
        "errors": 30,
        "errors_of_servers": 30,
        "servers": [{"name": "app1", "backend": "app", "state": "up", "requests": 40, "errors": 30}],
    },
}


def behind_an_edge(service: str, **measures: t.Any) -> World:
    """Gunicorn counts no exceptions: what fails shows at the edge only."""
    world = World()
    world.column_missing()
    world.findings.clear()
    edge = {"listens": ["0.0.0.0:443"], "talks_to": [], "talks_to_total": 0, **EDGES[service], **measures}
    world.facts["lb1"] = {"launch_server": server("lb1"), f"launch_{service}": fact(instance("0.0.0.0:443", **edge))}
    world.bad(f"{service}_errors", "lb1", finding="30 responses of 500 and above in 200 requests (15 %)", advice="Read its traceback.")
    return world


@pytest.mark.parametrize("service", EDGES)
def test_errors_as_the_edge_counts_them_are_its_consequence(service: str) -> None:
    world = behind_an_edge(service)
    [cause] = world.diagnose()
    assert cause["cause"] == "missing_migration" and "lb1" in cause["evidence"][1], cause
    assert any(line.startswith("Its consequence: The application") for line in cause["evidence"])
    world.of("db1", "postgresql")["undefined_names"] = None
    assert world.causes() == ["application_errors"]


@pytest.mark.parametrize(("service", "own"), [("nginx", {"unanswered_requests": 30}), ("haproxy", {"errors_of_servers": 0})])
def test_errors_of_the_edge_itself_are_no_missing_migration(service: str, own: dict[str, t.Any]) -> None:
    assert behind_an_edge(service, **own).causes() == []


def test_a_log_that_does_not_say_whose_it_was() -> None:
    world = World()
    world.column_missing()
    world.of("db1", "postgresql")["undefined_names"][0].update(user=None, application=None, address=None, sessions=None, database=None)
    [cause] = world.diagnose()
    assert cause["evidence"][0].startswith('a session: SELECT "shop_order"."id"')
