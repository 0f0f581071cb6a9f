# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server that does not let us in: decided by its error number, with the statement that mends it (cases N-07, N-11)."""

from __future__ import annotations

import typing as t

import pymysql
import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.problem import Down, Problem
from ansible_collections.warroom.launch.plugins.module_utils._collectors.mysql import collector, reasons, refusal
from ansible_collections.warroom.launch.plugins.module_utils._collectors.mysql.session import Refused
from tests.support.mysql_rows import reader
from tests.support.tools import FakeCommands, tools_with

WISH = refusal.Wish("db:3306", "mon")
CREATE = "CREATE USER `mon`@`10.0.0.9` IDENTIFIED BY '…'; GRANT PROCESS, REPLICATION CLIENT ON *.* TO `mon`@`10.0.0.9`;"


@pytest.mark.parametrize(
    ("code", "text", "kind", "words"),
    [
        (1040, "Trop de connexions", refusal.Exhausted, "too many connections"),
        (1226, "'mon' a dépassé 'max_user_connections'", Problem, "ALTER USER `mon`@`%` WITH MAX_USER_CONNECTIONS 10;"),
        (1226, "x 'max_connections_per_hour' (1)", Problem, "ALTER USER `mon`@`%` WITH MAX_CONNECTIONS_PER_HOUR 0;"),
        (1203, "User mon a déjà 'max_user_connections'", Problem, "the server itself has room"),
        (1862, "Le mot de passe a expiré", Problem, "ALTER USER `mon`@`%` IDENTIFIED BY '…';"),
        (1820, "You must SET PASSWORD", Problem, "our password has expired: ALTER USER `mon`@`%` IDENTIFIED BY"),
        (3118, "Account is locked", Problem, "ALTER USER `mon`@`%` ACCOUNT UNLOCK;"),
        (4151, "Access denied, this account is locked", Problem, "ALTER USER `mon`@`%` ACCOUNT UNLOCK;"),
        (1130, "Host '10.0.0.9' n'est pas autorisé", Problem, CREATE),
        (1045, "Accès refusé pour 'mon'@'10.0.0.9'", Problem, CREATE),
        (1045, "Accès refusé", Problem, "check login_user and login_password"),
        (1129, "Host is blocked", Problem, "FLUSH HOSTS; (MySQL 8.4 and later: TRUNCATE TABLE performance_schema.host_cache;)"),
        (3159, "Connections using insecure transport are prohibited", Problem, "ca_cert"),
        (1053, "Server shutdown in progress", Down, "shutting down"),
        # https://github.com/mysqljs/mysql/issues/1754, https://github.com/rancher/rancher-catalog/issues/95,
        # https://github.com/sysown/proxysql/issues/1883: up, and nobody's statement is run
        (3032, "Serveur hors ligne", Down, "SET GLOBAL offline_mode = OFF;"),
        (1047, "WSREP has not yet prepared node for application use", Down, "takes no query"),
        (9001, "Max connect timeout reached while reaching hostgroup 10 after 10000ms", Down, "runtime_mysql_servers"),
        (2013, "Lost connection to MySQL server during query", Down, "broke off while we logged in"),
        (2003, "Can't connect (certificate verify failed)", Problem, "check ca_cert"),
        (4711, "something new\nin two lines", Problem, "refuses us: something new in two lines"),
    ],
)
def test_every_refusal_says_what_to_do(code: int, text: str, kind: type[Problem], words: str) -> None:
    found = refusal.explained(pymysql.err.OperationalError(code, text), WISH)
    assert {type(found)} == {kind}
    assert words in str(found)
    assert found.state == ("down" if kind is Down else "unreadable")


def test_without_a_login_the_advice_is_become() -> None:
    wish = refusal.Wish("/run/mysqld/mysqld.sock", "deploy", True, False, False)
    said = str(refusal.explained(pymysql.err.OperationalError(1045, "Access denied for user 'deploy'@'localhost'"), wish))
    assert "use become (its socket lets root in), or give login_user and login_password" in said
    assert "CREATE USER `deploy`@`localhost`" in said


def test_a_name_that_was_chosen_to_hurt_is_quoted() -> None:
    wish = WISH._replace(user="m`on'; DROP USER x; --")
    assert "ALTER USER `m``on'; DROP USER x; --`@`%` IDENTIFIED BY" in str(refusal.explained(pymysql.err.OperationalError(1862, "x"), wish))


@pytest.mark.parametrize("code", refusal.OWN_LIMITS)
def test_n07_a_limit_reached_in_the_middle_is_about_us_too(code: int) -> None:
    one = reader({})
    refused = Refused("limit", "User 'mon' has exceeded the 'max_questions' resource (current value: 9)", code)
    said = reasons.refused(refused, "statements", one.identity)
    assert said.startswith("our own account is at its limit") and "ALTER USER 'mon'@'127.0.0.1' WITH MAX_QUERIES_PER_HOUR 0;" in said


def test_n11_an_expired_password_that_is_noticed_after_the_login() -> None:
    found: t.Optional[Problem] = refusal.told(1820, "You must SET PASSWORD before executing this statement", WISH)
    assert found is not None and "our password has expired" in str(found)
    assert refusal.told(1064, "syntax", WISH) is None, "what says nothing about us stays what it is"


def test_a_server_that_lets_administrators_in_only_is_down_for_the_application(monkeypatch: pytest.MonkeyPatch) -> None:
    """https://github.com/openark/orchestrator/issues/995: its own account is one of theirs, and saw a server that is well"""
    one = reader({})
    one.variables["offline_mode"] = "ON"
    monkeypatch.setattr(collector.connect, "connection", lambda *_wanted: None)
    monkeypatch.setattr(collector, "Session", lambda *_connected: one.session)
    monkeypatch.setattr(collector.Reader, "of", lambda _session: one)
    with pytest.raises(Down, match="SET GLOBAL offline_mode = OFF"):
        collector.MysqlSampler({"login_host": "192.0.2.1"}, tools_with(FakeCommands())).first()
