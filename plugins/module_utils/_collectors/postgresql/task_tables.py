# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The questions after tasks of Django that wait in a table of PostgreSQL."""

from __future__ import annotations

import typing as t

from ..._collect.facts import Maybe, Unknown
from ..._sql.task_tables import COLUMNS, MOST_QUEUES, MOST_ROWS, MOST_TABLES, NEVER, Queues, words
from . import driver
from .queries import epoch

Ask = t.Callable[[str], Maybe[list[driver.Row]]]

TABLES = f"""SELECT c.oid::bigint AS id, n.nspname::text AS schema, c.relname::text AS name,
  quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS quoted
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname LIKE '%task%' AND {len(COLUMNS)} =
  (SELECT count(*) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = ANY (ARRAY{list(COLUMNS)}::name[]) AND NOT a.attisdropped)
  ORDER BY c.oid LIMIT {MOST_TABLES}"""


def waiting(table: str) -> str:
    """`table`: quoted. A task waits since it was put there, or since the moment that it was to wait for."""
    return f"""SELECT w.name, count(*) AS total, {epoch("min(w.since)", "since")}, {epoch("clock_timestamp()", "now")}
  FROM (SELECT queue_name::text AS name,
      CASE WHEN run_after <= statement_timestamp() THEN greatest(run_after, enqueued_at) ELSE enqueued_at END AS since
    FROM {table} WHERE status IN ({words()}) AND (run_after IS NULL OR run_after <= statement_timestamp() OR run_after >= '{NEVER}')
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
            rows = Unknown(f"{rows.reason}: GRANT SELECT ({', '.join(COLUMNS)}) ON {table['quoted']} TO {user}")
        found.append(Queues(database, f"{table['schema']}.{table['name']}", rows))
    return found
