# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real files as backups: of today and of last year, cut off, being written, folders, markers, and none."""

from __future__ import annotations

import os
import pathlib
import time
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.options import _check
from ansible_collections.warroom.launch.plugins.module_utils._collect.run import gather
from ansible_collections.warroom.launch.plugins.module_utils._collectors.backup import fetch
from ansible_collections.warroom.launch.plugins.module_utils._collectors.backup.collector import COLLECTOR
from ansible_collections.warroom.launch.plugins.module_utils._collectors.backup.fetch import Copy
from ansible_collections.warroom.launch.plugins.module_utils._collectors.backup.shape import shape
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.evaluate import evaluate
from tests.support.check_cases import catalogue
from tests.support.tools import FakeCommands, tools_with

HOUR = 3600


def made(folder: pathlib.Path, name: str, size: int, hours: float) -> pathlib.Path:
    path = folder / name
    path.write_bytes(b"x" * size)
    then = time.time() - hours * HOUR
    os.utime(path, (then, then))
    return path


def read(**options: t.Any) -> dict[str, t.Any]:
    facts = gather([(COLLECTOR, _check(COLLECTOR, {"name": "shop", **options}))], 0, tools_with(FakeCommands()))
    instance: dict[str, t.Any] = facts["launch_backup"]["instances"][0]
    return instance


def test_the_newest_is_judged_by_the_one_before(tmp_path: pathlib.Path) -> None:
    for number, size in ((3, 100), (2, 1000), (1, 900)):
        made(tmp_path, f"shop-{number}.dump", size, (4 - number) * 24)
    made(tmp_path, "other.log", 5, 0)
    marker = made(tmp_path, "restored", 0, 48)
    facts = read(files=[f"{tmp_path}/shop-*.dump"], restored=str(marker))
    assert (facts["state"], facts["copies_total"], facts["newest_name"]) == ("up", 3, "shop-3.dump")
    assert (facts["newest_bytes"], facts["previous_bytes"], facts["size_factor"], facts["comparable"]) == (100, 1000, 0.1, True)
    assert 23 * HOUR < facts["newest_age_seconds"] < 25 * HOUR and 47 * HOUR < facts["restore_tested_age_seconds"] < 49 * HOUR
    assert facts["restore_recorded"] is True and facts["room_factor"] > 1


def test_a_folder_is_as_large_as_its_files(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for part in ("base", "base/1"):
        (tmp_path / "monday" / part).mkdir(parents=True)
        made(tmp_path / "monday" / part, "16384", 1000, 1)
    facts = read(files=[str(tmp_path / "monday")])
    assert (facts["newest_bytes"], facts["copies_total"], facts["comparable"], facts["size_factor"]) == (2000, 1, False, None)
    monkeypatch.setattr(fetch, "MOST", 1)
    assert read(files=[str(tmp_path / "monday")])["newest_bytes"] is None


def test_what_grows_within_the_window_is_not_judged() -> None:
    first = [Copy("/b/3", 1000.0, 10), Copy("/b/2", 500.0, 100), Copy("/b/1", 100.0, 100)]
    second = [Copy("/b/3", 1005.0, 20), *first[1:]]
    facts = shape(first, second, 1010.0, 1000, None)
    assert (facts.get("writing"), facts.get("newest_name"), facts.get("newest_age_seconds"), facts.get("size_factor")) == (
        True,
        "2",
        510.0,
        1.0,
    )
    alone = shape(first[:1], second[:1], 1010.0, 1000, None)
    assert alone.get("newest_age_seconds") is None and "being written" in alone.unknown["newest_age_seconds"]


def test_a_marker_tells_an_age_and_no_size(tmp_path: pathlib.Path) -> None:
    facts = read(marker=str(made(tmp_path, "done", 0, 2)))
    assert 1.9 * HOUR < facts["newest_age_seconds"] < 2.1 * HOUR and facts["newest_bytes"] is None and facts["sized"] is False
    assert read(marker=str(tmp_path / "none"))["state"] == "down"


def test_no_backup_is_down_and_what_may_not_be_seen_is_not(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    none = read(files=[f"{tmp_path}/*.dump"])
    assert none["state"] == "down" and "no backup is there" in none["problem"]
    assert read(files=[f"{tmp_path}/gone/*.dump"])["state"] == "down"

    def denied(_path: t.Any) -> t.Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(fetch.os, "scandir", denied)
    hidden = read(files=[f"{tmp_path}/*.dump"])
    assert hidden["state"] == "unreadable" and "use become" in hidden["problem"]


@pytest.mark.parametrize("options", [{}, {"files": []}, {"files": ["backups/*.dump"]}])
def test_what_names_no_backup(options: dict[str, t.Any]) -> None:
    facts = read(**options)
    assert facts["state"] == "unreadable" and "give " in facts["problem"]


def test_a_pattern_that_matches_a_million_files_is_refused(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(12):
        made(tmp_path, f"{number}.dump", 1, 1)
    monkeypatch.setattr(fetch, "MOST", 10)
    facts = read(files=[f"{tmp_path}/*.dump"])
    assert facts["state"] == "unreadable" and "more than 10 files" in facts["problem"]


def test_a_folder_that_may_not_be_read_leaves_only_its_marker_unknown(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = made(tmp_path, "a.dump", 1, 1)
    real = os.stat

    def denied(place: t.Any, *more: t.Any, **options: t.Any) -> t.Any:
        if str(place).endswith("restored"):
            raise PermissionError(13, "Permission denied")
        return real(place, *more, **options)

    monkeypatch.setattr(fetch.os, "stat", denied)
    facts = read(files=[str(path)], restored=str(tmp_path / "restored"))
    assert facts["state"] == "up" and facts["restore_recorded"] is None and "become" in facts["unknown"]["restore_recorded"]


#: what is wrong → the copies as (name, bytes, hours old), how old the marker of a restore is, and the checks that say so.
FAULTS: dict[str, tuple[list[tuple[str, int, float]], t.Optional[float], dict[str, str]]] = {
    "nothing": ([("2", 1000, 2), ("1", 1000, 26)], 48, {}),
    "the job stopped": ([("2", 1000, 240), ("1", 1000, 264)], 48, {"backup_age": "fail"}),
    "one was left out": ([("2", 1000, 30), ("1", 1000, 54)], 48, {"backup_age": "warn"}),
    "half of it is missing": ([("2", 400, 2), ("1", 1000, 26)], 48, {"backup_size": "fail"}),
    "a table is missing": ([("2", 700, 2), ("1", 1000, 26)], 48, {"backup_size": "warn"}),
    "no room for the next": ([("2", 1 << 43, 2), ("1", 1 << 43, 26)], 48, {"backup_room": "fail"}),
    "never restored": ([("2", 1000, 2), ("1", 1000, 26)], None, {"backup_restore": "warn"}),
    "restored last year": ([("2", 1000, 2), ("1", 1000, 26)], 9000, {"backup_restore_age": "warn"}),
}
CHECKS = [check for check in catalogue().checks() if check.service == "backup"]


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_named_by_its_check(tmp_path: pathlib.Path, fault: str) -> None:
    copies, restored, said = FAULTS[fault]
    for name, size, hours in copies:
        path = made(tmp_path, f"shop-{name}.dump", 0, hours)
        os.truncate(path, size)
        os.utime(path, (time.time() - hours * HOUR,) * 2)
    if restored is not None:
        made(tmp_path, "restored", 0, restored)
    facts = {"launch_backup": {"schema": 1, "instances": [read(files=[f"{tmp_path}/shop-*.dump"], restored=str(tmp_path / "restored"))]}}
    found = evaluate("db1", facts, CHECKS, "before")
    assert {each["check"]: each["status"] for each in found if each["status"] not in ("ok", "skipped")} == said


def test_every_check_of_a_backup_has_its_fault() -> None:
    assert {check for _copies, _restored, said in FAULTS.values() for check in said} == {check.id for check in CHECKS}


@pytest.mark.parametrize(("hours", "age"), [(-24 * 365, None), (-1, None), (-0.001, 0.0)])
def test_a_backup_from_the_future_is_not_new(tmp_path: pathlib.Path, hours: float, age: t.Optional[float]) -> None:
    """https://github.com/Linuxfabrik/monitoring-plugins/issues/188, https://github.com/mickem/nscp/issues/139: the newest for ever"""
    made(tmp_path, "shop-1.dump", 100, 24)
    made(tmp_path, "shop-2.dump", 100, hours)
    facts = read(files=[f"{tmp_path}/shop-*.dump"])
    marked = read(marker=str(tmp_path / "shop-2.dump"), restored=str(tmp_path / "shop-2.dump"))
    assert facts["newest_age_seconds"] == marked["newest_age_seconds"] == marked["restore_tested_age_seconds"] == age
    if age is None:
        assert "future" in facts["unknown"]["newest_age_seconds"] and marked["restore_recorded"] is True
