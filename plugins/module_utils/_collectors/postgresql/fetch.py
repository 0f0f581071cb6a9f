# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fetch: one reading of a server. Every question is bounded by itself; what fails is noted and the rest goes on."""

from __future__ import annotations

import dataclasses
import time
import typing as t

from . import driver, queries, schema_queries, server_queries
from .session import Session, quoted
from .statements import identifier

Row = driver.Row

#: Waiting sessions whose blockers are asked for: the function takes every partition of the lock table.
MAX_WAITING = 50
TEXT_LENGTH = 4096


@dataclasses.dataclass
class About:
    """What does not change between the samples."""

    identity: Row
    settings: dict[str, Row]
    columns: dict[str, t.Collection[str]]
    statements: t.Optional[Row] = None  # schema and columns of pg_stat_statements

    def setting(self, name: str) -> t.Optional[str]:
        row = self.settings.get(name)
        return None if row is None else row.get("setting")

    def whole(self, name: str) -> t.Optional[int]:
        value = self.setting(name)
        return int(value) if value is not None and value.lstrip("-").isdigit() else None


@dataclasses.dataclass
class Sample:
    """One reading. A part that could not be read is None (why: `Reader.unknown`)."""

    activity: t.Optional[list[Row]] = None
    blocked_by: dict[int, list[int]] = dataclasses.field(default_factory=dict)
    waits: dict[int, Row] = dataclasses.field(default_factory=dict)
    statements: t.Optional[list[Row]] = None
    statements_at: float = 0.0
    databases: t.Optional[list[Row]] = None
    databases_at: float = 0.0
    server: dict[str, t.Optional[Row]] = dataclasses.field(default_factory=dict)  # views of one row
    many: dict[str, t.Optional[list[Row]]] = dataclasses.field(default_factory=dict)  # views of several
    server_at: float = 0.0


class Reader:
    """Asks; collects the reasons of what could not be read in `unknown`, and sentences in `notes`."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.unknown: dict[str, str] = {}
        self.notes: list[str] = []

    def ask(self, measure: str, sql: str, advice: str = "", essential: bool = False) -> t.Optional[list[Row]]:
        try:
            return self.session.ask(sql, essential)
        except driver.SqlError as error:
            self.unknown.setdefault(measure, reason(error, advice))
            return None

    def about(self) -> About:
        identity = self.session.one(queries.IDENTITY)
        settings = {row["name"]: row for row in self.ask("settings", queries.SETTINGS, essential=True) or []}
        columns = {row["view"]: row["columns"] for row in self.ask("columns", queries.COLUMNS, essential=True) or []}
        about = About(identity, settings, columns)
        about.statements = self._statements_view(about)
        return about

    def _statements_view(self, about: About) -> t.Optional[Row]:
        found = self.ask("statements", queries.STATEMENTS_VIEW)
        if found is None:
            return None
        preloaded = about.setting("shared_preload_libraries")
        if not found:
            self.unknown["statements"] = _why_no_statements(about.identity, preloaded)
            return None
        view = found[0]
        if not view["usable"]:
            schema, user = quoted(view["schema"]), quoted(str(about.identity.get("user")))
            self.unknown["statements"] = f"permission denied for schema {schema}: GRANT USAGE ON SCHEMA {schema} TO {user}"
            return None
        return view

    def sample(self, about: About) -> Sample:
        sample = Sample()
        sample.activity = self.ask("connections", queries.activity(about.columns, TEXT_LENGTH), essential=True)
        self._locks(sample, about)
        sample.databases_at = time.monotonic()
        sample.databases = self.ask("databases", queries.databases(about.columns))
        self._server(sample, about)
        self.statements_into(sample, about)
        return sample

    def statements_into(self, sample: Sample, about: About) -> None:
        if about.statements is not None:
            view = about.statements
            sample.statements_at = time.monotonic()
            advice = (
                "add it there and restart the server"
                if "pg_stat_statements" not in (about.setting("shared_preload_libraries") or "")
                else ""
            )
            sample.statements = self.ask("statements", queries.statements(view["schema"], view["columns"] or ()), advice)

    def _server(self, sample: Sample, about: About) -> None:
        """The server's own work: what this version has of it."""
        columns, in_recovery = about.columns, about.identity.get("in_recovery")
        sample.server_at = time.monotonic()
        single = {
            "checkpoints": server_queries.checkpoints(columns),
            "wal": server_queries.wal(columns),
            "archiver": server_queries.ARCHIVER,
            **({"replay": server_queries.REPLAY} if in_recovery else {}),
        }
        for name, sql in single.items():
            rows = self.ask(name, sql)
            sample.server[name] = rows[0] if rows else None
        walsenders = any(row.get("backend_type") in ("walsender", None) for row in sample.activity or [])
        sample.many["replicas"] = self.ask("replicas", server_queries.REPLICAS) if walsenders else []
        if "pg_stat_io" in columns:
            sample.many["io"] = self.ask("io", server_queries.io(columns))
        else:
            self.unknown.setdefault("io", "pg_stat_io exists since PostgreSQL 16")
        if "pg_stat_wal" not in columns:
            self.unknown.update(dict.fromkeys(("wal_full_page_images", "wal_buffers_full"), "pg_stat_wal exists since PostgreSQL 14"))

    def once(self, sample: Sample, about: About) -> None:
        """What is read once, at the end: states rather than counters. Views that scan all sessions only where they matter."""
        rows, view = sample.activity or [], about.statements
        kinds = {row.get("backend_type") for row in rows}
        several = {
            "slots": server_queries.slots(about.columns),
            "prepared": server_queries.PREPARED,
            "limited_roles": server_queries.LIMITED_ROLES,
            **({"statements_info": queries.statements_info(view["schema"])} if view and view.get("has_info") else {}),
            **({"vacuuming": schema_queries.VACUUMING} if "autovacuum worker" in kinds or _runs(rows, "vacuum") else {}),
        }
        sample.many["vacuuming"] = []
        for name, sql in several.items():
            sample.many[name] = self.ask(name, sql)

    def _locks(self, sample: Sample, about: About) -> None:
        waiting = [row["pid"] for row in sample.activity or [] if row.get("wait_event_type") == "Lock"]
        if not waiting:
            return
        if len(waiting) > MAX_WAITING:
            self.notes.append(f"{len(waiting)} sessions wait for locks; who blocks was looked up for {MAX_WAITING} of them")
            waiting = waiting[:MAX_WAITING]
        blocked = self.ask("blockers", queries.blockers(waiting)) or []
        sample.blocked_by = {row["pid"]: row["blocked_by"] or [] for row in blocked}
        waits = self.ask("blockers", queries.waiting_locks(waiting, about.columns.get("pg_locks", ()))) or []
        sample.waits = {row["pid"]: row for row in waits}

    def working(self) -> t.Optional[list[Row]]:
        return self.ask("clients", queries.WORKING)

    def statement_texts(self, about: About, keys: t.Collection[tuple[t.Any, t.Any]]) -> dict[tuple[t.Any, t.Any], t.Any]:
        """The second step: texts of the chosen statements only."""
        if about.statements is None or not keys:
            return {}
        ids = sorted({key[1] for key in keys})
        rows = self.ask("statements.text", queries.statement_texts(about.statements["schema"], ids, TEXT_LENGTH)) or []
        return {(row["dbid"], identifier(row["queryid"])): row["query"] for row in rows}


def _runs(rows: t.Sequence[Row], command: str) -> bool:
    """Whether some session runs that command."""
    return any(str(row.get("query") or "").lstrip().lower().startswith(command) for row in rows)


def reason(error: driver.SqlError, advice: str = "") -> str:
    """Why a question has no answer, in one sentence."""
    texts = {
        "57014": "the server did not answer within our statement timeout: it is very busy",
        "55P03": "waited too long for a lock held by somebody else",
    }
    text = texts.get(error.code or "", str(error))
    return f"{text}: {advice}" if advice else text


def _why_no_statements(identity: Row, preloaded: t.Optional[str]) -> str:
    create = f"CREATE EXTENSION pg_stat_statements in database {identity.get('database')}, or name the database that has it by login_db"
    if preloaded is not None and "pg_stat_statements" not in preloaded:
        return f"pg_stat_statements is not loaded: add it to shared_preload_libraries, restart the server, then {create}"
    return f"pg_stat_statements is not in this database: {create}"
