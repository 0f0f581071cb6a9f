# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The questions about one database: its tables, indexes, foreign keys, and what is being built. All are bounded."""

from __future__ import annotations

import typing as t

from .queries import epoch
from .session import numbers

MAX_TABLES = 300
MAX_INDEXES = 2000
MAX_FOREIGN_KEYS = 2000
MAX_PARTITIONS = 500

_OURS = "n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND n.nspname !~ '^pg_(toast_)?temp_'"

#: The largest tables. Row estimates of tables that were never analysed come from the statistics.
BIGGEST = f"""ARRAY(SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'm', 'p') AND {_OURS}
  ORDER BY greatest(c.reltuples, pg_stat_get_live_tuples(c.oid)) DESC, c.oid LIMIT {MAX_TABLES})"""

_TABLE = (
    "seq_scan", "seq_tup_read", "idx_scan", "idx_tup_fetch", "n_tup_ins", "n_tup_upd", "n_tup_del", "n_tup_hot_upd",
    "n_live_tup", "n_dead_tup", "n_mod_since_analyze",
)  # fmt: skip


def tables() -> str:
    fields = ", ".join(f"s.{name}" for name in _TABLE)
    return f"""SELECT c.oid::bigint AS id, n.nspname::text AS schema, c.relname::text AS name, c.relkind::text AS kind,
  c.relispartition AS partition,
  quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS quoted, c.reltuples::float8 AS estimate,
  c.relpages::bigint * current_setting('block_size')::bigint AS bytes, age(c.relfrozenxid)::bigint AS xid_age, {fields},
  coalesce(pg_stat_get_blocks_fetched(c.oid) - pg_stat_get_blocks_hit(c.oid), 0) AS blocks_read,
  {epoch("greatest(s.last_analyze, s.last_autoanalyze)", "analyzed")}, {epoch("greatest(s.last_vacuum, s.last_autovacuum)", "vacuumed")},
  {epoch("clock_timestamp()", "now")}
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_stat_all_tables s ON s.relid = c.oid
  WHERE c.oid = ANY ({BIGGEST})"""


TABLES_TOTAL = f"""SELECT count(*) AS total FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'm', 'p') AND {_OURS}"""

# pg_get_indexdef is slow (0.1 ms each): plain indexes on plain columns are described from their columns instead
_PLAIN = """i.indexprs IS NULL AND i.indpred IS NULL AND c.reloptions IS NULL AND i.indoption::text ~ '^[0 ]*$'
  AND i.indnkeyatts = i.indnatts AND i.indcollation::text ~ '^(0|100)( (0|100))*$'
  AND NOT EXISTS (SELECT FROM pg_opclass o WHERE o.oid = ANY (i.indclass::oid[]) AND NOT o.opcdefault)"""

#: Every index of users, with its definition unless that follows from its method and columns.
INDEXES = f"""SELECT i.indexrelid::bigint AS id, i.indrelid::bigint AS table_id, n.nspname::text AS schema, t.relname::text AS table,
  c.relname::text AS name, i.indisvalid AS valid, i.indisready AS ready, i.indisunique AS is_unique, i.indisprimary AS is_primary,
  i.indnkeyatts AS key_columns, i.indkey::text AS columns, a.amname::text AS method, pg_get_expr(i.indpred, i.indrelid) AS predicate,
  CASE WHEN NOT ({_PLAIN}) THEN pg_get_indexdef(i.indexrelid) END AS definition, t.relispartition AS partition,
  c.relpages::bigint * current_setting('block_size')::bigint AS bytes
  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_am a ON a.oid = c.relam
  WHERE {_OURS} ORDER BY t.relispartition, t.reltuples DESC, i.indexrelid LIMIT {MAX_INDEXES}"""

#: How much each index of the biggest tables was used (pg_top's X).
INDEX_USE = f"""SELECT i.indexrelid::bigint AS id, pg_stat_get_numscans(i.indexrelid) AS scans,
  pg_stat_get_tuples_returned(i.indexrelid) AS entries_read, pg_stat_get_tuples_fetched(i.indexrelid) AS rows_fetched
  FROM pg_index i WHERE i.indrelid = ANY ({BIGGEST}) LIMIT {MAX_INDEXES}"""

#: Foreign keys, of partitioned tables the one at the top only.
FOREIGN_KEYS = f"""SELECT k.conrelid::bigint AS table_id, k.conname::text AS name, k.confrelid::bigint AS parent_id,
  k.conkey::int[] AS columns, r.relname::text AS parent
  FROM pg_constraint k JOIN pg_class r ON r.oid = k.confrelid
  WHERE k.contype = 'f' AND k.conparentid = 0 ORDER BY k.oid LIMIT {MAX_FOREIGN_KEYS}"""


def columns(table_ids: t.Iterable[int]) -> str:
    """Columns that may refer to another table: integers and uuids, by position."""
    return f"""SELECT a.attrelid::bigint AS table_id, a.attnum AS number, a.attname::text AS name, quote_ident(a.attname) AS quoted,
  a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'uuid'::regtype) AS key_type
  FROM pg_attribute a WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attrelid IN ({numbers(table_ids)}) LIMIT 20000"""


#: Partitions, each with the table right above it.
PARTITIONS = f"""SELECT h.inhrelid::bigint AS id, h.inhparent::bigint AS parent_id, c.relkind::text AS kind, c.relname::text AS name,
  n.nspname::text AS schema, quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS quoted,
  greatest(c.reltuples, pg_stat_get_live_tuples(c.oid))::float8 AS rows, pg_stat_get_numscans(c.oid) AS seq_scan,
  pg_stat_get_tuples_returned(c.oid) AS seq_tup_read, c.relpages::bigint * current_setting('block_size')::bigint AS bytes
  FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relispartition AND c.relkind IN ('r', 'p') ORDER BY h.inhparent, h.inhrelid LIMIT {MAX_PARTITIONS}"""

#: Indexes that are being built right now (12+).
BUILDING = """SELECT p.pid, p.relid::bigint AS table_id, p.index_relid::bigint AS id, p.phase, p.blocks_total, p.blocks_done
  FROM pg_stat_progress_create_index p WHERE p.datname = current_database()"""

VACUUMING = """SELECT pid, datname::text AS database, relid::bigint AS table_id, phase, heap_blks_total, heap_blks_scanned
  FROM pg_stat_progress_vacuum"""
