# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: two readings of a server as its facts."""

from __future__ import annotations

import dataclasses
import typing as t

from ..._collect.facts import Facts, Maybe, Unknown, known
from ..._sql import clients, locks, sessions
from ..._sql.sessions import Manner
from . import comparable, connections, internal_locks, replication, server, upkeep
from . import statements as statement_rows
from .fetch import About, Sample

Row = dict[str, t.Any]

#: Measures of sessions.
_OF_SESSIONS = (
    "connections", "connections_ratio", "active", "waiting_on_lock", "idle_in_transaction", "idle_in_transaction_total",
    "idle_in_transaction_longest_seconds", "idle_in_transaction_blocking", "idle_in_transaction_clients", "oldest_transaction",
    "oldest_transaction_seconds", "long_queries", "long_queries_total", "long_queries_exempt", "long_queries_longest_seconds",
    "long_queries_waits", "long_queries_on_lock", "long_queries_on_io", "long_queries_on_cpu", "blockers", "blockers_total",
    "lock_wait_longest_seconds", "clients", "clients_total", "internal_locks",
    *(f"by_{name}{total}" for name in ("state", "user", "application", "address") for total in ("", "_total")),
)  # fmt: skip


@dataclasses.dataclass
class Material:
    """What was read."""

    about: About
    first: Sample
    second: t.Optional[Sample]
    working: list[list[Row]]
    window: t.Optional[float]
    notes: list[str] = dataclasses.field(default_factory=list)
    #: Moments of the window in which sessions waited for locks.
    lock_waits: list[Sample] = dataclasses.field(default_factory=list)

    @property
    def later(self) -> t.Optional[Sample]:
        """The second reading, when there is one of sessions too."""
        return self.second if self.second is not None and not isinstance(self.second.activity, Unknown) else None

    @property
    def latest(self) -> Sample:
        return self.later or self.first


def statements_of(about: About, first: Sample, second: t.Optional[Sample]) -> Maybe[statement_rows.Statements]:
    if isinstance(first.statements, Unknown):
        return first.statements
    found = _counted_statements(about, first.statements, first, second)
    off = _switched_off(about)
    return Unknown(off) if off is not None and not found.moved else found


def _switched_off(about: About) -> t.Optional[str]:
    """Which setting keeps statements from being counted, by what it is for us: it may be another for other users."""
    for name, value, wanted in (("pg_stat_statements.track", "none", "top"), ("compute_query_id", "off", "auto")):
        if about.setting(name) == value:
            return f"{name} is {value}, so no statement is counted: ALTER SYSTEM SET {name} = {wanted}; SELECT pg_reload_conf()"
    return None


def _counted_statements(about: About, rows: list[dict[str, t.Any]], first: Sample, second: t.Optional[Sample]) -> statement_rows.Statements:
    view = known(about.statements) or {}
    mixed = about.setting("pg_stat_statements.track") == "all" and "toplevel" not in (view.get("columns") or ())
    if second is None or isinstance(second.statements, Unknown):
        return statement_rows.Statements(statement_rows.summed(rows), None, None, mixed)
    seconds = second.statements_at - first.statements_at
    return statement_rows.Statements(statement_rows.summed(rows), statement_rows.summed(second.statements), seconds, mixed)


def facts(material: Material, statements: Maybe[statement_rows.Statements], texts: t.Mapping[t.Any, t.Any], manner: Manner) -> Facts:
    about, latest = material.about, material.latest
    built = Facts()
    built.put("kind", "server")
    built.put("connections_exhausted", False)
    server.put_identity(built, about)
    _put_sessions(built, material, manner)
    server.put_databases(built, material.first, material.second, manner)
    names = {row["oid"]: row["name"] for row in known(material.first.databases) or []}
    info = latest.several("statements_info")
    view = info if isinstance(info, Unknown) else info[0] if info else Unknown("pg_stat_statements_info is empty")
    timed = about.setting("track_io_timing") != "off"
    source = statement_rows.Source(None if about.identity.get("reads_stats") else about.grant, timed, known(latest.statements) or [], view)
    statement_rows.put(built, statements, texts, names, manner, source)
    upkeep.put(built, about, material.first, material.second, manner)
    replication.put(built, about, material.first, material.later, manner)
    comparable.put_settings(built, about)
    connections.put_limits(built, latest)
    for note in material.notes:
        built.note(note)
    return built


def _put_sessions(built: Facts, material: Material, manner: Manner) -> None:
    about, sample = material.about, material.latest
    rows = sample.activity
    if isinstance(rows, Unknown):
        for name in _OF_SESSIONS:
            built.put(name, rows)
        return
    others = connections.of_the_service(about, rows)
    rows = [session for session in rows if session not in others]
    clients_only = [session for session in rows if sessions.is_client(session)]
    activity = sessions.Activity(rows, manner, connections.veiled(about, clients_only))
    trees = locks.Trees(known(sample.blocked_by) or {})
    connections.put_connections(built, about, activity, list(filter(sessions.is_client, others)))
    sessions.put_groups(built, activity)
    sessions.put_idle_in_transaction(built, activity, trees.waiting_for())
    sessions.put_oldest_transaction(built, activity)
    sessions.put_long_queries(built, activity, trees.root_of)
    internal_locks.put(built, activity)
    locks.put(built, activity, trees, sample.waits, [_lock_wait(moment, manner) for moment in material.lock_waits])
    clients.put_clients(built, activity, material.working, material.window)
    if isinstance(sample.blocked_by, Unknown):  # who blocks whom is then not known
        for name in ("blockers", "blockers_total", "idle_in_transaction_blocking"):
            built.put(name, sample.blocked_by)
    if any(sessions.clock_moved(session) for session in rows):
        built.note("the server's clock was moved back: some ages are not known until those sessions go on")


def _lock_wait(sample: Sample, manner: Manner) -> locks.Moment:
    return locks.Moment(sessions.Activity(sample.sessions, manner), locks.Trees(known(sample.blocked_by) or {}), sample.waits)
