# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two readings of the console as facts: pools against their sizes, waits, who is behind it; what may not be read; where it is found."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.facts import Unknown
from ansible_collections.warroom.launch.plugins.module_utils._collect.host_tools import HostTools
from ansible_collections.warroom.launch.plugins.module_utils._collectors.pgbouncer import collector, shape
from ansible_collections.warroom.launch.plugins.module_utils._collectors.pgbouncer.fetch import Reading
from ansible_collections.warroom.launch.plugins.module_utils._linux.processes import Listener, Process, Processes

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


def facts(rows: dict[str, t.Any], later: t.Optional[dict[str, t.Any]] = None) -> dict[str, t.Any]:
    return shape.facts(Reading(rows, 1.0), None if later is None else Reading(later, 3.0), 10).done()


def test_two_readings() -> None:
    rows = told()
    found = facts(rows, {**rows, "STATS": [{**STATS, **MOVED, "total_wait_time": 150_000}]})
    assert (found["clients_waiting"], found["longest_wait_seconds"], found["client_connections_ratio"]) == (3, 1.5, 0.3)
    assert (found["queries_per_second"], found["mean_query_milliseconds"], found["mean_wait_milliseconds"]) == (50.0, 2.0, 2.0)
    assert found["mean_transaction_milliseconds"] == 10.0 and found["version"] == "1.18.0" and found["mode"] == "transaction"
    (pool,) = found["pools"]
    # one serves a client and one logs in, of three and one in reserve; those that are checked or unused are no work
    assert (pool["servers"], pool["pool_size"], pool["used_ratio"]) == (4, 4, 0.75)
    assert (found["servers_possible"], found["fullest_pool_ratio"]) == (4, 0.75)
    assert [(row["name"], row["host"], row["max_servers"]) for row in found["databases"]] == [("shop", "10.0.0.5", None)]
    assert [row["address"] for row in found["clients"]] == ["local"]


@pytest.mark.parametrize(
    ("limit", "possible"), [(0, 8), (5, 5), (50, 8)], ids=["no limit", "a limit of the database", "one that is never reached"]
)
def test_what_its_pools_may_open(limit: int, possible: int) -> None:
    pools = [SHOP, {**SHOP, "user": "reports"}]
    rows = {**told(), "POOLS": pools, "DATABASES": [{**DATABASES[0], "max_connections": limit}]}
    assert facts(rows)["servers_possible"] == possible


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


@pytest.mark.parametrize("version", VERSIONS)
def test_the_columns_of_other_versions(version: str) -> None:
    rows = {**told(), "VERSION": [{"version": f"PgBouncer {version}.0"}]}
    for command, columns in VERSIONS[version].items():
        changed = [{**row, **columns} for row in rows[command]]
        rows[command] = [{name: value for name, value in row.items() if columns.get(name, value) is not None} for row in changed]
    later = {**MOVED, "total_wait_time": 150_000}
    found = facts(rows, {**rows, "STATS": [{**rows["STATS"][0], **later}]})
    usual = facts(told(), {**told(), "STATS": [{**STATS, **later}]})
    assert {**found, "version": None} == {**usual, "version": None} and found["version"] == f"{version}.0"
    (pool,) = found["pools"]
    assert (pool["servers"], pool["pool_size"], pool["used_ratio"], pool["longest_wait_seconds"]) == (4, 4, 0.75, 1.5)
    assert (found["servers_possible"], found["clients_waiting"], found["queries_per_second"]) == (4, 3, 50.0)


def test_what_may_not_be_read() -> None:
    refused = Unknown("not allowed")
    found = facts(dict.fromkeys(told(), refused), dict.fromkeys(told(), refused))
    measures = set(found) - {"kind", "unknown", "notes"}
    assert {name: found["unknown"][name] for name in measures} == dict.fromkeys(measures, "not allowed")


@pytest.mark.parametrize(
    ("databases", "paused"),
    [
        ([{"name": "shop", "paused": 1, "disabled": 0}, {"name": "blog", "paused": 0, "disabled": 0}], ["shop"]),
        ([{"name": "shop", "paused": "0", "disabled": "1"}], ["shop"]),
        ([{"name": "shop", "paused": 0, "disabled": 0}], []),
        ([{"name": "shop"}], None),
        (Unknown("not allowed"), None),
    ],
)
def test_a_database_that_was_left_paused(databases: t.Any, paused: t.Optional[list[str]]) -> None:
    """https://github.com/pgbouncer/pgbouncer/issues/177"""
    assert facts({**told(), "DATABASES": databases})["paused"] == paused


@pytest.mark.parametrize(
    ("settings", "prepared"),
    [
        ({"pool_mode": "session"}, True),
        ({"pool_mode": "transaction"}, False),
        ({"pool_mode": "transaction", "max_prepared_statements": "0"}, False),
        ({"pool_mode": "transaction", "max_prepared_statements": "200"}, True),
        ({"pool_mode": "statement", "max_prepared_statements": "200"}, False),
    ],
)
def test_whether_clients_may_prepare(settings: dict[str, str], prepared: bool) -> None:
    found = facts(told(**settings))
    assert found["prepared_statements"] is prepared
    if "max_prepared_statements" not in settings:
        assert found["max_prepared_statements"] is None and "before 1.21" in found["unknown"]["max_prepared_statements"]


@pytest.mark.parametrize(("listening", "port"), [([Listener("tcp", "127.0.0.1", 6433, 1)], 6433), ([], 6432)], ids=["seen", "hidden"])
def test_those_that_share_a_port_are_found_once(listening: list[Listener], port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    processes = Processes([Process(pid, 1, "pgbouncer", 0, ("pgbouncer",)) for pid in (30, 31)], False)
    monkeypatch.setattr(processes, "listening", lambda _pid: listening)
    tools = HostTools(None, _processes=processes)  # type: ignore[arg-type]
    assert collector.discover(tools) == [{"login_host": "127.0.0.1", "login_port": port}]
