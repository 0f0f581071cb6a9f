# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How far an act is, is printed while it runs, once for each change, and never after it."""

from __future__ import annotations

import itertools
import pathlib
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._respond import progress
from tests.support.server import wait_until


def watched(path: pathlib.Path, look: t.Callable[[], t.Optional[str]]) -> t.ContextManager[None]:
    def tell(lines: list[str]) -> None:
        with path.open("a") as handle:
            handle.writelines(f"{line}\n" for line in lines)

    return progress.shown(look, tell)


def test_what_changes_is_printed_once(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "SECONDS", 0.01)
    path, said = tmp_path / "said", itertools.chain([None, "1 %", "1 %", "2 %"], itertools.repeat("3 %"))
    with watched(path, lambda: next(said)):
        wait_until(lambda: path.exists() and path.read_text().endswith("3 %\n"), "it said the last")
    assert path.read_text() == "1 %\n2 %\n3 %\n"


def test_an_act_that_is_quick_is_not_looked_at(tmp_path: pathlib.Path) -> None:
    with watched(tmp_path / "said", lambda: "never"):
        pass
    assert not (tmp_path / "said").exists()


def test_a_look_that_fails_costs_nothing_but_itself(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "SECONDS", 0.01)

    def look() -> t.Optional[str]:
        (tmp_path / "looked").touch()
        raise OSError("gone")

    with watched(tmp_path / "said", look):
        wait_until((tmp_path / "looked").exists, "it looked")
    assert not (tmp_path / "said").exists()
