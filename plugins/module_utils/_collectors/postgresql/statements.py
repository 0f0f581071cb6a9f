# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: two readings of pg_stat_statements as statements of the window and of the lifetime.

A statement has one row per user and per place of call (14+): they are summed by database and id (case P-14). With
pg_stat_statements.track = all what runs inside of a function, procedure or trigger has rows of its own, and its time is
in that of the statement around it as well: no sum over statements counts both. Ids are texts: they do not fit into the
numbers of JSON readers.
"""

from __future__ import annotations

import typing as t

from ..._collect.derived import per, rate, share
from ..._collect.facts import Facts, Maybe, Unknown, measured, row
from ..._collect.sampling import ONE_SAMPLE, number
from ..._sql import sql_text
from ..._sql.sessions import Manner
from ..._texts.counted import counted
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
#: Of the calls and the time those that a client sent itself, rather than a function, procedure or trigger.
_SENT = {"calls": "sent_calls", "milliseconds": "sent_milliseconds"}
_COUNTED = (*_NAMES, *_SENT.values())


def summed(rows: t.Iterable[Row]) -> dict[Key, Row]:
    """Counters by (database, statement); a counter that this version lacks is None."""
    by_key: dict[Key, Row] = {}
    for told in rows:
        key = (told.get("dbid"), identifier(told.get("queryid")))
        entry = by_key.setdefault(key, {**dict.fromkeys(_COUNTED), "userid": told.get("userid")})
        for name, theirs in _NAMES.items():
            value = next((number(told[column]) for column in theirs if column in told), None)
            if value is not None:
                entry[name] = (entry[name] or 0) + value
            if value is not None and name in _SENT:
                entry[_SENT[name]] = (entry[_SENT[name]] or 0) + (0 if told.get("toplevel") is False else value)
    return by_key


def identifier(value: t.Any) -> t.Optional[str]:
    """The id as text: JSON readers lose digits of such numbers."""
    return None if value is None else str(value)


def hidden(rows: t.Iterable[Row]) -> int:
    """Rows of other users whose statement is not shown to us."""
    return sum(told.get("queryid") is None for told in rows)


class Statements:
    """`first` and `second`: counters by key; `second` is None when there was one reading only."""

    def __init__(self, first: dict[Key, Row], second: t.Optional[dict[Key, Row]], seconds: t.Optional[float], mixed: bool = False) -> None:
        self.mixed = mixed  # nested statements are counted, and not told from those around them
        self.lifetime = second if second is not None else first
        self.seconds = seconds
        self.restarted = 0
        self.window = {} if second is None else {key: self._moved(first.get(key), row) for key, row in second.items()}

    def _moved(self, before: t.Optional[Row], after: Row) -> Row:
        if before is None:
            return after  # it appeared within the window
        if any((after[name] or 0) < (before[name] or 0) for name in _COUNTED):
            self.restarted += 1
            return after  # reset, or thrown out and back again (with more calls than before): what it counts is since then
        moved = {name: None if after[name] is None or before[name] is None else after[name] - before[name] for name in _COUNTED}
        return {**moved, "userid": after["userid"]}

    @property
    def moved(self) -> bool:
        """Whether any statement was counted in the window; our own are always among them."""
        return any(row["calls"] for row in self.window.values())

    def total(self, rows: dict[Key, Row]) -> float:
        """The time of all. What runs inside of a call that has not ended yet was counted before that call: it takes at least as long."""
        sent = sum(row["sent_milliseconds"] or 0 for row in rows.values())
        return max([sent, *(row["milliseconds"] or 0 for row in rows.values())])

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


_MEASURES = (
    "statements", "statements_total", "statements_hidden", "statements_calls_per_second", "statements_busy_sessions",
    "statements_evicted", "statements_since_seconds",
)  # fmt: skip
_IDLE, _NEVER = "it did not run in the window", "it never ran"
MIXED = (
    "before 1.9 of the extension (PostgreSQL 14) what functions run is not told from what clients send, and is counted twice: "
    "ALTER EXTENSION pg_stat_statements UPDATE, or ALTER SYSTEM SET pg_stat_statements.track = top"
)
_NOT_COUNTED = "this version of pg_stat_statements does not count it"
_WHY = {
    "database": "its database is gone, or not shown to us",
    "text": "its text is not kept any more, or not shown (see the option query_text)",
    "kind": "its text is not known",
}


class Source(t.NamedTuple):
    """How the statements were read: what is hidden, whether reads are timed, and the view about the view."""

    grant: t.Optional[str]  # None: we may read all, and what is hidden is a hosting service's own
    timed: bool
    rows: t.Sequence[Row]
    info: Maybe[Row]


def put(
    facts: Facts,
    statements: Maybe[Statements],
    texts: t.Mapping[Key, t.Any],
    databases: t.Mapping[t.Any, str],
    manner: Manner,
    source: Source,
) -> None:
    """Rows that are at the head of some list, by the time they took in the window (else in the lifetime)."""
    if isinstance(statements, Unknown):
        for name in _MEASURES:
            facts.put(name, statements)
        return
    totals = statements.total(statements.window), statements.total(statements.lifetime)
    chosen = statements.chosen(manner.top).items()
    own = [(key, heads) for key, heads in chosen if MARK not in str(texts.get(key) or "")]
    own.sort(key=lambda entry: _place(statements, entry[0]))
    facts.put(
        "statements",
        [_row(statements, key, heads, texts.get(key), databases, manner, totals, source.timed) for key, heads in own[: 3 * manner.top]],
    )
    count = hidden(source.rows)
    if count and source.grant is not None:
        total = f"{counted(count, 'statement of other users is', 'statements of other users are')} hidden: {source.grant}"
        facts.bound("statements_total", len(statements.lifetime), total)
    else:
        facts.put("statements_total", len(statements.lifetime))
    facts.put("statements_hidden", count)
    why = ONE_SAMPLE if statements.seconds is None else MIXED if statements.mixed else None
    unknown = None if why is None else Unknown(why)
    calls: Maybe[t.Any] = sum(counted["sent_calls"] or 0 for counted in statements.window.values()) if unknown is None else unknown
    facts.put("statements_calls_per_second", rate(calls, statements.seconds))
    facts.put("statements_busy_sessions", rate(totals[0] / 1000, statements.seconds) if unknown is None else unknown)
    if statements.mixed:
        facts.note(f"Shares of the time of all statements are larger than told: {MIXED}")
    _put_upkeep(facts, source.info)
    if statements.restarted:
        facts.note(
            f"pg_stat_statements was reset or full within the window: {counted(statements.restarted, 'statement', 'statements')} began anew"
        )


def _put_upkeep(facts: Facts, info: Maybe[Row]) -> None:
    """Whether the view had to forget statements, and since when it counts."""
    if isinstance(info, Unknown):
        facts.put("statements_evicted", info)
        facts.put("statements_since_seconds", info)
        return
    facts.put("statements_evicted", info.get("dealloc"), "the server does not report it")
    facts.put("statements_since_seconds", sql_text.age(info.get("now"), info.get("stats_reset"), "the server does not say since when"))


def _place(statements: Statements, key: Key) -> tuple[float, float]:
    now = statements.window.get(key)
    return -((now or {}).get("milliseconds") or 0), -(statements.lifetime[key]["milliseconds"] or 0)


def _row(
    statements: Statements,
    key: Key,
    heads: list[str],
    raw: t.Any,
    databases: t.Mapping[t.Any, str],
    manner: Manner,
    totals: tuple[float, float],
    timed: bool,
) -> Row:
    life = statements.lifetime[key]
    told = {
        "id": key[1],
        "database": databases.get(key[0]),
        "text": manner.text(raw),
        "kind": sql_text.kind(raw) if raw else None,
        "head_of": heads,
        **_measures(statements.window.get(key), statements.seconds, totals[0], timed, statements.mixed),
        "lifetime_calls": _counted(life, "calls"),
        "lifetime_mean_milliseconds": _rounded(per(_counted(life, "milliseconds"), _counted(life, "calls"), _NEVER)),
        "lifetime_share_ratio": share(_counted(life, "milliseconds"), totals[1], "no statement took any time", slack=0.001),
        "lifetime_rows_per_call": per(_counted(life, "rows"), _counted(life, "calls"), _NEVER),
    }
    return row(told, _WHY)


def _counted(counted: Row, name: str) -> Maybe[t.Any]:
    return measured(counted[name], _NOT_COUNTED)


def _rounded(value: Maybe[float]) -> Maybe[float]:
    return value if isinstance(value, Unknown) else round(value, 3)


def _measures(counted: t.Optional[Row], seconds: t.Optional[float], total: float, timed: bool, mixed: bool) -> Row:
    """One statement over the window."""
    names = (
        "calls", "nested_calls", "calls_per_second", "milliseconds", "mean_milliseconds", "share_ratio", "rows_per_call", "blocks_read",
        "blocks_per_call", "temp_blocks", "io_milliseconds",
    )  # fmt: skip
    if counted is None or seconds is None:
        return dict.fromkeys(names, Unknown(ONE_SAMPLE if seconds is None else _IDLE))
    calls, milliseconds, read = (_counted(counted, name) for name in ("calls", "milliseconds", "blocks_read"))
    blocks = measured(None if None in (counted["blocks_hit"], counted["blocks_read"]) else counted["blocks_hit"] + read, _NOT_COUNTED)
    untimed = Unknown("track_io_timing is off: ALTER SYSTEM SET track_io_timing = on; SELECT pg_reload_conf()")
    return {
        "calls": calls,
        "nested_calls": Unknown(MIXED) if mixed else calls if isinstance(calls, Unknown) else calls - (counted["sent_calls"] or 0),
        "calls_per_second": rate(calls, seconds),
        "milliseconds": _rounded(milliseconds),
        "mean_milliseconds": _rounded(per(milliseconds, calls, _IDLE)),
        "share_ratio": share(milliseconds, total, "no statement took any time in the window", slack=0.001),
        "rows_per_call": per(_counted(counted, "rows"), calls, _IDLE),
        "blocks_read": read,
        "blocks_per_call": per(blocks, calls, _IDLE),
        "temp_blocks": _counted(counted, "temp_blocks"),
        "io_milliseconds": _rounded(_counted(counted, "io_milliseconds")) if timed else untimed,
    }
