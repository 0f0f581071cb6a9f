# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One face for psycopg 3 and psycopg2: SQL in, rows as dicts of plain values out.

Texts are requested as the bytes that the server stores (client encoding SQL_ASCII): activity views hold texts of every database
in that database's own encoding, and a driver that decodes strictly loses all rows for one odd byte (case P-09).
"""

from __future__ import annotations

import contextlib
import typing as t

from ..._collect.problem import Problem
from ..._texts.plain import plain, text

#: Either is enough; the first is preferred. (Import names, as `Collector.libraries` has them.)
LIBRARIES = "psycopg|psycopg2"
PACKAGE = "python3-psycopg or python3-psycopg2"

Row = dict[str, t.Any]


class SqlError(Exception):
    """What the server (or libpq) refused, with its SQLSTATE when it gave one. The text is one line."""

    def __init__(self, message: str, code: t.Optional[str] = None) -> None:
        super().__init__(message)
        self.code = code


class Connection:
    """A connection in autocommit mode. `run` may hold several statements; the rows of the last are returned."""

    def __init__(self, native: t.Any, errors: t.Any, decode: t.Callable[[t.Any], t.Any], steps: bool) -> None:
        self._native = native
        self._errors = errors
        self._decode = decode
        self._steps = steps  # psycopg 3 stands at the first result of several, psycopg2 at the last

    def run(self, sql: str) -> list[Row]:
        return self._run(sql)

    def run_one(self, sql: str) -> list[Row]:
        """As `run`, for one statement. psycopg 3 has a protocol by which the server refuses a second one."""
        return self._run(sql, **({"binary": True} if self._steps else {}))

    def _run(self, sql: str, **how: t.Any) -> list[Row]:
        try:
            with self._native.cursor() as cursor:
                # bytes: the codec of SQL_ASCII would refuse identifiers that are not ASCII
                cursor.execute(sql.encode("utf-8", "replace"), **how)
                while self._steps and cursor.nextset():
                    pass
                if cursor.description is None:
                    return []
                names = [text(column[0]) for column in cursor.description]
                return [{name: self._decode(cell) for name, cell in zip(names, row)} for row in cursor.fetchall()]
        except self._errors as error:
            raise _translated(error) from None

    @property
    def pid_at_login(self) -> t.Optional[int]:
        """The server process that was told at the login. A pooler tells a number of its own."""
        try:
            pid = self._native.info.backend_pid if self._steps else self._native.get_backend_pid()
        except Exception:  # pylint: disable=broad-exception-caught # a connection that is over
            return None
        return pid if isinstance(pid, int) else None

    @property
    def lost(self) -> bool:
        """Whether the server or the network ended it."""
        return bool(self._native.closed)

    def close(self) -> None:
        with contextlib.suppress(Exception):
            self._native.close()


def connect(**params: t.Any) -> Connection:
    """Connect with libpq's parameters. Raises SqlError when the server or the network refuses."""
    try:
        import psycopg
    except ImportError as missing:
        return _connect_2(params, missing)
    try:
        native = psycopg.connect(autocommit=True, prepare_threshold=None, client_encoding="SQL_ASCII", **params)
    except psycopg.Error as error:
        raise _translated(error) from None
    return Connection(native, psycopg.Error, _cell, steps=True)


def _connect_2(params: dict[str, t.Any], missing: ImportError) -> Connection:
    try:
        import psycopg2
        import psycopg2.extensions
    except ImportError:
        raise Problem(f"no PostgreSQL driver can be used here ({missing}): install {PACKAGE} and libpq on the target") from None
    # psycopg2 insists on decoding: latin-1 keeps every byte, and `_cell_2` turns them back
    psycopg2.extensions.encodings["SQLASCII"] = "latin-1"
    try:
        native = psycopg2.connect(client_encoding="SQL_ASCII", **params)
        native.autocommit = True
    except psycopg2.Error as error:
        raise _translated(error) from None
    return Connection(native, psycopg2.Error, _cell_2, steps=False)


def _cell(value: t.Any) -> t.Any:
    return value if value is None or isinstance(value, (int, float)) else plain(value)


def _cell_2(value: t.Any) -> t.Any:
    if isinstance(value, str):
        return text(value.encode("latin-1", "replace"))
    if isinstance(value, list):
        return [_cell_2(item) for item in value]
    return _cell(value)


def _translated(error: Exception) -> SqlError:
    code = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
    primary = getattr(getattr(error, "diag", None), "message_primary", None)
    message = " ".join(text(primary if primary is not None else str(error)).split())
    return SqlError(message, code)
