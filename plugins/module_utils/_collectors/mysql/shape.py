# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: what was read of a server as its facts."""

from __future__ import annotations

import dataclasses
import typing as t

from ..._collect.sampling import ONE_SAMPLE, Number, explain_no_window
from ..._sql import locks, sessions
from . import comparable, indexes, reasons, replication, server, waits
from . import statements as statement_rows
from .fetch import Reader
from .parse import counters

Row = dict[str, t.Any]

#: Measures that cannot be known while sessions of others are hidden from us.
_NEED_ALL_SESSIONS = (
    "active",
    "idle_in_transaction", "idle_in_transaction_total", "idle_in_transaction_longest_seconds", "idle_in_transaction_blocking",
    "long_queries", "long_queries_total", "long_queries_longest_seconds", "long_queries_on_lock", "blockers", "blockers_total",
    "lock_wait_longest_seconds", "clients", "clients_total", "replicas",
)  # fmt: skip

#: Measures of the window whose names do not say so.
_OF_THE_WINDOW = (
    *("statements_busy_sessions", "transactions", "rollbacks", "rollback_ratio", "buffer_pool_lookups", "buffer_pool_hit_ratio"),
    *("aborted_connects", "aborted_clients", "aborted_connects_ratio", "refused_connections", "deadlocks", "temporary_disk_ratio"),
)
_NEED_STATEMENTS = ("statements", "statements_total", "statements_calls_per_second", "statements_busy_sessions", "statements_unnamed_ratio")

_NEED_DICTIONARY = (
    "missing_indexes", "missing_indexes_total", "missing_indexes_suspected", "missing_indexes_hurting", "missing_indexes_hurting_rows",
    "index_definitions",
)  # fmt: skip


@dataclasses.dataclass
class Sample:
    """One reading."""

    at: float
    now: str
    status: dict[str, str] = dataclasses.field(default_factory=dict)
    own: dict[str, str] = dataclasses.field(default_factory=dict)
    metrics: dict[str, t.Optional[str]] = dataclasses.field(default_factory=dict)
    sessions: list[Row] = dataclasses.field(default_factory=list)
    transactions: dict[int, Row] = dataclasses.field(default_factory=dict)
    row_waits: list[Row] = dataclasses.field(default_factory=list)
    metadata_locks: list[Row] = dataclasses.field(default_factory=list)
    digests: list[Row] = dataclasses.field(default_factory=list)
    scans: list[Row] = dataclasses.field(default_factory=list)
    channels: list[Row] = dataclasses.field(default_factory=list)
    binlog: list[Row] = dataclasses.field(default_factory=list)

    @property
    def counted(self) -> dict[str, t.Optional[Number]]:
        """The counters without our own part."""
        found, own = counters(self.status), counters(self.own)
        return {name: value if value is None else value - (own.get(name) or 0) for name, value in found.items()}

    @property
    def all_counters(self) -> dict[str, t.Any]:
        return {**self.metrics, **self.status}


@dataclasses.dataclass
class Material:
    """What was read, and how to show it."""

    reader: Reader
    first: Sample
    second: t.Optional[Sample]
    working: list[list[Row]]
    window: t.Optional[float]
    manner: sessions.Manner
    dictionary: t.Optional[indexes.Dictionary] = None
    notes: list[str] = dataclasses.field(default_factory=list)

    @property
    def latest(self) -> Sample:
        return self.second or self.first

    @property
    def unknown(self) -> dict[str, str]:
        return self.reader.unknown


def exhausted(refusal: str) -> Row:
    """A server that has no connection left for us is up, and that is the finding."""
    why = "the server has no connection left to ask over"
    unread = (
        "connections",
        "statements",
        "threads_running",
        "missing_indexes",
        "missing_indexes_hurting",
        "replicas",
        "buffer_pool_hit_ratio",
        *_NEED_ALL_SESSIONS,
    )
    return {
        **dict.fromkeys(unread),
        "connections_exhausted": True,
        "connections_refused": refusal,
        "connections_ratio": 1.0,
        "unknown": dict.fromkeys(unread, why),
        "notes": [refusal],
    }


def statements_of(reader: Reader, first: Sample, second: t.Optional[Sample]) -> t.Optional[statement_rows.Statements]:
    if "statements" in reader.unknown:
        return None
    before = statement_rows.summed(first.digests)
    if second is None:
        return statement_rows.Statements(before, None, None)
    return statement_rows.Statements(before, statement_rows.summed(second.digests), second.at - first.at)


def facts(material: Material, statements: t.Optional[statement_rows.Statements], texts: t.Mapping[t.Any, str]) -> Row:
    first, second, reader, unknown = material.first, material.second, material.reader, material.unknown
    one, two = first.counted, None if second is None else second.counted
    gap = ONE_SAMPLE if material.window is None else None
    if server.restarted(one, two):
        gap = "the server was restarted within the window: rates are not known"
        material.notes.append(gap)
        two, one = None, two or one
    found: Row = {
        **server.identity(reader.identity, reader.variables, two or one),
        **server.connections(material.latest.status, reader.variables),
        **server.rates(one, two, material.window),
        **server.buffer_pool(one, two, reader.variables, material.window, unknown),
        **server.deadlocks(first.all_counters, None if two is None or second is None else second.all_counters, material.window),
        **_sessions(material),
        **_statements(material, statements, texts),
        **replication.facts(material.latest.channels, material.latest.binlog, material.latest.sessions),
        **_indexes(material, statements, texts),
        **comparable.settings(reader.variables),
        **comparable.indexes(None if material.dictionary is None else material.dictionary.definitions()),
    }
    _why_no_replication(found, material)
    if gap is not None:
        explain_no_window(unknown, found, gap, _OF_THE_WINDOW)
    found["unknown"], found["notes"] = unknown, material.notes
    return found


def _statements(material: Material, statements: t.Optional[statement_rows.Statements], texts: t.Mapping[t.Any, str]) -> Row:
    manner = material.manner
    seen = statement_rows.sampled(material.working, manner.query_text, manner.top)
    if statements is None:
        unread = dict.fromkeys(_NEED_STATEMENTS)
        material.unknown.update(dict.fromkeys(unread, material.unknown["statements"]))
        return {**unread, "statements_sampled": seen}
    if statements.reset:
        material.notes.append("the statement digests were reset within the window")
    lost = statements.unnamed_ratio
    if lost and lost > 0.01:
        material.notes.append(
            f"the table of statements is full: {lost:.0%} of all calls have no name; raise performance_schema_digests_size"
        )
    return {**statement_rows.facts(statements, texts, manner.query_text, manner.top), "statements_sampled": seen}


def _sessions(material: Material) -> Row:
    sample, manner, unknown = material.latest, material.manner, material.unknown
    rows = sample.sessions
    waiting = waits.waits(rows, sample.transactions, sample.row_waits, sample.metadata_locks)
    trees = locks.Trees(waiting.blocked_by)
    active = sum(row["state"] == "active" and row["backend_type"] == "client backend" for row in rows)
    found: Row = {
        **sessions.groups(rows, manner),
        **sessions.idle_in_transaction(rows, trees.waiting_for(), manner),
        **sessions.long_queries(rows, trees.root_of, manner),
        **locks.facts(rows, trees, waiting.detail, manner),
        **sessions.clients(rows, material.working, material.window, manner),
        "active": active,
        "sessions_killed": sum(row["state"] == "killed" for row in rows),
    }
    hidden = unknown.pop("transactions", None) or unknown.pop("sessions", None)
    if hidden:
        for name in _NEED_ALL_SESSIONS:
            found[name], unknown[name] = None, hidden
    else:
        found["threads_running"] = active  # the server's counter has its own threads and ours in it
    return found


def _indexes(material: Material, statements: t.Optional[statement_rows.Statements], texts: t.Mapping[t.Any, str]) -> Row:
    first, second, dictionary = material.first, material.second, material.dictionary
    seconds = None if second is None else second.at - first.at
    scanned = indexes.scans(first.scans, None if second is None else second.scans, seconds)
    if not material.reader.instrumented:
        material.unknown.setdefault("table_scans", reasons.performance_schema_off(material.reader.identity))
    if dictionary is None:
        unread = dict.fromkeys(_NEED_DICTIONARY)
        material.unknown.update(
            dict.fromkeys(unread, material.unknown.get("missing_indexes", "the dictionary of InnoDB could not be read"))
        )
        return {**unread, "table_scans": None, "table_scans_total": None}
    evidence = indexes.Evidence(statements, texts, material.working, scanned, material.latest.sessions, material.manner)
    if dictionary.untold:
        material.notes.append(
            f"MySQL does not tell the indexes of partitioned tables this way: {', '.join(dictionary.untold[:5])} not looked at"
        )
    found = {**indexes.missing(dictionary, evidence), **indexes.scan_rows(scanned, dictionary, material.manner.top)}
    if "table_scans" in material.unknown:
        found.update(table_scans=None, table_scans_total=None)
    return found


def _why_no_replication(found: Row, material: Material) -> None:
    """Not being allowed to look is not being no replica."""
    if "replication" in material.unknown:
        why = material.unknown["replication"]
        for name in ("role", "replication", "replication_broken", "replication_lag_seconds"):
            found[name], material.unknown[name] = None, why


def plan(pid: int, material: Material, rows: t.Sequence[Row], refused: t.Optional[str]) -> Row:
    """How the server goes about what the session runs; conditions and values are left out."""
    kept = ("table", "type", "possible_keys", "key", "rows", "filtered")
    running: Row = next((row for row in material.latest.sessions if row["pid"] == pid), {})
    return {
        "pid": pid,
        "database": running.get("database"),
        "query": material.manner.text(running.get("query")),
        "plan": [{name: row.get(name) for name in kept if name in row} for row in rows[:20]],
        "full_scan": any(row.get("type") == "ALL" for row in rows) if rows else None,
        "problem": refused,
    }
