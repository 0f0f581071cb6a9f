# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Before and after: in words, and where the report from before is found."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._store import before_after
from ansible_collections.warroom.launch.plugins.plugin_utils._store.rounds import Store


def finding(check: str, status: str, value: t.Any, **rest: t.Any) -> dict[str, t.Any]:
    return {"check": check, "host": "app1", "service": "uwsgi", "instance": "a", "status": status, "value": value, "unit": "ratio", **rest}


def report(verdict: str, *findings: dict[str, t.Any], causes: t.Sequence[str] = (), **rest: t.Any) -> dict[str, t.Any]:
    return {"verdict": verdict, "findings": list(findings), "diagnoses": [{"cause": cause} for cause in causes], **rest}


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
    assert before_after.droppable(report(verdict, hosts=hosts(*utilisations))) == expected


def test_before_and_after_in_words() -> None:
    before = report("no-go", finding("varnish_hit_ratio", "fail", 0.61), causes=["accelerator_fault"])
    after = report("go", finding("varnish_hit_ratio", "ok", 0.94), hosts=hosts(*[0.1] * 5))
    assert before_after.compare_lines(before, after) == [
        "verdict: no-go → go",
        "cause accelerator_fault: gone",
        "better: varnish_hit_ratio on app1 a: 61 % → 94 % (fail → ok)",
        "you may drop 3 of 5 application servers: the rest carries the present traffic with room to spare",
    ]


def test_many_places_of_one_check_are_counted() -> None:
    before = report("go", *[finding("busy", "ok", 0.1, host=f"app{at}") for at in range(9)])
    after = report("go", *[finding("busy", "ok", 0.5, host=f"app{at}") for at in range(9)])
    lines = before_after.compare_lines(before, after)
    assert lines[1:] == [f"moved: busy on app{at} a: 10 % → 50 % (ok)" for at in range(3)] + ["moved: busy on 6 more"]


@pytest.fixture
def path(tmp_path: pathlib.Path) -> str:
    """A store with a labelled round and two that are not."""
    name = str(tmp_path / "rounds.db")
    with Store(name) as store:
        store.add(report("go", finding("busy", "ok", 0.25), hosts={"app1": {"facts": {"x": 1}}}), 1000.0, "baseline")
        store.add(report("no-go", finding("busy", "fail", 1.0), causes=["missing_index"]), 1010.0)
        store.add(report("go", finding("busy", "ok", 0.5)), 1020.0)
    return name


def test_by_label_the_whole_report(path: str) -> None:
    assert before_after.find("baseline", path)["hosts"] == {"app1": {"facts": {"x": 1}}}


def test_by_time_what_was_stored_of_it(path: str) -> None:
    for name in ("1970-01-01T00:16:50Z", "1970-01-01T00:16:59Z", "1970-01-01 00:16:50"):
        found = before_after.find(name, path)
        row = found["findings"][0]
        assert (found["verdict"], found["diagnoses"], row["status"], row["value"]) == ("no-go", [{"cause": "missing_index"}], "fail", 1.0)
    assert before_after.find("1970-01-01T00:17Z", path)["verdict"] == "go"
    lines = before_after.compare_lines(found, before_after.find("1970-01-01T00:17Z", path))
    assert lines == ["verdict: no-go → go", "cause missing_index: gone", "better: busy on app1 a: 100 % → 50 % (fail → ok)"]


def test_by_path(path: str, tmp_path: pathlib.Path) -> None:
    (tmp_path / "launch.json").write_text(json.dumps(report("unknown")))
    assert (
        before_after.find(str(tmp_path), path)["verdict"]
        == before_after.find(str(tmp_path / "launch.json"), "none")["verdict"]
        == "unknown"
    )


def test_a_label_moves_to_its_newest_report(path: str) -> None:
    with Store(path) as store:
        store.add(report("no-go", marker=2), 1030.0, "baseline")
        assert store.labels() == ["baseline"] and store.count() == 4
        assert store._db.execute("SELECT count(*) FROM reports").fetchone()[0] == 1
    assert before_after.find("baseline", path)["marker"] == 2


@pytest.mark.parametrize(
    "name, text, words",
    [
        ("nope", None, "nope is no label in .*the labels there are baseline"),
        ("1969-12-31T00:00:00Z", None, "no time of a stored round"),
        ("file", "{", "cannot be read"),
        ("file", "[]", "is not a report"),
    ],
)
def test_what_cannot_be_compared_is_said(path: str, tmp_path: pathlib.Path, name: str, text: t.Optional[str], words: str) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
        name = str(tmp_path / name)
    with pytest.raises(before_after.NoReport, match=words):
        before_after.find(name, path)
    with pytest.raises(before_after.NoReport, match="no labelled round yet"):
        before_after.find("nope", str(tmp_path / "none.db"))
