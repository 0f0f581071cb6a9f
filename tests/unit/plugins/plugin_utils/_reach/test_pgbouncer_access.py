# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How psql reaches the console of a PgBouncer: by a login, or as the system user that it runs as."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._reach import access
from ansible_collections.warroom.launch.plugins.plugin_utils._reach.way import Way

SOCKET = {"kind": "pgbouncer", "login_unix_socket": "/run/postgresql", "owner": "postgres"}


@pytest.mark.parametrize(
    ("instance", "become", "arguments", "user"),
    [
        ({"kind": "pgbouncer", "login_host": "10.0.0.5", "login_user": "stats"}, False, "-h 10.0.0.5 -p 6432 -U stats -d pgbouncer", None),
        (SOCKET, True, "-h /run/postgresql -p 6432 -U pgbouncer -d pgbouncer", "postgres"),
        (SOCKET, False, "-h /run/postgresql -p 6432 -d pgbouncer", None),
        ({**SOCKET, "login_user": "stats"}, True, "-h /run/postgresql -p 6432 -U stats -d pgbouncer", None),
        ({"kind": "pgbouncer", "name": "127.0.0.1:6433"}, True, "-h 127.0.0.1 -p 6433 -d pgbouncer", None),
    ],
    ids=["a login", "its socket, with become", "its socket, without", "a login over its socket", "found by its name"],
)
def test_its_console(instance: dict[str, t.Any], become: bool, arguments: str, user: t.Optional[str]) -> None:
    way = Way(name="db1", user="anna", become=become)
    found = access.of("psql", instance, way)
    assert (" ".join(found.arguments), found.user) == (arguments, user)
