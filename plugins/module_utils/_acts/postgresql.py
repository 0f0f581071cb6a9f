# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sessions of PostgreSQL that act: short timeouts, and refusals in words that say which right is missing."""

from __future__ import annotations

import contextlib
import typing as t

from .._collect.problem import Problem
from .._collectors.postgresql import connect, driver
from .._texts.redact import clean
from .act import Refused, Target

#: SQLSTATE of "permission denied".
NO_RIGHT = "42501"
#: Left in every statement, as in those that only look.
MARK = "/* warroom.launch */"
NOT_HERE = "the server is not on this host, so no timer here can take the act back when the way to it is gone"

#: Each statement might run in another session, and what is set for one stays for the pooler's next client.
THROUGH_POOLER = (
    "the login leads through a pooler, and an act needs a session of its own: give the server's own address under launch_respond_login "
    "(login_host and login_port, or login_unix_socket)"
)


class Acting:
    """A connection in autocommit mode in which each statement stands for itself."""

    def __init__(self, connection: driver.Connection) -> None:
        self._connection = connection

    def rows(self, sql: str) -> list[driver.Row]:
        try:
            return self._connection.run(sql)
        except driver.SqlError as error:
            missing = "a right is missing: " if error.code == NO_RIGHT else ""
            raise Refused(f"{missing}the server refused ({clean(str(error), 200)})") from None

    def row(self, sql: str) -> driver.Row:
        rows = self.rows(sql)
        return rows[0] if rows else {}


@contextlib.contextmanager
def session(target: Target, database: t.Optional[str] = None, statement_seconds: float = 3.0) -> t.Iterator[Acting]:
    """A session at the target; `database`: another one than that of its login. `statement_seconds` 0: a statement may take its time."""
    options = {**target.options, **({"login_db": database} if database else {})}
    try:
        connection = connect.connection(options, target.timeout)
    except Problem as problem:
        raise Refused(str(problem)) from None
    try:
        acting = Acting(connection)
        if acting.row(f"SELECT {MARK} pg_backend_pid() AS pid").get("pid") != connection.pid_at_login:
            raise Refused(THROUGH_POOLER)
        acting.rows(
            f"SELECT {MARK} set_config('statement_timeout', '{int(statement_seconds * 1000)}', false), "
            "set_config('lock_timeout', '2000', false), set_config('search_path', 'pg_catalog, pg_temp', false), "
            "set_config('TimeZone', 'UTC', false), set_config('default_transaction_read_only', 'off', false)"
        )
        yield acting
    finally:
        connection.close()


def is_here(target: Target) -> bool:
    """Whether the server runs on this host."""
    directory, _port = connect.socket_of(target.options)
    return directory is not None or (target.options.get("login_host") or "127.0.0.1") in ("127.0.0.1", "localhost", "::1")


def literal(value: t.Any) -> str:
    """A text or number as a literal that holds under every setting of the server."""
    if value is None:
        return "NULL"
    if isinstance(value, (bool, int, float)):
        return str(value).upper() if isinstance(value, bool) else repr(value)
    quoted = str(value).replace("\0", "").replace("'", "''")
    return "E'" + quoted.replace("\\", "\\\\") + "'" if "\\" in quoted else f"'{quoted}'"
