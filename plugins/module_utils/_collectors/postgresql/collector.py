# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collector of PostgreSQL: its options, its instances on a host, its sampler."""

from __future__ import annotations

import typing as t

from ..._collect.base import Collector
from ..._sql import sql_text
from . import driver
from .discover import discover
from .sampler import PostgresqlSampler

OPTIONS: dict[str, t.Any] = {
    "login_host": {"type": "str"},
    "login_port": {"type": "int"},
    "login_unix_socket": {"type": "str"},
    "login_user": {"type": "str"},
    "login_password": {"type": "str", "no_log": True},
    "login_db": {"type": "str"},
    "ssl_mode": {"type": "str", "choices": ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]},
    "ca_cert": {"type": "path"},
    "databases": {"type": "list", "elements": "str"},
    "query_text": sql_text.QUERY_TEXT,
    "long_query_seconds": {"type": "float", "default": 1.0},
    "exempt": {"type": "list", "elements": "dict"},
    "confirm_by_plan": {"type": "bool", "default": True},
    "explain_pids": {"type": "list", "elements": "int"},
}

COLLECTOR = Collector(
    "postgresql",
    OPTIONS,
    PostgresqlSampler,
    discover,
    places=("login_host", "login_port", "login_unix_socket"),
    libraries={driver.LIBRARIES: driver.PACKAGE},
    access=("login_host", "login_port", "login_unix_socket", "login_user", "login_db"),
)
