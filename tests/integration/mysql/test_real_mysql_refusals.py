# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Our own account in trouble on a real server: its limits, its password, defaults that are not ours (cases N-07, N-11)."""

from __future__ import annotations

import contextlib
import typing as t

import pytest

from tests.support.mysql import MariaDB, read, rows_of

ACCOUNTS = """
CREATE USER few@'%' IDENTIFIED BY 'EXAMPLEfew' WITH MAX_USER_CONNECTIONS 1;
CREATE USER hourly@'%' IDENTIFIED BY 'EXAMPLEhourly' WITH MAX_CONNECTIONS_PER_HOUR 1;
CREATE USER asking@'%' IDENTIFIED BY 'EXAMPLEasking' WITH MAX_QUERIES_PER_HOUR 14;
CREATE USER old@'%' IDENTIFIED BY 'EXAMPLEold' PASSWORD EXPIRE;
CREATE USER locked@'%' IDENTIFIED BY 'EXAMPLElocked' ACCOUNT LOCK;
"""


@pytest.fixture(scope="module")
def server() -> t.Iterator[MariaDB]:
    defaults = ("--transaction-isolation=SERIALIZABLE", "--sql-mode=ANSI_QUOTES,NO_BACKSLASH_ESCAPES")
    with MariaDB(*defaults, "--lc-messages=fr_FR", "--wait-timeout=2") as running:
        running.shop()
        for statement in ACCOUNTS.strip().split(";\n"):
            running.query(statement.rstrip(";"))
        running.query("SET GLOBAL sql_select_limit = 1")
        yield running


def problem(server: MariaDB, user: str) -> str:
    found = read(server, login_user=user, login_password=f"EXAMPLE{user}")
    assert found["state"] == "unreadable", found
    assert "EXAMPLE" not in found["problem"]
    return str(found["problem"])


def test_n07_our_accounts_limit_is_no_full_server(server: MariaDB) -> None:
    with contextlib.closing(server.connect("few", "EXAMPLEfew", tcp=True)):
        said = problem(server, "few")
    assert "the server itself has room" in said and "ALTER USER `few`@`%` WITH MAX_USER_CONNECTIONS 10;" in said
    server.query("ALTER USER `few`@`%` WITH MAX_USER_CONNECTIONS 10")
    with contextlib.closing(server.connect("few", "EXAMPLEfew", tcp=True)):
        assert read(server, login_user="few", login_password="EXAMPLEfew")["state"] == "up", "the statement helps as printed"
    server.connect("hourly", "EXAMPLEhourly", tcp=True).close()
    assert "ALTER USER `hourly`@`%` WITH MAX_CONNECTIONS_PER_HOUR 0;" in problem(server, "hourly")


def test_n07_a_limit_of_questions_is_met_in_the_middle(server: MariaDB) -> None:
    found = read(server, login_user="asking", login_password="EXAMPLEasking")
    said = str(found["problem"]) + str(found.get("unknown"))
    assert "WITH MAX_QUERIES_PER_HOUR 0;" in said and found.get("connections_exhausted") is not True


@pytest.mark.parametrize(
    ("user", "statement"), [("old", "ALTER USER `old`@`%` IDENTIFIED BY"), ("locked", "ALTER USER `locked`@`%` ACCOUNT UNLOCK;")]
)
def test_n11_expired_and_locked(server: MariaDB, user: str, statement: str) -> None:
    assert statement in problem(server, user)


def test_a_wrong_password_in_french(server: MariaDB) -> None:
    found = read(server, login_user="mon", login_password="EXAMPLEwrong")
    assert found["state"] == "unreadable" and "check login_user and login_password" in found["problem"]
    assert "CREATE USER `mon`@`localhost`" in found["problem"] or "CREATE USER `mon`@`127.0.0.1`" in found["problem"]


def test_the_servers_defaults_cost_nothing(server: MariaDB) -> None:
    with contextlib.closing(server.connect()) as other:
        assert rows_of(other, "SELECT @@tx_isolation, @@sql_select_limit") == [("SERIALIZABLE", 1)]
    with contextlib.closing(server.connect("app", "EXAMPLEapp", tcp=True)) as one, contextlib.closing(server.connect()) as two:
        for client in (one, two):
            rows_of(client, "SET SESSION wait_timeout = 60")
        found = read(server, window=2.5)
    assert found["state"] == "up" and len(found["by_user"]) > 1, "more than one row of every answer"
    assert found["questions_per_second"] is not None, "our session outlived the server's wait_timeout"
