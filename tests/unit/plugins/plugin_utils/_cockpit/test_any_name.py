# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever things are called, a pane's command calls its one tool with that name as one argument, or a note says why there is no pane."""

from __future__ import annotations

import os
import pathlib
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._cockpit import cockpit
from ansible_collections.warroom.launch.plugins.plugin_utils._reach import settings
from tests.support.called import calls, make_stubs

#: Names that a terminal can take, and those that it cannot.
TYPABLE = [
    "two  words", "UPPER", "it's", '"double"', "$(touch $PWN)", "`touch $PWN`", "${PWN}", "$HOME", "a;touch $PWN;#", "a' ; touch $PWN; '",
    '"; touch $PWN; "', "a && touch $PWN", "a | touch $PWN", "-oProxyCommand=touch $PWN", "--help", "~", "*", "a\\b", "!!", "%s",
    "#(touch $PWN)",
    "sélect", "名前",
]  # fmt: skip
UNTYPABLE = [
    "a\ntouch $PWN\n",
    "a\ntouch $PWN\n#x",
    "a\x03b",
    "\x1b]0;x\x07",
    "\u202etouch",
    "a\u200bb",
    "\ud800",
    "nul\0",
    "x" * 1_000_000,
]
#: service → (the instance with this name in all that its tool is told, the tool)
INSTANCES: dict[str, tuple[t.Callable[[str], dict[str, t.Any]], str]] = {
    "varnish": (lambda name: {"name": name, "instance": name}, "varnishhist varnishncsa varnishstat varnishtop"),
    "uwsgi": (lambda name: {"name": name, "address": name}, "uwsgitop"),
    "celery": (lambda name: {"name": name, "app": name}, "celery"),
    "pgbouncer": (lambda name: {"name": name, "login_host": name, "login_user": name}, "psql"),
    "postgresql": (lambda name: {"name": name, "login_host": name, "login_user": name, "login_db": name}, "pg_activity"),
    "mysql": (lambda name: {"name": name, "login_host": name, "login_user": name}, "mytop"),
}
WAYS: list[dict[str, t.Any]] = [{"connection": "local"}, {"connection": "ssh", "user": "anna", "become": True}]


@pytest.fixture(scope="module")
def stubs(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    tools = {tool for _instance, names in INSTANCES.values() for tool in names.split()}
    return make_stubs(tmp_path_factory.mktemp("bin"), {*tools, "htop"})


@pytest.fixture(autouse=True)
def _as_anna(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "_me", lambda: "anna")


def opened(service: str, instance: dict[str, t.Any], host: dict[str, t.Any]) -> tuple[list[str], list[str]]:
    """The commands as tmuxp types them, without those of the machine itself, and the notes."""
    facts = {f"launch_{service}": {"schema": 1, "instances": [instance]}}
    made = cockpit([{"name": "web1", **host, "facts": facts}])
    windows = made["session"]["windows"]
    panes = [pane["shell_command"][0] for window in windows if window["window_name"] != "servers" for pane in window["panes"]]
    return [os.path.expandvars(os.path.expanduser(command)) for command in panes], made["notes"]


@pytest.mark.parametrize("name", TYPABLE, ids=range(len(TYPABLE)))
@pytest.mark.parametrize("host", WAYS, ids=["local", "ssh"])
def test_a_name_is_one_argument_of_one_tool(name: str, host: dict[str, t.Any], stubs: pathlib.Path, tmp_path: pathlib.Path) -> None:
    for service, (instance, tools) in INSTANCES.items():
        commands, notes = opened(service, instance(name), host)
        assert len(commands) == len(tools.split()), (service, notes)
        for command, tool in zip(commands, tools.split()):
            assert len(command.encode()) < 4096 and command.isprintable()
            (call,) = calls(command, stubs, tmp_path)
            assert call[0] == tool and name in call[1:], (command, call)


@pytest.mark.parametrize("name", UNTYPABLE, ids=range(len(UNTYPABLE)))
def test_a_name_that_cannot_be_typed_costs_its_own_pane_and_is_said(name: str) -> None:
    for service, (instance, _tools) in INSTANCES.items():
        commands, notes = opened(service, instance(name), WAYS[0])
        assert not commands and len(notes) == 1 and notes[0].isprintable(), (service, commands, notes)
        assert f"{service} on 'web1' has no pane: " in notes[0] and len(notes[0]) < 300


@pytest.mark.parametrize("name", [*TYPABLE, *UNTYPABLE], ids=range(len(TYPABLE) + len(UNTYPABLE)))
def test_a_host_of_any_name(name: str, stubs: pathlib.Path, tmp_path: pathlib.Path) -> None:
    made = cockpit([{"name": name, "user": name, "connection": "ssh", "facts": {}}])
    commands = [pane["shell_command"][0] for window in made["session"]["windows"] for pane in window["panes"]]
    assert len(commands) == (name in TYPABLE) and len(commands) + len(made["notes"]) == 1
    for command in commands:
        assert calls(os.path.expandvars(os.path.expanduser(command)), stubs, tmp_path) == [["htop"]]
    assert all(note.isprintable() and len(note) < 300 for note in made["notes"])


def test_memcached_of_a_hostile_name_is_left_out_and_said() -> None:
    for name in {*TYPABLE, *UNTYPABLE} - {"UPPER"}:
        commands, notes = opened("memcached", {"name": name, "address": name}, WAYS[0])
        assert not commands and len(notes) == 1, "only host:port gets a pane"
        assert notes[0].isprintable() and len(notes[0]) < 300
