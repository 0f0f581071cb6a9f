# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real PgBouncer in front of a real PostgreSQL: a full pool, a paused database, too many clients, both of its sides."""

from __future__ import annotations

import contextlib
import os
import threading
import typing as t

import psycopg
import pytest
from psycopg.rows import dict_row

from ansible_collections.warroom.launch.plugins.module_utils._collectors.pgbouncer.collector import COLLECTOR
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.catalogue import Catalogue, load
from ansible_collections.warroom.launch.plugins.plugin_utils._judge.pipeline import Asked, judge
from tests.support.postgresql import PgBouncer, Postgres, gathered

Facts = dict[str, t.Any]


@pytest.fixture(scope="module")
def server() -> t.Iterator[Postgres]:
    with Postgres(max_connections=20) as running:
        running.psql("create role app login; create database shop")
        yield running


@pytest.fixture(scope="module")
def pooler(server: Postgres) -> t.Iterator[PgBouncer]:
    with PgBouncer(server, pool_size=2) as running:
        yield running


def read(pooler: PgBouncer, window: float = 0.0, **options: t.Any) -> Facts:
    place = {"login_host": "127.0.0.1", "login_port": pooler.port, "login_user": "warroom"}
    return gathered({**place, **options}, window, collector=COLLECTOR)


def client(pooler: PgBouncer, user: str = "app", database: str = "shop", autocommit: bool = False) -> psycopg.Connection[t.Any]:
    place = {"host": "127.0.0.1", "port": pooler.port, "application_name": "web"}
    return psycopg.connect(user=user, dbname=database, autocommit=autocommit, **place)


def console(pooler: PgBouncer, command: str) -> list[dict[str, t.Any]]:
    """What PgBouncer itself says."""
    with client(pooler, "warroom", "pgbouncer", autocommit=True) as session:
        cursor = session.cursor(row_factory=dict_row)
        cursor.execute(command.encode(), prepare=False)
        return cursor.fetchall() if cursor.description else []


def causes(found: Facts) -> list[Facts]:
    facts = {"launch_pgbouncer": {"schema": 1, "instances": [found]}}
    return judge([Asked("db1", facts, services=["pgbouncer"])], Catalogue(load()))["diagnoses"]


def test_a_full_pool_is_the_cause_and_the_numbers_are_those_of_the_console(pooler: PgBouncer) -> None:
    def wait() -> None:
        with client(pooler) as waiting:
            waiting.execute("select 1")

    holders = [client(pooler) for _each in range(2)]
    for holder in holders:
        holder.execute("select 1")  # the transaction stays open, and keeps its server
    waiter = threading.Thread(target=wait)
    waiter.start()
    try:
        found = read(pooler, window=2)
        (told,) = [row for row in console(pooler, "SHOW POOLS") if row["database"] == "shop"]
    finally:
        for holder in holders:
            holder.close()
        waiter.join(30)
    assert (found["clients_waiting"], found["clients_active"], found["servers_active"]) == (1, 2, 2)
    assert (found["clients_waiting"], found["clients_active"], found["servers_active"]) == (
        told["cl_waiting"],
        told["cl_active"],
        told["sv_active"],
    )
    assert found["longest_wait_seconds"] > 0 and found["max_client_connections"] == 20 and found["mode"] == "transaction"
    assert (found["pool_size"], found["fullest_pool_ratio"], found["servers_possible"]) == (2, 1.0, 2)
    assert [(row["user"], row["sessions"]) for row in found["clients"]] == [("app", 3)]
    (cause,) = causes(found)
    assert cause["cause"] == "pool_too_small" and "all of its 2 server connections are busy" in cause["statement"]


def test_both_of_its_sides_are_edges(pooler: PgBouncer, server: Postgres) -> None:
    with contextlib.closing(client(pooler)) as session:
        session.execute("select 1")
        found = read(pooler)
    assert f"127.0.0.1:{pooler.port}" in found["listens"]
    assert {row["address"] for row in found["talks_to"]} == {f"127.0.0.1:{server.port}"}
    assert found["clients_from"], "the client above"


def test_a_paused_database_is_named(pooler: PgBouncer) -> None:
    with contextlib.closing(client(pooler)) as session:
        session.execute("select 1")
    console(pooler, "PAUSE shop")
    try:
        found = read(pooler)
    finally:
        console(pooler, "RESUME shop")
    assert found["paused"] == ["shop"] and causes(found) == []


def test_a_user_without_the_right_is_told_what_to_do(pooler: PgBouncer) -> None:
    found = read(pooler, login_user="app")
    assert found["state"] == "unreadable" and "stats_users" in found["problem"], found["problem"]


def test_a_pooler_without_room_for_clients_still_tells(server: Postgres) -> None:
    with PgBouncer(server, max_client_conn=2) as full, contextlib.ExitStack() as stack:
        for _each in range(2):
            stack.enter_context(contextlib.closing(client(full)))
        with pytest.raises(psycopg.OperationalError, match="no more connections allowed"):
            client(full)
        found = read(full)
    assert found["client_connections_ratio"] == 1.0, "our own connection is one more"
    (cause,) = causes(found)
    assert cause["cause"] == "connection_budget" and "max_client_conn" in cause["first_fix"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be the pooler's user for the time of a handshake")
def test_root_is_let_into_the_console_over_its_socket(pooler: PgBouncer) -> None:
    found = gathered({"login_unix_socket": str(pooler.dir), "login_port": pooler.port}, collector=COLLECTOR)
    assert found["state"] == "up" and found["max_client_connections"] == 20, found["problem"]
    assert found["owner"] == pooler.user


def test_the_console_is_no_database_of_postgresql(pooler: PgBouncer) -> None:
    found = gathered({"login_host": "127.0.0.1", "login_port": pooler.port, "login_user": "warroom", "login_db": "pgbouncer"})
    assert found["state"] == "unreadable" and "list it under pgbouncer" in found["problem"]
