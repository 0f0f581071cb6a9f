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
from tests.support.pgbouncer_rows import DATABASES, MOVED, SHOP, STATS, VERSIONS, of_version, told


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


@pytest.mark.parametrize("version", VERSIONS)
def test_the_columns_of_other_versions(version: str) -> None:
    rows = of_version(version)
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


def test_a_size_that_cannot_be_read_is_not_the_usual_one() -> None:
    rows = {**told(), "DATABASES": [{**DATABASES[0], "pool_size": "text"}]}
    found = facts(rows)
    assert found["servers_possible"] is None and found["fullest_pool_ratio"] is None and found["pools"][0]["pool_size"] is None
    assert facts({**told(), "DATABASES": [{**DATABASES[0], "pool_size": None}]})["servers_possible"] == 4


@pytest.mark.parametrize(
    ("shares", "alone", "waiting", "minimum"),
    [("1", False, None, 3), ("1", True, 3, None), ("0", False, 3, None), (None, False, 3, None)],
)
def test_processes_that_share_a_port_answer_by_chance(shares: t.Any, alone: bool, waiting: t.Any, minimum: t.Any) -> None:
    """https://github.com/pgbouncer/pgbouncer/pull/345, https://github.com/autobase-tech/autobase/pull/487: the other's queue is not seen"""
    rows = told(**({} if shares is None else {"so_reuseport": shares}))
    found = shape.facts(Reading(rows, 1.0), Reading({**rows, "STATS": [{**STATS, **MOVED}]}, 3.0), 10, alone).done()
    assert (found["clients_waiting"], found.get("at_least", {}).get("clients_waiting")) == (waiting, minimum)
    assert (found["queries_per_second"] is None) is (waiting is None)


@pytest.mark.parametrize(("pids", "alone"), [((30,), True), ((30, 31), False), ((), False)])
def test_whether_another_process_may_have_answered(pids: tuple[int, ...], alone: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    processes = Processes([Process(pid, 1, "pgbouncer", 0, ("pgbouncer",)) for pid in pids], False)
    monkeypatch.setattr(processes, "listening", lambda _pid: [Listener("tcp", "127.0.0.1", 6432, 1)])
    tools = HostTools(None, _processes=processes)  # type: ignore[arg-type]
    assert collector.PgbouncerSampler({"login_host": "127.0.0.1"}, tools).is_alone() is alone
    assert collector.PgbouncerSampler({"login_unix_socket": "/run/p1"}, tools).is_alone() is True


FULL = {**SHOP, "sv_active": 20, "sv_used": 0, "sv_login": 0}


@pytest.mark.parametrize(
    ("database", "config", "users", "limited"),
    [
        # https://github.com/pgbouncer/pgbouncer/issues/511: pool_size=100 max_db_connections=20
        ({"pool_size": 100, "max_connections": 20, "current_connections": 20}, {}, [], "max_db_connections"),
        ({"pool_size": 100, "max_connections": 40, "current_connections": 20}, {}, [], None),
        ({"pool_size": 20, "reserve_pool": 0, "max_connections": 0, "current_connections": 20}, {}, [], "pool_size"),
        # https://github.com/pgbouncer/pgbouncer/issues/1136: a user at its limit while its pools are not
        ({"pool_size": 100, "current_connections": 20}, {"max_user_connections": "20"}, [], "max_user_connections"),
        ({"pool_size": 100, "current_connections": 20}, {}, [{"name": "app", "max_user_connections": 20}], "max_user_connections"),
        ({"pool_size": 100, "current_connections": 20}, {"max_user_connections": "20"}, [{"name": "app", "max_user_connections": 0}], None),
        # the user's own size counts (1.24)
        ({"pool_size": 100, "current_connections": 20}, {}, [{"name": "app", "pool_size": 20, "reserve_pool_size": 0}], "pool_size"),
        ({"pool_size": 20, "reserve_pool": 0}, {}, [{"name": "app", "pool_size": 40}], None),
        ({"pool_size": 20, "reserve_pool": 0}, {}, Unknown("not allowed"), "pool_size"),
        # a reserve that is not opened before somebody waited long enough
        ({"pool_size": 20, "reserve_pool": 5}, {}, [], "reserve_pool_timeout"),
        ({"pool_size": 15, "reserve_pool": 5}, {}, [], "pool_size"),
        ({"pool_size": 21, "reserve_pool": 5}, {}, [], None),
        ({"pool_size": 90}, {}, [{"name": "app", "pool_size": 20, "reserve_pool_size": 5}], "reserve_pool_timeout"),
        ({"pool_size": 90}, {}, [{"name": "app", "pool_size": 16, "reserve_pool_size": 5}], "reserve_pool_timeout"),
    ],
)
def test_what_keeps_a_pool_from_opening_another_connection(
    database: dict[str, t.Any], config: dict[str, str], users: t.Any, limited: t.Optional[str]
) -> None:
    rows = {**told(**config), "POOLS": [FULL], "DATABASES": [{**DATABASES[0], **database}], "USERS": users}
    found = facts(rows)
    assert found["pools"][0]["limited_by"] == limited
    assert limited is not None or found["unknown"]["pools[].limited_by"] == shape.MORE
