# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tables and columns that the last statements of sessions name and the database does not have: code before its migration.

PostgreSQL counts no errors by kind, but a session keeps the text of its last statement, failed or not. Names in double quotes are looked
up in the catalogue, as Django writes them; what is not quoted, or not said to be a table's, is left alone.
"""

from __future__ import annotations

import re
import typing as t

from ..._collect.facts import Facts, Maybe, Unknown
from ..._sql.sessions import Manner
from ..._sql.sql_text import shown
from . import driver
from .fetch import reason
from .session import Session

Row = dict[str, t.Any]

#: Sessions whose last statement is looked at, and names that are looked up.
MOST_SESSIONS, MOST_NAMES = 200, 200
#: A name at the end of a text that the server cut may be cut as well.
CUT = 1000

_NAME = r'"([A-Za-z_][A-Za-z0-9_]{0,62})"'
_FROM = re.compile(rf"\b(?:FROM|JOIN|UPDATE|INTO)\s+(?:ONLY\s+)?(?:{_NAME}\s*\.\s*)?{_NAME}(?!\s*\.)", re.IGNORECASE)
_COLUMN = re.compile(rf"(?<!\.){_NAME}\.{_NAME}(?!\s*[.(])")
_WITH = re.compile(rf"{_NAME}\s*(?:\([^()]*\)\s*)?AS\s+(?:NOT\s+)?(?:MATERIALIZED\s*)?\(", re.IGNORECASE)
_INSERT = re.compile(rf"\bINTO\s+{_NAME}\s*\(([^()]*)\)", re.IGNORECASE)
_QUOTED = re.compile(_NAME)


def _recent(seconds: float) -> str:
    return f"""SELECT usename::text AS "user", application_name AS application, host(client_addr) AS address, substring(textsend(query)
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


def read(session: Session, database: str, seconds: float, grant: str) -> Maybe[list[Row]]:
    """What the sessions of this database named in vain within the last seconds. `grant`: what shows us the hidden ones."""
    try:
        recent = session.ask(_recent(seconds))
        hidden = any(row["hidden"] for row in recent)
        named = [(row, *names(shown(row["query"], "normalised", "postgresql") or "")) for row in recent if not row["hidden"]]
        tables = sorted({table for _row, tables, _columns in named for table in tables})[:MOST_NAMES]
        there = {row["name"]: set(row["columns"]) for row in session.ask(_catalogue(tables))} if tables else {}
    except driver.SqlError as error:
        return Unknown(f"database {database}: {reason(error)}")
    found = [
        {**row, "database": database, "name": name, "kind": kind}
        for row, used, columns in named
        for kind, name in _missing([table for table in used if table in tables], columns, there)
    ]
    return Unknown(f"the statements of some sessions are hidden from this user: {grant}") if hidden and not found else found


def names(text: str) -> tuple[set[str], set[tuple[str, str]]]:
    """The tables that a statement reads or writes, and the columns that it says to be theirs."""
    text = text[: len(text) - 64] if len(text) >= CUT else text
    local = {match[1] for match in _WITH.finditer(text)}
    tables = set()
    for match in _FROM.finditer(text):
        is_function = text[match.end() :].lstrip().startswith("(") and match[0].split(None, 1)[0].upper() != "INTO"
        if not is_function and match[2] not in local:
            tables.add(match[2])
    columns = {(match[1], match[2]) for match in _COLUMN.finditer(text)}
    columns |= {(match[1], column) for match in _INSERT.finditer(text) for column in _QUOTED.findall(match[2])}
    return tables, {(table, column) for table, column in columns if table in tables}


def _missing(tables: t.Iterable[str], columns: set[tuple[str, str]], there: t.Mapping[str, set[str]]) -> t.Iterator[tuple[str, str]]:
    for table in tables:
        if table not in there:
            yield "table", table
    for table, column in sorted(columns):
        if table in there and column not in there[table]:
            yield "column", f"{table}.{column}"


def together(parts: t.Sequence[Maybe[list[Row]]], nothing: str) -> Maybe[list[Row]]:
    """Of all databases. What is found is found; that there is nothing is known only when all were read."""
    found = [row for rows in parts if not isinstance(rows, Unknown) for row in rows]
    unread = next((rows for rows in parts if isinstance(rows, Unknown)), None if parts else Unknown(nothing))
    return found if found or unread is None else unread


def put(facts: Facts, found: Maybe[list[Row]], manner: Manner) -> None:
    """The measure `undefined_names`: each name once, with who asked for it."""
    if isinstance(found, Unknown):
        facts.rows("undefined_names", found, manner.top)
        return
    by_name: dict[tuple[str, str], Row] = {}
    for row in found:
        entry = by_name.setdefault((row["database"], row["name"]), {**row, "sessions": 0})
        entry["sessions"] += 1
    rows = [_shown(row, manner) for row in sorted(by_name.values(), key=lambda row: -row["sessions"])]
    facts.rows("undefined_names", rows, manner.top)


def _shown(row: Row, manner: Manner) -> Row:
    text = manner.text(row["query"])
    return {
        "database": row["database"],
        "kind": row["kind"],
        "name": row["name"],
        "sessions": row["sessions"],
        "user": row["user"],
        "application": row["application"] or Unknown(manner.unnamed),
        "address": row["address"] or "local",
        "query": Unknown("texts of statements are not wanted (query_text)") if text is None else text,
    }
