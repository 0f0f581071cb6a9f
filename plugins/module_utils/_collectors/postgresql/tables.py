# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: what happened to tables and indexes in the window (pg_top's R and X), and how well they are kept."""

from __future__ import annotations

import typing as t

from ..._collect.sampling import delta, rate, ratio, top, total
from ..._sql import sql_text
from ..._sql.sessions import Manner
from .indexes import FEW_ROWS, Schema

Row = dict[str, t.Any]

_WRITES = ("n_tup_ins", "n_tup_upd", "n_tup_del")


def facts(schemas: t.Sequence[Schema], manner: Manner) -> Row:
    tables = [_table(schema, row) for schema in schemas for row in schema.tables.values() if row["kind"] != "p"]
    indexes = [_index(schema, row) for schema in schemas for row in schema.indexes]
    busy = sorted(
        tables, key=lambda row: -(row["rows_read_sequentially"] or 0) - (row["rows_fetched_by_index"] or 0) - (row["rows_written"] or 0)
    )
    suspects = [row for row in tables if row["sequential_scans"] and row["rows_estimate"] >= FEW_ROWS]
    kept = [row for row in tables if row["rows_estimate"] >= FEW_ROWS]
    never = [row for row in kept if row["analyzed_seconds"] is None and not row["analyzed"]]
    stale = [row for row in kept if row["modified_ratio"] is not None and row["analyzed"]]
    return {
        "tables": [_short(row) for row in busy[: manner.top]],
        "tables_total": total(*(schema.tables_total for schema in schemas)) if schemas else None,
        "sequential_scan_suspects": [_short(row) for row in top(suspects, "rows_read_sequentially", manner.top)],
        "sequential_scan_suspects_total": len(suspects),
        "indexes": top([row for row in indexes if row["scans"]], "scans", manner.top),
        "indexes_total": len(indexes),
        "indexes_invalid": [row["name"] for row in indexes if not row["valid"]][: manner.top],
        "indexes_invalid_total": sum(not row["valid"] for row in indexes),
        "tables_never_analyzed": [_kept(row) for row in top(never, "rows_estimate", manner.top)],
        "tables_never_analyzed_total": len(never),
        "tables_stale": [_kept(row) for row in top(stale, "modified_ratio", manner.top) if row["modified_ratio"]],
        "tables_stale_ratio": max((row["modified_ratio"] for row in stale), default=0.0),
        "tables_dead": [_kept(row) for row in top(kept, "dead_ratio", manner.top) if row["dead_ratio"]],
        "tables_dead_ratio": max((row["dead_ratio"] or 0.0 for row in kept), default=0.0),
    }


def _table(schema: Schema, first: Row) -> Row:
    second = schema.second.get(first["id"])
    latest = second or first
    moved = {name: delta(first.get(name), second.get(name)) if second else None for name in (*_COUNTERS, *_WRITES)}
    rows = max(latest.get("estimate") or 0, latest.get("n_live_tup") or 0, 0)
    written = total(*(moved[name] for name in _WRITES))
    return {
        "database": schema.database,
        "schema": first["schema"],
        "name": first["name"],
        "rows_estimate": int(rows),
        "bytes": first["bytes"],
        "sequential_scans": moved["seq_scan"],
        "rows_read_sequentially": moved["seq_tup_read"],
        "scanned_ratio": _scanned(moved["seq_scan"], moved["seq_tup_read"], rows),
        "index_scans": moved["idx_scan"],
        "rows_fetched_by_index": moved["idx_tup_fetch"],
        "rows_written": written,
        "rows_written_per_second": rate(written, schema.seconds),
        "blocks_read": moved["blocks_read"],
        "lifetime_sequential_scans": latest.get("seq_scan"),
        "lifetime_index_scans": latest.get("idx_scan"),
        "analyzed": latest.get("analyzed") is not None or (latest.get("estimate") or 0) > 0,
        "analyzed_seconds": sql_text.age(latest.get("now"), latest.get("analyzed")),
        "vacuumed_seconds": sql_text.age(latest.get("now"), latest.get("vacuumed")),
        "modified_ratio": ratio(min(latest.get("n_mod_since_analyze") or 0, rows), rows),
        "dead_ratio": ratio(latest.get("n_dead_tup") or 0, (latest.get("n_dead_tup") or 0) + rows),
    }


_COUNTERS = ("seq_scan", "seq_tup_read", "idx_scan", "idx_tup_fetch", "blocks_read")
_UPKEEP = ("analyzed", "analyzed_seconds", "vacuumed_seconds", "modified_ratio", "dead_ratio")


def _scanned(scans: t.Any, read: t.Any, rows: float) -> t.Optional[float]:
    """How much of the table a sequential scan read: near 1 it was read as a whole every time."""
    whole = ratio(read, (scans or 0) * rows)
    return None if whole is None else min(whole, 1.0)


def _short(row: Row) -> Row:
    return {name: value for name, value in row.items() if name not in _UPKEEP}


def _kept(row: Row) -> Row:
    names = ("database", "schema", "name", "rows_estimate", "bytes", *_UPKEEP)
    return {name: row[name] for name in names}


def _index(schema: Schema, row: Row) -> Row:
    before, after = schema.uses[0].get(row["id"], {}), schema.uses[1].get(row["id"], {})
    scans = delta(before.get("scans"), after.get("scans"))
    return {
        "database": schema.database,
        "table": f"{row['schema']}.{row['table']}",
        "name": row["name"],
        "bytes": row["bytes"],
        "valid": bool(row["valid"] and row["ready"]),
        "scans": scans,
        "scans_per_second": rate(scans, schema.seconds),
        "entries_read": delta(before.get("entries_read"), after.get("entries_read")),
        "rows_fetched": delta(before.get("rows_fetched"), after.get("rows_fetched")),
        "lifetime_scans": after.get("scans", before.get("scans")),
    }
