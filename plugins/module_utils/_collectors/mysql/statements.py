# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: two readings of the statement digests as statements of the window and of the lifetime.

The timers of performance_schema count picoseconds. Once its table is full, everything new is counted in one row
without a digest: that is said, because nothing in that row can be named.
"""

from __future__ import annotations

import typing as t

from ..._collect.derived import per, rate, share
from ..._collect.facts import Facts, Maybe, Unknown, row
from ..._collect.sampling import ONE_SAMPLE, Number, number, ratio
from ..._sql import sql_text
from ..._sql.sessions import Manner

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


#: What stands in place of a text where statements were counted together because the table of digests was full (case Y-05).
NOT_TRACKED = "not tracked (the table of digests is full)"


def summed(digests: t.Iterable[t.Mapping[str, t.Any]]) -> dict[Key, Row]:
    """Counters by (schema, digest)."""
    by_key: dict[Key, Row] = {}
    for digest in digests:
        entry: Row = {}
        for name, column in _COLUMNS.items():
            value: t.Optional[Number] = number(digest.get(column))
            entry[name] = value * PICOSECONDS if value is not None and name.endswith("milliseconds") else value
        entry["since"] = digest.get("first_seen")
        by_key[(digest.get("schema_name"), digest.get("digest"))] = entry
    return by_key


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
        return {name: None if after[name] is None or before[name] is None else _moved(name, before[name], after[name]) for name in _COLUMNS}

    @staticmethod
    def total(rows: t.Mapping[Key, Row]) -> float:
        return sum(row["milliseconds"] or 0 for row in rows.values())

    def chosen(self, count: int) -> dict[Key, list[str]]:
        """The statements worth reading, with the lists whose head they are on."""
        found: dict[Key, list[str]] = {}
        for prefix, rows in (("", self.window), ("lifetime_", self.lifetime)):
            known = [key for key, row in rows.items() if row["calls"]]
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


def _moved(name: str, before: Number, after: Number) -> Number:
    """How far a counter moved. A timer that fell went round: 64 bits hold 213 days of statements."""
    if after < before and name.endswith("milliseconds"):
        return after - before + 2**64 * PICOSECONDS
    return max(after - before, 0)


def unnamed(rows: t.Mapping[Key, Row], what: str) -> Maybe[float]:
    """Which share of the `calls` or `milliseconds` has no name because the table of digests is full."""
    lost = sum(row[what] or 0 for key, row in rows.items() if not key[1])
    return share(lost, sum(row[what] or 0 for row in rows.values()), "no statement ran")


def _mean(row: Row) -> float:
    return (row["milliseconds"] or 0) / row["calls"] if row["calls"] else 0.0


_WHY = {
    "id": "statements without a digest are counted together",
    "database": "it ran without a default database",
    "text": "the server keeps no text of it any more, or it is not shown (see the option query_text)",
    "kind": "its text is not known",
}
IDLE, NEVER = "it did not run in the window", "it never ran"
NOT_COUNTED = "this server does not count it"


def put(facts: Facts, statements: Maybe[Statements], texts: t.Mapping[Key, str], manner: Manner) -> None:
    """Rows that are at the head of some list, by the time they took in the window (else in the lifetime)."""
    if isinstance(statements, Unknown):
        for name in ("statements", "statements_total", "statements_calls_per_second", "statements_busy_sessions",
                     "statements_unnamed_ratio", "statements_unnamed_time_ratio", "lifetime_statements_unnamed_time_ratio"):  # fmt: skip
            facts.put(name, statements)
        return
    now_total, life_total = statements.total(statements.window), statements.total(statements.lifetime)
    order = sorted(statements.chosen(manner.top).items(), key=lambda entry: _place(statements, entry[0]))
    rows = [_row(statements, key, heads, texts.get(key), manner, (now_total, life_total)) for key, heads in order[: 3 * manner.top]]
    facts.put("statements", rows)
    facts.put("statements_total", len(statements.lifetime))
    calls: Maybe[Number] = sum(one["calls"] or 0 for one in statements.window.values()) if statements.measured else Unknown(ONE_SAMPLE)
    facts.put("statements_calls_per_second", rate(calls, statements.seconds))
    facts.put("statements_busy_sessions", rate(now_total / 1000, statements.seconds) if statements.measured else Unknown(ONE_SAMPLE))
    facts.put("statements_unnamed_ratio", unnamed(statements.lifetime, "calls"))
    facts.put("lifetime_statements_unnamed_time_ratio", unnamed(statements.lifetime, "milliseconds"))
    in_window = unnamed(statements.window, "milliseconds") if statements.measured else Unknown(ONE_SAMPLE)
    lost = facts.put("statements_unnamed_time_ratio", in_window)
    if lost and lost > 0.01:
        facts.note(f"the table of statements is full: {lost:.0%} of the time has no name; raise performance_schema_digests_size")
    if statements.reset:
        facts.note("the statement digests were reset within the window")


def _place(statements: Statements, key: Key) -> tuple[float, float]:
    now = statements.window.get(key)
    return -((now or {}).get("milliseconds") or 0), -(statements.lifetime[key]["milliseconds"] or 0)


def _row(statements: Statements, key: Key, heads: list[str], raw: t.Optional[str], manner: Manner, totals: tuple[float, float]) -> Row:
    named = bool(key[1])
    life = _lifetime(statements.lifetime[key], totals[1])
    told = {
        "id": key[1] or None,
        "database": key[0],
        "text": sql_text.shown(raw, manner.query_text, "mysql") if named else NOT_TRACKED,
        "kind": sql_text.kind(raw, "mysql") if raw else None,
        "head_of": heads,
        **measures(statements.window.get(key), statements.seconds, totals[0], IDLE if statements.measured else ONE_SAMPLE),
        **{"lifetime_" + name: value for name, value in life.items()},
    }
    return row(told, _WHY)


def measures(counted: t.Optional[Row], seconds: t.Optional[float], total: float, nothing: str) -> Row:
    """One statement over a time; unknown (`nothing`) when it did not run (or there was no window)."""
    if counted is None:
        names = ("calls", "calls_per_second", "milliseconds", "share_ratio", *_PER_CALL)
        return {name: Unknown(nothing) for name in names}
    taken = _counted(counted, "milliseconds")
    return {
        "calls": _counted(counted, "calls"),
        "calls_per_second": rate(_counted(counted, "calls"), seconds),
        "milliseconds": taken if isinstance(taken, Unknown) else round(taken, 3),
        "share_ratio": share(taken, total, "no statement took any time", slack=0.001),
        **_per_call(counted, nothing),
    }


_PER_CALL = (
    "mean_milliseconds", "lock_milliseconds", "rows_per_call", "examined_per_call", "examined_per_sent", "no_index_ratio",
    "no_good_index_ratio", "disk_tables_per_call", "errors",
)  # fmt: skip


def _counted(counted: Row, name: str) -> Maybe[t.Any]:
    return Unknown(NOT_COUNTED) if counted[name] is None else counted[name]


def _per_call(counted: Row, nothing: str) -> Row:
    calls, examined = _counted(counted, "calls"), _counted(counted, "examined")
    mean = per(_counted(counted, "milliseconds"), calls, nothing)
    answered = max(1, (counted["sent"] or 0) + (counted["affected"] or 0))
    return {
        "mean_milliseconds": mean if isinstance(mean, Unknown) else round(mean, 3),
        "lock_milliseconds": per(_counted(counted, "lock_milliseconds"), calls, nothing),
        "rows_per_call": per(_counted(counted, "sent"), calls, nothing),
        "examined_per_call": per(examined, calls, nothing),
        "examined_per_sent": examined if isinstance(examined, Unknown) else round(examined / answered, 3),
        # a statement of several tables may count more than once
        "no_index_ratio": _at_most_one(per(_counted(counted, "no_index"), calls, nothing)),
        "no_good_index_ratio": _at_most_one(per(_counted(counted, "no_good_index"), calls, nothing)),
        "disk_tables_per_call": per(_counted(counted, "disk_tables"), calls, nothing),
        "errors": _counted(counted, "errors"),
    }


def _at_most_one(value: Maybe[float]) -> Maybe[float]:
    return value if isinstance(value, Unknown) else min(value, 1.0)


def _lifetime(counted: Row, total: float) -> Row:
    per_call = _per_call(counted, NEVER)
    kept = ("mean_milliseconds", "no_index_ratio", "examined_per_sent", "disk_tables_per_call")
    of_all = share(_counted(counted, "milliseconds"), total, "no statement took any time", slack=0.001)
    return {"calls": _counted(counted, "calls"), "share_ratio": of_all, **{name: per_call[name] for name in kept}}


def sampled(samples: t.Sequence[t.Sequence[Row]], manner: Manner) -> list[Row]:
    """Without performance_schema: which statements were seen running, and in how many of the looks (mytop's way)."""
    seen: dict[str, Row] = {}
    every = sum(len(sample) for sample in samples)
    for session in (session for sample in samples for session in sample):
        normal = sql_text.normalise(session.get("query"), "mysql")
        if normal:
            entry = seen.setdefault(normal, {"raw": session.get("query"), "database": session.get("database"), "samples": 0})
            entry["samples"] += 1
    return [
        row(
            {
                "text": sql_text.shown(entry["raw"], manner.query_text, "mysql"),
                "kind": sql_text.kind(entry["raw"], "mysql"),
                "database": entry["database"],
                "samples": entry["samples"],
                "share_ratio": ratio(entry["samples"], every),
            },
            _WHY,
        )
        for entry in sorted(seen.values(), key=lambda entry: -entry["samples"])[: manner.top]
    ]
