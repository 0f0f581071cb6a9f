# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When the fullest disk is full, at the pace of stored rounds."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._store import disk_growth
from ansible_collections.warroom.launch.plugins.plugin_utils._store.rounds import Store

NOW = 1_796_000_000.0
HOUR = 3600.0


def line(hours: float, per_day: float, now_used: float, rounds: int = 10) -> list[tuple[float, float]]:
    """Points up to an hour ago."""
    step = hours * HOUR / rounds
    return [(NOW - hours * HOUR + place * step, now_used - per_day * (hours * HOUR - place * step) / 86400) for place in range(rounds)]


@pytest.mark.parametrize(
    "per_day, used, day, week, full",
    [
        (0.05, 0.6, 0.65, 0.95, "2026-12-08"),
        (0.5, 0.8, 1.0, 1.0, "2026-11-30"),
        (0.0, 0.6, 0.6, 0.6, None),
        (-0.2, 0.6, 0.4, 0.0, None),
        (0.0001, 0.6, 0.6001, 0.6007, None),
    ],
)
def test_the_pace_tells_the_day(per_day: float, used: float, day: float, week: float, full: t.Optional[str]) -> None:
    found, why = disk_growth.measures(used, line(12, per_day, used), NOW)
    assert (found["rounds"], found["in_a_day_ratio"], found["in_a_week_ratio"]) == (10, pytest.approx(day), pytest.approx(week))
    assert (found["full_at"] or "")[:10] == (full or "") and bool(why) == (full is None)


@pytest.mark.parametrize("points", [[], line(12, 0.1, 0.5, 2), line(0.5, 0.1, 0.5)])
def test_too_little_past_tells_nothing(points: list[tuple[float, float]]) -> None:
    found, why = disk_growth.measures(0.5, points, NOW)
    assert found == {"rounds": 0, "in_a_day_ratio": None, "in_a_week_ratio": None, "full_at": None} and set(why.values()) == {
        "too few rounds are stored"
    }


def test_without_a_value_of_now_it_is_unknown() -> None:
    found, why = disk_growth.measures(None, line(12, 0.1, 0.5), NOW)
    assert found["rounds"] == 10 and found["in_a_week_ratio"] is None and set(why.values()) == {disk_growth.NO_SPACE}


def report(used: t.Optional[float]) -> dict[str, t.Any]:
    finding = {"check": disk_growth.CHECK, "host": "db1", "service": "server", "instance": "db1", "unit": "ratio", "value": used}
    return {"verdict": "go", "diagnoses": [], "findings": [{**finding, "status": "ok"}]}


def machine(**facts: t.Any) -> dict[str, t.Any]:
    return {"launch_server": {"schema": 1, "instances": [{"name": "db1", "state": "up", "unknown": {"disk_growth.full_at": "x"}, **facts}]}}


def test_the_machine_of_the_host_gets_what_its_rounds_tell(tmp_path: pathlib.Path) -> None:
    path = str(tmp_path / "rounds.db")
    with Store(path) as store:
        for at, used in line(12, 0.2, 0.7):
            store.add(report(used), at=at)
        store.add(report(None), at=NOW - 60)
    points = disk_growth.past(path, NOW)
    facts = machine(filesystems=[{"name": "/", "used_ratio": 0.7}])
    (grown,) = disk_growth.grown("db1", facts, points, NOW)["launch_server"]["instances"]
    assert grown["disk_growth"]["in_a_day_ratio"] == pytest.approx(0.9) and grown["unknown"] == {}
    assert "disk_growth" not in facts["launch_server"]["instances"][0], "what was gathered stays as it is"
    (other,) = disk_growth.grown("db2", facts, points, NOW)["launch_server"]["instances"]
    assert other["disk_growth"]["rounds"] == 0


@pytest.mark.parametrize(
    "facts", [{}, {"launch_server": {"instances": []}}, machine(state="unreadable"), machine(filesystems=7), machine()]
)
def test_facts_of_any_form_stay_facts(facts: dict[str, t.Any]) -> None:
    disk_growth.grown("db1", facts, {("db1", "db1"): line(12, 0.1, 0.5)}, NOW)


def test_a_damaged_store_and_none_tell_nothing(tmp_path: pathlib.Path) -> None:
    (tmp_path / "rounds.db").write_bytes(b"SQLite format 3\0" + b"x" * 500)
    assert disk_growth.past(str(tmp_path / "rounds.db"), NOW) == disk_growth.past("", NOW) == disk_growth.past("/nowhere", NOW) == {}
