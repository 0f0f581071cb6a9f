# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tasks of Django that wait in a table of the database (django-tasks, django-tasks-db): how many in each queue, and for how long.

The tables are known by their columns, whatever their name. Only those of the four columns are read, and so many rows at most.
"""

from __future__ import annotations

import typing as t

from ..._collect.derived import put_largest, put_total
from ..._collect.facts import Facts, Maybe, Unknown, known, measured
from ..._collect.sampling import top
from ..._sql.sessions import Manner
from . import driver
from .queries import epoch

_COLUMNS = ("status", "queue_name", "enqueued_at", "run_after")
#: The words of a task that waits: of django.tasks, and of django-tasks before 0.7.
_WAITING = ("READY", "NEW")
#: django-tasks writes this year, or nothing, for a task that is not to wait for a moment.
_NEVER = "9000-01-01"
#: Rows of a table that are looked at, queues that are told, tables of a database.
MOST_ROWS, MOST_QUEUES, MOST_TABLES = 10_000, 20, 5

Row = dict[str, t.Any]
Ask = t.Callable[[str], Maybe[list[driver.Row]]]

TABLES = f"""SELECT c.oid::bigint AS id, n.nspname::text AS schema, c.relname::text AS name,
  quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS quoted
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname LIKE '%task%' AND {len(_COLUMNS)} =
  (SELECT count(*) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = ANY (ARRAY{list(_COLUMNS)}::name[]) AND NOT a.attisdropped)
  ORDER BY c.oid LIMIT {MOST_TABLES}"""


class Queues(t.NamedTuple):
    """What waits in one table."""

    database: str
    table: str
    rows: Maybe[list[Row]]


def waiting(table: str) -> str:
    """`table`: quoted. A task waits since it was put there, or since the moment that it was to wait for."""
    words = ", ".join(f"'{word}'" for word in _WAITING)
    return f"""SELECT w.name, count(*) AS total, {epoch("min(w.since)", "since")}, {epoch("clock_timestamp()", "now")}
  FROM (SELECT queue_name::text AS name,
      CASE WHEN run_after <= statement_timestamp() THEN greatest(run_after, enqueued_at) ELSE enqueued_at END AS since
    FROM {table} WHERE status IN ({words}) AND (run_after IS NULL OR run_after <= statement_timestamp() OR run_after >= '{_NEVER}')
    LIMIT {MOST_ROWS}) AS w GROUP BY w.name ORDER BY total DESC LIMIT {MOST_QUEUES}"""


def read(ask: Ask, database: str, user: str) -> Maybe[list[Queues]]:
    """`user`: ours, quoted."""
    tables = ask(TABLES)
    if isinstance(tables, Unknown):
        return tables
    found = []
    for table in tables:
        rows = ask(waiting(table["quoted"]))
        if isinstance(rows, Unknown) and "permission denied" in rows.reason:
            rows = Unknown(f"{rows.reason}: GRANT SELECT ({', '.join(_COLUMNS)}) ON {table['quoted']} TO {user}")
        found.append(Queues(database, f"{table['schema']}.{table['name']}", rows))
    return found


def put(facts: Facts, read: t.Sequence[Maybe[list[Queues]]], nothing: str, manner: Manner) -> None:
    """`read`: of each database."""
    unread: list[Unknown] = [each for each in read if isinstance(each, Unknown)]
    tables = [table for each in read for table in known(each) or []]
    unread += [table.rows for table in tables if isinstance(table.rows, Unknown)]
    rows = [_row(table, row) for table in tables for row in known(table.rows) or []]
    if not read:
        unread.append(Unknown(nothing))
    facts.put(
        "task_queue_tables", unread[0] if unread and not tables else [f"{each.database}: {each.table}" for each in tables][: manner.top]
    )
    facts.put("task_queues", unread[0] if unread and not rows else top(rows, "waiting", manner.top))
    more = [Unknown(f"not all of {table.table} is counted, only {MOST_ROWS} of its rows") for table in tables if _whole(table) >= MOST_ROWS]
    put_total(facts, "task_queue_waiting", [0, *(row["waiting"] for row in rows), *unread, *more])
    put_largest(facts, "task_queue_oldest_seconds", [0.0, *(row["oldest_seconds"] for row in rows), *unread], "")


def _whole(table: Queues) -> int:
    return sum(row["total"] or 0 for row in known(table.rows) or [])


def _row(table: Queues, row: Row) -> Row:
    age = None if row["since"] is None or row["now"] is None else round(max(0.0, row["now"] - row["since"]), 3)
    why = "the server does not tell it"
    return {
        "database": table.database,
        "table": table.table,
        "name": row["name"],
        "waiting": measured(row["total"], why),
        "oldest_seconds": measured(age, why),
    }
