# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the server is, and who we are there."""

from __future__ import annotations

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.host_tools import HostTools
from ansible_collections.warroom.launch.plugins.module_utils._collectors.postgresql import connect, connections, discover
from ansible_collections.warroom.launch.plugins.module_utils._linux.processes import Listener, Process, Processes
from tests.support.tools import FakeCommands


@pytest.mark.parametrize(
    "options, shown",
    [
        ({}, "127.0.0.1:5432"),
        ({"login_host": "db1", "login_port": 5433}, "db1:5433"),
        ({"login_host": "::1"}, "[::1]:5432"),
        ({"login_unix_socket": "/run/postgresql/"}, "/run/postgresql:5432"),
        ({"login_unix_socket": "/run/postgresql/.s.PGSQL.5444", "login_port": 1}, "/run/postgresql:5444"),
    ],
)
def test_places(options, shown):
    assert connect.shown(options) == shown


def test_nothing_is_sent_that_poolers_refuse():
    params = connect.parameters({"login_password": "x", "ssl_mode": "require"}, 5)
    assert "options" not in params and params["application_name"] == "warroom.launch" and params["sslmode"] == "require"
    assert "password" not in connect.parameters({}, 5)


def process(pid, ppid, *argv, name="postgres"):
    return Process(pid, ppid, name, 110, argv)


def tools_of(*rows, listeners=None):
    processes = Processes(list(rows), False)
    processes.listening = lambda pid: (listeners or {}).get(pid, [])
    return HostTools(FakeCommands(), _processes=processes)


def test_servers_are_found_by_their_sockets():
    tools = tools_of(
        process(10, 1, "/usr/lib/postgresql/15/bin/postgres", "-D", "/nowhere"),
        process(11, 10, "postgres: checkpointer "),
        process(20, 1, "postgres", "-D", "/nowhere"),
        listeners={
            10: [Listener("tcp", "0.0.0.0", 5432, 1), Listener("unix", "/run/postgresql/.s.PGSQL.5432", None, 2)],
            20: [Listener("tcp", "0.0.0.0", 5444, 3)],
        },
    )
    assert discover.discover(tools) == [
        {"login_unix_socket": "/run/postgresql", "login_port": 5432},
        {"login_host": "127.0.0.1", "login_port": 5444},
    ]


def test_servers_are_found_by_their_pid_file(tmp_path):
    lines = ["10", str(tmp_path), "1700000000", "5455", "/run/pg", "localhost", "  5432001"]
    (tmp_path / "postmaster.pid").write_text("\n".join(lines))
    tools = tools_of(process(10, 1, "postgres", "-D", str(tmp_path)))
    assert discover.discover(tools) == [{"login_unix_socket": "/run/pg", "login_port": 5455}]
    (tmp_path / "postmaster.pid").write_text("\n".join([*lines[:4], "", "*", "0"]))
    assert discover.discover(tools) == [{"login_host": "127.0.0.1", "login_port": 5455}]
    (tmp_path / "postmaster.pid").write_text("99\nrubbish")
    assert discover.discover(tools)[0]["login_port"] == 5432


def test_an_ordinary_user_sees_the_command_line(tmp_path):
    (tmp_path / ".s.PGSQL.5466").touch()
    tools = tools_of(process(10, 1, "postgres", "-p", "5466", "-k", str(tmp_path)))
    assert discover.discover(tools) == [{"login_unix_socket": str(tmp_path), "login_port": 5466}]


def test_who_holds_the_connections_of_a_full_server():
    titles = [
        "app shop 10.0.0.1(5000) idle",
        "app shop 10.0.0.1(5001) idle in transaction",
        "app shop [local] SELECT",
        "15/main: x y 10.0.0.2(1) idle",
    ]
    tools = tools_of(
        process(10, 1, "postgres", "-p", "5432"),
        *(process(100 + number, 10, f"postgres: {title}") for number, title in enumerate([*titles, "checkpointer ", "walwriter"])),
    )
    rows = discover.backends(tools, 5432)
    assert len(rows) == 4 and discover.backends(tools, 1) is None
    found = connections.exhausted("full", rows).done()
    assert found["connections"] == {"used": 4} and found["connections_exhausted"] is True
    assert found["processes"][0] == {"user": "app", "database": "shop", "address": "10.0.0.1", "sessions": 2, "idle": 2}
    assert connections.exhausted("full", None).done()["connections"] is None
