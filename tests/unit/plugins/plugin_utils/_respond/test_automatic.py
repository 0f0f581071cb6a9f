# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is done without a person: only what the list names, only what can be taken back, seldom, and never past the stop file."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._acts.registry import ACTS
from ansible_collections.warroom.launch.plugins.module_utils._texts import moments
from ansible_collections.warroom.launch.plugins.plugin_utils._respond.automatic import STOP_FILE, chosen, problems
from ansible_collections.warroom.launch.plugins.plugin_utils._respond.first_aid import AID
from ansible_collections.warroom.launch.plugins.plugin_utils._respond.taken_back import TAKES_BACK
from ansible_collections.warroom.launch.plugins.plugin_utils._store import responses

INDEX = {"proposal": {"cause": "missing_index", "host": "db1"}, "looked": {"outcome": "possible", "undo": "DROP INDEX …"}}
LISTED = [{"cause": "missing_index", "once_within": 10}]


def pick(folder: pathlib.Path, *looks: t.Any, listed: t.Any = None, now: t.Optional[float] = None) -> tuple[t.Any, list[str]]:
    return chosen(LISTED if listed is None else listed, looks or [INDEX], str(folder), "", now)


def test_what_is_listed_is_done(tmp_path: pathlib.Path) -> None:
    assert pick(tmp_path) == (INDEX, [])


def test_what_is_not_listed_is_left_alone(tmp_path: pathlib.Path) -> None:
    assert pick(tmp_path, listed=[]) == (None, []) and pick(tmp_path, listed=[{"cause": "queue_growth"}]) == (None, [])


@pytest.mark.parametrize("looked", [{"outcome": "refused", "undo": "x"}, {"outcome": "possible", "undo": None}, {}])
def test_what_a_guard_forbids_or_cannot_be_taken_back_is_left_alone(tmp_path: pathlib.Path, looked: dict[str, t.Any]) -> None:
    choice, said = pick(tmp_path, {**INDEX, "looked": looked})
    assert choice is None and "a guard does not hold" in said[0]


def test_one_act_a_run(tmp_path: pathlib.Path) -> None:
    other = {**INDEX, "proposal": {"cause": "missing_index", "host": "db2"}}
    assert pick(tmp_path, INDEX, other)[0] is INDEX


def test_a_stop_file_stops_it_also_when_it_is_a_broken_link(tmp_path: pathlib.Path) -> None:
    (tmp_path / STOP_FILE).symlink_to("nowhere")
    choice, said = pick(tmp_path)
    assert choice is None and "stop file" in said[0]


def test_once_within_its_minutes_at_each_host(tmp_path: pathlib.Path) -> None:
    responses.record(str(tmp_path), {"event": "acting", "cause": "missing_index", "host": "db1"})
    at = moments.read(responses.entries(str(tmp_path))[0]["at"])
    choice, said = pick(tmp_path, now=at + 599)
    assert choice is None and "within 10 minutes" in said[0]
    assert pick(tmp_path, now=at + 601)[0] is INDEX
    other = {**INDEX, "proposal": {"cause": "missing_index", "host": "db2"}}
    assert pick(tmp_path, INDEX, other, now=at + 1)[0] is other


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ("missing_index", "must be a list"),
        (["missing_index"], "no mapping"),
        ([{"cause": "missing_index", "act": "restart"}], "no mapping"),
        ([{"cause": "service_down"}], "has no act"),
        ([{"cause": "lock_chain"}], "cannot be taken back"),
        ([{"cause": "idle_in_transaction"}], "cannot be taken back"),
        ([{"cause": "missing_index", "once_within": 0}], "above 0"),
        ([{"cause": "missing_index", "once_within": True}], "above 0"),
        ([{"cause": "missing_index", "once_within": float("nan")}], "above 0"),
    ],
)
def test_a_list_that_is_wrong_is_refused(entries: t.Any, words: str) -> None:
    (problem,) = problems(entries)
    assert words in problem


def test_every_act_that_can_be_taken_back_may_be_listed() -> None:
    for cause, aids in AID.items():
        has_undo = all(ACTS[aid.act, service].has_undo for aid in aids for service in aid.services)
        assert bool(problems([{"cause": cause}])) is not has_undo


def test_what_a_lost_timer_left_is_taken_back_at_once_for_a_cause_of_the_list_only(tmp_path: pathlib.Path) -> None:
    responses.record(str(tmp_path), {"event": "acting", "cause": "missing_index", "host": "db1"})
    back = {**INDEX, "proposal": {**INDEX["proposal"], TAKES_BACK: "0123456789abcdef"}}
    assert pick(tmp_path, back)[0] is back and pick(tmp_path, back, listed=[{"cause": "queue_growth"}])[0] is None
    (tmp_path / STOP_FILE).touch()
    assert pick(tmp_path, back)[0] is None
