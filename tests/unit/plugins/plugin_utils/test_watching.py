# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A watch over rounds made by hand: what is told, what the report learns of its past, when it is over."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils import watching
from ansible_collections.warroom.launch.plugins.plugin_utils.store.rounds import Store

DAY = 86400.0


def finding(check: str, status: str, value: t.Any, **rest: t.Any) -> dict[str, t.Any]:
    return {"check": check, "host": "app1", "service": "uwsgi", "instance": "a", "status": status, "value": value, "unit": "ratio", **rest}


def report(verdict: str, *findings: dict[str, t.Any], causes: t.Sequence[str] = (), **rest: t.Any) -> dict[str, t.Any]:
    diagnoses = [{"cause": cause, "statement": "An index is missing.", "first_fix": "Create it."} for cause in causes]
    return {"verdict": verdict, "findings": list(findings), "diagnoses": diagnoses, **rest}


@pytest.fixture
def store(tmp_path: pathlib.Path) -> t.Iterator[Store]:
    with Store(str(tmp_path / "rounds.db")) as opened:
        yield opened


def test_a_disaster_and_its_cure_are_each_told_once(store: Store) -> None:
    def calm() -> dict[str, t.Any]:
        return report("go", finding("uwsgi_workers_busy", "ok", 0.2))

    def fire() -> dict[str, t.Any]:
        busy = finding("uwsgi_workers_busy", "fail", 1.0, finding="8 of 8 workers busy", advice="Add 4 workers.")
        return report("no-go", busy, causes=["missing_index"])

    told = []
    for number, round_ in enumerate([calm(), calm(), fire(), fire(), fire(), calm(), calm(), calm()]):
        at = 1000.0 + 10 * number
        changes = watching.one_round(store, round_, at, DAY)
        told.append([line.split("  ", 1)[-1] for line in watching.change_lines(changes, round_, at)])
    assert [len(lines) for lines in told] == [0, 0, 0, 5, 0, 0, 3, 0]
    assert told[3] == [
        "GO → NO-GO",
        "CAUSE missing_index: An index is missing.",
        "        → first: Create it.",
        "uwsgi_workers_busy on app1 a: ok → fail: 8 of 8 workers busy",
        "        → Add 4 workers.",
    ]
    assert told[6][:2] == ["NO-GO → GO", "cause missing_index is gone"]


def test_the_report_learns_its_past(store: Store) -> None:
    for number in range(5):
        last = report("go", finding("uwsgi_workers_busy", "ok", number / 10), finding("other", "ok", 1.0))
        watching.one_round(store, last, 1000.0 + number, DAY)
    assert [one["trend"] for one in last["findings"]] == ["rising", "steady"]
    assert len(last["history"]["rounds"]) == 5 and last["history"]["rounds"][0]["at"] == "1970-01-01T00:16:40Z"
    assert [(one["check"], [value for _at, value in one["points"]]) for one in last["history"]["series"]] == [
        ("uwsgi_workers_busy", [0.0, 0.1, 0.2, 0.3, 0.4])
    ]


def test_old_rounds_are_forgotten(store: Store) -> None:
    watching.one_round(store, report("go"), 1000.0, DAY)
    watching.one_round(store, report("go"), 1000.0 + 2 * DAY, DAY)
    assert [one.at for one in store.rounds()] == [1000.0 + 2 * DAY]


@pytest.mark.parametrize(
    "until, verdicts, over",
    [
        ("go", ["no-go", "go"], False),
        ("go", ["no-go", "go", "go with warnings"], True),
        ("go", ["go", "unknown"], False),
        ("no-go", ["go", "no-go", "no-go"], True),
        ("never", ["go", "go", "go"], False),
    ],
)
def test_the_watch_ends_on_a_verdict_that_lasts(store: Store, until: str, verdicts: list[str], over: bool) -> None:
    for number, verdict in enumerate(verdicts):
        last = report(verdict)
        watching.one_round(store, last, 1000.0 + number, DAY)
    assert watching.is_over(store, last, until, 0.0) is over


@pytest.mark.parametrize("loads, over", [([0.5, 2, 4, 3, 2, 1], True), ([0.5, 2, 4], False), ([0.2, 0.3, 0.2, 0.1, 0.1], False)])
def test_the_watch_ends_when_the_load_turned_the_corner(store: Store, loads: list[float], over: bool) -> None:
    for number, load in enumerate(loads):
        last = report("no-go", finding("server_load", "fail", load))
        watching.one_round(store, last, 1000.0 + number, DAY)
    assert watching.is_over(store, last, "corner", 0.0) is over


def hosts(*utilisations: t.Any) -> dict[str, t.Any]:
    facts = [{"launch_uwsgi": {"instances": [{"utilisation": value}]}} for value in utilisations]
    return {f"app{number}": {"facts": one} for number, one in enumerate(facts)}


@pytest.mark.parametrize(
    "verdict, utilisations, expected",
    [
        ("go", [0.2] * 6, (4, 6)),
        ("go", [0.7] * 6, None),
        ("go", [0.1, 0.1], None),
        ("no-go", [0.2] * 6, None),
        ("go", [0.2, None, 0.2, 0.2], None),
        ("go", [], None),
    ],
)
def test_servers_to_drop_only_when_all_is_calm_and_known(verdict: str, utilisations: list[t.Any], expected: t.Any) -> None:
    assert watching.droppable(report(verdict, hosts=hosts(*utilisations))) == expected


def test_before_and_after_in_words() -> None:
    before = report("no-go", finding("varnish_hit_ratio", "fail", 0.61), causes=["accelerator_fault"])
    after = report("go", finding("varnish_hit_ratio", "ok", 0.94), hosts=hosts(*[0.1] * 5))
    assert watching.compare_lines(before, after) == [
        "verdict: no-go → go",
        "cause accelerator_fault: gone",
        "better: varnish_hit_ratio on app1 a: 0.61 → 0.94 (fail → ok)",
        "you may drop 3 of 5 application servers: the rest carries the present traffic with room to spare",
    ]
