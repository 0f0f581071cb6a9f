# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fetch: one reading of a server. Every query has its own limits; a failure is recorded and the rest continues."""

from __future__ import annotations

import dataclasses
import time
import typing as t

from ..._collect.facts import Maybe, Unknown, known
from . import driver, queries, schema_queries, server_queries
from .session import Session, quoted
from .statements import identifier

Row = driver.Row

#: Waiting sessions whose blockers we query: the function locks every partition of the lock table.
MAX_WAITING = 50
TEXT_LENGTH = 4096


@dataclasses.dataclass
class About:
    """What does not change between the samples."""

    identity: Row
    settings: dict[str, Row]
    columns: dict[str, t.Collection[str]]
    statements: Maybe[Row] = Unknown("pg_stat_statements was not looked for")  # its schema and columns
    unread: t.Optional[Unknown] = None  # why the settings could not be read

    @property
    def grant(self) -> str:
        """The statement that shows us what is hidden."""
        return f"GRANT pg_monitor TO {quoted(str(self.identity.get('user')))}"

    def unset(self, name: str) -> str:
        """Why a setting is not known."""
        return f"this server has no setting {name}" if self.unread is None else self.unread.reason

    @property
    def reserved(self) -> t.Optional[int]:
        """Connections that are kept for administrators: for superusers, for a role (16 and later), and for a hosting service's own."""
        names = [name for name in self.settings if name.endswith("reserved_connections")]
        kept = [self.whole(name) for name in names]
        return None if _FOR_SUPERUSERS not in names or None in kept else sum(each or 0 for each in kept)

    def setting(self, name: str) -> t.Optional[str]:
        row = self.settings.get(name)
        return None if row is None else row.get("setting")

    def whole(self, name: str) -> t.Optional[int]:
        value = self.setting(name)
        return int(value) if value is not None and value.lstrip("-").isdigit() else None


NOT_READ = Unknown("it was not read")
_FOR_SUPERUSERS = "superuser_reserved_connections"


@dataclasses.dataclass
class Sample:
    """One reading. What could not be read is Unknown."""

    activity: Maybe[list[Row]] = NOT_READ
    blocked_by: Maybe[dict[int, list[int]]] = dataclasses.field(default_factory=dict)
    waits: dict[int, Row] = dataclasses.field(default_factory=dict)
    statements: Maybe[list[Row]] = NOT_READ
    statements_at: float = 0.0
    databases: Maybe[list[Row]] = NOT_READ
    databases_at: float = 0.0
    server: dict[str, Maybe[Row]] = dataclasses.field(default_factory=dict)  # views of one row
    many: dict[str, Maybe[list[Row]]] = dataclasses.field(default_factory=dict)  # views of several
    server_at: float = 0.0

    @property
    def sessions(self) -> list[Row]:
        """The sessions, none where they could not be read."""
        return known(self.activity) or []

    def one(self, view: str) -> Maybe[Row]:
        return self.server.get(view, NOT_READ)

    def several(self, view: str) -> Maybe[list[Row]]:
        return self.many.get(view, NOT_READ)


class Reader:
    """Asks. What could not be read is `Unknown` in place of the rows; what was left out of a fact has its reason in `left_out`."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.left_out: dict[str, str] = {}
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)

    def ask(self, sql: str, advice: str = "", essential: bool = False) -> Maybe[list[Row]]:
        try:
            return self.session.ask(sql, essential)
        except driver.SqlError as error:
            return Unknown(reason(error, advice))

    def about(self) -> About:
        identity = self.session.one(queries.IDENTITY)
        if not identity.get("database"):
            raise driver.SqlError("it does not say which server it is")
        settings = self.ask(queries.SETTINGS, essential=True)
        columns = known(self.ask(queries.COLUMNS, essential=True)) or []
        about = About(identity, {row["name"]: row for row in known(settings) or []}, {row["view"]: row["columns"] or () for row in columns})
        about.unread = settings if isinstance(settings, Unknown) else None
        about.statements = self._statements_view(about)
        return about

    def _statements_view(self, about: About) -> Maybe[Row]:
        rows = self.ask(queries.STATEMENTS_VIEW)
        if isinstance(rows, Unknown):
            return rows
        if not rows:
            return Unknown(_why_no_statements(about.identity, about.setting("shared_preload_libraries")))
        view = rows[0]
        if not view["usable"]:
            schema, user = quoted(view["schema"]), quoted(str(about.identity.get("user")))
            return Unknown(f"permission denied for schema {schema}: GRANT USAGE ON SCHEMA {schema} TO {user}")
        return view

    def sample(self, about: About) -> Sample:
        sample = Sample()
        sample.activity = self.ask(queries.activity(about.columns, TEXT_LENGTH), essential=True)
        self._locks(sample, about)
        sample.databases_at = time.monotonic()
        sample.databases = self.ask(queries.databases(about.columns))
        self._server(sample, about)
        self.statements_into(sample, about)
        return sample

    def statements_into(self, sample: Sample, about: About) -> None:
        view = about.statements
        if isinstance(view, Unknown):
            sample.statements = view
            return
        sample.statements_at = time.monotonic()
        preloaded = "pg_stat_statements" in (about.setting("shared_preload_libraries") or "")
        advice = "" if preloaded else "add it there and restart the server"
        sample.statements = self.ask(queries.statements(view["schema"], view["columns"] or ()), advice)

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
            rows = self.ask(sql)
            sample.server[name] = rows if isinstance(rows, Unknown) else rows[0] if rows else Unknown("the server's view is empty")
        walsenders = any(row.get("backend_type") in ("walsender", None) for row in sample.sessions)
        sample.many["replicas"] = self.ask(server_queries.REPLICAS) if walsenders else []
        has_io = "pg_stat_io" in columns
        sample.many["io"] = self.ask(server_queries.io(columns)) if has_io else Unknown("pg_stat_io exists since PostgreSQL 16")

    def once(self, sample: Sample, about: About) -> None:
        """What is read once, at the end: states rather than counters. Views that scan all sessions only where they matter."""
        rows, view = sample.sessions, known(about.statements)
        kinds = {row.get("backend_type") for row in rows}
        several = {
            "slots": server_queries.slots(about.columns),
            "prepared": server_queries.PREPARED,
            "limited_roles": server_queries.LIMITED_ROLES,
            **({"statements_info": queries.statements_info(view["schema"])} if view and view.get("has_info") else {}),
            **({"vacuuming": schema_queries.VACUUMING} if "autovacuum worker" in kinds or _runs(rows, "vacuum") else {}),
        }
        if about.setting("archive_mode") == "always" or (about.setting("archive_mode") == "on" and not about.identity.get("in_recovery")):
            several["archive_waiting"] = server_queries.ARCHIVE_WAITING
        sample.many["vacuuming"] = []
        for name, sql in several.items():
            sample.many[name] = self.ask(sql)

    def waiting(self, about: About) -> Sample:
        """The sessions and who blocks whom among them, between two samples."""
        sample = Sample()
        sample.activity = self.ask(queries.activity(about.columns, TEXT_LENGTH))
        self._locks(sample, about)
        return sample

    def _locks(self, sample: Sample, about: About) -> None:
        waiting = [row["pid"] for row in sample.sessions if row.get("wait_event_type") == "Lock"]
        if not waiting:
            return
        if len(waiting) > MAX_WAITING:
            self.note(f"more than {MAX_WAITING} sessions wait for locks; who blocks was looked up for {MAX_WAITING} of them")
            waiting = waiting[:MAX_WAITING]
        blocked = self.ask(queries.blockers(waiting))
        sample.blocked_by = blocked if isinstance(blocked, Unknown) else {row["pid"]: row["blocked_by"] or [] for row in blocked}
        waits = known(self.ask(queries.waiting_locks(waiting, about.columns.get("pg_locks", ())))) or []
        sample.waits = {row["pid"]: row for row in waits}

    def working(self) -> Maybe[list[Row]]:
        return self.ask(queries.WORKING)

    def statement_texts(self, about: About, keys: t.Collection[tuple[t.Any, t.Any]]) -> dict[tuple[t.Any, t.Any], t.Any]:
        """The second step: texts of the chosen statements only."""
        view = about.statements
        if isinstance(view, Unknown) or not keys:
            return {}
        ids = sorted({key[1] for key in keys})
        rows = known(self.ask(queries.statement_texts(view["schema"], ids, TEXT_LENGTH))) or []
        return {(row["dbid"], identifier(row["queryid"])): row["query"] for row in rows}


def _runs(rows: t.Sequence[Row], command: str) -> bool:
    """Whether some session runs that command."""
    return any(str(row.get("query") or "").lstrip().lower().startswith(command) for row in rows)


def reason(error: driver.SqlError, advice: str = "") -> str:
    """Why a question has no answer, in one sentence."""
    texts = {
        "57014": "the server did not answer within our statement timeout: it is very busy",
        "55P03": "waited too long for a lock held by another session",
    }
    text = texts.get(error.code or "", str(error))
    return f"{text}: {advice}" if advice else text


def _why_no_statements(identity: Row, preloaded: t.Optional[str]) -> str:
    create = f"in database {identity.get('database')} CREATE EXTENSION pg_stat_statements; or name the database that has it by login_db"
    if preloaded is not None and "pg_stat_statements" not in preloaded:
        return f"pg_stat_statements is not loaded: add it to shared_preload_libraries, restart the server, then {create}"
    return f"pg_stat_statements is not in this database: {create}"
