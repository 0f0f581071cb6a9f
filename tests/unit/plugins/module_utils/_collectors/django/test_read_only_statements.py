# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which statements of a project reach its MySQL: those that cannot end the read-only transaction, and settings of its own session."""

from __future__ import annotations

import contextlib
import types
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collectors.django import read_only


class Driver:
    class OperationalError(Exception):
        pass


class Connection:
    """What of Django's connection is used; `said` is what reached the server."""

    Database = Driver

    def __init__(self) -> None:
        self.said: list[str] = []
        self.execute_wrappers: list[t.Any] = []
        self.autocommit = True
        cursor = types.SimpleNamespace(execute=self.said.append, close=lambda: None)
        self.connection = types.SimpleNamespace(cursor=lambda: cursor)

    def _commit(self) -> None:
        self.said.append("COMMIT")

    def _rollback(self) -> None:
        self.said.append("ROLLBACK")

    def execute(self, sql: str) -> None:
        (wrapper,) = self.execute_wrappers
        with contextlib.suppress(Driver.OperationalError):
            wrapper(lambda sql, *_more: self.said.append(sql), sql, None, False, {})


BEGIN = "START TRANSACTION READ ONLY"


@pytest.fixture
def connection() -> Connection:
    made = Connection()
    read_only._one_transaction_read_only(made)
    assert made.said == [BEGIN] and made.autocommit is False
    made.said.clear()
    return made


@pytest.mark.parametrize(
    "sql", ["SELECT 1", "(select 1)", "/* view:home */ SELECT 1", "INSERT INTO a VALUES (1)", "SAVEPOINT s", "ROLLBACK TO s"]
)
def test_what_ends_no_transaction_is_sent(connection: Connection, sql: str) -> None:
    connection.execute(sql)
    assert connection.said == [sql]


@pytest.mark.parametrize(
    "sql", ["SET sql_mode = ''", "SET SESSION TRANSACTION READ WRITE", "set @a = 1", "SET NAMES utf8mb4", "SET autocommit = 1"]
)
def test_after_a_setting_of_the_session_the_transaction_begins_anew(connection: Connection, sql: str) -> None:
    connection.execute(sql)
    assert connection.said == [sql, BEGIN]


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE a (b int)", "/* x */ DROP TABLE a", "/*! DROP TABLE a */", "TRUNCATE a", "CALL harm()", "COMMIT", "ROLLBACK", "BEGIN",
        "START TRANSACTION", "SET GLOBAL a = 1", "SET @@GLOBAL.a = 1", "set persist a = 1", "SET PASSWORD = 'x'", "LOCK TABLES a WRITE", "",
        "/*", "SET STATEMENT max_statement_time=1 FOR CREATE TABLE a (b int)",
    ],
)  # fmt: skip
def test_what_may_end_it_is_not_sent(connection: Connection, sql: str) -> None:
    connection.execute(sql)
    assert connection.said == []


def test_an_end_that_the_project_makes_is_followed_by_another_beginning(connection: Connection) -> None:
    connection._commit()
    connection._rollback()
    assert connection.said == ["COMMIT", BEGIN, "ROLLBACK", BEGIN]
