# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: what happened to tables and indexes in the window (pg_top's R and X), and how well they are kept."""

from __future__ import annotations

import typing as t

from ..._collect.derived import first_unknown, moved, per, put_largest, put_total, rate, share, total
from ..._collect.facts import Facts, Maybe, Unknown, known, measured
from ..._collect.sampling import ONE_SAMPLE, top
from ..._sql import sql_text
from ..._sql.sessions import Manner
from .indexes import FEW_ROWS, Schema

Row = dict[str, t.Any]

_WRITES = ("n_tup_ins", "n_tup_upd", "n_tup_del")
_NOT_TWICE = "it was not read twice"
_NOT_COUNTED = "the server does not count it (track_counts)"


def put(facts: Facts, schemas: t.Sequence[Schema], manner: Manner, unread: t.Sequence[Unknown] = ()) -> None:
    """`unread`: why tables of other databases were not read."""
    tables = [_table(schema, row) for schema in schemas for row in schema.tables.values() if row["kind"] != "p"]
    indexes = [_index(schema, row) for schema in schemas for row in schema.indexes]
    busy = sorted(
        tables,
        key=lambda row: -sum(known(row[name]) or 0 for name in ("rows_read_sequentially", "rows_fetched_by_index", "rows_written")),
    )
    kept = [row for row in tables if (known(row["rows_estimate"]) or 0) >= FEW_ROWS]
    suspects = [row for row in kept if known(row["sequential_scans"])]
    unread = [*unread, *(row["rows_estimate"] for row in tables if isinstance(row["rows_estimate"], Unknown))]
    if not schemas:
        unread = [*unread, Unknown("no database could be read")]
    never = [row for row in kept if isinstance(row["analyzed_seconds"], Unknown) and not row["analyzed"]]
    stale = [row for row in kept if row["analyzed"]]
    facts.put("tables", [_short(row) for row in busy[: manner.top]])
    put_total(facts, "tables_total", [schema.tables_total for schema in schemas] or unread[-1:])
    facts.rows("sequential_scan_suspects", [_short(row) for row in top(suspects, "rows_read_sequentially", len(suspects))], manner.top)
    put_total(facts, "sequential_scan_suspects_total", [len(suspects), *unread])
    _put_indexes(facts, schemas, indexes, manner)
    facts.rows("tables_never_analyzed", [_kept(row) for row in top(never, "rows_estimate", len(never))], manner.top)
    put_total(facts, "tables_never_analyzed_total", [len(never), *unread])
    facts.put("tables_stale", [_kept(row) for row in top(stale, "modified_ratio", manner.top) if known(row["modified_ratio"]) != 0])
    put_largest(facts, "tables_stale_ratio", [0.0, *(row["modified_ratio"] for row in stale), *unread], "")
    facts.put("tables_dead", [_kept(row) for row in top(kept, "dead_ratio", manner.top) if known(row["dead_ratio"]) != 0])
    put_largest(facts, "tables_dead_ratio", [0.0, *(row["dead_ratio"] for row in kept), *unread], "")


def _put_indexes(facts: Facts, schemas: t.Sequence[Schema], indexes: t.Sequence[Row], manner: Manner) -> None:
    unread = first_unknown(*(schema.unread for schema in schemas)) if schemas else Unknown("no database could be read")
    if unread is not None:
        for name in ("indexes", "indexes_total", "indexes_invalid", "indexes_invalid_total"):
            facts.put(name, unread)
        return
    facts.put("indexes", top([row for row in indexes if known(row["scans"])], "scans", manner.top))
    facts.put("indexes_total", len(indexes))
    facts.put("indexes_invalid", [row["name"] for row in indexes if not row["valid"]][: manner.top])
    facts.put("indexes_invalid_total", sum(not row["valid"] for row in indexes))


def _table(schema: Schema, first: Row) -> Row:
    second = schema.second.get(first["id"])
    latest = second or first
    change = {name: _moved(schema, first, second, name) for name in (*_COUNTERS, *_WRITES)}
    rows = _rows(latest)
    written = total(change[name] for name in _WRITES)
    dead = measured(latest.get("n_dead_tup"), _NOT_COUNTED)
    modified = measured(latest.get("n_mod_since_analyze"), _NOT_COUNTED)
    return {
        "database": schema.database,
        "schema": first["schema"],
        "name": first["name"],
        "rows_estimate": rows,
        "bytes": measured(first["bytes"], "its size is not known"),
        "sequential_scans": change["seq_scan"],
        "rows_read_sequentially": change["seq_tup_read"],
        "scanned_ratio": _scanned(change["seq_scan"], change["seq_tup_read"], rows),
        "index_scans": change["idx_scan"],
        "rows_fetched_by_index": change["idx_tup_fetch"],
        "rows_written": written,
        "rows_written_per_second": rate(written, schema.seconds),
        "blocks_read": change["blocks_read"],
        "lifetime_sequential_scans": measured(latest.get("seq_scan"), _NOT_COUNTED),
        "lifetime_index_scans": measured(latest.get("idx_scan"), "it has no index"),
        "analyzed": latest.get("analyzed") is not None or (latest.get("estimate") or 0) > 0,
        "analyzed_seconds": sql_text.age(latest.get("now"), latest.get("analyzed"), "it was not analyzed since the statistics began"),
        "vacuumed_seconds": sql_text.age(latest.get("now"), latest.get("vacuumed"), "it was not vacuumed since the statistics began"),
        "modified_ratio": _part(modified, rows),
        "dead_ratio": share(dead, total((dead, rows)), "it has no rows"),
    }


def _rows(latest: Row) -> Maybe[int]:
    """The larger of both estimates; one of them alone says nothing when it is that of a table that nobody analyzed yet."""
    estimates = [latest.get("estimate"), latest.get("n_live_tup")]
    most = max((int(value) for value in estimates if value is not None), default=0)
    return Unknown(_NOT_COUNTED) if most <= 0 and None in estimates else max(most, 0)


def _part(modified: Maybe[t.Any], rows: Maybe[int]) -> Maybe[float]:
    """How much of the table changed; what changed several times counts once."""
    once = modified if isinstance(modified, Unknown) or isinstance(rows, Unknown) else min(modified, rows)
    return share(once, rows, "it has no rows")


_COUNTERS = ("seq_scan", "seq_tup_read", "idx_scan", "idx_tup_fetch", "blocks_read")
_UPKEEP = ("analyzed", "analyzed_seconds", "vacuumed_seconds", "modified_ratio", "dead_ratio")


def _moved(schema: Schema, before: t.Optional[Row], after: t.Optional[Row], name: str) -> Maybe[t.Any]:
    if schema.seconds is None:
        return Unknown(ONE_SAMPLE)
    if not before or not after:
        return Unknown(_NOT_TWICE)
    return moved(before.get(name), after.get(name), "it has no index" if name.startswith("idx_") else _NOT_COUNTED, name)


def _scanned(scans: Maybe[t.Any], read: Maybe[t.Any], rows: Maybe[int]) -> Maybe[float]:
    """How much of the table a sequential scan read: near 1 it was read as a whole every time."""
    whole = scans if isinstance(scans, Unknown) else rows if isinstance(rows, Unknown) else scans * rows
    found = per(read, whole, "it was not read sequentially")
    return found if isinstance(found, Unknown) else min(found, 1.0)


def _short(row: Row) -> Row:
    return {name: value for name, value in row.items() if name not in _UPKEEP}


def _kept(row: Row) -> Row:
    names = ("database", "schema", "name", "rows_estimate", "bytes", *_UPKEEP)
    return {name: row[name] for name in names}


def _index(schema: Schema, row: Row) -> Row:
    before, after = schema.uses[0].get(row["id"], {}), schema.uses[1].get(row["id"], {})
    scans = _moved(schema, before, after, "scans")
    return {
        "database": schema.database,
        "table": f"{row['schema']}.{row['table']}",
        "name": row["name"],
        "bytes": measured(row["bytes"], "its size is not known"),
        "valid": bool(row["valid"] and row["ready"]),
        "scans": scans,
        "scans_per_second": rate(scans, schema.seconds),
        "entries_read": _moved(schema, before, after, "entries_read"),
        "rows_fetched": _moved(schema, before, after, "rows_fetched"),
        "lifetime_scans": measured(after.get("scans", before.get("scans")), _NOT_COUNTED),
    }
