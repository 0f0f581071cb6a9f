# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Questions to a server that cannot hurt it: a read-only session with limits on time, locks and rows.

Every query is its own transaction (autocommit), so no snapshot of ours delays purging.
"""

from __future__ import annotations

import contextlib
import re
import typing as t

from ..._texts.plain import text

Row = dict[str, t.Optional[str]]

LOCK_SECONDS = 1
STATEMENT_SECONDS = 3.0


class Refused(Exception):
    """A question without an answer. `why`: denied | absent | late | lost | limit | other; `said`: the server's words."""

    def __init__(self, why: str, said: str, code: int = 0) -> None:
        super().__init__(said)
        self.why, self.said, self.code = why, said, code


_WHY = {
    "denied": (1044, 1045, 1142, 1143, 1227, 1370, 1410, 3926),
    "absent": (1049, 1051, 1054, 1064, 1109, 1146, 1193, 1235, 1295, 1305, 1412, 1933),
    "late": (1205, 1317, 1969, 3024),
    "lost": (0, 1053, 1927, 2006, 2013, 2014, 2055, 4031),
    "limit": (1203, 1226),
}
#: Whether transactions may not write: its name in MySQL and newer MariaDB, and in MariaDB before 11.1.
_READ_ONLY = ("transaction_read_only", "tx_read_only")
_REASON = {code: why for why, codes in _WHY.items() for code in codes}


class Session:
    def __init__(self, connection: t.Any, seconds: float) -> None:
        self._connection = connection
        self.lost = False
        self._how_lost = ""
        limit = max(0.1, min(STATEMENT_SECONDS, seconds))
        # our own ways, whatever the account's or the server's defaults are
        for statement in (
            "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED, READ ONLY",
            f"SET SESSION lock_wait_timeout = {LOCK_SECONDS}, SESSION innodb_lock_wait_timeout = {LOCK_SECONDS}",
            "SET SESSION time_zone = 'SYSTEM'",  # the clock of innodb_trx
            "SET SESSION sql_mode = ''",  # a server may read quotes and empty texts in its own way
            "SET SESSION sql_big_selects = 1, SESSION sql_select_limit = 18446744073709551615",
            "SET SESSION wait_timeout = 600",  # a pause of ours is as long as the window
            "SET SESSION wsrep_dirty_reads = ON",  # a Galera node that is not ready answers questions then
            f"SET SESSION max_execution_time = {int(limit * 1000)}",  # MySQL
            f"SET SESSION max_statement_time = {limit:.3f}",  # MariaDB
        ):
            with contextlib.suppress(Refused):  # each server knows one of the last two
                self.rows(statement)

    def wait_for(self, seconds: float) -> None:
        """How long an answer may take from now on. The driver has no way to change it after the login."""
        self._connection._read_timeout = seconds

    def rows(self, sql: str) -> list[Row]:
        """All rows as dicts with lower-case names (they differ by flavour, version and statement) and text values."""
        import pymysql

        if self.lost:
            raise Refused("lost", self._how_lost)
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(sql)
                names = [str(column[0]).lower() for column in cursor.description or ()]
                return [{name: None if value is None else _text(value) for name, value in zip(names, row)} for row in cursor.fetchall()]
        except (pymysql.err.MySQLError, OSError, EOFError) as error:
            raise self._refused(error) from None

    def _refused(self, error: Exception) -> Refused:
        numbered = bool(error.args) and isinstance(error.args[0], int)
        code = error.args[0] if numbered else 0
        why = _REASON.get(code, "other")
        said = str(error.args[-1]) if error.args else str(error)
        if isinstance(error, (OSError, EOFError)) or why == "lost":
            # the driver's own errors have a number, unless it does not understand what it received
            strange = not numbered and not isinstance(error, (OSError, EOFError))
            said = f"what it answers is not MySQL's protocol ({said})" if strange else said or "the server ended the connection"
            why, self.lost, self._how_lost = "lost", True, said
        return Refused(why, said, code)

    def one(self, sql: str) -> Row:
        """The first row, or an empty one."""
        rows = self.rows(sql)
        return rows[0] if rows else {}

    def pairs(self, sql: str) -> dict[str, str]:
        """A SHOW … of two columns as a dict with lower-case names."""
        found = {}
        for row in self.rows(sql):
            name, value = (list(row.values()) + [None, None])[:2]
            if name is not None:
                found[name.lower()] = value or ""
        return found

    def close(self) -> None:
        with contextlib.suppress(Exception):
            for name in () if self.lost else _READ_ONLY:  # ProxySQL would give the session to its next client as it is
                with contextlib.suppress(Refused):
                    self.rows(f"SET SESSION {name} = DEFAULT")
            self._connection.close()


def _text(value: t.Any) -> str:
    return text(value) if isinstance(value, (str, bytes)) else str(value)


_SAFE_NAME = re.compile(r"^[0-9a-zA-Z_$]+$")


def quoted(name: str) -> str:
    """An identifier in backticks."""
    return "`" + name.replace("`", "``") + "`"


def literal(value: str) -> str:
    """A text literal that holds under every sql_mode (backslash escapes on or off): as hexadecimal."""
    return "'" + value + "'" if _SAFE_NAME.match(value) else "CONVERT(0x" + value.encode().hex() + " USING utf8mb4)"
