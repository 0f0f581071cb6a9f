# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Acts at a real MariaDB: a missing index while writes go on, a limit on an unknown client."""

from __future__ import annotations

import typing as t

import pymysql
import pytest

from ansible_collections.warroom.launch.plugins.module_utils._acts.create_mysql_index import how_far
from tests.support.acts import Planned, act_at, planned
from tests.support.mysql import MariaDB
from tests.support.server import wait_until

ORDERS = {"database": "shop", "table": "orders", "columns": ["customer_id"]}


@pytest.fixture(scope="module")
def server() -> t.Iterator[MariaDB]:
    with MariaDB() as running:
        running.shop()
        running.query("CREATE USER responder@'%' IDENTIFIED BY 'EXAMPLEresponder'")
        running.query("GRANT PROCESS, CREATE USER, CONNECTION ADMIN ON *.* TO responder@'%'")
        running.query("GRANT SELECT ON mysql.* TO responder@'%'")
        running.query("GRANT SELECT, INDEX ON shop.* TO responder@'%'")
        running.query("CREATE USER reader@'%' IDENTIFIED BY 'EXAMPLEreader'")
        running.query("GRANT PROCESS, SELECT ON *.* TO reader@'%'")
        running.query("CREATE TABLE shop.letter (id INT PRIMARY KEY, text_id TEXT) ENGINE=InnoDB")
        running.query("CREATE TABLE shop.old (id INT PRIMARY KEY, orders_id INT) ENGINE=MyISAM")
        yield running


def plan(server: MariaDB, act: str, about: dict[str, t.Any], user: str = "responder") -> Planned:
    place = {"login_host": "127.0.0.1", "login_port": server.port, "login_user": user, "login_password": f"EXAMPLE{user}"}
    return planned(act_at(act, "mysql", place, about))


def index(server: MariaDB, user: str = "responder", **changes: t.Any) -> Planned:
    return plan(server, "create_index", {**ORDERS, **changes}, user)


def has_index(server: MariaDB) -> bool:
    return bool(server.query("SELECT 1 FROM information_schema.statistics WHERE index_name = 'orders_customer_id_idx'"))


def test_an_index_is_created_and_dropped(server: MariaDB) -> None:
    made = index(server)
    assert made.broken == []
    done = made.run()
    assert has_index(server) and "changed" in made.refusal()
    assert any("covers these columns" in sentence for sentence in index(server).broken)
    assert "was dropped" in made.act.undo(done.state) and not has_index(server)
    assert "nothing is left" in made.act.undo(done.state)


def test_a_build_that_is_taken_back_leaves_nothing(server: MariaDB) -> None:
    made = index(server)
    name = made.identity["name"]
    # it waits for the transaction that has read the table, and is ended while it does
    with server.session("BEGIN", "SELECT * FROM orders LIMIT 1"):
        build = made.act._create(name)
        with server.busy("SET SESSION lock_wait_timeout = 60", build):
            assert "nothing is left" in made.act.undo({"name": name})
    assert not has_index(server)


def test_a_build_says_how_far_it_is(server: MariaDB) -> None:
    made = index(server)
    assert made.act.progress() is None
    with server.session("BEGIN", "SELECT * FROM orders LIMIT 1"), server.busy(made.act._create(made.identity["name"])):
        said = wait_until(made.act.progress, "it says how far it is")
    assert said == "index build on shop.orders: waits for the sessions that use the table"
    assert how_far({"state": "altering table", "stage": "1", "max_stage": "2", "progress": "37.482"}) == "stage 1 of 2, 37 % of it"
    assert how_far({"state": "altering table", "progress": None}) is None, "MySQL does not say"


def test_a_lock_that_does_not_come_free_costs_a_sentence(server: MariaDB) -> None:
    made = index(server)
    with server.session("BEGIN", "SELECT * FROM orders LIMIT 1"):
        assert "refused" in made.refusal()
    assert not has_index(server)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"table": "old", "columns": ["orders_id"]}, "InnoDB"),
        ({"table": "letter", "columns": ["text_id"]}, "indexed in full"),
        ({"columns": ["missing"]}, "columns exist"),
        ({"columns": ["status_id"]}, "covers these columns"),
    ],
    ids=["MyISAM", "a text", "no such column", "served"],
)
def test_what_cannot_be_done_online_is_refused(server: MariaDB, changes: dict[str, t.Any], words: str) -> None:
    made = index(server, **changes)
    assert any(words in sentence for sentence in made.broken) and words in made.refusal()


@pytest.mark.parametrize(("guard", "value"), [("free_for_estimate", 1e12), ("oldest_transaction_seconds", -1.0)])
def test_an_index_guard_whose_limit_is_not_met_refuses(server: MariaDB, guard: str, value: float) -> None:
    made = index(server)
    assert "a guard no longer holds" in made._replace(limits={**made.limits, guard: value}).refusal() and not has_index(server)


def test_a_table_that_is_gone_is_said(server: MariaDB) -> None:
    with pytest.raises(Exception, match="no table shop.gone"):
        index(server, table="gone")


def client(server: MariaDB, user: str = "report", acting: str = "responder", known: tuple[str, ...] = ("app",)) -> Planned:
    return plan(server, "limit_client", {"role": user, "connections": 2, "known": list(known)}, acting)


def limits(server: MariaDB, user: str = "report") -> tuple[t.Any, ...]:
    return server.query(f"SELECT max_user_connections, max_statement_time FROM mysql.user WHERE user = '{user}'")[0]


def test_a_client_is_limited_and_has_its_way_again(server: MariaDB) -> None:
    made = client(server)
    assert made.broken == []
    with server.session("SELECT 1", user="report") as running:
        done = made.run()
        running.ping(reconnect=False)
        assert (int(limits(server)[0]), float(limits(server)[1])) == (2, 5.0)
        with (
            server.session(user="report"),
            server.session(user="report"),
            pytest.raises(pymysql.err.OperationalError),
            server.session(user="report"),
        ):
            pass
    assert "other" in made.refusal()
    assert "as before" in made.act.undo(done.state)
    assert (int(limits(server)[0]), float(limits(server)[1])) == (0, 0.0)
    assert "left alone" in made.act.undo(done.state)


@pytest.mark.parametrize(
    ("user", "known", "words"),
    [("app", ("app",), "known client"), ("root", (), "administrator"), ("responder", (), "our own"), ("nobody", (), "accounts exist")],
)
def test_who_is_never_limited(server: MariaDB, user: str, known: tuple[str, ...], words: str) -> None:
    made = client(server, user, known=known)
    assert any(words in sentence for sentence in made.broken) and words in made.refusal()


def test_a_limit_of_a_person_is_left_alone(server: MariaDB) -> None:
    server.query("ALTER USER report@'%' WITH MAX_USER_CONNECTIONS 7")
    try:
        made = client(server)
        assert "limit of their own" in made.refusal() and int(limits(server)[0]) == 7
    finally:
        server.query("ALTER USER report@'%' WITH MAX_USER_CONNECTIONS 0")


def test_a_name_that_is_no_plain_word_is_refused(server: MariaDB) -> None:
    with pytest.raises(Exception, match="part of a statement"):
        client(server, "x'@'%")


def test_without_the_rights_it_says_which(server: MariaDB) -> None:
    assert any("GRANT INDEX" in sentence for sentence in index(server, "reader").broken)
    assert any("CREATE USER" in sentence for sentence in client(server, acting="reader").broken)
