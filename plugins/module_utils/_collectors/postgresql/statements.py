# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: two readings of pg_stat_statements as statements of the window and of the lifetime.

A statement has one row per user and per place of call (14+): they are summed by database and id (case P-14). Ids are
texts: they do not fit into the numbers of JSON readers.
"""

from __future__ import annotations

import typing as t

from ..._collect.sampling import number, rate, ratio
from ..._sql import sql_text
from ..._sql.sessions import Manner
from .session import MARK

Row = dict[str, t.Any]
Key = tuple[t.Any, t.Any]

#: Our names of the counters, and what versions call them.
_NAMES = {
    "calls": ("calls",),
    "milliseconds": ("total_exec_time", "total_time"),
    "rows": ("rows",),
    "blocks_hit": ("shared_blks_hit",),
    "blocks_read": ("shared_blks_read",),
    "temp_blocks": ("temp_blks_written",),
    "io_milliseconds": ("shared_blk_read_time", "blk_read_time"),
}
_ORDERS = ("milliseconds", "calls", "blocks_read")


def summed(rows: t.Iterable[Row]) -> dict[Key, Row]:
    """Counters by (database, statement); a counter that this version lacks is None."""
    found: dict[Key, Row] = {}
    for row in rows:
        entry = found.setdefault((row.get("dbid"), identifier(row.get("queryid"))), {**dict.fromkeys(_NAMES), "userid": row.get("userid")})
        for name, theirs in _NAMES.items():
            value = next((number(row[column]) for column in theirs if column in row), None)
            if value is not None:
                entry[name] = (entry[name] or 0) + value
    return found


def identifier(value: t.Any) -> t.Optional[str]:
    """The id as text: JSON readers lose digits of such numbers."""
    return None if value is None else str(value)


def hidden(rows: t.Iterable[Row]) -> int:
    """Rows of other users whose statement is not shown to us."""
    return sum(row.get("queryid") is None for row in rows)


class Statements:
    """`first` and `second`: counters by key; `second` is None when there was one reading only."""

    def __init__(self, first: dict[Key, Row], second: t.Optional[dict[Key, Row]], seconds: t.Optional[float]) -> None:
        self.lifetime = second if second is not None else first
        self.seconds = seconds
        self.restarted = 0
        self.window = {} if second is None else {key: self._moved(first.get(key), row) for key, row in second.items()}

    def _moved(self, before: t.Optional[Row], after: Row) -> Row:
        if before is None:
            return after  # it appeared within the window
        if (after["calls"] or 0) < (before["calls"] or 0) or (after["milliseconds"] or 0) < (before["milliseconds"] or 0):
            self.restarted += 1
            return after  # reset, or thrown out and back again: what it counts is since then
        moved = {name: None if after[name] is None or before[name] is None else max(after[name] - before[name], 0) for name in _NAMES}
        return {**moved, "userid": after["userid"]}

    def total(self, rows: dict[Key, Row]) -> float:
        return sum(row["milliseconds"] or 0 for row in rows.values())

    def chosen(self, count: int) -> dict[Key, list[str]]:
        """The statements worth reading: with the lists whose head they are on."""
        found: dict[Key, list[str]] = {}
        for prefix, rows in (("", self.window), ("lifetime_", self.lifetime)):
            known = [key for key, row in rows.items() if key[1] is not None and row["calls"]]
            for order in _ORDERS:
                for key in sorted(known, key=lambda key: -(rows[key][order] or 0))[:count]:
                    if rows[key][order]:
                        found.setdefault(key, []).append(prefix + order)
            for key in sorted(known, key=lambda key: -_mean(rows[key]))[:count]:
                found.setdefault(key, []).append(prefix + "mean")
        return found


def _mean(row: Row) -> float:
    return (row["milliseconds"] or 0) / row["calls"] if row["calls"] else 0.0


def facts(statements: Statements, texts: t.Mapping[Key, t.Any], databases: t.Mapping[t.Any, str], manner: Manner) -> Row:
    """Rows that are at the head of some list, by the time they took in the window (else in the lifetime)."""
    window_total, lifetime_total = statements.total(statements.window), statements.total(statements.lifetime)
    rows = []
    for key, heads in statements.chosen(manner.top).items():
        raw = texts.get(key)
        if raw is not None and MARK in str(raw):
            continue
        life, now = statements.lifetime[key], statements.window.get(key)
        rows.append(
            {
                "id": key[1],
                "database": databases.get(key[0]),
                "text": manner.text(raw),
                "kind": sql_text.kind(raw) if raw else None,
                "head_of": heads,
                **_measures(now, statements.seconds, window_total),
                "lifetime_calls": life["calls"],
                "lifetime_mean_milliseconds": round(_mean(life), 3),
                "lifetime_share_ratio": ratio(life["milliseconds"], lifetime_total),
                "lifetime_rows_per_call": ratio(life["rows"], life["calls"]),
            }
        )
    rows.sort(key=lambda row: (-(row["milliseconds"] or 0), -(row["lifetime_share_ratio"] or 0)))
    calls = sum(row["calls"] or 0 for row in statements.window.values())
    return {
        "statements": rows[: 3 * manner.top],
        "statements_total": len(statements.lifetime),
        "statements_calls_per_second": rate(calls, statements.seconds),
        "statements_busy_sessions": rate(window_total / 1000, statements.seconds),
    }


def _measures(row: t.Optional[Row], seconds: t.Optional[float], total: float) -> Row:
    if row is None:
        row = dict.fromkeys(_NAMES)
    return {
        "calls": row["calls"],
        "calls_per_second": rate(row["calls"], seconds),
        "milliseconds": None if row["milliseconds"] is None else round(row["milliseconds"], 3),
        "mean_milliseconds": round(_mean(row), 3) if row["calls"] else None,
        "share_ratio": ratio(row["milliseconds"], total) if row["milliseconds"] is not None else None,
        "rows_per_call": ratio(row["rows"], row["calls"]),
        "blocks_read": row["blocks_read"],
        "blocks_per_call": ratio(row["blocks_hit"] + row["blocks_read"], row["calls"]) if _blocks(row) else None,
        "temp_blocks": row["temp_blocks"],
        "io_milliseconds": None if row["io_milliseconds"] is None else round(row["io_milliseconds"], 3),
    }


def _blocks(row: Row) -> bool:
    return row["blocks_hit"] is not None and row["blocks_read"] is not None
