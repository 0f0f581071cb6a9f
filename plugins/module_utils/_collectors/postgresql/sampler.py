# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One server, read twice: the whole of it over one connection, its databases one after the other."""

from __future__ import annotations

import contextlib
import re
import time
import typing as t

from ..._collect import stream
from ..._collect.base import Presence, Sampler
from ..._collect.facts import Facts, Unknown, known, row
from ..._collect.host_tools import HostTools
from ..._collect.problem import Problem
from ..._collect.sampling import ONE_SAMPLE
from ..._sql import locks, task_tables
from ..._sql.sessions import Manner, is_client
from ..._texts.redact import clean
from . import (
    comparable,
    confirm,
    connect,
    connections,
    driver,
    indexes,
    plans,
    queries,
    refusal,
    server_queries,
    shape,
    tables,
    undefined,
)
from .discover import backends
from .fetch import About, Reader, Sample
from .fetch_schema import SchemaReader
from .server_log import ServerLog, Statements
from .session import Budget, Session

#: How often, and at most how many times, a window is looked into for who works.
SAMPLE_SECONDS = 0.25
MAX_SAMPLES = 10
#: Databases whose tables are read when none was named, and when all were.
FEW_DATABASES = 5
MANY_DATABASES = 20
#: With fewer free connections than this we keep to the one we have.
SPARE_CONNECTIONS = 5
#: Seconds before the window whose statements are looked at too: a page may be asked for seldom.
RECENT = 10.0


_EXEMPT_FIELDS = ("user", "application", "database", "address", "query")


def _rules(entries: t.Any) -> tuple[dict[str, str], ...]:
    """The option `exempt`, or a Problem that says what is wrong with it: a rule that silently never matches is useless."""
    for entry in entries or []:
        for name, pattern in entry.items():
            if name not in _EXEMPT_FIELDS:
                raise Problem(f"exempt: there is no field {name!r}; known are {', '.join(_EXEMPT_FIELDS)}")
            try:
                re.compile(str(pattern))
            except re.error as error:
                raise Problem(f"exempt: {name}: {pattern!r} is not a regular expression ({error})") from None
    return tuple({name: str(pattern) for name, pattern in entry.items()} for entry in entries or [])


class Server:
    """The sampler's work on a server that let us in."""

    def __init__(self, session: Session, budget: Budget, options: dict[str, t.Any], tools: HostTools) -> None:
        self.session = session
        self.budget = budget
        self.options = options
        self.tools = tools
        self.manner = Manner(
            query_text=options.get("query_text") or "normalised",
            top=tools.top,
            long_seconds=options.get("long_query_seconds") or 0.0,
            exempt=_rules(options.get("exempt")),
        )
        self.reader = Reader(session)
        self.about: About = self.reader.about()
        port, own = connect.socket_of(options)[1], self.about.identity.get("port")
        if port != own:
            self.reader.notes.append(
                f"reached through a pooler or a forwarded port ({port}, its own is {own}): the sessions here are the pooler's"
            )
        self.first: t.Optional[Sample] = None
        self.second: t.Optional[Sample] = None
        self.working: list[list[driver.Row]] = []
        self.lock_waits: list[Sample] = []
        self.schemas: list[tuple[indexes.Schema, float]] = []
        self.log: t.Optional[ServerLog] = None
        self.undefined: t.Optional[undefined.Lookup] = None

    # -- the two samples ---------------------------------------------------------------------------------------

    def read_first(self) -> None:
        self.log = ServerLog(self.reader, self.about, self.tools)
        self.first = self.reader.sample(self.about)
        names = self._databases(self.first)
        if isinstance(self.about.statements, Unknown) and (self.options.get("databases") or not self.options.get("login_db")):
            self._move_to_statements(names)
        for name in names:
            with self._in(name) as session:
                schema = None if session is None else SchemaReader(session, name, str(self.about.identity.get("user"))).whole()
                if isinstance(schema, Unknown):
                    self.reader.left_out[f"tables.{name}"] = schema.reason
                elif schema is not None:
                    self.schemas.append(schema)

    def watch(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        pause = max(SAMPLE_SECONDS, seconds / MAX_SAMPLES)
        streak = locks.Streak()
        while time.monotonic() + pause < end:
            time.sleep(pause)
            rows = self.reader.working()
            if isinstance(rows, Unknown):
                break
            self.working.append(rows)
            if streak.is_due(row["pid"] for row in rows if row["wait_event_type"] == "Lock"):
                self.lock_waits.append(self.reader.waiting(self.about))
        time.sleep(max(0.0, end - time.monotonic()))

    def read_second(self) -> None:
        self.budget.renew()
        self.second = self.reader.sample(self.about)
        self.undefined = undefined.Lookup(self.log.read() if self.log else Statements(why=ONE_SAMPLE))
        for schema, moment in self.schemas:
            with self._in(schema.database) as session:
                if session is not None:
                    SchemaReader(session, schema.database).again(schema, moment)
                    self.undefined.read(session, schema.database, time.monotonic() - moment + RECENT, self.about.grant)

    # -- which databases, and how to get into them -------------------------------------------------------------

    def _databases(self, sample: Sample) -> list[str]:
        """Those named; else the one of login_db; else the busiest."""
        rows = [row for row in known(sample.databases) or [] if row["connectable"] and not row["template"] and row["allowed"]]
        rows.sort(key=lambda row: -(row.get("tup_returned") or 0) - (row.get("tup_inserted") or 0))
        there, wanted = [row["name"] for row in rows], self.options.get("databases") or []
        if "all" in wanted:
            return there[:MANY_DATABASES]
        for name in wanted:
            if name not in there:
                self.reader.left_out[f"tables.{name}"] = f"there is no database {name} here that this user may connect to"
        if wanted:
            return [name for name in wanted if name in there]
        return [self.about.identity["database"]] if self.options.get("login_db") else there[:FEW_DATABASES]

    def _move_to_statements(self, names: t.Sequence[str]) -> None:
        """The extension lives in some database: when none was named, find one that has it and stay there."""
        for name in names:
            if name == self.about.identity["database"] or not self._spare():
                continue
            try:
                session = Session(connect.connection(self.options, self.tools.timeout, name), self.budget)
                found = session.one(queries.STATEMENTS_VIEW)
            except (driver.SqlError, Problem):
                continue
            if found.get("usable"):
                self.session.close()
                self.session = self.reader.session = session
                self.about.statements = found
                self.about.identity["database"] = name
                if self.first is not None:
                    self.reader.statements_into(self.first, self.about)
                return
            session.close()

    def _spare(self) -> bool:
        """Whether the server has connections to spare for us."""
        rows, most = self.first.sessions if self.first else [], self.about.whole("max_connections")
        used = sum(map(is_client, rows)) + 1
        return most is None or used + SPARE_CONNECTIONS <= most - (self.about.reserved or 0)

    @contextlib.contextmanager
    def _in(self, database: str) -> t.Iterator[t.Optional[Session]]:
        """A session in the database, ours or one for this moment; None (and the reason) when there is none."""
        if database == self.about.identity["database"]:
            yield self.session
            return
        session = None
        if not self._spare():
            self.reader.left_out[f"tables.{database}"] = "its tables were not read: the last free connections are left to the application"
        else:
            try:
                session = Session(connect.connection(self.options, self.tools.timeout, database), self.budget)
            except Problem as problem:
                self.reader.left_out[f"tables.{database}"] = str(problem)
        try:
            yield session
        finally:
            if session is not None:
                session.close()

    # -- facts -------------------------------------------------------------------------------------------------

    def facts(self, window: t.Optional[float]) -> Facts:
        if self.first is None:
            raise Problem("the server ended our connection before it was read")
        self.budget.renew()
        statements = shape.statements_of(self.about, self.first, self.second)
        texts = {} if isinstance(statements, Unknown) else self.reader.statement_texts(self.about, statements.chosen(self.manner.top))
        material = shape.Material(self.about, self.first, self.second, self.working, window, self.reader.notes, self.lock_waits)
        self.reader.once(material.latest, self.about)
        for sample in (material.latest, *self.lock_waits):
            self._name_locked_tables(sample)
        facts = shape.facts(material, statements, texts, self.manner)
        self._put_schemas(facts, statements, texts)
        facts.put("plans", [self._plan(pid, material.latest) for pid in self.options.get("explain_pids") or []])
        facts.unknown.update(self.reader.left_out)
        return facts

    def _name_locked_tables(self, sample: Sample) -> None:
        """Only a connection to its database can name a table: those we read are known by number."""
        databases = {row["pid"]: row.get("database") for row in sample.sessions}
        tables_of = {schema.database: schema.tables for schema, _moment in self.schemas}
        for pid, wait in sample.waits.items():
            table = tables_of.get(databases.get(pid) or "", {}).get(wait.get("relation_id") or 0)
            if wait.get("relation") is None and table is not None:
                wait["relation"] = f"{table['schema']}.{table['name']}"

    def _put_schemas(self, facts: Facts, statements: t.Any, texts: t.Mapping[t.Any, t.Any]) -> None:
        schemas = [schema for schema, _moment in self.schemas]
        nothing = "; ".join(dict.fromkeys(self.reader.left_out.values()))[:300] or "no database could be read"
        undefined.put(facts, self.undefined.outcome(nothing) if self.undefined else Unknown(ONE_SAMPLE), self.manner)
        facts.put("databases_read", [schema.database for schema in schemas])
        unread = [Unknown(reason) for name, reason in self.reader.left_out.items() if name.startswith("tables.")]
        tables.put(facts, schemas, self.manner, unread)
        comparable.put_indexes(facts, schemas, nothing)
        task_tables.put(facts, [schema.task_queues for schema in schemas], nothing, self.manner)
        names = {row["oid"]: row["name"] for row in known(self.first.databases if self.first else Unknown("")) or []}
        rows = confirm.statement_rows(statements, texts, names)
        explain = self._explain if self.options.get("confirm_by_plan") else None
        if self.about.identity.get("in_recovery"):
            facts.note("this is a replica: indexes are created on its primary")
        candidates = [row for schema in schemas if schema.unread is None for row in indexes.missing(schema)]
        confirm.put_missing(facts, schemas, candidates, rows, explain, self.manner, nothing)

    def _explain(self, database: str, text: str, user_id: t.Any) -> list[dict[str, t.Any]]:
        with self._in(database) as session:
            if session is None:
                raise plans.NotExplainable(self.reader.left_out.get(f"tables.{database}", "its database cannot be entered"))
            return plans.explain(session, text, self._role(user_id))

    def _role(self, user: t.Any) -> t.Optional[str]:
        """Who ran the statement, by id or name, when we are a superuser and may become that role."""
        if not self.about.identity.get("superuser"):
            return None
        if isinstance(user, str):
            return user
        rows = known(self.reader.ask(server_queries.ROLES)) or []
        return next((role["name"] for role in rows if role["id"] == user), None)

    def _plan(self, pid: int, sample: Sample) -> dict[str, t.Any]:
        """The plan of what the session runs right now."""
        session = next((row for row in sample.sessions if row["pid"] == pid), None)
        if session is None or not session.get("query"):
            why = "no query of this pid is running or visible"
            return {"pid": pid, "problem": why, **dict.fromkeys(("database", "query", "plan"), Unknown(why))}
        told = {"pid": pid, "database": session["database"], "query": self.manner.text(session["query"])}
        size = self.about.whole("track_activity_query_size") or 1024
        try:
            if len(str(session["query"]).encode()) >= size - 1:
                raise plans.NotExplainable("the statement is cut: raise track_activity_query_size to see its plan")
            plan, problem = self._explain(session["database"], session["query"], session["user"]), None
        except plans.NotExplainable as why_not:
            plan, problem = None, str(why_not)
        reasons = {**self.manner.why, "plan": problem or "", "problem": "there is a plan"}
        return row({**told, "plan": plan, "problem": problem}, reasons)


class PostgresqlSampler(Sampler):
    _session: t.Optional[Session] = None
    _server: t.Optional[Server] = None
    _exhausted: t.Optional[str] = None

    @property
    def name(self) -> str:
        return str(self.options.get("name") or connect.shown(self.options))

    def first(self) -> None:
        if self.options.get("login_db") == connect.CONSOLE:
            raise Problem(
                f"login_db: {connect.CONSOLE} is the console of a PgBouncer: list it under pgbouncer in launch_check_services, or use "
                "pgbouncer_stats"
            )
        try:
            connection = connect.connection(self.options, self.tools.timeout)
            budget = Budget(self.tools.timeout)
            self._session = Session(connection, budget)
            self._server = Server(self._session, budget, self.options, self.tools)
            self._server.read_first()
        except refusal.Exhausted as refused:
            self._exhausted = str(refused)
        except driver.SqlError as error:
            raise self._strange(error) from None

    def _strange(self, error: driver.SqlError) -> Problem:
        """A server's own errors have a code; without one it is libpq that did not understand, or was hung up on."""
        where = connect.shown(self.options)
        if error.code is not None:
            return Problem(f"{where} does not answer what every PostgreSQL does: {clean(str(error))}")
        if "closed the connection" in str(error):
            return Problem(f"{where} ended our connection while it was read: was it stopped or restarted just now? Ask again")
        return Problem(f"what answers at {where} does not keep to PostgreSQL's protocol: {clean(str(error), 120)}")

    def watch(self, seconds: float) -> None:
        if self._server is not None:
            self._server.watch(seconds)
        else:
            time.sleep(seconds)

    def second(self) -> None:
        if self._server is not None:
            self._server.read_second()

    def facts(self, window: t.Optional[float]) -> Facts:
        if self._server is None:
            seen = backends(self.tools, connect.socket_of(self.options)[1]) if self._is_here() else None
            return connections.exhausted(self._exhausted or "", seen)
        return self._server.facts(window)

    @property
    def lost(self) -> bool:
        session = self._server.session if self._server is not None else self._session
        return session is not None and session.lost

    def _is_here(self) -> bool:
        """Whether the instance runs on this host, so that its processes are in our table."""
        directory, _port = connect.socket_of(self.options)
        return directory is not None or (self.options.get("login_host") or "127.0.0.1") in ("127.0.0.1", "localhost", "::1")

    def presence(self) -> Presence:
        place = stream.shown(connect.address_of(self.options))
        return Presence(self.tools.processes.serving(place, "postgres", "postmaster"), [place])

    def close(self) -> None:
        for session in {self._session, self._server.session if self._server else None} - {None}:
            t.cast(Session, session).close()
