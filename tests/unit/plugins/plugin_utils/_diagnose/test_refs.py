# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every line of evidence points at a row that the report has: of all disasters, alone and in pairs, and of all that is recorded."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._diagnose.refs import resolve
from tests.gameday import judged
from tests.gameday.cells import CELLS, cells

from .test_diagnosis import SINGLE
from .world import World


def lines(report: t.Mapping[str, t.Any]) -> list[dict[str, t.Any]]:
    return [line for cause in (*report["diagnoses"], *report["latent_risks"]) for line in cause["evidence"]]


def lost(report: t.Mapping[str, t.Any]) -> list[str]:
    return [f"{line['ref']}: {line['text']}" for line in lines(report) if resolve(report, line["ref"]) is None]


def of_world(*disasters: str) -> dict[str, t.Any]:
    world = World()
    for disaster in disasters:
        getattr(world, disaster)()
    world.diagnose()
    hosts = {name: {"facts": facts} for name, facts in world.facts.items()}
    found = {"diagnoses": world.search.diagnoses, "latent_risks": world.search.latent}
    return {"hosts": hosts, "fleet": world.shared, "findings": world.findings, **found}


@pytest.mark.parametrize("disaster", SINGLE)
def test_of_each_disaster_alone_and_with_others(disaster: str) -> None:
    assert lost(of_world(disaster)) == []
    assert [line for other in [*SINGLE][::4] for line in lost(of_world(disaster, other))] == []


def test_of_every_recorded_window() -> None:
    reports = [judged.judged(cell.windows[0], cell.hosts) for cell in cells(CELLS)]
    assert sum(len(lines(report)) for report in reports) > 5
    assert [line for report in reports for line in lost(report)] == []


@pytest.mark.parametrize(
    ("disasters", "begin", "ref"),
    [
        (["queue_backlog"], "celery: 900 messages", "fleet/celery_queue/redis://q1/queues[0]"),
        (["cold_cache"], "/news/<id>/: ", "web1/varnish_traffic/default/passes[0]"),
        (["workers_exhausted"], "app2 (127.0.0.1:1717): ", "app2/uwsgi/127.0.0.1:1717"),
        (["cpu_full", "backend_lost"], "Its consequence: Varnish", "web1/varnish/default"),
        (["unbalanced_cache"], "c1: 90 %", "fleet/memcached_pool/default/servers[0]"),
    ],
)
def test_a_line_points_at_its_own_row(disasters: list[str], begin: str, ref: str) -> None:
    report = of_world(*disasters)
    assert [line["ref"] for line in lines(report) if line["text"].startswith(begin)][:1] == [ref]


@pytest.mark.parametrize("ref", ["", "web9/uwsgi/x", "web1/varnish/other", "web1/varnish_traffic/default/passes[7]", "fleet//", "web1"])
def test_what_is_not_there_is_not_found(ref: str) -> None:
    assert resolve(of_world("cold_cache"), ref) is None
