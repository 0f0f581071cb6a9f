# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: what was read of a server as its facts."""

from __future__ import annotations

import dataclasses
import typing as t

from ..._collect.derived import Window
from ..._collect.facts import Facts, Maybe, Unknown, known, row
from ..._collect.sampling import ONE_SAMPLE, Number
from ..._sql import clients, locks, sessions
from . import comparable, galera, group, indexes, replication, server, waits
from . import statements as statement_rows
from .fetch import Reader
from .parse import counters

Row = dict[str, t.Any]

NOT_ASKED = Unknown(ONE_SAMPLE)

#: Measures that cannot be known while the sessions of others are hidden from us.
_NEED_ALL_SESSIONS = (
    "active", "sessions_killed", "oldest_transaction", "oldest_transaction_seconds",
    "idle_in_transaction", "idle_in_transaction_total", "idle_in_transaction_longest_seconds", "idle_in_transaction_blocking",
    "idle_in_transaction_clients", "long_queries", "long_queries_total", "long_queries_exempt", "long_queries_longest_seconds",
    "long_queries_waits", "long_queries_on_lock", "long_queries_on_io", "long_queries_on_cpu", "blockers", "blockers_total",
    "lock_wait_longest_seconds", "clients", "clients_total",
    *(f"by_{name}{total}" for name in ("state", "user", "application", "address") for total in ("", "_total")),
)  # fmt: skip


@dataclasses.dataclass
class Sample:
    """One reading. What could not be read is Unknown."""

    at: float
    now: str
    status: dict[str, str] = dataclasses.field(default_factory=dict)
    own: dict[str, str] = dataclasses.field(default_factory=dict)
    metrics: Maybe[dict[str, t.Optional[str]]] = NOT_ASKED
    sessions: Maybe[list[Row]] = NOT_ASKED
    transactions: Maybe[dict[int, Row]] = NOT_ASKED
    row_waits: Maybe[list[Row]] = dataclasses.field(default_factory=list)
    metadata_locks: list[Row] = dataclasses.field(default_factory=list)
    #: Sessions that locked tables by name, where metadata locks cannot be read.
    table_lockers: list[int] = dataclasses.field(default_factory=list)
    digests: Maybe[list[Row]] = NOT_ASKED
    scans: Maybe[list[Row]] = NOT_ASKED
    channels: Maybe[list[Row]] = NOT_ASKED
    binlog: Maybe[list[Row]] = NOT_ASKED
    members: Maybe[list[Row]] = NOT_ASKED

    @property
    def counted(self) -> dict[str, t.Optional[Number]]:
        """The counters without our own part."""
        all_counted, own = counters(self.status), counters(self.own)
        return {name: value if value is None else value - (own.get(name) or 0) for name, value in all_counted.items()}

    @property
    def all_counters(self) -> dict[str, t.Any]:
        return counters({**(known(self.metrics) or {}), **self.status})


@dataclasses.dataclass
class Material:
    """What was read, and how to show it."""

    reader: Reader
    first: Sample
    second: t.Optional[Sample]
    working: list[list[Row]]
    window: t.Optional[float]
    manner: sessions.Manner
    dictionary: Maybe[indexes.Dictionary]
    #: Moments of the window in which sessions waited for locks.
    lock_waits: list[Sample] = dataclasses.field(default_factory=list)

    @property
    def latest(self) -> Sample:
        return self.second or self.first

    @property
    def seconds(self) -> t.Optional[float]:
        """Between the two readings, by our clock."""
        return None if self.second is None else self.second.at - self.first.at


def exhausted(refusal: str) -> Facts:
    """A server that has no connection left for us is up, and that is the finding."""
    facts = Facts()
    why = Unknown("the server has no connection left to ask over")
    for name in ("connections", "statements", "threads_running", "missing_indexes", "missing_indexes_hurting", "replicas",
                 "buffer_pool_hit_ratio", *_NEED_ALL_SESSIONS):  # fmt: skip
        facts.put(name, why)
    facts.put("connections_exhausted", True)
    facts.put("connections_refused", refusal)
    facts.put("connections_ratio", 1.0)
    facts.note(refusal)
    return facts


def statements_of(first: Sample, second: t.Optional[Sample]) -> Maybe[statement_rows.Statements]:
    if isinstance(first.digests, Unknown):
        return first.digests
    before = statement_rows.summed(first.digests)
    if second is None:
        return statement_rows.Statements(before, None, None)
    if isinstance(second.digests, Unknown):
        return second.digests
    if server.interruption(first.counted, second.counted, second.at - first.at) == server.OTHER_SERVER:
        return Unknown(server.OTHER_SERVER)
    return statement_rows.Statements(before, statement_rows.summed(second.digests), second.at - first.at)


def facts(material: Material, statements: Maybe[statement_rows.Statements], texts: t.Mapping[t.Any, str]) -> Facts:
    built = Facts()
    first, second, reader = material.first, material.second, material.reader
    counted, later = first.counted, None if second is None else second.counted
    broken = server.interruption(counted, later, material.seconds)
    window = Window(counted, later, material.window, server.lacking, broken)
    server.put_identity(built, reader.identity, reader.variables, window)
    server.put_connections(built, material.latest.status, reader.variables)
    server.put_rates(built, window)
    server.put_buffer_pool(built, window, reader.variables)
    merged = Window(first.all_counters, None if second is None else second.all_counters, material.window, _lacking(material), broken)
    server.put_deadlocks(built, merged)
    galera.put(built, reader.variables, material.latest.status, window)
    group.put(built, reader.variables, material.latest.members)
    _put_sessions(built, material)
    statement_rows.put(built, statements, texts, material.manner)
    built.put("statements_sampled", statement_rows.sampled(material.working, material.manner))
    replication.put(built, material.latest.channels, material.latest.binlog, material.latest.sessions, reader.variables)
    _put_indexes(built, material, statements, texts)
    comparable.put_settings(built, reader.variables)
    comparable.put_indexes(built, material.dictionary)
    return built


def _lacking(material: Material) -> t.Callable[[str], str]:
    metrics = material.latest.metrics
    return (lambda _name: metrics.reason) if isinstance(metrics, Unknown) else server.lacking


def _moment(sample: Sample, manner: sessions.Manner) -> locks.Moment:
    rows, transactions = known(sample.sessions) or [], known(sample.transactions) or {}
    found = waits.waits(rows, transactions, known(sample.row_waits) or [], sample.metadata_locks, sample.table_lockers)
    return locks.Moment(sessions.Activity(rows, manner), locks.Trees(found.blocked_by), found.detail)


def _put_sessions(built: Facts, material: Material) -> None:
    sample, manner = material.latest, material.manner
    hidden = next((part for part in (sample.transactions, sample.sessions) if isinstance(part, Unknown)), None)
    if hidden is not None:
        for name in _NEED_ALL_SESSIONS:
            built.put(name, hidden)
        return
    activity, trees, waiting = _moment(sample, manner)
    sessions.put_groups(built, activity)
    sessions.put_idle_in_transaction(built, activity, trees.waiting_for())
    sessions.put_oldest_transaction(built, activity)
    sessions.put_long_queries(built, activity, trees.root_of)
    locks.put(built, activity, trees, waiting, [_moment(earlier, manner) for earlier in material.lock_waits])
    clients.put_clients(built, activity, material.working, material.window)
    if isinstance(sample.row_waits, Unknown):  # who blocks whom is then known in part only
        for name in ("blockers", "blockers_total", "idle_in_transaction_blocking"):
            built.put(name, sample.row_waits)
    active = sum(session["state"] == "active" for session in activity.clients)
    built.put("active", active)
    built.put("threads_running", active)  # the server's counter has its own threads and ours in it
    built.put("sessions_killed", sum(session["state"] == "killed" for session in activity.rows))


def _put_indexes(built: Facts, material: Material, statements: Maybe[statement_rows.Statements], texts: t.Mapping[t.Any, str]) -> None:
    second = material.second
    scanned = indexes.scans(material.first.scans, NOT_ASKED if second is None else second.scans, material.seconds)
    running = known(material.latest.sessions) or []
    evidence = indexes.Evidence(statements, texts, material.working, scanned, running, material.manner)
    indexes.put_missing(built, material.dictionary, evidence)
    indexes.put_scans(built, scanned, material.dictionary, material.manner.top)


def plan(pid: int, material: Material, rows: t.Sequence[Row], refused: t.Optional[str]) -> Row:
    """How the server goes about what the session runs; conditions and values are left out."""
    kept = ("table", "type", "possible_keys", "key", "rows", "filtered")
    running: Row = next((session for session in known(material.latest.sessions) or [] if session["pid"] == pid), {})
    none = dict.fromkeys(kept, "this step has none")
    return row(
        {
            "pid": pid,
            "database": running.get("database"),
            "query": material.manner.text(running.get("query")),
            "plan": [row({name: step.get(name) for name in kept if name in step}, none) for step in rows[:20]],
            "full_scan": any(step.get("type") == "ALL" for step in rows) if rows else None,
            "problem": refused,
        },
        {
            "database": "the session uses no database, or is gone",
            "query": "the session runs no statement, or is gone",
            "full_scan": refused or "there is no plan",
            "problem": "there is a plan",
        },
    )
