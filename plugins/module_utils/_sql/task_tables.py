# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tasks of Django that wait in a table of the database (django-tasks, django-tasks-db): how many in each queue, and for how long.

The tables are known by their columns, whatever their name. Only those of the four columns are read, and so many rows at most.
"""

from __future__ import annotations

import typing as t

from .._collect.derived import put_largest, put_total
from .._collect.facts import Facts, Maybe, Unknown, known, measured
from .._collect.sampling import top
from .sessions import Manner

COLUMNS = ("status", "queue_name", "enqueued_at", "run_after")
#: The words of a task that waits: of django.tasks, and of django-tasks before 0.7.
WAITING = ("READY", "NEW")
#: django-tasks writes this year, or nothing, for a task that is not to wait for a moment.
NEVER = "9000-01-01"
#: Rows of a table that are looked at, queues that are told, tables of a database.
MOST_ROWS, MOST_QUEUES, MOST_TABLES = 10_000, 20, 5

#: Of a queue: `name`, `total`, `since` when the oldest waits and what `now` is, in seconds; `why` there is no `since`, if so.
Row = dict[str, t.Any]


class Queues(t.NamedTuple):
    """What waits in one table."""

    database: str
    table: str
    rows: Maybe[list[Row]]


def words() -> str:
    """The status of tasks that wait, as literals of SQL."""
    return ", ".join(f"'{word}'" for word in WAITING)


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
    why = str(row.get("why") or "the server does not report it")
    return {
        "database": table.database,
        "table": table.table,
        "name": row["name"],
        "waiting": measured(row["total"], why),
        "oldest_seconds": measured(age, why),
    }
