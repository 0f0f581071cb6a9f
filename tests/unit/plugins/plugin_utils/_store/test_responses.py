# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The record of what was done: whole lines, the owner's alone, and told among the changes of a report."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._texts import moments
from ansible_collections.warroom.launch.plugins.plugin_utils._fleet.provenance import sentences
from ansible_collections.warroom.launch.plugins.plugin_utils._store import responses

ENTRY = {"event": "acted", "host": "db1", "service": "postgresql", "instance": "shop", "says": "session 7 was ended"}


def told(folder: pathlib.Path, now: float) -> list[t.Any]:
    report: t.Any = {"changes": []}
    responses.tell(report, str(folder), now)
    return list(report["changes"])


def test_what_was_done_is_among_the_changes(tmp_path: pathlib.Path) -> None:
    responses.record(str(tmp_path), ENTRY)
    responses.record(str(tmp_path), {**ENTRY, "event": "refused", "says": "a guard no longer holds"})
    at = moments.read(responses.entries(str(tmp_path))[0]["at"])
    (change,) = told(tmp_path, at + 30)
    assert sentences([change], at + 30, "ago") == ["db1 postgresql: launch_respond: session 7 was ended, 30 s ago"]
    assert not told(tmp_path, at + 3600)
    assert (tmp_path / responses.FILE).stat().st_mode & 0o777 == 0o600


def test_an_act_whose_run_died_is_unfinished_for_a_day(tmp_path: pathlib.Path) -> None:
    runs = {
        "died when it had acted": "acting acted",
        "died when it acted": "acting",
        "could not take it back": "acting acted verified refused",
        "helped": "acting acted verified stays",
        "did not help": "acting acted verified undone",
        "a guard": "acting refused",
    }
    for token, events in runs.items():
        for event in events.split():
            responses.record(str(tmp_path), {**ENTRY, "event": event, "token": token})
    assert [entry["token"] for entry in responses.unfinished(str(tmp_path))] == list(runs)[:3]
    at = moments.read(responses.entries(str(tmp_path))[0]["at"])
    assert responses.unfinished(str(tmp_path), at + 90_000) == []


def test_a_damaged_line_costs_itself_only(tmp_path: pathlib.Path) -> None:
    responses.record(str(tmp_path), ENTRY)
    with (tmp_path / responses.FILE).open("a") as handle:
        handle.write('{"event": "ac\n[1]\n\x00\n')
    responses.record(str(tmp_path), {**ENTRY, "says": 7})
    assert len(responses.entries(str(tmp_path))) == 2
    assert len(told(tmp_path, moments.read(responses.entries(str(tmp_path))[0]["at"]) + 1)) == 1


def test_a_record_that_is_a_link_is_not_followed(tmp_path: pathlib.Path) -> None:
    (tmp_path / "other").write_text("kept")
    (tmp_path / responses.FILE).symlink_to(tmp_path / "other")
    with pytest.raises(OSError, match="symbolic link"):
        responses.record(str(tmp_path), ENTRY)
    assert (tmp_path / "other").read_text() == "kept"


def test_without_a_record_nothing_is_told(tmp_path: pathlib.Path) -> None:
    assert responses.entries(str(tmp_path)) == [] and told(tmp_path, 0.0) == []
