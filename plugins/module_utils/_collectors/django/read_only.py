# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs in the child that imports the project, before `read_project`: its connections to databases write nothing.

Sent as text by `_collect/foreign_code.py`, as that is.
"""

from __future__ import annotations

import contextlib
import os
import re
import typing as t

#: Seconds that the project's databases may take to connect and to answer.
_CONNECT_SECONDS = 3
_READ_ONLY = "-c default_transaction_read_only=on -c statement_timeout=3000"
#: Those that every driver reads: psycopg refuses the dates of a server whose own form is another (`DateStyle` German).
_DATES = {"DateStyle": "ISO", "IntervalStyle": "postgres"}


def read_only_environment() -> str:
    """For connections that the project makes by itself; gives the options of PostgreSQL that its environment had."""
    given = os.environ.get("PGOPTIONS", "")
    dates = " ".join(f"-c {name}={value}" for name, value in _DATES.items())
    os.environ["PGOPTIONS"] = f"{given} {_READ_ONLY} {dates}".strip()
    os.environ.setdefault("PGCONNECT_TIMEOUT", str(_CONNECT_SECONDS))
    return given


def read_only_databases(settings: t.Any, given: str) -> set[str]:
    """Every connection to a database is told to write nothing; where the backend has options for it, before the first statement.

    Gives the databases with a connection pool, which is not opened here.
    """
    from django.db.backends.signals import connection_created  # pylint: disable=import-outside-toplevel

    pooled = set()
    for alias, database in settings.DATABASES.items():
        engine = str(database.get("ENGINE", ""))
        options = database.setdefault("OPTIONS", {})
        if "postgresql" in engine or "postgis" in engine:
            _connect_through_poolers(given)
            if options.pop("pool", None):
                pooled.add(str(alias))
            options.setdefault("connect_timeout", _CONNECT_SECONDS)
        elif "mysql" in engine:
            options.update(connect_timeout=_CONNECT_SECONDS, read_timeout=_CONNECT_SECONDS)

    def protect(connection: t.Any, **_other: t.Any) -> None:
        if connection.vendor == "postgresql":
            _transactions_read_only(connection)
        elif connection.vendor == "mysql":
            _one_transaction_read_only(connection)
        elif connection.vendor == "sqlite":
            with connection.cursor() as cursor:
                cursor.execute("PRAGMA query_only = ON")

    connection_created.connect(protect, weak=False, dispatch_uid="warroom.launch")
    return pooled


def _connect_through_poolers(given: str) -> None:
    """PgBouncer refuses who sends options: without ours, and with those that the project's environment had, it is asked again."""
    with contextlib.suppress(Exception):  # without a driver the database says so itself
        from django.db.backends.postgresql.base import DatabaseWrapper  # pylint: disable=import-outside-toplevel

        original = DatabaseWrapper.get_new_connection
        if getattr(original, "asks_again", False):
            return

        def connect(self: t.Any, parameters: t.Any) -> t.Any:
            try:
                return original(self, parameters)
            except Exception as error:
                if "startup parameter" not in str(error):
                    raise
            ours = os.environ.pop("PGOPTIONS", "")
            os.environ.update({"PGOPTIONS": given} if given else {})
            try:
                return original(self, parameters)
            finally:
                os.environ["PGOPTIONS"] = ours

        connect.asks_again = True  # type: ignore[attr-defined]
        DatabaseWrapper.get_new_connection = connect


def _transactions_read_only(connection: t.Any) -> None:
    """Where the options did not reach the server, a pooler may stand between: what one sets for a session stays for its next client.

    So nothing is set for the session: all is read in one transaction that is read-only by itself and ends with the connection.
    """
    with connection.cursor() as cursor:
        cursor.execute("SHOW default_transaction_read_only")
        if cursor.fetchone()[0] == "on":
            return
    connection.set_autocommit(False)
    raw = connection.connection
    if hasattr(raw, "set_session"):  # psycopg2
        raw.set_session(readonly=True)
    else:
        raw.read_only = True
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 3000")
        for name, value in _DATES.items():
            cursor.execute(f"SET LOCAL {name} = '{value}'")


_BEFORE = r"\A(?:\s|\(|/\*[^!][^*]*\*/)*"
#: How statements begin that end no transaction; the server refuses those of them that write. Every other one is not sent: MariaDB commits
#: before it creates a table, and creates it.
_SENT = re.compile(
    _BEFORE + r"(?:SELECT|INSERT|UPDATE|DELETE|REPLACE|SHOW|EXPLAIN|DESCRIBE|WITH|SAVEPOINT|RELEASE|ROLLBACK TO)\b", re.IGNORECASE
)
#: Settings of its own session that a project makes at each connection; one of autocommit may end the transaction.
_SETS = re.compile(_BEFORE + r"SET\s+(?!GLOBAL\b|PERSIST|@@GLOBAL|@@PERSIST|PASSWORD\b|DEFAULT\b|RESOURCE\b|STATEMENT\b)", re.IGNORECASE)
#: Its own number and words for what a read-only transaction refuses.
_REFUSED = (1792, "Cannot execute statement in a READ ONLY transaction")


def _one_transaction_read_only(connection: t.Any) -> None:
    """MySQL, MariaDB: all is read in one transaction that is read-only by itself; another begins where the project ends it.

    ProxySQL gives the next client the connection to the server with what was set for its session (sysown/proxysql#1006, #3742), while
    MaxScale, MySQL Router and PgBouncer's own mode `session` reset it. An open transaction is rolled back by all of them.
    """

    def begin() -> None:
        # the driver's own cursor: Django's refuses every statement of a transaction that the project broke
        with contextlib.closing(connection.connection.cursor()) as cursor:
            cursor.execute("START TRANSACTION READ ONLY")

    def beginning_anew(ending: t.Callable[[], t.Any]) -> t.Callable[[], t.Any]:
        def end() -> None:
            ending()
            begin()

        return end

    def execute(run: t.Callable[..., t.Any], sql: t.Any, parameters: t.Any, many: bool, context: t.Any) -> t.Any:
        if _SENT.match(str(sql)):
            return run(sql, parameters, many, context)
        if not _SETS.match(str(sql)):
            raise connection.Database.OperationalError(*_REFUSED)
        try:
            return run(sql, parameters, many, context)
        finally:
            begin()

    # for Django alone, so that it uses savepoints: the server's own autocommit stays, and no COMMIT follows a statement
    connection.autocommit = False
    for name in ("_commit", "_rollback"):
        setattr(connection, name, beginning_anew(getattr(type(connection), name).__get__(connection)))
    connection.execute_wrappers.append(execute)
    begin()
