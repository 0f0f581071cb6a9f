# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each change is told once, within two rounds; one odd round is not told."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._store import trends
from ansible_collections.warroom.launch.plugins.plugin_utils._store.changes import changed, subjects
from ansible_collections.warroom.launch.plugins.plugin_utils._store.compare import compare


def told(rounds: t.Sequence[t.Mapping[str, str]]) -> list[list[tuple[str, str, str]]]:
    states: dict[str, t.Any] = {}
    result = []
    for at, now in enumerate(rounds):
        changes, states = changed(states, now, float(at))
        result.append([(change["subject"], change["before"], change["after"]) for change in changes])
    return result


def test_a_lasting_change_is_told_once_in_its_second_round() -> None:
    ok, bad = {"verdict": "go", "finding x": "ok"}, {"verdict": "no-go", "finding x": "fail", "cause y": "present"}
    change = [("cause y", "absent", "present"), ("finding x", "ok", "fail"), ("verdict", "go", "no-go")]
    back = [("cause y", "present", "absent"), ("finding x", "fail", "ok"), ("verdict", "no-go", "go")]
    assert told([ok, ok, bad, bad, bad, ok, ok, ok]) == [[], [], [], change, [], [], back, []]


def test_flapping_is_not_told() -> None:
    ok, bad = {"v": "ok"}, {"v": "fail"}
    assert told([ok, bad, ok, bad, ok, bad, ok]) == [[]] * 7


def test_a_state_that_moves_on_is_told_from_what_was_told() -> None:
    assert told([{"v": "ok"}, {"v": "warn"}, {"v": "fail"}, {"v": "fail"}])[-1] == [("v", "ok", "fail")]


def test_skipped_and_accepted_findings_are_no_subjects() -> None:
    rows = [
        {"check": "a", "host": "h", "service": "s", "instance": "i", "status": "ok"},
        {"check": "b", "host": "h", "service": "s", "instance": "i", "status": "skipped"},
        {"check": "c", "host": "h", "service": "s", "instance": "i", "status": "fail", "accepted": "known"},
    ]
    assert subjects({"verdict": "go", "findings": rows, "diagnoses": [{"cause": "x"}]}) == {
        "verdict": "go",
        "cause x": "present",
        "finding a h s i": "ok",
    }


@pytest.mark.parametrize(
    "values, expected",
    [
        ([1, 2, 3, 4], "rising"),
        ([4, 3, 2, 1], "falling"),
        ([5, 5.1, 4.9, 5], "steady"),
        ([0, 0, 0], "steady"),
        ([1, 2], None),
        ([None, 1, None], None),
    ],
)
def test_direction(values: list[t.Any], expected: t.Optional[str]) -> None:
    assert trends.direction([(float(at), value) for at, value in enumerate(values)]) == expected


def test_the_corner_is_turned_only_after_a_rise_and_a_fall() -> None:
    def turned(*values: float) -> bool:
        return trends.turned_the_corner([(float(at), value) for at, value in enumerate(values)])

    assert turned(1, 3, 6, 5, 3, 2)
    assert not turned(1, 3, 6) and not turned(6, 5, 3, 2, 1) and not turned(1, 1, 1, 1, 1) and not turned(1, 3, 6, 6.1, 6)


def test_seconds_until() -> None:
    assert trends.seconds_until([(0.0, 30), (10.0, 20), (20.0, 10)], 0) == pytest.approx(10)
    assert trends.seconds_until([(0.0, 10), (10.0, 20), (20.0, 30)], 0) is None


def test_compare_tells_better_worse_and_moved() -> None:
    def report(verdict: str, causes: list[str], **findings: tuple[str, t.Any]) -> dict[str, t.Any]:
        rows = [{"check": check, "host": "h", "status": status, "value": value} for check, (status, value) in findings.items()]
        return {"verdict": verdict, "findings": rows, "diagnoses": [{"cause": cause} for cause in causes]}

    result = compare(
        report("no-go", ["accelerator_fault"], hits=("fail", 0.61), busy=("ok", 0.9), same=("ok", 1), lag=("ok", 1)),
        report("go", [], hits=("ok", 0.94), busy=("ok", 0.3), same=("ok", 1), lag=("unknown", None)),
    )
    assert result["verdict"] == ["no-go", "go"] and result["causes"] == {"gone": ["accelerator_fault"], "new": [], "same": []}
    assert [(row["check"], row["value"]) for row in result["better"]] == [("hits", [0.61, 0.94])]
    assert [row["check"] for row in result["worse"]] == ["lag"] and [row["check"] for row in result["moved"]] == ["busy"]
