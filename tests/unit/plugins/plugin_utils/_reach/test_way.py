# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connection settings to a shell command: what a real shell makes of it, hostile names included."""

from __future__ import annotations

import os
import subprocess
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._reach.quoting import Untypable, word
from ansible_collections.warroom.launch.plugins.plugin_utils._reach.way import Way, typed

HOSTILE = [
    "web 1; touch /tmp/pwned", "$(touch /tmp/pwned)", "`id`", "it's", '"quoted"', "$HOME", "${HOME}", "~", "a\\b", "-oProxyCommand=id",
    "!!", "#(id)", "$HOME'$HOME", "*", "&& id", "ünïcödé",
]  # fmt: skip


def argv(command: str) -> list[str]:
    """What the shell gives to the program: each command is replaced by one that prints its arguments."""
    recorded = ("ssh", "docker", "podman", "sudo")
    script = "".join(f"{name}() {{ printf '%s\\0' {name} \"$@\"; }}\n" for name in recorded)
    done = subprocess.run(["bash", "-c", script + command], check=True, capture_output=True, text=True)
    return done.stdout.split("\0")[:-1]


def tmuxp(command: str) -> str:
    """What tmuxp does to a command before it types it."""
    return os.path.expandvars(os.path.expanduser(command))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_word_arrives_as_it_is(name: str) -> None:
    script = f"printf %s {word(name)}"
    for command in (script, Way("web", "local").command(script)):
        assert subprocess.run(["bash", "-c", command], check=True, capture_output=True, text=True).stdout == name


@pytest.mark.parametrize("name", HOSTILE)
def test_tmuxp_finds_no_variable_and_the_shell_gets_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "'; touch /tmp/pwned; '")
    way = Way(name, "ssh", address=name, user=name, become=True)
    command = typed(way.command(f"printf %s {word(name)}"))
    assert tmuxp(command) == command
    ssh = argv(command)
    assert ssh[:3] == ["ssh", "-l", name] and ssh[3:6] == ["-t", "--", name]
    remote = argv(ssh[6])
    assert remote[:3] == ["sudo", "-u", "root"] and remote[3:5] == ["sh", "-c"]
    assert subprocess.run(["sh", "-c", remote[5]], check=True, capture_output=True, text=True).stdout == name


@pytest.mark.parametrize("name", ["a\nb", "a\x03b", "a\x1b[2Jb", "a\x7f", "x\u2028y", "x" * 501])
def test_what_cannot_be_typed_is_refused(name: str) -> None:
    with pytest.raises(Untypable):
        typed(Way(name).command("htop"))


def test_a_line_is_no_longer_than_a_terminal_takes() -> None:
    with pytest.raises(Untypable):
        typed("x" * 4001)


def way(**settings: t.Any) -> Way:
    return Way.of({"name": "web1", "connection": "ssh", **settings})


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, ["ssh", "-t", "--", "web1", "sh -c htop"]),
        ({"address": "10.0.0.1", "port": 2222, "user": "anna"}, ["ssh", "-p", "2222", "-l", "anna", "-t", "--", "10.0.0.1", "sh -c htop"]),
        ({"private_key": "/k k"}, ["ssh", "-i", "/k k", "-t", "--", "web1", "sh -c htop"]),
        (
            {"ssh_args": "-o ProxyCommand='ssh -W %h:%p gate' -o X=1"},
            ["ssh", "-o", "ProxyCommand=ssh -W %h:%p gate", "-o", "X=1", "-t", "--", "web1", "sh -c htop"],
        ),
        ({"become": True}, ["ssh", "-t", "--", "web1", "sudo -u root sh -c htop"]),
        ({"become": True, "user": "root"}, ["ssh", "-l", "root", "-t", "--", "web1", "sh -c htop"]),
        (
            {"become": True, "become_user": "ops", "user": "root"},
            ["ssh", "-l", "root", "-t", "--", "web1", 'setpriv --reuid=ops --regid="$(id -g -- ops)" --init-groups sh -c htop'],
        ),
        ({"become": True, "become_method": "community.general.doas"}, ["ssh", "-t", "--", "web1", "doas -u root sh -c htop; exit"]),
        ({"become": True, "become_method": "su"}, ["ssh", "-t", "--", "web1", "su -s /bin/sh root --session-command 'sh -c htop'; exit"]),
        ({"connection": "community.docker.docker", "address": "c1"}, ["docker", "exec", "-it", "c1", "sh", "-c", "htop"]),
        (
            {"connection": "podman", "address": "c1", "become": True, "become_user": "postgres"},
            ["podman", "exec", "-it", "-u", "postgres", "c1", "sh", "-c", "htop"],
        ),
        ({"connection": "local", "become": True}, ["sudo", "-u", "root", "sh", "-c", "htop"]),
    ],
)
def test_each_setting_of_the_inventory(settings: dict[str, t.Any], expected: list[str]) -> None:
    assert argv(way(**settings).command("htop")) == expected


@pytest.mark.parametrize(
    "settings",
    [
        {"connection": "winrm"},
        {"become": True, "become_method": "machinectl"},
        {"ssh_args": "-o 'X"},
        {"ssh_args": "-o ProxyCommand='sshpass -p S3CRET ssh -W %h:%p gate'"},
    ],
)
def test_a_setting_that_is_not_known_is_said(settings: dict[str, t.Any]) -> None:
    with pytest.raises(Untypable) as said:
        way(**settings).command("htop")
    assert "S3CRET" not in str(said.value)


def test_who_can_become_whom() -> None:
    assert way(become=True).may_be("postgres") and way(user="root").may_be("postgres") and way(user="postgres").may_be("postgres")
    assert not way(user="anna").may_be("postgres")
