# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collector of MySQL and MariaDB: its options, its instances on a host, its sampler."""

from __future__ import annotations

import time
import typing as t

from ..._collect.base import Collector, Presence, Sampler
from ..._collect.facts import Facts, Maybe, Unknown, known
from ..._collect.host_tools import HostTools
from ..._collect.problem import Lost, Problem
from ..._collect.sampling import ONE_SAMPLE
from ..._sql import locks, sql_text
from ..._sql import task_tables as task_shape
from ..._sql.sessions import Manner
from ..._texts.redact import clean
from . import activity, connect, option_file, refusal, shape, task_tables, undefined
from .discover import discover
from .fetch import Reader
from .session import Refused, Session

OPTIONS: dict[str, t.Any] = {
    "login_host": {"type": "str"},
    "login_port": {"type": "int"},
    "login_unix_socket": {"type": "path"},
    "login_user": {"type": "str"},
    "login_password": {"type": "str", "no_log": True},
    "config_file": {"type": "path"},
    "ca_cert": {"type": "path"},
    "client_cert": {"type": "path"},
    "client_key": {"type": "path"},
    "check_hostname": {"type": "bool"},
    "query_text": sql_text.QUERY_TEXT,
    "long_query_seconds": {"type": "float", "default": 1.0},
    "exempt": {"type": "list", "elements": "dict"},
    "explain_pids": {"type": "list", "elements": "int"},
}

#: How often, and at most how many times, a window is looked into for who works.
SAMPLE_SECONDS = 0.25
MAX_SAMPLES = 20


class MysqlSampler(Sampler):
    _session: t.Optional[Session] = None
    _reader: Reader
    _first: shape.Sample
    _second: t.Optional[shape.Sample] = None
    _exhausted: t.Optional[str] = None
    _programs: Maybe[dict[str, str]]
    _tools_options = ""
    _undefined: Maybe[list[dict[str, t.Any]]] = Unknown(ONE_SAMPLE)

    def __init__(self, options: dict[str, t.Any], tools: HostTools) -> None:
        super().__init__(options, tools)
        self._working: list[list[dict[str, t.Any]]] = []
        self._lock_waits: list[shape.Sample] = []
        self._streak = locks.Streak()
        self._programs = {}

    @property
    def name(self) -> str:
        return str(self.options.get("name") or self.options.get("login_unix_socket") or connect.shown(self.options))

    def first(self) -> None:
        try:
            wanted = connect.login(self.options, self.tools.secrets)
            self._tools_options = wanted.client_options
            self._session = Session(connect.connection(wanted, self.tools.timeout), self.tools.timeout)
        except refusal.Exhausted as refused:
            self._exhausted = str(refused)
            return
        try:
            self._reader = Reader.of(self._session)
            if self._reader.variables.get("offline_mode", "").upper() == "ON":
                raise Refused("other", "", refusal.OFFLINE)  # an administrator's account is let in all the same
            self._first = self._sample(None)
        except Refused as refused:
            said = clean(refused.said)
            raise refusal.told(refused.code, said, wanted.wish) or Problem(f"{wanted.place} broke off while we read it: {said}") from None

    def _sample(self, since: t.Optional[str]) -> shape.Sample:
        """Counters last in the first reading and first in the second: our own questions are then not in the window."""
        reader, early = self._reader, since is not None
        sample = shape.Sample(time.monotonic(), reader.now())
        if early:
            sample.status, sample.own = reader.status(), reader.own()
        sample.at = time.monotonic()
        sample.digests = reader.digests(since)
        sample.scans = reader.scans()
        self._read_sessions(sample)
        sample.metrics = reader.metrics()
        sample.channels, sample.binlog = reader.replication()
        sample.members = reader.group()
        if not early:
            sample.status, sample.own = reader.status(), reader.own()
        return sample

    def _read_sessions(self, sample: shape.Sample) -> None:
        reader = self._reader
        rows, transactions = reader.sessions(), reader.transactions()
        sample.transactions = transactions if isinstance(transactions, Unknown) else activity.transactions(transactions)
        self._programs = reader.programs()
        if isinstance(rows, Unknown):
            sample.sessions = rows
            return
        programs = known(self._programs) or {}
        sessions = sample.sessions = activity.sessions(rows, known(sample.transactions) or {}, programs, reader.identity.pid)
        # reading locks costs the server time: only while a session waits
        waiting = {session["wait_event"] for session in sessions if session["wait_event_type"] == "Lock"}
        if "row lock" in waiting:
            sample.row_waits = reader.row_waits()
        if "metadata lock" in waiting:
            sample.metadata_locks = reader.metadata_locks()
            sample.table_lockers = reader.table_lockers() if not sample.metadata_locks else []

    def watch(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        pause = max(SAMPLE_SECONDS, seconds / MAX_SAMPLES)
        while self._session is not None and not self._session.lost and time.monotonic() + pause < end:
            time.sleep(pause)
            self.look()
        time.sleep(max(0.0, end - time.monotonic()))

    def look(self) -> None:
        """Who is at work at this moment."""
        busy = self._reader.busy()
        if isinstance(busy, Unknown):
            return
        sessions = activity.sessions(busy, {}, known(self._programs) or {}, self._reader.identity.pid)
        working = [one for one in sessions if one["state"] == "active" and one["backend_type"] == "client backend"]
        self._working.append(working)
        if self._streak.is_due(one["pid"] for one in working if _may_wait(one)):
            sample = shape.Sample(time.monotonic(), "")
            self._read_sessions(sample)
            self._lock_waits.append(sample)

    def second(self) -> None:
        if self._session is None:
            return
        try:
            self._second = self._sample(self._first.now)
            self._undefined = undefined.read(self._reader, time.monotonic() - self._first.at)
        except Refused as refused:
            raise (Lost if self.lost else Problem)(f"{self.name} refuses an answer: {clean(refused.said)}") from None

    def facts(self, window: t.Optional[float]) -> Facts:
        if self._exhausted is not None:
            facts = shape.exhausted(self._exhausted)
            facts.put("client_options", self._tools_options)
            return facts
        manner = Manner(
            query_text=self.options.get("query_text") or "normalised",
            top=self.tools.top,
            long_seconds=self.options.get("long_query_seconds") or 0.0,
            exempt=tuple(self.options.get("exempt") or ()),
            dialect="mysql",
            unnamed=self._programs.reason if isinstance(self._programs, Unknown) else Manner.unnamed,
        )
        statements = shape.statements_of(self._first, self._second)
        texts = {}
        if not isinstance(statements, Unknown):
            wanted = [*statements.chosen(manner.top), *statements.suspects(200)]
            texts = {(row.get("schema_name"), row.get("digest")): str(row.get("text") or "") for row in self._reader.texts(wanted)}
        dictionary = self._reader.dictionary()
        material = shape.Material(self._reader, self._first, self._second, self._working, window, manner, dictionary, self._lock_waits)
        facts = shape.facts(material, statements, texts)
        undefined.put(facts, self._undefined, known(self._programs) or {}, manner)
        task_shape.put(facts, [task_tables.read(self._reader, dictionary)], "", manner)
        facts.put("plans", [shape.plan(pid, material, *self._reader.explain(pid)) for pid in self.options.get("explain_pids") or []])
        facts.put("client_options", self._tools_options)
        return facts

    @property
    def lost(self) -> bool:
        return self._session is not None and self._session.lost

    def presence(self) -> Presence:
        place = str(self.options.get("login_unix_socket") or connect.shown(self.options))
        return Presence(self.tools.processes.serving(place, "mysqld", "mariadbd"), [place], reads=option_file.server_files())

    def close(self) -> None:
        if self._session is not None:
            self._session.close()


def _may_wait(session: dict[str, t.Any]) -> bool:
    """Whether it waits for a lock, or works for so long that it may wait for a row's, which the list of processes does not say."""
    began = session["query_start"]
    return session["wait_event_type"] == "Lock" or (session["wait_event_type"] is None and began is not None and began <= -1.0)


COLLECTOR = Collector(
    "mysql",
    OPTIONS,
    MysqlSampler,
    discover,
    places=("login_host", "login_port", "login_unix_socket"),
    libraries={"pymysql": "python3-pymysql"},
    access=("login_host", "login_port", "login_unix_socket", "login_user", "config_file"),
)
