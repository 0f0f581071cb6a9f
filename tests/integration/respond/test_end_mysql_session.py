# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The session that holds up others is ended in a real MariaDB, and no other ever is."""

from __future__ import annotations

import contextlib
import typing as t

import pytest

from tests.support.acts import Planned, act_at, planned
from tests.support.mysql import MariaDB
from tests.support.server import wait_until

UPDATE = "UPDATE orders SET note = 'x' WHERE id = 1"


@pytest.fixture(scope="module")
def server() -> t.Iterator[MariaDB]:
    with MariaDB() as running:
        running.shop()
        running.query("CREATE USER responder@'%' IDENTIFIED BY 'EXAMPLEresponder'")
        running.query("GRANT PROCESS, CONNECTION ADMIN, SELECT ON *.* TO responder@'%'")
        running.query("CREATE USER chief@'%' IDENTIFIED BY 'EXAMPLEchief'")
        running.query("GRANT ALL ON *.* TO chief@'%'")
        running.query("GRANT SELECT ON mysql.* TO mon@'%'")
        yield running


@contextlib.contextmanager
def blocked(server: MariaDB, user: str = "app") -> t.Iterator[int]:
    """The number of an idle session that holds a row for which another waits."""
    with server.session("SET innodb_lock_wait_timeout = 60", "BEGIN", UPDATE, user=user) as holder, server.busy("BEGIN", UPDATE):
        wait_until(lambda: server.query("SELECT 1 FROM information_schema.innodb_lock_waits"), "another waits")
        yield holder.thread_id()


def plan(server: MariaDB, pid: int, user: str = "responder") -> Planned:
    place = {"login_host": "127.0.0.1", "login_port": server.port, "login_user": user, "login_password": f"EXAMPLE{user}"}
    return planned(act_at("end_session", "mysql", place, {"pid": pid}))


def alive(server: MariaDB, pid: int) -> bool:
    return bool(server.query(f"SELECT 1 FROM information_schema.processlist WHERE id = {pid}"))


def test_an_idle_session_is_ended_and_the_other_goes_on(server: MariaDB) -> None:
    with blocked(server) as pid:
        made = plan(server, pid)
        assert made.broken == [] and "was ended" in made.run().says
        assert not alive(server, pid) and not server.query("SELECT 1 FROM information_schema.innodb_lock_waits")
        assert "is gone" in made.refusal()


def test_another_transaction_of_the_same_session_is_left_alone(server: MariaDB) -> None:
    with blocked(server) as pid:
        made = plan(server, pid)
        start = made.identity["transaction_start"]
        assert "another transaction" in made._replace(identity={**made.identity, "transaction_start": start - 60}).refusal()
        assert "another transaction" in made._replace(identity={**made.identity, "user": "mon"}).refusal()
        assert alive(server, pid)


def test_who_administers_the_server_is_left_alone(server: MariaDB) -> None:
    with blocked(server, "chief") as pid:
        made = plan(server, pid)
        assert any("administrator" in sentence for sentence in made.broken)
        assert "administrator" in made.refusal() and alive(server, pid)


def test_a_session_that_holds_up_nobody_is_left_alone(server: MariaDB) -> None:
    with server.session("BEGIN", UPDATE) as holder:
        made = plan(server, holder.thread_id())
        assert any("blocks other sessions" in sentence for sentence in made.broken)
        assert "blocks other sessions" in made.refusal() and alive(server, holder.thread_id())


def test_without_the_right_it_says_which(server: MariaDB) -> None:
    with blocked(server) as pid:
        made = plan(server, pid, "mon")
        assert "CONNECTION ADMIN" in made.refusal() and alive(server, pid)
