# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The first step of a cause, done by hand exactly as it is printed, on a real server: the cause is gone.

`tests/support/first_steps.py` says which causes these are, and why the others are not among them.
"""

from __future__ import annotations

import contextlib
import re
import typing as t

import psycopg
import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.run import gather
from ansible_collections.warroom.launch.plugins.module_utils._collectors.memcached.collector import COLLECTOR as MEMCACHED
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.catalogue import Catalogue, load
from ansible_collections.warroom.launch.plugins.plugin_utils._judge.pipeline import Asked, judge
from tests.soak import restarts
from tests.support.meanwhile import with_meanwhile
from tests.support.memcached import Memcached
from tests.support.postgresql import Postgres, gathered
from tests.support.server import wait_until
from tests.support.tools import RealCommands, tools_with

CATALOGUE = Catalogue(load())
Steps = dict[str, str]


def steps(service: str, facts: dict[str, t.Any]) -> Steps:
    """cause → its first step."""
    host = Asked("one", {f"launch_{service}": {"schema": 1, "instances": [facts]}}, services=[service], known_clients=["*"])
    return {cause["cause"]: cause["first_fix"] for cause in judge([host], CATALOGUE)["diagnoses"]}


def line_of(step: str, words: str) -> str:
    """The printed line with these words: what a person would paste."""
    return next(line for line in step.splitlines() if words in line)


@pytest.fixture(scope="module")
def server() -> t.Iterator[Postgres]:
    with Postgres(max_connections="14", superuser_reserved_connections="3") as running:
        running.psql(
            "create extension pg_stat_statements; create table shop_order (id int primary key, customer_id int, note text); "
            "insert into shop_order select n, n % 5000, repeat('x', 100) from generate_series(1, 150000) n; analyze shop_order"
        )
        yield running


@pytest.fixture
def database(server: Postgres) -> t.Iterator[Postgres]:
    """Its clients end with the test."""
    yield server
    server.leave()


def of_database(server: Postgres, window: float = 0.3) -> Steps:
    return steps("postgresql", gathered(server.place, window))


def a_second_waits(server: Postgres) -> None:
    waiting = "select from pg_stat_activity where wait_event_type = 'Lock' and query_start < clock_timestamp() - interval '1.2 seconds'"
    server.until(f"exists ({waiting})", "a second of waiting")


def test_lock_chain(database: Postgres) -> None:
    database.client("begin; lock table shop_order in access exclusive mode; select pg_sleep(60);", application="migrate")
    database.until("exists (select from pg_locks where mode = 'AccessExclusiveLock' and granted)", "the lock")
    database.client("update shop_order set note = 'y' where id = 1;")
    a_second_waits(database)
    found = of_database(database)
    assert list(found) == ["lock_chain"]
    database.psql(line_of(found["lock_chain"], "pg_cancel_backend"))
    database.until("not exists (select from pg_stat_activity where wait_event_type = 'Lock')", "nobody waits")
    assert of_database(database) == {}


def test_idle_in_transaction(database: Postgres) -> None:
    database.client("begin; update shop_order set note = 'y' where id = 1;", application="leaky")
    database.until("exists (select from pg_stat_activity where state = 'idle in transaction')", "idle in its transaction")
    database.client("update shop_order set note = 'z' where id = 1;")
    a_second_waits(database)
    found = of_database(database)
    assert list(found) == ["idle_in_transaction"]
    database.psql(line_of(found["idle_in_transaction"], "pg_terminate_backend"))
    database.until("not exists (select from pg_stat_activity where wait_event_type = 'Lock')", "nobody waits")
    assert of_database(database) == {}


def test_missing_index(database: Postgres) -> None:
    query = "select count(note) from shop_order where customer_id = 7"
    load_before = database.client(f"{query} \\watch 0.01")
    database.until("(select calls from pg_stat_statements where query ~ 'customer_id = ' order by calls desc limit 1) > 3", "the load")
    found = of_database(database, 1.5)
    assert "missing_index" in found
    database.psql(line_of(found["missing_index"], "CREATE INDEX"))
    database.leave(load_before)
    database.client(f"{query} \\watch 0.01")
    assert "missing_index" not in of_database(database, 1.5)


def test_connection_budget(database: Postgres) -> None:
    """The clients that are named give theirs back."""
    with contextlib.ExitStack() as held:
        for _each in range(11):
            place = {"host": "127.0.0.1", "port": database.port, "user": "warroom", "dbname": "postgres"}
            held.enter_context(psycopg.connect(application_name="pool", **place))
        found = of_database(database)
        assert list(found) == ["connection_budget"] and "warroom" in found["connection_budget"]
    database.until("(select count(*) from pg_stat_activity where application_name = 'pool') = 0", "they are given back")
    assert of_database(database) == {}


def test_cache_flushed() -> None:
    """memcached with the option that is advised refuses to be emptied."""
    words: list[str] = []
    for turn in ("before", "after"):
        with Memcached(*words) as server:

            def empty() -> None:
                with server.connected() as conn:
                    for _each in range(3):
                        conn.sendall(b"flush_all\r\n")
                        conn.recv(100)

            options = {**blank(MEMCACHED), "address": server.address, "name": "cache"}
            facts = gather([(with_meanwhile(MEMCACHED, empty), options)], 0.5, tools_with(RealCommands(), timeout=5.0))
            found = steps("memcached", facts["launch_memcached"]["instances"][0])
        if turn == "before":
            assert "cache_flushed" in found, found
            words = [word.strip(",.") for word in found["cache_flushed"].split() if re.fullmatch(r"-[A-Z],?", word)]
            assert words == ["-F"]
    assert "cache_flushed" not in found


def blank(collector: t.Any) -> dict[str, t.Any]:
    return {name: spec.get("default") for name, spec in collector.options.items()}


def test_service_down() -> None:
    """The server is brought back where it was."""
    with Memcached() as server:
        options = {**blank(MEMCACHED), "address": server.address, "name": "cache"}

        def found() -> Steps:
            facts = gather([(MEMCACHED, options)], 0.2, tools_with(RealCommands(), timeout=5.0))
            return steps("memcached", facts["launch_memcached"]["instances"][0])

        server.process.kill()
        server.process.wait()
        assert "bring it back" in found()["service_down"]
        restarts.restart(server)
        wait_until(server.ready, "the server again")
        assert found() == {}
