# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults that release another application fit the application of the practice stack, whatever was edited there since."""

from __future__ import annotations

import functools
import inspect
import pathlib
import shutil
from unittest import mock

import pytest

from tests.gameday import faults_web
from tests.gameday.kinds import FAULTS
from tests.gameday.stack import Stack

APP = pathlib.Path(__file__).resolve().parents[3] / "roles/practice_stack/files/app"
RELEASES = {
    kind.name: (kind.inject, knob)
    for kind in FAULTS
    if kind.inject is not None and "stack.release(" in inspect.getsource(kind.inject)
    for knob in list(kind.knobs.values())[:1]
}


@pytest.mark.parametrize("name", RELEASES)
def test_a_release_changes_the_application_and_takes_it_back(name: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inject, knob = RELEASES[name]
    app = tmp_path / "app"
    shutil.copytree(APP, app, ignore=shutil.ignore_patterns("__pycache__"))
    stack = mock.MagicMock(dir=tmp_path)
    stack.release = functools.partial(Stack.release, stack)
    monkeypatch.setattr(faults_web, "_listening", lambda _pid: 1)

    def sources() -> dict[pathlib.Path, str]:
        return {path: path.read_text() for path in sorted(app.rglob("*.py"))}

    before = sources()
    with inject(stack, knob):
        changed = {path: text for path, text in sources().items() if text != before[path]}
        assert changed
        for path, text in changed.items():
            compile(text, path, "exec")
    assert sources() == before
