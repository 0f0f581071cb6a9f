# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The questions about sessions, statements and the whole server. Columns are chosen from what the views have.

Everything runs with the search path at pg_catalog. Moments leave the server as seconds since 1970, so that ages are
computed in one place; objects of users are named in quotes.
"""

from __future__ import annotations

import typing as t

from .session import numbers, quoted

Columns = t.Mapping[str, t.Collection[str]]

IDENTITY = """SELECT current_setting('server_version') AS version,
  current_setting('server_version_num')::int AS version_number, current_setting('port')::int AS port,
  pg_is_in_recovery() AS in_recovery, pg_backend_pid() AS backend, current_user::text AS "user", current_database()::text AS database,
  extract(epoch FROM pg_postmaster_start_time())::float8 AS started, extract(epoch FROM clock_timestamp())::float8 AS now,
  pg_has_role('pg_read_all_stats', 'USAGE') AS reads_stats, pg_has_role('pg_read_all_settings', 'USAGE') AS reads_settings,
  inet_server_port() AS server_port, (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS superuser"""

SETTINGS = """SELECT name::text, setting, unit, source::text, pending_restart FROM pg_settings"""

#: The system views and tables whose columns differ between versions.
CHANGING = (
    "pg_stat_activity", "pg_stat_database", "pg_stat_bgwriter", "pg_stat_checkpointer", "pg_stat_io", "pg_stat_wal",
    "pg_replication_slots", "pg_stat_wal_receiver", "pg_stat_statements_info", "pg_stat_archiver", "pg_locks",
)  # fmt: skip

COLUMNS = f"""SELECT c.relname::text AS view, array_agg(a.attname::text) AS columns
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  WHERE c.relnamespace = 'pg_catalog'::regnamespace AND c.relname IN ({", ".join(f"'{view}'" for view in CHANGING)}) GROUP BY 1"""

# the extension may sit in any schema, and be older than the server (cases P-01, P-02)
STATEMENTS_VIEW = """SELECT n.nspname::text AS schema, e.extversion AS version, has_schema_privilege(n.oid, 'USAGE') AS usable,
  (SELECT array_agg(a.attname::text) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
   WHERE c.relnamespace = n.oid AND c.relname = 'pg_stat_statements') AS columns,
  EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = n.oid AND c.relname = 'pg_stat_statements_info') AS has_info
  FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_stat_statements'"""

EXTENSION_AVAILABLE = """SELECT default_version FROM pg_available_extensions WHERE name = 'pg_stat_statements'"""


def epoch(column: str, alias: t.Optional[str] = None) -> str:
    return f"extract(epoch FROM {column})::float8 AS {alias or column}"


def chosen(wanted: t.Sequence[str], columns: t.Collection[str]) -> list[str]:
    return [name for name in wanted if name in columns]


# texts keep their own database's encoding: bytes, cut (case P-09)
_TEXT = "substring(textsend(query) FROM 1 FOR {length})"


def activity(columns: Columns, length: int) -> str:
    """Every session but our own."""
    has = columns.get("pg_stat_activity", ())
    optional = [f"{name}{'::text' if name == 'query_id' else ''}" for name in chosen(("backend_type", "leader_pid", "query_id"), has)]
    fields = [
        "pid", "datname::text AS database", 'usename::text AS "user"', "application_name AS application", "host(client_addr) AS address",
        *optional, "state", "wait_event_type", "wait_event", *map(epoch, ("backend_start", "xact_start", "query_start", "state_change")),
        f"CASE WHEN state IS DISTINCT FROM 'idle' THEN {_TEXT.format(length=int(length))} END AS query",
        "query = '<insufficient privilege>' AS hidden", epoch("clock_timestamp()", "now"),
    ]  # fmt: skip
    return f"SELECT {', '.join(fields)} FROM pg_stat_activity WHERE pid <> pg_backend_pid()"


#: What works right now, looked at several times in the window.
WORKING = f"""SELECT pid, datname::text AS database, usename::text AS "user", application_name AS application, host(client_addr) AS address,
  wait_event_type, {_TEXT.format(length=200)} AS query
  FROM pg_stat_activity
  WHERE state IN ('active', 'fastpath function call') AND backend_type = 'client backend' AND pid <> pg_backend_pid()"""


def blockers(pids: t.Iterable[int]) -> str:
    """Who blocks these sessions. The function takes every partition of the lock table: ask for waiting ones only."""
    return f"SELECT pid, pg_blocking_pids(pid) AS blocked_by FROM unnest(ARRAY[{numbers(pids)}]::int[]) AS pid"


def waiting_locks(pids: t.Iterable[int], columns_of_locks: t.Collection[str] = ()) -> str:
    """What they wait for; the object's name if it is in the database we are connected to, otherwise its number."""
    since = epoch("l.waitstart", "since") + ", " if "waitstart" in columns_of_locks else ""
    return f"""SELECT {since}l.pid, l.locktype AS lock, l.mode, l.relation::bigint AS relation_id,
  (SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = l.relation
   AND l.database IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))) AS relation
  FROM pg_locks l WHERE NOT l.granted AND l.pid IN ({numbers(pids)})"""


# few and as they are: with ten thousand statements every column and cast is felt
_COUNTERS = (
    "calls", "rows", "total_exec_time", "total_time", "shared_blks_hit", "shared_blks_read", "temp_blks_written", "shared_blk_read_time",
    "blk_read_time",
)  # fmt: skip


def statements(schema: str, columns: t.Collection[str]) -> str:
    """The counters of every statement, without the texts, which are in a file that is always read as a whole."""
    fields = chosen(("userid", "dbid", "queryid", *_COUNTERS, "toplevel"), columns)
    return f"SELECT {', '.join(fields)} FROM {quoted(schema)}.pg_stat_statements(false)"


def statement_texts(schema: str, ids: t.Iterable[str], length: int) -> str:
    """The second step: texts of the chosen ones only."""
    return f"""SELECT queryid, dbid, {_TEXT.format(length=int(length))} AS query
  FROM {quoted(schema)}.pg_stat_statements(true) WHERE queryid IN ({numbers(ids)})"""


def statements_info(schema: str) -> str:
    return f"SELECT dealloc, {epoch('stats_reset')}, {epoch('clock_timestamp()', 'now')} FROM {quoted(schema)}.pg_stat_statements_info"


_DATABASE = (
    "numbackends", "xact_commit", "xact_rollback", "blks_read", "blks_hit", "tup_returned", "tup_fetched", "tup_inserted", "tup_updated",
    "tup_deleted", "conflicts", "temp_files", "temp_bytes", "deadlocks", "checksum_failures", "blk_read_time", "blk_write_time",
    "session_time", "active_time", "idle_in_transaction_time", "sessions", "sessions_abandoned", "sessions_fatal", "sessions_killed",
)  # fmt: skip


def databases(columns: Columns) -> str:
    """Counters of every database, with what wraparound and connection limits need.

    A DROP DATABASE that was interrupted leaves one that is marked by its connection limit: nobody can enter it, and no vacuum does.
    """
    fields = ", ".join(f"s.{name}" for name in chosen(_DATABASE, columns.get("pg_stat_database", ())))
    return f"""SELECT d.oid::bigint AS oid, d.datname::text AS name, d.datallowconn AND d.datconnlimit <> -2 AS connectable,
  d.datconnlimit = -2 AS invalid, d.datistemplate AS template,
  has_database_privilege(d.oid, 'CONNECT') AS allowed, d.datconnlimit AS connection_limit, age(d.datfrozenxid)::bigint AS xid_age,
  mxid_age(d.datminmxid)::bigint AS mxid_age, {epoch("s.stats_reset", "stats_reset")}, {fields}
  FROM pg_database d LEFT JOIN pg_stat_database s ON s.datid = d.oid"""
