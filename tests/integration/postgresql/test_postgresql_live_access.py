# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Getting in, and what is said when that fails: exhaustion, poolers, encodings, the extension (cases P-02, P-03, P-09, P-12)."""

from __future__ import annotations

import os

import psycopg
import pytest

from tests.support.postgresql import PgBouncer, Postgres, gathered
from tests.support.server import wait_until


@pytest.fixture(scope="module")
def server():
    with Postgres(max_connections=12) as running:
        running.psql("create role app login; create database shop")
        yield running


@pytest.fixture
def leaving(server):
    yield server
    server.leave()


def instance(server, window=0.0, **options):
    return gathered({**server.place, **options}, window)


def test_a_server_without_a_free_connection_is_a_fact(leaving):

    def filled() -> bool:
        # a slot may still be held for a moment by who looked last, so one who was refused is followed by another
        missing = 9 - int(leaving.psql("select count(*) from pg_stat_activity where usename = 'app'"))
        for number in range(missing):
            leaving.client("select 1;", "shop", "app", f"web-{number}")
        return missing <= 0

    leaving.client("begin; select 1;", "shop", "app", "web-0")
    wait_until(filled, "all slots but the reserved ones are taken")
    refused: dict[str, object] = {}

    def settled() -> bool:
        # processes of those who were just refused, or looked, are counted until they have ended: those of the look before, too
        refused.update(instance(leaving, login_user="app"))
        return (refused["connections"] or {}).get("used") == 9

    wait_until(settled, "who was refused has gone")
    assert refused["state"] == "up" and refused["connections_exhausted"] is True
    assert refused["connections"]["used"] == 9 and refused["connections_ratio"] is None
    (holder,) = refused["processes"]
    assert (holder["user"], holder["database"], holder["sessions"], holder["idle"]) == ("app", "shop", 9, 9)
    let_in = instance(leaving)
    assert let_in["connections_exhausted"] is False and let_in["connections_ratio"] == 1.0 and let_in["connections"]["free"] == 0


def test_a_role_may_be_full_while_the_server_has_room(leaving):
    leaving.psql("create role narrow login connection limit 2")
    for number in range(2):
        leaving.client("select 1;", "shop", "narrow", f"web-{number}")
    leaving.until("(select count(*) from pg_stat_activity where usename = 'narrow') = 2", "the role is full")
    assert instance(leaving)["limits"] == [{"kind": "user", "name": "narrow", "limit": 2, "used": 2, "used_ratio": 1.0}]
    refused = instance(leaving, login_user="narrow")
    assert refused["state"] == "unreadable" and 'ALTER ROLE "narrow" CONNECTION LIMIT -1;' in refused["problem"]


def test_nearly_exhausted_we_take_one_connection_only(leaving):
    for number in range(6):
        leaving.client("select 1;", "shop", "app", f"web-{number}")
    leaving.until("(select count(*) from pg_stat_activity where usename = 'app') = 6", "six sessions")
    found = instance(leaving, databases=["postgres", "shop"], login_db=None)
    assert found["databases_read"] == ["postgres"]
    assert "left to the application" in found["unknown"]["tables.shop"]


@pytest.mark.parametrize(
    "options, state, said",
    [
        ({"login_user": "nobody-here"}, "unreadable", "GRANT pg_monitor"),
        ({"login_db": "nothing"}, "unreadable", "check login_db"),
        ({"login_port": 1}, "down", "connection to 127.0.0.1:1 refused"),
        ({"login_unix_socket": "/nowhere"}, "down", "there is no socket /nowhere/.s.PGSQL."),
        ({"ssl_mode": "require"}, "unreadable", "check ssl_mode"),
    ],
)
def test_who_is_not_let_in_is_told_why(server, options, state, said):
    found = instance(server, **options)
    assert found["state"] == state and said in found["problem"]


def test_p02_the_extension_may_live_in_any_schema(server):
    server.psql('create schema "My Ext"; create extension pg_stat_statements schema "My Ext"; create role plain login', "shop")
    assert instance(server, login_db="shop")["statements_total"] > 0
    hidden = instance(server, login_db="shop", login_user="plain")
    assert hidden["statements"] is None and 'GRANT USAGE ON SCHEMA "My Ext" TO "plain"' in hidden["unknown"]["statements"]
    elsewhere = instance(server, login_db="postgres")
    assert elsewhere["statements"] is None and "not in this database" in elsewhere["unknown"]["statements"]
    # no database was named: the one that has the extension is found
    assert instance(server, login_db=None)["statements_total"] > 0
    server.psql("drop extension pg_stat_statements", "shop")


def test_p09_texts_that_are_not_in_the_servers_encoding(leaving):
    leaving.psql("create database legacy encoding 'SQL_ASCII' lc_collate 'C' lc_ctype 'C' template template0")
    with psycopg.connect(host="127.0.0.1", port=leaving.port, user="warroom", dbname="legacy", client_encoding="SQL_ASCII") as odd:
        odd.execute(b"set application_name = 'caf\xe9'")
        odd.execute(b'create table "caf\xe9" (id int primary key)')
        odd.execute(b'select 1 as "caf\xe9" -- \\')
        for database in ("postgres", "legacy"):
            found = instance(leaving, login_db=database, query_text="full")
            assert found["state"] == "up", found["problem"]
            (row,) = found["idle_in_transaction"]
            assert row["query"] == 'select 1 as "caf\ufffd" -- \\'
            assert len(found["by_application"]) == 1
        odd.rollback()


@pytest.fixture(scope="module")
def pooler(server):
    with PgBouncer(server, pool_size=2) as running:
        yield running


def test_p12_through_a_pooler_in_transaction_mode(leaving, pooler):
    found = instance(leaving, login_port=pooler.port, window=1)
    assert found["state"] == "up", found["problem"]
    assert found["kind"] == "server" and any("pooler" in note for note in found["notes"])
    # nothing of ours stays behind for the pooler's next client
    with psycopg.connect(host="127.0.0.1", port=pooler.port, user="warroom", dbname="postgres", autocommit=True) as next_client:
        assert next_client.execute("show statement_timeout").fetchone() == ("0",)
        assert next_client.execute("show search_path").fetchone() == ('"$user", public',)


def test_p03_created_but_not_preloaded():
    with Postgres(shared_preload_libraries="''") as bare:
        bare.psql("create extension pg_stat_statements")
        found = instance(bare)
        assert found["statements"] is None and "shared_preload_libraries" in found["unknown"]["statements"]
        assert found["connections"]["usable"] == 37 and found["databases_total"] == 1 and found["missing_indexes"] == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be the server's owner for the time of a handshake")
def test_root_passes_peer_authentication_as_the_servers_owner():
    class Peer(Postgres):
        def configure(self):
            super().configure()
            (self.data / "pg_hba.conf").write_text(
                "local all all peer\nhost all mon 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n"
            )

    with Peer() as server:
        server.psql(f"create role {server.user} superuser login")
        found = instance(server, login_host=None, login_unix_socket=str(server.dir), login_user=None)
        assert found["state"] == "up" and found["user"] == server.user
        assert os.geteuid() == 0
        # a socket that goes by the system's users has no use for a password, and the same port over TCP asks for one
        server.psql("create role mon login password 'pw-of-mon'; grant pg_monitor to mon")
        there = {"login_host": None, "login_unix_socket": str(server.dir), "login_user": "mon"}
        found = instance(server, **there, login_password="pw-of-mon")
        assert found["state"] == "up" and found["user"] == "mon", found["problem"]
        assert found["access"]["login_host"] == "127.0.0.1" and "login_unix_socket" not in found["access"]
        found = instance(server, **there, login_password="wrong")
        assert "check login_user and login_password" in found["problem"], found["problem"]
        found = instance(server, **there)
        assert "give login_password too" in found["problem"] and "use become without login_user" in found["problem"]


def test_tasks_of_django_that_wait_in_a_table(server):
    server.psql(
        "create table django_tasks_database_dbtaskresult"
        " (status varchar(10), queue_name text, enqueued_at timestamptz, run_after timestamptz);"
        "insert into django_tasks_database_dbtaskresult values"
        " ('READY', 'default', now() - interval '500 s', null), ('READY', 'mail', now() - interval '900 s', now() - interval '30 s'),"
        " ('READY', 'mail', now() - interval '900 s', '9999-01-01'), ('READY', 'mail', now() - interval '1 day', now() + interval '1 h'),"
        " ('RUNNING', 'default', now() - interval '1 day', null), ('FAILED', 'default', now() - interval '1 day', null)"
    )
    found = instance(server)
    waiting = {row["name"]: (row["waiting"], int(row["oldest_seconds"]) // 100) for row in found["task_queues"]}
    assert waiting == {"default": (1, 5), "mail": (2, 9)} and found["task_queue_waiting"] == 3
    hidden = instance(server, login_user="app")
    assert hidden["task_queue_waiting"] is None and "GRANT SELECT (status, queue_name" in hidden["unknown"]["task_queue_waiting"]
    server.psql("grant select (status, queue_name, enqueued_at, run_after) on django_tasks_database_dbtaskresult to app")
    assert instance(server, login_user="app")["task_queue_waiting"] == 3, "what the reason says is enough"
