# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cause that nobody feels is a latent risk; where it is not known how visitors are, it stays a cause."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._diagnose.cause_kind import SUFFERED
from ansible_collections.warroom.launch.plugins.plugin_utils._diagnose.causes import CAUSES
from ansible_collections.warroom.launch.plugins.plugin_utils._diagnose.felt import SUFFER, WELL
from ansible_collections.warroom.launch.plugins.plugin_utils._report import board
from ansible_collections.warroom.launch.plugins.plugin_utils._report.model import model
from ansible_collections.warroom.launch.plugins.plugin_utils._report.page import index_html
from ansible_collections.warroom.launch.plugins.plugin_utils._store.past import add_past
from ansible_collections.warroom.launch.plugins.plugin_utils._store.rounds import Store
from tests.support.report import report

from .test_diagnosis import SINGLE
from .world import World, fact, finding, instance

SITE = [f"app{number}/uwsgi/127.0.0.1:1717" for number in range(1, 5)] + ["web1/varnish/default", "db1/postgresql/5432"]


def visited(world: World, statuses: t.Optional[dict[str, str]] = None, **measures: t.Any) -> World:
    """Visitors of the site who are well, but for these checks and measures."""
    shown = {"accelerators": ["web1"], "of": SITE, "thread_queue": 0, "listen_queue": 0, "sessions_dropped": 0, **measures}
    kept = world.shared.get("launch_visitors", {"instances": [instance("visitors")]})["instances"][0]
    world.shared["launch_visitors"] = fact({**kept, **shown})
    for check, status in {**dict.fromkeys(WELL, "ok"), **(statuses or {})}.items():
        world.findings.append(finding(check, "fleet", "visitors", status))
    return world


def test_of_visitors_who_are_well_every_cause_is_a_latent_risk_but_what_is_suffered() -> None:
    kinds = set()
    for disaster, cause in SINGLE.items():
        world = World()
        getattr(world, disaster)()
        named = [one["cause"] for one in visited(world).diagnose()]
        risks = [one["cause"] for one in world.search.latent]
        assert (named, risks) == (([cause], []) if cause in SUFFERED else ([], [cause])), disaster
        kinds.add(cause)
    assert {kind.name for kind in CAUSES} >= set(SUFFERED) and kinds & set(SUFFERED)


@pytest.mark.parametrize("disaster", ["cold_cache", "missing_index", "rogue_client", "unbalanced_cache"])
def test_where_nobody_knows_how_visitors_are_nothing_changes(disaster: str) -> None:
    for lacking in (*WELL, None):
        world = World()
        getattr(world, disaster)()
        alone = world.causes()
        if lacking is not None:
            for status in ("unknown", "skipped"):
                assert visited(world, {lacking: status}).causes() == alone
        assert world.search.latent == []


@pytest.mark.parametrize("check", SUFFER)
@pytest.mark.parametrize("status", ["warn", "fail"])
def test_visitors_who_suffer_keep_the_cause(check: str, status: str) -> None:
    world = World()
    world.cold_cache()
    assert visited(world, {check: status}).causes() == ["accelerator_fault"]


@pytest.mark.parametrize(
    "queue", [{"listen_queue": 3}, {"listen_queue": None}, {"thread_queue": 2}, {"thread_queue": None}, {"sessions_dropped": 1}]
)
def test_where_a_queue_waits_or_was_not_read_the_cause_stays(queue: dict[str, t.Any]) -> None:
    world = World()
    world.missing_index()
    assert visited(world, **queue).causes() == ["missing_index"]


def test_of_two_sites_one_may_suffer_and_the_other_not() -> None:
    world = World()
    world.second_site()
    world.missing_index()
    talks = {"app1": "db1:5432", "shop1": "db2:5432"}
    for host, address in talks.items():
        world.of(host, "uwsgi")["talks_to"] = [{"address": address, "connections": 2}]
    visited(world)
    assert world.causes() == [] and [risk["cause"] for risk in world.search.latent] == ["missing_index"]


def test_a_machine_that_lacks_something_and_hurts_nobody_is_named_as_a_risk() -> None:
    world = World()
    world.bad("server_filesystems", "db1", finding="/var is 94 % full", advice="Find what grows.", look="du")
    assert world.causes() == [] and world.search.latent == []
    assert visited(world).causes() == []
    [risk] = world.search.latent
    assert risk["cause"] == "machine_exhausted" and "/var is 94 % full" in risk["statement"]
    assert risk["findings"] == [{"check": "server_filesystems", "host": "db1", "service": None, "instance": "db1"}]


def shown(**more: t.Any) -> t.Any:
    world = World()
    world.missing_index()
    visited(world).diagnose()
    made = report()
    made["latent_risks"] = [
        {**risk, "findings": [{**key, "service": "postgresql"} for key in risk["findings"]], **more} for risk in world.search.latent
    ]
    return made


def test_it_is_shown_as_what_it_is_and_never_in_the_headline() -> None:
    made = model(shown(since="2026-11-25T13:02:00Z", trends=["postgresql_missing_index: 3, rising"]))
    text = "\n".join(board.lines(made))
    assert "LATENT RISK missing_index on db1" in text and "since 2026-11-25T13:02:00Z by the stored rounds" in text
    assert "CAUSE" not in text and "index" not in made["headline"] and "1 latent risk" in made["about"]
    page = index_html(shown())
    assert 'id="risks"' in page and 'id="causes"' not in page


def test_the_store_dates_it(tmp_path: pathlib.Path) -> None:
    made = shown()
    key = made["latent_risks"][0]["findings"][0]
    place = {"check": key["check"], "host": key["host"], "service": key["service"], "instance": key["instance"], "unit": "count"}
    rounds = [(1000.0, "ok", 1.0), (2000.0, "warn", 2.0), (3000.0, "fail", 3.0), (4000.0, "fail", 4.0)]
    with Store(str(tmp_path / "rounds.db")) as store:
        for at, status, value in rounds:
            last = {**place, "status": status, "value": value, "finding": "x", "limit": None}
            store.add({"verdict": "no-go", "findings": [last], "diagnoses": []}, at)
        made["findings"] = [{**made["findings"][0], **last}]
        add_past(store, made, 0.0)
    [risk] = made["latent_risks"]
    assert risk["since"] == "1970-01-01T00:33:20Z" and risk["trends"] == [f"{key['check']}: 4, rising"]
