# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers that hang, peers that are none, and names that were chosen to hurt."""

from __future__ import annotations

import dataclasses
import json
import os
import signal

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.options import _check
from ansible_collections.warroom.launch.plugins.module_utils._collect.run import gather
from ansible_collections.warroom.launch.plugins.module_utils._collect.sampling import DROPPED
from ansible_collections.warroom.launch.plugins.module_utils._collectors.postgresql.collector import COLLECTOR
from tests.support.postgresql import Postgres, gathered
from tests.support.replay import peer, sends, silent
from tests.support.tools import RealCommands, tools_with


@pytest.fixture(scope="module")
def server():
    with Postgres() as running:
        running.psql("create extension pg_stat_statements; create database shop; create role app login")
        yield running


@pytest.mark.parametrize(
    "answer", [sends(b""), sends(b"HTTP/1.1 400 Bad Request\r\n\r\n"), sends(b"N" + b"\0" * 50), sends(b"E\xff\xff\xff\xff")]
)
def test_a_peer_that_is_no_postgresql(answer):
    with peer(answer) as address:
        found = gathered({"login_host": "127.0.0.1", "login_port": int(address.rpartition(":")[2]), "login_user": "x"})
    assert found["state"] in ("down", "unreadable") and found["problem"] and "Traceback" not in found["problem"]
    assert "please report" not in found["problem"]


def test_a_peer_that_says_nothing():
    with peer(silent) as address:
        found = gathered({"login_host": "127.0.0.1", "login_port": int(address.rpartition(":")[2]), "login_user": "x"}, timeout=2.0)
    assert found["state"] == "down" and "does not answer within 2 s" in found["problem"]


def test_a_server_that_is_frozen(server):
    assert server.process is not None
    os.kill(server.process.pid, signal.SIGSTOP)
    try:
        found = gathered(server.place, timeout=2.0)
    finally:
        os.kill(server.process.pid, signal.SIGCONT)
    assert found["state"] == "down" and "stopped by a signal" in found["problem"]


NAMES = """
create table parent (id int primary key);
create table "we""ird; drop table parent; --" (id int primary key, "par""ent_id" int references parent);
insert into parent select generate_series(1, 100);
insert into "we""ird; drop table parent; --" select g, g % 100 + 1 from generate_series(1, 3000) g;
"""


def test_names_are_quoted_wherever_they_are_printed(server):
    server.psql(NAMES, "shop")
    server.psql("analyze", "shop")
    (row,) = gathered({**server.place, "login_db": "shop"})["missing_indexes"]
    assert row["create_index"].startswith('CREATE INDEX CONCURRENTLY "we""ird; drop table parent; --_par""ent_id_idx" ON public."we""ird;')
    server.psql(row["create_index"], "shop")
    assert gathered({**server.place, "login_db": "shop"})["missing_indexes"] == []
    assert server.psql("select count(*) from parent", "shop") == "100"


def test_n14_what_is_printed_for_odd_names_can_be_pasted(server, case):
    """A database, a schema and a table whose names need quotes in SQL, in psql and in the shell."""
    statements = case("N-14-odd-names.sql").decode().partition("-- load")[0]
    create, _connect, rest = statements.partition('\\c "My Shop\'s"\n')
    server.psql(create)
    server.psql(rest + "ANALYZE;", "My Shop's")
    load = 'SELECT * FROM "Ventes 2026"."Order Line\'s $(id)" WHERE customer_id = 7;'
    server.psql(load * 20, "My Shop's")
    found = gathered({**server.place, "databases": ["My Shop's"]})
    (row,) = found["missing_indexes"]
    assert (row["database"], row["schema"], row["table"]) == ("My Shop's", "Ventes 2026", "Order Line's $(id)")
    server.psql(row["create_index"], "My Shop's")
    assert gathered({**server.place, "databases": ["My Shop's"]})["missing_indexes"] == []
    server.psql('CREATE ROLE "o\'dd ""role" LOGIN; CREATE DATABASE "clo\'sed ""db"; REVOKE CONNECT ON DATABASE "clo\'sed ""db" FROM PUBLIC')
    refused = gathered({**server.place, "login_user": "o'dd \"role", "login_db": "clo'sed \"db"})
    assert refused["state"] == "unreadable"
    server.psql(refused["problem"].rpartition(": ")[2])
    assert gathered({**server.place, "login_user": "o'dd \"role", "login_db": "clo'sed \"db"})["state"] == "up", "as printed, it helps"


def test_what_sessions_call_themselves_is_harmless_and_their_literals_stay_here(server):
    client = server.client("begin; select 'EXAMPLE', $$EXAMPLE$$, E'\\'EXAMPLE' /* EXAMPLE */;", "shop", application="\x1b[2J{{ 1 }}")
    try:
        server.until("exists (select from pg_stat_activity where state = 'idle in transaction')", "idle in transaction")
        found = gathered({**server.place, "login_db": "shop"}, window=0.5)
        shown = gathered({**server.place, "query_text": "full"})
        hidden = gathered({**server.place, "query_text": "none"})
    finally:
        server.leave(client)
    assert "EXAMPLE" not in json.dumps(found) and "\\u001b" not in json.dumps(found)
    assert found["idle_in_transaction"][0]["query"] == "select ?, ?, ? ;"
    assert "EXAMPLE" in shown["idle_in_transaction"][0]["query"]
    assert hidden["idle_in_transaction"][0]["query"] is None and "EXAMPLE" not in json.dumps(hidden)


def test_a_function_of_a_user_is_not_run_by_planning(server):
    server.psql(
        "create table touched (x int); create table child (id int primary key, ref_id int references parent);"
        "insert into child select g, g % 100 + 1 from generate_series(1, 2000) g;"
        "create function evil() returns int immutable language plpgsql as $$ begin raise exception 'planned'; end $$;"
        "grant all on all tables in schema public to app",
        "shop",
    )
    with pytest.raises(AssertionError, match="planned"):
        server.psql("select * from child where ref_id = evil()", "shop")
    server.psql("create or replace function evil() returns int immutable language sql as $$ select 1 $$", "shop")
    server.psql("select * from child where ref_id = evil();" * 50, "shop", "app")
    server.psql(
        "create or replace function evil() returns int immutable language plpgsql as $$ begin raise exception 'planned'; end $$", "shop"
    )
    found = gathered({**server.place, "databases": ["shop"]})
    row = next(row for row in found["missing_indexes"] if row["table"] == "child")
    assert row["statements"][0]["plan"] == "not known: it calls evil, and planning may run functions that users wrote"


@pytest.mark.parametrize("rules, said", [([{"usr": "x"}], "no field 'usr'"), ([{"query": "("}], "not a regular expression")])
def test_rules_that_cannot_be_right(server, rules, said):
    found = gathered({**server.place, "exempt": rules})
    assert found["state"] == "unreadable" and said in found["problem"]


def after(event, server):
    """The facts of an instance to which something happened within the window."""

    class Watching(COLLECTOR.sampler):
        def watch(self, seconds: float) -> None:
            event(self)
            super().watch(seconds)

    collector = dataclasses.replace(COLLECTOR, sampler=Watching)
    return gather([(collector, _check(COLLECTOR, server.place))], 1.0, tools_with(RealCommands()))["launch_postgresql"]["instances"][0]


def test_a_session_that_is_ended_within_the_window_is_no_answer(server):
    """What is read on a new connection is one sample: no rate of it may be judged as if there had been two"""

    def end(_probe):
        server.psql("select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'warroom.launch%'")

    # one that was started that recently may have been restarted
    server.psql("select pg_sleep(greatest(0, 5 - extract(epoch from now() - pg_postmaster_start_time())))")
    found = after(end, server)
    assert (found["state"], found["window"], found["transactions_per_second"]) == ("up", None, None)
    assert found["unknown"]["transactions_per_second"] == DROPPED and DROPPED[1:] in " ".join(found["notes"])


def test_a_server_that_dies_within_the_window_is_down():
    with Postgres() as own:

        def die(_probe):
            os.killpg(own.process.pid, signal.SIGKILL)
            own.process.wait(10)

        found = after(die, own)
    assert found["state"] == "down" and "nothing listens there" in found["problem"]
