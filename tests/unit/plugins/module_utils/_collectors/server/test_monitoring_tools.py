# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether each service that runs here has a program that shows it; the same programs that the cockpit opens."""

from __future__ import annotations

import inspect

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collectors.server import tools
from ansible_collections.warroom.launch.plugins.plugin_utils._cockpit import tool_commands
from tests.support.tools import FakeCommands


@pytest.fixture(autouse=True)
def nothing_beside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "_BESIDE", ("/nowhere",))


def host(*programs: str) -> FakeCommands:
    commands = FakeCommands()
    commands.answers = dict.fromkeys(programs, b"")
    return commands


def test_of_each_service_one_program_is_enough() -> None:
    rows = tools.shown(host("top", "pg_top"), ["postgresql", "varnish", "unheard of"])
    assert [(row["service"], row["name"], row["installed"]) for row in rows] == [
        ("varnish", "varnishstat", False), ("server", "htop", True), ("postgresql", "pg_activity", True),
    ]  # fmt: skip


def test_a_program_beside_the_interpreter_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    (tmp_path / "uwsgitop").touch(mode=0o755)  # type: ignore[operator]
    monkeypatch.setattr(tools, "_BESIDE", ("", str(tmp_path)))
    assert {row["service"]: row["installed"] for row in tools.shown(host("htop"), ["uwsgi"])} == {"server": True, "uwsgi": True}


@pytest.mark.parametrize("service", sorted(tools.SHOWN_BY))
def test_the_cockpit_opens_it(service: str) -> None:
    assert f'"{tools.SHOWN_BY[service][0]}' in inspect.getsource(tool_commands.TOOLS[service])
