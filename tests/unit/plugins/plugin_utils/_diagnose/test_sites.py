# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two sites in one inventory: a cause of one never explains, swallows or outranks trouble in the other."""

from __future__ import annotations

import itertools
import typing as t

import pytest

from .world import World

SHOP = ("shop1", "shop2")
SITE = ("app1", "app2", "app3", "app4")


def named(world: World) -> list[tuple[str, list[str]]]:
    return [(cause["cause"], cause["hosts"]) for cause in world.diagnose()]


@pytest.mark.parametrize("deep", ["missing_index", "idle_in_transaction", "lock_chain"])
def test_workers_of_another_site_do_not_wait_for_this_database(deep: str) -> None:
    world = World()
    world.second_site()
    getattr(world, deep)()
    world.of("db1", "postgresql")["active"] = 30
    world.workers_exhausted(hosts=SITE)
    assert named(world) == [(deep, ["db1"])]
    world.workers_exhausted(hosts=SHOP)
    assert named(world) == [(deep, ["db1"]), ("workers_exhausted", ["shop1", "shop2"])]


def test_each_site_is_a_cause_of_its_own_with_its_own_numbers() -> None:
    world = World()
    world.second_site()
    world.workers_exhausted(hosts=(*SITE, *SHOP))
    for host in (*SITE, *SHOP):
        world.of(host, "uwsgi")["addable"] = {"workers": 0, "limit": "RAM"}
    causes = world.diagnose()
    assert [cause["hosts"] for cause in causes] == [list(SITE), list(SHOP)]
    assert "Add servers: 6 instead of 4" in causes[0]["first_fix"] and "Add servers: 3 instead of 2" in causes[1]["first_fix"]


def test_busy_workers_elsewhere_do_not_dilute_those_that_wait() -> None:
    world = World()
    world.second_site()
    world.missing_index()
    world.of("db1", "postgresql")["active"] = 12
    world.workers_exhausted(hosts=SITE)
    for host in SHOP:
        world.of(host, "uwsgi")["workers"] = {"busy": 400, "active": 400}
    assert named(world) == [("missing_index", ["db1"])]


def test_errors_of_another_site_are_its_own() -> None:
    world = World()
    world.second_site()
    world.lock_chain()
    for host in (*SITE, *SHOP):
        world.bad("uwsgi_exceptions", host, finding="30 exceptions", advice="Read the traceback.", look="uwsgitop")
    assert named(world) == [("lock_chain", ["db1"]), ("application_errors", ["shop1", "shop2"])]


@pytest.mark.parametrize(
    "facts", [{"clients_total": 5}, {"connections": {"used": 95, "usable": 97}}], ids=["more than are listed", "no connection left"]
)
def test_users_that_are_not_listed_or_kept_out_are_not_separated(facts: dict[str, t.Any]) -> None:
    world = World()
    world.second_site()
    world.lock_chain()
    world.of("db1", "postgresql").update(facts)
    world.bad("uwsgi_exceptions", "shop1", finding="30 exceptions", advice="Read the traceback.", look="uwsgitop")
    assert named(world) == [("lock_chain", ["db1"])]


UNKNOWN: list[dict[str, t.Any]] = [{"address": "203.0.113.9"}, {"address": "web1"}, {}]


@pytest.mark.parametrize(("client", "database"), [*itertools.product(UNKNOWN, ["db1", "db2"])])
def test_a_client_that_may_speak_for_others_separates_nothing(client: dict[str, t.Any], database: str) -> None:
    """A pooler, NAT, a host that runs no application: then who uses the database is not known, as with one site."""
    world = World()
    world.second_site()
    world.missing_index()
    world.of("db1", "postgresql")["active"] = 30
    world.of(database, "postgresql")["clients"].append(client)
    world.workers_exhausted(hosts=SHOP)
    # the other database's clients are all known: these workers are not among them
    known = [] if database == "db1" else [("workers_exhausted", ["shop1", "shop2"])]
    assert named(world) == [("missing_index", ["db1"]), *known]
