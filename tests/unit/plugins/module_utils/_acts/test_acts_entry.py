# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The steps of an act as the module does them: it is never left without a timer as long as it may have to be taken back."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._acts import entry, timer
from ansible_collections.warroom.launch.plugins.module_utils._acts.act import Act, Done, Looked, Refused
from ansible_collections.warroom.launch.plugins.module_utils._acts.guard import Guard
from ansible_collections.warroom.launch.plugins.module_utils._acts.registry import ACTS
from tests.support.server import wait_until

PARAMS = {"timer": "0123456789abcdef", "revert_seconds": 60.0, "identity": {"pid": 7}, "limits": {}, "keep": False, "minutes": 30.0}
PLAN = {"cause": "unknown_client", "act": "switch", "service": "redis", "instance": "store", "about": {"role": "shop"}}


class Switch(Act):
    """A file in a folder: it is there or not."""

    guards = (Guard("is_well", "all is well", "=", True),)
    ends = True
    folder: t.ClassVar[pathlib.Path]

    def look(self) -> Looked:
        return Looked({"pid": 7}, {"is_well": True}, ["touch on"], "nothing", "rm on")

    def run(self, identity: t.Mapping[str, t.Any], limits: t.Mapping[str, t.Any]) -> Done:
        if (self.folder / "guarded").exists():
            raise Refused("a guard no longer holds")
        (self.folder / "on").touch()
        return Done("it is on")

    def undo(self, state: t.Mapping[str, t.Any]) -> str:
        if (self.folder / "down").exists():
            raise Refused("connection refused")
        (self.folder / "on").unlink(missing_ok=True)
        return "it is off again"


@pytest.fixture
def act(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Switch:
    monkeypatch.setattr(timer, "folder", lambda: tmp_path)
    monkeypatch.setattr(timer, "RETRY_SECONDS", (0.1,) * 100)
    Switch.folder = tmp_path
    return Switch(t.cast(t.Any, None))


def step(switch: Act, name: str, /, check: bool = False, **params: t.Any) -> dict[str, t.Any]:
    return entry._STEPS[name](switch, {**PARAMS, **params}, check)


def test_check_mode_changes_nothing_and_arms_no_timer(act: Switch) -> None:
    shown = step(act, "act", check=True)
    assert (shown["outcome"], shown["diff"]) == ("would act", {"prepared": "touch on\n"})
    assert not list(act.folder.iterdir())


def test_check_mode_says_that_another_target_is_refused(act: Switch) -> None:
    shown = step(act, "act", check=True, identity={"pid": 8})
    assert (shown["outcome"], shown["changed"]) == ("refused", False) and "another one" in shown["why"]


def test_what_was_done_has_a_timer_and_what_is_taken_back_has_none(act: Switch) -> None:
    assert step(act, "act")["outcome"] == "acted" and timer.file_of(PARAMS["timer"]).exists()
    assert step(act, "undo")["says"] == "it is off again"
    assert not (act.folder / "on").exists() and not timer.file_of(PARAMS["timer"]).exists()


def test_what_was_refused_has_no_timer(act: Switch) -> None:
    (act.folder / "guarded").touch()
    with pytest.raises(Refused):
        step(act, "act")
    assert not timer.file_of(PARAMS["timer"]).exists()


def test_what_could_not_be_taken_back_at_once_is_taken_back_as_soon_as_it_can(act: Switch) -> None:
    step(act, "act")
    (act.folder / "down").touch()
    with pytest.raises(Refused, match="connection refused"):
        step(act, "undo")
    assert (act.folder / "on").exists()
    (act.folder / "down").unlink()
    wait_until(lambda: not (act.folder / "on").exists(), "it was taken back")
    wait_until(lambda: timer.ended(PARAMS["timer"]) == "it is off again", "that was told")


def test_what_ends_by_itself_keeps_its_timer_unless_it_is_kept(act: Switch) -> None:
    step(act, "act")
    assert "in 30 minutes" in step(act, "stay")["says"] and timer.file_of(PARAMS["timer"]).exists()
    assert step(act, "stay", keep=True)["says"] == "it stays" and not timer.file_of(PARAMS["timer"]).exists()


@pytest.mark.parametrize("name", ["revert_seconds", "minutes"])
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_a_time_that_is_none_is_refused_before_anything_is_done(act: Switch, name: str, value: float) -> None:
    """No minutes at all would otherwise be for good, and no seconds would take the act back before it is done."""
    with pytest.raises(Refused, match=f"launch_respond_{name} must be above 0"):
        step(act, "act", **{name: value})
    assert not list(act.folder.iterdir())


def test_what_was_taken_back_meanwhile_cannot_stay(act: Switch) -> None:
    step(act, "act", revert_seconds=1e-9)
    wait_until((act.folder / f"{PARAMS['timer']}.done").exists, "its time was up")
    with pytest.raises(Refused, match="taken back before its effect was verified"):
        step(act, "stay")


def restarted(act: Switch, keeper: t.Any = None) -> None:
    """As a restart of the machine leaves it: the file is there, its process is of another boot."""
    path = timer.file_of(PARAMS["timer"])
    kept = {**json.loads(path.read_text()), "keeper": keeper or {"boot": "another", "pid": 1, "start": "1"}}
    timer._write(path, kept)  # whole: its timer reads it meanwhile


@pytest.mark.parametrize("survives", [True, False])
def test_after_a_restart_only_what_outlived_it_is_to_be_taken_back(act: Switch, monkeypatch: pytest.MonkeyPatch, survives: bool) -> None:
    monkeypatch.setattr(entry, "ACTS", {("switch", "redis"): Switch})
    monkeypatch.setattr(Switch, "survives_restart", survives)
    step(act, "act", **PLAN, login={"login_password": "S3CRET"})
    assert [*entry._lost()] == []
    restarted(act)
    named = [*entry._lost()]
    assert [row["timer"] for row in named] == ([PARAMS["timer"]] if survives else [])
    assert all(row["restarted"] and row["undo"] == "rm on" and {**row, **PLAN} == row for row in named)
    assert "S3CRET" not in timer.file_of(PARAMS["timer"]).read_text()
    timer.stay(PARAMS["timer"])


def test_a_killed_timer_is_to_be_taken_back_whatever_the_act_and_a_run_does_so(act: Switch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entry, "ACTS", {("switch", "redis"): Switch})
    step(act, "act", **PLAN)
    restarted(act, {"boot": entry.boot_id(), "pid": 1, "start": "none"})
    assert [row["restarted"] for row in entry._lost()] == [False]
    assert step(act, "undo", **PLAN)["says"] == "it is off again" and [*entry._lost()] == [] and not (act.folder / "on").exists()


def test_acts_that_a_restart_does_not_undo_are_marked() -> None:
    """What is written to a database stays; what a running process was told does not."""
    undone = {name for (name, _service), kind in ACTS.items() if kind.has_undo and not kind.survives_restart}
    stays = {name for (name, _service), kind in ACTS.items() if kind.survives_restart}
    assert stays == {"create_index", "limit_client"} and not undone & stays
