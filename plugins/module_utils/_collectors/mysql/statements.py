# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: two readings of the statement digests as statements of the window and of the lifetime.

The timers of performance_schema count picoseconds. Once its table is full, everything new is counted in one row
without a digest: that is said, because nothing in that row can be named.
"""

from __future__ import annotations

import typing as t

from ..._collect.sampling import Number, number, rate, ratio
from ..._sql import sql_text

Row = dict[str, t.Any]
Key = tuple[t.Optional[str], t.Optional[str]]

PICOSECONDS = 1e-9  # to milliseconds

#: Our names of the counters, and the columns. A column that this server lacks is None (case Y-06).
_COLUMNS = {
    "calls": "count_star",
    "milliseconds": "sum_timer_wait",
    "lock_milliseconds": "sum_lock_time",
    "cpu_milliseconds": "sum_cpu_time",
    "examined": "sum_rows_examined",
    "sent": "sum_rows_sent",
    "affected": "sum_rows_affected",
    "no_index": "sum_no_index_used",
    "no_good_index": "sum_no_good_index_used",
    "disk_tables": "sum_created_tmp_disk_tables",
    "errors": "sum_errors",
}
_ORDERS = ("milliseconds", "calls", "examined", "disk_tables")


def summed(rows: t.Iterable[t.Mapping[str, t.Any]]) -> dict[Key, Row]:
    """Counters by (schema, digest)."""
    found: dict[Key, Row] = {}
    for row in rows:
        entry: Row = {}
        for name, column in _COLUMNS.items():
            value: t.Optional[Number] = number(row.get(column))
            entry[name] = value * PICOSECONDS if value is not None and name.endswith("milliseconds") else value
        entry["since"] = row.get("first_seen")
        found[(row.get("schema_name"), row.get("digest"))] = entry
    return found


class Statements:
    """`first`: all counters at the first reading; `moved`: those that ran since, None when there was one reading."""

    def __init__(self, first: dict[Key, Row], moved: t.Optional[dict[Key, Row]], seconds: t.Optional[float]) -> None:
        self.lifetime = {**first, **(moved or {})}
        self.seconds = seconds
        self.measured = moved is not None
        self.reset = False
        self.window = {key: self._change(first.get(key), row) for key, row in (moved or {}).items()}
        self.window = {key: row for key, row in self.window.items() if row["calls"]}

    def _change(self, before: t.Optional[Row], after: Row) -> Row:
        if before is None:
            return after
        if (after["calls"] or 0) < (before["calls"] or 0) or after["since"] != before["since"]:
            self.reset = True  # truncated within the window: what it counts is since then
            return after
        return {name: None if after[name] is None or before[name] is None else max(after[name] - before[name], 0) for name in _COLUMNS}

    @staticmethod
    def total(rows: t.Mapping[Key, Row]) -> float:
        return sum(row["milliseconds"] or 0 for row in rows.values())

    def chosen(self, count: int) -> dict[Key, list[str]]:
        """The statements worth reading, with the lists whose head they are on."""
        found: dict[Key, list[str]] = {}
        for prefix, rows in (("", self.window), ("lifetime_", self.lifetime)):
            known = [key for key, row in rows.items() if key[1] and row["calls"]]
            for order in _ORDERS:
                for key in sorted(known, key=lambda key: -(rows[key][order] or 0))[:count]:
                    if rows[key][order]:
                        found.setdefault(key, []).append(prefix + order)
            for key in sorted(known, key=lambda key: -_mean(rows[key]))[:count]:
                found.setdefault(key, []).append(prefix + "mean")
        return found

    def suspects(self, count: int) -> list[Key]:
        """Statements without an index: the ones that took the most time, now first."""
        found: list[Key] = []
        for rows in (self.window, self.lifetime):
            without = [key for key, row in rows.items() if key[1] and row["no_index"]]
            found += sorted(without, key=lambda key: -(rows[key]["milliseconds"] or 0))[:count]
        return list(dict.fromkeys(found))

    @property
    def unnamed_ratio(self) -> t.Optional[float]:
        """Which share of the calls since the start has no name because the table of digests is full."""
        lost = sum(row["calls"] or 0 for key, row in self.lifetime.items() if not key[1])
        return ratio(lost, sum(row["calls"] or 0 for row in self.lifetime.values()))


def _mean(row: Row) -> float:
    return (row["milliseconds"] or 0) / row["calls"] if row["calls"] else 0.0


def facts(statements: Statements, texts: t.Mapping[Key, str], query_text: str, top: int) -> Row:
    """Rows that are at the head of some list, by the time they took in the window (else in the lifetime)."""
    now_total, life_total = statements.total(statements.window), statements.total(statements.lifetime)
    rows = []
    for key, heads in statements.chosen(top).items():
        raw = texts.get(key)
        rows.append(
            {
                "id": key[1],
                "database": key[0],
                "text": sql_text.shown(raw, query_text, "mysql"),
                "kind": sql_text.kind(raw, "mysql") if raw else None,
                "head_of": heads,
                **measures(statements.window.get(key), statements.seconds, now_total),
                **{"lifetime_" + name: value for name, value in _lifetime(statements.lifetime[key], life_total).items()},
            }
        )
    rows.sort(key=lambda row: (-(row["milliseconds"] or 0), -(row["lifetime_share_ratio"] or 0)))
    measured = statements.measured
    return {
        "statements": rows[: 3 * top],
        "statements_total": len(statements.lifetime),
        "statements_calls_per_second": rate(sum(row["calls"] or 0 for row in statements.window.values()), statements.seconds)
        if measured
        else None,
        "statements_busy_sessions": rate(now_total / 1000, statements.seconds) if measured else None,
        "statements_unnamed_ratio": statements.unnamed_ratio,
    }


def measures(row: t.Optional[Row], seconds: t.Optional[float], total: float) -> Row:
    """One statement in the window; all None when it did not run (or there was no window)."""
    row = row if row is not None else dict.fromkeys(_COLUMNS)
    return {
        "calls": row["calls"],
        "calls_per_second": rate(row["calls"], seconds),
        "milliseconds": None if row["milliseconds"] is None else round(row["milliseconds"], 3),
        "share_ratio": ratio(row["milliseconds"], total) if row["milliseconds"] is not None else None,
        **_per_call(row),
    }


def _per_call(row: Row) -> Row:
    calls = row["calls"]
    return {
        "mean_milliseconds": round(_mean(row), 3) if calls else None,
        "lock_milliseconds": ratio(row["lock_milliseconds"], calls),
        "rows_per_call": ratio(row["sent"], calls),
        "examined_per_call": ratio(row["examined"], calls),
        "examined_per_sent": None
        if row["examined"] is None
        else round(row["examined"] / max(1, (row["sent"] or 0) + (row["affected"] or 0)), 3),
        "no_index_ratio": _at_most_one(ratio(row["no_index"], calls)),
        "no_good_index_ratio": _at_most_one(ratio(row["no_good_index"], calls)),
        "disk_tables_per_call": ratio(row["disk_tables"], calls),
        "errors": row["errors"],
    }


def _at_most_one(value: t.Optional[float]) -> t.Optional[float]:
    return None if value is None else min(value, 1.0)


def _lifetime(row: Row, total: float) -> Row:
    per_call = _per_call(row)
    kept = ("mean_milliseconds", "no_index_ratio", "examined_per_sent", "disk_tables_per_call")
    return {"calls": row["calls"], "share_ratio": ratio(row["milliseconds"], total), **{name: per_call[name] for name in kept}}


def sampled(samples: t.Sequence[t.Sequence[Row]], query_text: str, top: int) -> list[Row]:
    """Without performance_schema: which statements were seen running, and in how many of the looks (mytop's way)."""
    seen: dict[str, Row] = {}
    every = sum(len(sample) for sample in samples)
    for sample in samples:
        for session in sample:
            normal = sql_text.normalise(session.get("query"), "mysql")
            if normal:
                row = seen.setdefault(
                    normal, {"text": None, "raw": session.get("query"), "database": session.get("database"), "samples": 0}
                )
                row["samples"] += 1
    rows = sorted(seen.values(), key=lambda row: -row["samples"])[:top]
    return [
        {
            "text": sql_text.shown(row["raw"], query_text, "mysql"),
            "kind": sql_text.kind(row["raw"], "mysql"),
            "database": row["database"],
            "samples": row["samples"],
            "share_ratio": ratio(row["samples"], every),
        }
        for row in rows
    ]
