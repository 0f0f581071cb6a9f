# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The timer that takes an act back: it needs neither us nor a control node, and takes back once."""

from __future__ import annotations

import functools
import json
import os
import pathlib
import signal
import subprocess
import sys
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._acts import timer
from ansible_collections.warroom.launch.plugins.module_utils._acts.act import Refused
from tests.support.server import ROOT, wait_until

NAME = "0123456789abcdef"


@pytest.fixture(autouse=True)
def folder(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    monkeypatch.setattr(timer, "folder", lambda: tmp_path)
    return tmp_path


def undoing(tmp_path: pathlib.Path) -> t.Callable[[], str]:
    def undo() -> str:
        with (tmp_path / "undone").open("a") as handle:
            handle.write("x")
        return "taken back"

    return undo


def undone(folder: pathlib.Path) -> str:
    path = folder / "undone"
    return path.read_text() if path.exists() else ""


def test_when_its_time_is_up_the_act_is_taken_back_once(folder: pathlib.Path) -> None:
    timer.arm(NAME, 0.0, {"before": 3}, undoing(folder))
    wait_until((folder / f"{NAME}.done").exists, "it was taken back")
    assert undone(folder) == "x" and timer.ended(NAME) == "taken back"
    assert timer.claim(NAME) is None and not timer.stay(NAME) and not timer.extend(NAME, 60)


def test_what_stays_is_not_taken_back(folder: pathlib.Path) -> None:
    timer.arm(NAME, 60, {}, undoing(folder))
    assert timer.stay(NAME) and not timer.stay(NAME)
    assert not list(folder.glob("*.done")) and undone(folder) == ""


def test_a_run_that_takes_back_gets_the_state_and_the_timer_does_nothing(folder: pathlib.Path) -> None:
    timer.arm(NAME, 60, {"before": 3}, undoing(folder))
    kept = timer.claim(NAME)
    assert kept is not None and kept["state"] == {"before": 3} and undone(folder) == ""


def test_more_time_is_more_time(folder: pathlib.Path) -> None:
    timer.arm(NAME, 60, {}, undoing(folder))
    assert timer.extend(NAME, 0.0)
    wait_until(functools.partial(undone, folder), "it was taken back")


def test_a_timer_that_is_over_gets_no_more_time(folder: pathlib.Path) -> None:
    """While one adds time, the timer may be about to take back: either it goes on, or nothing is left of it."""
    for number in range(4):
        name = f"{NAME}{number:02}"
        timer.arm(name, 0.02 * number, {}, undoing(folder))
        while timer.extend(name, 0.0):
            pass
        wait_until(timer.file_of(name).with_suffix(".done").exists, "it was taken back")
        assert not timer.file_of(name).exists()
    assert undone(folder) == 4 * "x"


def test_what_fails_to_be_taken_back_is_tried_again_and_told(folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timer, "RETRY_SECONDS", (0.05, 0.05))

    def undo() -> str:
        undoing(folder)()
        raise ValueError("no way")

    timer.arm(NAME, 0.0, {}, undo)
    wait_until(lambda: timer.ended(NAME) == "could not be taken back: no way", "it was tried for the last time")
    assert undone(folder) == "xxx"


def test_a_server_that_comes_back_has_its_act_taken_back(folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timer, "RETRY_SECONDS", (0.5,))

    def undo() -> str:
        if not (folder / "server").exists():
            raise ValueError("connection refused")
        return undoing(folder)()

    timer.arm(NAME, 0.0, {}, undo)
    wait_until((folder / f"{NAME}.done").exists, "it was tried")
    assert timer.ended(NAME) == "could not be taken back: connection refused; it is tried again in 0.5 s"
    (folder / "server").touch()
    wait_until(lambda: timer.ended(NAME) == "taken back", "it was tried again")
    assert undone(folder) == "x"


def test_it_outlives_who_armed_it(folder: pathlib.Path) -> None:
    code = f"""
import pathlib, signal, os
from ansible_collections.warroom.launch.plugins.module_utils._acts import timer
folder = pathlib.Path({str(folder)!r})
timer.folder = lambda: folder
timer.arm({NAME!r}, 0.5, {{}}, lambda: (folder / "undone").write_text("x") and "taken back")
os.killpg(0, signal.SIGKILL)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(ROOT / ".collections")}, start_new_session=True, check=False
    )
    assert done.returncode == -signal.SIGKILL and undone(folder) == ""
    wait_until(functools.partial(undone, folder), "it was taken back")


def test_a_damaged_file_counts_as_time_that_is_up(folder: pathlib.Path) -> None:
    timer.arm(NAME, 60, {}, undoing(folder))
    timer.file_of(NAME).write_text("{")
    wait_until(functools.partial(undone, folder), "it was taken back")


PLAN = {"act": "limit_client", "service": "postgresql"}


def changed(name: str, **changes: t.Any) -> None:
    path = timer.file_of(name)
    timer._write(path, {**json.loads(path.read_text()), **changes})  # whole: its timer reads it meanwhile


def lost() -> list[str]:
    return [path.stem for path, _kept in timer.lost()]


def test_a_timer_that_runs_is_not_lost_and_one_of_another_boot_is(folder: pathlib.Path) -> None:
    timer.arm(NAME, 60, {"before": 3}, undoing(folder), PLAN)
    (folder / "lock").touch()
    assert lost() == []
    kept = json.loads(timer.file_of(NAME).read_text())
    changed(NAME, keeper={**kept["keeper"], "boot": "another"})
    assert lost() == [NAME]
    claimed = timer.claim(NAME)
    assert claimed is not None and (claimed["state"], claimed["plan"]) == ({"before": 3}, PLAN) and lost() == []


def test_a_timer_whose_process_was_killed_is_lost(folder: pathlib.Path) -> None:
    timer.arm(NAME, 60, {}, undoing(folder), PLAN)
    os.kill(json.loads(timer.file_of(NAME).read_text())["keeper"]["pid"], signal.SIGKILL)
    wait_until(lambda: lost() == [NAME], "its process is gone")
    assert undone(folder) == ""


def test_what_could_not_be_taken_back_for_good_is_lost_and_can_be_claimed(folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timer, "RETRY_SECONDS", ())

    def undo() -> str:
        raise ValueError("no way")

    timer.arm(NAME, 0.0, {"before": 3}, undo, PLAN)
    wait_until(lambda: lost() == [NAME], "it gave up")
    claimed = timer.claim(NAME)
    assert claimed is not None and claimed["state"] == {"before": 3} and timer.claim(NAME) is None and lost() == []


def test_what_no_run_could_go_by_is_not_lost(folder: pathlib.Path) -> None:
    for number, text in enumerate(("{", "[]", '{"plan": 3}', '{"plan": {}}', '{"plan": ["x"], "keeper": 7}')):
        (folder / f"{NAME}{number}.json").write_text(text)
    assert lost() == []


def test_its_file_is_the_owners(folder: pathlib.Path) -> None:
    timer.arm(NAME, 60, {"before": 3}, undoing(folder))
    assert timer.file_of(NAME).stat().st_mode & 0o777 == 0o600
    assert set(json.loads(timer.file_of(NAME).read_text())) == {"deadline", "state", "plan", "keeper"}
    timer.stay(NAME)


@pytest.mark.parametrize("name", ["", "..", "../../x", "a/b", "A" * 16])
def test_a_timer_has_no_other_name(name: str) -> None:
    with pytest.raises(Refused):
        timer.file_of(name)


def test_a_folder_of_another_is_refused(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(os, "geteuid", lambda: 987654)
    made = pathlib.Path("/var/tmp/warroom-respond-987654")
    made.mkdir()
    try:
        with pytest.raises(Refused, match="no private folder"):
            timer.folder()
    finally:
        made.rmdir()
