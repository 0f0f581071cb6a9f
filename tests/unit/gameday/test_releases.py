# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults that change the application or a configuration fit those of the practice stack, whatever was edited there since."""

from __future__ import annotations

import functools
import inspect
import pathlib
import re
import shutil
from unittest import mock

import pytest

from tests.gameday import faults_web
from tests.gameday.kinds import FAULTS
from tests.gameday.stack import Stack

ROLE = pathlib.Path(__file__).resolve().parents[3] / "roles/practice_stack"
#: What configures the programs, by its name in the stack; the commands are among the role's variables.
CONFIGURATIONS = {
    "pgbouncer.ini": "templates/pgbouncer.ini.j2", "nginx.conf": "templates/nginx.conf.j2", "supervisord.conf": "vars/main.yml",
}  # fmt: skip
CHANGES = re.compile(r"stack\.(release|configured|commanded)\(")
RELEASES = {
    kind.name: (kind.inject, knob)
    for kind in FAULTS
    if kind.inject is not None and CHANGES.search(inspect.getsource(kind.inject))
    for knob in list(kind.knobs.values())[:1]
}


@pytest.mark.parametrize("name", RELEASES)
def test_a_fault_changes_files_and_takes_that_back(name: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inject, knob = RELEASES[name]
    shutil.copytree(ROLE / "files/app", tmp_path / "app", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "etc").mkdir()
    for file, source in CONFIGURATIONS.items():
        shutil.copy(ROLE / source, tmp_path / "etc" / file)
    stack = mock.MagicMock(dir=tmp_path)
    for method in ("release", "configured", "commanded", "_changed"):
        setattr(stack, method, functools.partial(getattr(Stack, method), stack))
    monkeypatch.setattr(faults_web, "_listening", lambda _pid: 1)

    def sources() -> dict[pathlib.Path, str]:
        return {path: path.read_text() for path in sorted(tmp_path.rglob("*.*"))}

    before = sources()
    with inject(stack, knob):
        changed = {path: text for path, text in sources().items() if text != before[path]}
        assert changed
        for path, text in changed.items():
            if path.suffix == ".py":
                compile(text, path, "exec")
    assert sources() == before
