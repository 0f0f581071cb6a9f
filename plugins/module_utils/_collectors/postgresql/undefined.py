# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tables and columns that statements name and the database does not have: code before its migration.

PostgreSQL counts no errors by kind. Its log has what failed, where it can be read; and a session keeps the text of its last statement,
failed or not, until its client sends another, which Django does at once (it asks SELECT 1, or closes the connection). Names in double
quotes are looked up in the catalogue, as Django writes them; what is not quoted, or not said to be a table's, is left alone.
"""

from __future__ import annotations

import re
import typing as t

from ..._collect.facts import Facts, Maybe, Unknown
from ..._sql.sessions import Manner
from ..._sql.sql_text import SCAN_LIMIT, normalise
from ..._texts.redact import clean
from . import driver
from .fetch import reason
from .log_entries import Failed
from .server_log import Statements
from .session import MARK, Session

Row = dict[str, t.Any]
#: Of a database: its tables, each with its columns.
Tables = t.Mapping[str, t.Collection[str]]

#: Sessions, and statements of the log, that are looked at; names that are looked up.
MOST_SESSIONS, MOST_FAILED, MOST_NAMES = 200, 200, 200
#: A name at the end of a text that the server cut may be cut as well.
CUT = 1000

_NAME = r'"([A-Za-z_][A-Za-z0-9_]{0,62})"'
_FROM = re.compile(rf"\b(?:FROM|JOIN|UPDATE|INTO)\s+(?:ONLY\s+)?(?:{_NAME}\s*\.\s*)?{_NAME}(?!\s*\.)(\s*\()?", re.IGNORECASE)
_COLUMN = re.compile(rf"(?<!\.){_NAME}\.{_NAME}(?!\s*[.(])")
_WITH = re.compile(rf"{_NAME}\s*(?:\([^()]*\)\s*)?AS\s+(?:NOT\s+)?(?:MATERIALIZED\s*)?\(", re.IGNORECASE)
_INSERT = re.compile(rf"\bINTO\s+{_NAME}\s*\(([^()]*)\)", re.IGNORECASE)
_QUOTED = re.compile(_NAME)

MANY = "{} statements failed in the window, of which only the newest {} were looked at"
NOT_SAID = "the prefix of the server's log does not say it: ALTER SYSTEM SET log_line_prefix = '%m [%p] %q%u@%d %a %h '"
#: The log's reasons for what its lines do not say.
_NOT_SAID = Unknown(NOT_SAID)


def _recent(seconds: float) -> str:
    return f"""SELECT pid, usename::text AS "user", application_name AS application, host(client_addr) AS address, substring(textsend(query)
    FROM 1 FOR 4096) AS query, query = '<insufficient privilege>' AS hidden
  FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND datname = current_database()
  AND (state IN ('idle', 'idle in transaction (aborted)') OR state IS NULL)
  AND (query_start IS NULL OR query_start > clock_timestamp() - interval '{int(seconds)} seconds')
  ORDER BY query_start DESC NULLS LAST LIMIT {MOST_SESSIONS}"""


def _catalogue(names: t.Iterable[str]) -> str:
    listed = ", ".join(f"'{name}'" for name in names)  # letters, digits and underscores only
    return f"""SELECT c.relname::text AS name, array_agg(a.attname::text) AS columns
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND NOT a.attisdropped
  WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f') AND c.relname IN ({listed}) GROUP BY 1"""


class _Statement(t.NamedTuple):
    """A statement with whose it is and the names that it uses. `message`: of the error, None of one that may have worked."""

    row: Row
    tables: set[str]
    columns: set[tuple[str, str]]
    message: t.Optional[str] = None

    def missing(self, there: Tables) -> t.Iterator[Row]:
        found = [*_missing(self.tables, self.columns, there)]
        if self.message is None or any(_says(self.message, name) for _kind, name in found):
            for kind, name in found:
                yield {**self.row, "kind": kind, "name": name}


class Lookup:
    """What the statements of a server named in vain, looked up in one of its databases after the other."""

    def __init__(self, log: Statements) -> None:
        distinct = [*{(entry.text, entry.session): entry for entry in log.failed if MARK not in entry.text}.values()]
        self._why_log = MANY.format(len(distinct), MOST_FAILED) if len(distinct) > MOST_FAILED and log.why is None else log.why
        failed = [*_failed(distinct[-MOST_FAILED:])]
        self._names = {*sorted({table for each in failed for table in each.tables})[:MOST_NAMES]}
        self._failed = [each._replace(tables=each.tables & self._names) for each in failed]
        self._found: list[Row] = []
        self._unread: list[Unknown] = []
        self._there: dict[str, Tables] = {}

    def read(self, session: Session, database: str, seconds: float, grant: str) -> None:
        """Those of this database, of sessions within the last seconds. `grant`: what shows us the hidden ones."""
        try:
            recent = session.ask(_recent(seconds))
            own = [_of_session(row, database) for row in recent if not row["hidden"]]
            tables = self._names | {*sorted({table for each in own for table in each.tables})[:MOST_NAMES]}
            there = {row["name"]: set(row["columns"]) for row in session.ask(_catalogue(sorted(tables)))} if tables else {}
        except driver.SqlError as error:
            self._unread.append(Unknown(f"database {database}: {reason(error)}"))
            return
        self._there[database] = there
        self._found += [row for each in own for row in each._replace(tables=each.tables & tables).missing(there)]
        if len(own) < len(recent) and self._why_log is not None:
            self._unread.append(Unknown(f"the statements of some sessions are hidden from this user: {grant}"))

    def outcome(self, nothing: str) -> Maybe[list[Row]]:
        """What is found is found; that there is nothing is known only of a log that was read as a whole, for all databases."""
        everywhere = self._everywhere()
        found = [*self._found, *(row for each in self._failed for row in self._of_log(each, everywhere))]
        if found:
            return found
        if self._unread or not self._there:
            return self._unread[0] if self._unread else Unknown(nothing)
        return found if self._why_log is None else Unknown(self._why_log)

    def _of_log(self, statement: _Statement, everywhere: Tables) -> t.Iterator[Row]:
        database = statement.row["database"]
        if not isinstance(database, Unknown):
            return statement.missing(self._there[database]) if database in self._there else iter(())
        # it may be of any of them: what one has, another one's statement may name in vain, and is left alone
        has = [name for name, there in self._there.items() if not statement.tables.isdisjoint(there)]
        row = {**statement.row, "database": has[0] if len(has) == 1 else database}
        return statement._replace(row=row).missing(everywhere) if self._there else iter(())

    def _everywhere(self) -> Tables:
        """The tables of all databases, each with the columns that it has in any of them."""
        tables: dict[str, set[str]] = {}
        for there in self._there.values():
            for table, columns in there.items():
                tables.setdefault(table, set()).update(columns)
        return tables


def _of_session(row: Row, database: str) -> _Statement:
    text = normalise(row["query"], "postgresql", SCAN_LIMIT)
    whole = len(row["query"] or "") < CUT
    return _Statement({**row, "address": row["address"] or "local", "database": database}, *names(text if whole else text[:-64]))


def _failed(entries: t.Iterable[Failed]) -> t.Iterator[_Statement]:
    """Of the log; of those that failed alike the first is parsed."""
    names_of: dict[tuple[str, t.Optional[str]], tuple[set[str], set[tuple[str, str]]]] = {}
    for entry in entries:
        row: Row = {
            "database": clean(entry.database or "", 80) or _NOT_SAID,
            "user": clean(entry.user or "", 80) or _NOT_SAID,
            "application": _NOT_SAID if entry.application is None else clean(entry.application, 80),
            "address": clean(entry.address or "", 80) or _NOT_SAID,
            "pid": entry.session or _NOT_SAID,
            "query": entry.text if entry.shown is None else entry.shown,
        }
        alike = (entry.message, entry.database)
        if alike not in names_of:
            names_of[alike] = names(normalise(entry.text, "postgresql", SCAN_LIMIT))
        yield _Statement(row, *names_of[alike], entry.message)


def names(text: str) -> tuple[set[str], set[tuple[str, str]]]:
    """The tables that a statement reads or writes, and the columns that it says to be theirs."""
    local = {match[1] for match in _WITH.finditer(text)}
    tables = set()
    for match in _FROM.finditer(text):
        is_function = match[3] and match[0].split(None, 1)[0].upper() != "INTO"
        if not is_function and match[2] not in local:
            tables.add(match[2])
    columns = {(match[1], match[2]) for match in _COLUMN.finditer(text)}
    columns |= {(match[1], column) for match in _INSERT.finditer(text) for column in _QUOTED.findall(match[2])}
    return tables, {(table, column) for table, column in columns if table in tables}


def _missing(tables: t.Iterable[str], columns: set[tuple[str, str]], there: Tables) -> t.Iterator[tuple[str, str]]:
    for table in sorted(tables):
        if table not in there:
            yield "table", table
    for table, column in sorted(columns):
        if table in there and column not in there[table]:
            yield "column", f"{table}.{column}"


def _says(message: str, name: str) -> bool:
    """Whether the message, in whatever language, is about this name."""
    return re.search(rf"(?<![A-Za-z0-9_]){re.escape(name.rpartition('.')[2])}(?![A-Za-z0-9_])", message) is not None


def put(facts: Facts, found: Maybe[list[Row]], manner: Manner) -> None:
    """The measure `undefined_names`: each name once, with who asked for it."""
    if isinstance(found, Unknown):
        facts.rows("undefined_names", found, manner.top)
        return
    by_name: dict[tuple[str, str], list[Row]] = {}
    for row in found:
        by_name.setdefault((str(row["database"]), row["name"]), []).append(row)
    shown = [_shown(rows, manner) for rows in sorted(by_name.values(), key=lambda rows: -len(rows))]
    facts.rows("undefined_names", shown, manner.top)


def _shown(rows: t.Sequence[Row], manner: Manner) -> Row:
    row = rows[0]
    text, sessions = manner.text(row["query"]), {row["pid"] for row in rows}
    return {
        "database": row["database"],
        "kind": row["kind"],
        "name": row["name"],
        "sessions": _NOT_SAID if _NOT_SAID in sessions else len({str(pid) for pid in sessions}),
        "user": row["user"],
        "application": Unknown(manner.unnamed) if row["application"] in (None, "") else row["application"],
        "address": row["address"],
        "query": Unknown("texts of statements are not wanted (query_text)") if text is None else text,
    }
