# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rows as PgBouncer's console gives them."""

from __future__ import annotations

import typing as t

SHOP = {
    "database": "shop", "user": "app", "cl_active": 2, "cl_waiting": 3, "sv_active": 2, "sv_active_cancel": 0, "sv_idle": 0, "sv_used": 1,
    "sv_tested": 0, "sv_login": 1, "maxwait": 1, "maxwait_us": 500000, "pool_mode": "transaction",
}  # fmt: skip
OWN = {**SHOP, "database": "pgbouncer", "user": "stats", "cl_active": 1, "cl_waiting": 0, "sv_active": 0, "maxwait": 0, "maxwait_us": 0}
DATABASES = [
    {"name": "shop", "host": "10.0.0.5", "port": 5432, "pool_size": 3, "reserve_pool": 1, "max_connections": 0, "current_connections": 4,
     "paused": 0, "disabled": 0},
    {"name": "pgbouncer", "host": None, "port": 6432, "pool_size": 2, "reserve_pool": 0, "max_connections": 0, "current_connections": 0,
     "paused": 0, "disabled": 0},
]  # fmt: skip
STATS = {
    "database": "shop", "total_query_count": 100, "total_xact_count": 50, "total_query_time": 1_000_000, "total_xact_time": 2_000_000,
    "total_wait_time": 50_000,
}  # fmt: skip
MOVED = {"total_query_count": 200, "total_xact_count": 100, "total_query_time": 1_200_000, "total_xact_time": 2_500_000}


def told(**changed: t.Any) -> dict[str, t.Any]:
    config = {"max_client_conn": "20", "pool_mode": "transaction", "default_pool_size": "3", "reserve_pool_size": "1", **changed}
    return {
        "VERSION": [{"version": "PgBouncer 1.18.0"}],
        "CONFIG": [{"key": key, "value": value} for key, value in config.items()],
        "POOLS": [SHOP, OWN], "LISTS": [{"list": "used_clients", "items": 6}], "STATS": [STATS], "DATABASES": DATABASES,
        "CLIENTS": [{"database": "shop", "user": "app", "addr": "unix"}, {"database": "pgbouncer", "user": "stats", "addr": "unix"}],
    }  # fmt: skip


#: How the console's answers differ, by PgBouncer's changelog: what each version lacks or calls otherwise than 1.18, and what it adds.
VERSIONS: dict[str, dict[str, dict[str, t.Any]]] = {
    "1.12": {"POOLS": {"sv_active_cancel": None}},  # before 1.18 nothing tells connections that cancel
    "1.18": {},
    "1.21": {"POOLS": {"cl_active_cancel_req": 0, "cl_waiting_cancel_req": 0, "sv_being_canceled": 0}},
    "1.23": {"DATABASES": {"min_pool_size": 0, "server_lifetime": 3600}, "STATS": {"total_server_assignment_count": 40}},
    "1.24": {
        "POOLS": {"sv_being_canceled": 0, "load_balance_hosts": None},
        "DATABASES": {"reserve_pool": None, "reserve_pool_size": 1, "max_client_connections": 0, "current_client_connections": 6},
        "STATS": {"total_client_parse_count": 10, "total_server_parse_count": 5, "total_bind_count": 90},
    },
}


def of_version(version: str) -> dict[str, t.Any]:
    """The console's answers of a version."""
    rows = {**told(), "VERSION": [{"version": f"PgBouncer {version}.0"}]}
    for command, columns in VERSIONS[version].items():
        changed = [{**row, **columns} for row in rows[command]]
        rows[command] = [{name: value for name, value in row.items() if columns.get(name, value) is not None} for row in changed]
    return rows


def samples(version: str) -> dict[str, t.Any]:
    """Its answers before and after a window in which statements ran, of two databases of which one was paused."""
    first = of_version(version)
    blog = {"database": "blog", "cl_waiting": 1, "maxwait": 0, "maxwait_us": 400_000}
    first["POOLS"] = [*first["POOLS"], {**first["POOLS"][0], **blog}]
    first["DATABASES"] = [*first["DATABASES"], {**first["DATABASES"][0], "name": "blog", "paused": 1}]
    first["STATS"] = [*first["STATS"], {**first["STATS"][0], "database": "blog"}]
    second = {**first, "STATS": [{**row, **MOVED, "total_wait_time": 150_000} for row in first["STATS"]]}
    return {"first": first, "second": second}
