# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rows as the PostgreSQL collector's driver gives them, for tests of its shapes; and a server that answers from memory."""

from __future__ import annotations

import datetime
import functools
import re
import typing as t
from unittest import mock

from ansible_collections.warroom.launch.plugins.module_utils._collect.problem import Problem
from ansible_collections.warroom.launch.plugins.module_utils._collectors.postgresql import sampler, typed_rows
from ansible_collections.warroom.launch.plugins.module_utils._collectors.postgresql.driver import Row, SqlError
from ansible_collections.warroom.launch.plugins.module_utils._collectors.postgresql.session import Budget, Session

from .reply_source import NOW, Clock, Facts, Source, part, recorded, rows
from .tools import FakeCommands, tools_with

MOMENTS = ("query_start", "xact_start", "state_change", "backend_start")


def activity(document: dict[str, t.Any]) -> list[dict[str, t.Any]]:
    """Rows of a case's JSON ({now, rows} with texts as moments): moments become seconds since 1970, names are ours."""

    def seconds(text: t.Optional[str]) -> t.Optional[float]:
        return None if text is None else datetime.datetime.fromisoformat(text).timestamp()

    now = seconds(document["now"])
    rows = []
    for row in document["rows"]:
        own = {name: (seconds(value) if name in MOMENTS else value) for name, value in row.items()}
        rows.append({**own, "now": now, "user": own.pop("usename"), "database": own.pop("datname"), "hidden": False})
    return rows


def session(pid: int = 1, state: str = "active", **more: t.Any) -> dict[str, t.Any]:
    """A session whose query began 10 s ago and whose transaction began 20 s ago."""
    return {
        **{"pid": pid, "state": state, "backend_type": "client backend", "hidden": False, "wait_event_type": None},
        **{"user": "app", "database": "shop", "application": "web", "address": "10.0.0.1"},
        **{"now": 1000.0, "query_start": 990.0, "state_change": 990.0, "xact_start": 980.0},
        **more,
    }


def subject(sql: str) -> str:
    """What a question is about: the first view it reads, and its first words."""
    line = " ".join(sql.split())
    view = re.search(r"\bFROM (?:\w+\.)?([\w\"]+)", line)
    return f"{view.group(1) if view else 'nothing'}: {re.sub('[0-9]+', '0', line)[:40]}"


class Recorder(Session):
    """A real session that keeps the rows of every question, by subject."""

    kept: t.ClassVar[dict[str, list[Row]]] = {}

    def ask(self, sql: str, essential: bool = False) -> list[Row]:
        answer = self.kept[subject(sql)] = super().ask(sql, essential)
        return answer


class _Memory(Session):
    """Answers from a document: subject → rows. What it lacks is refused."""

    def __init__(self, document: t.Any) -> None:  # pylint: disable=super-init-not-called
        self.document = document

    def ask(self, sql: str, essential: bool = False) -> list[Row]:
        answer = part(self.document, subject(sql))
        if answer is None:
            raise SqlError("permission denied", "42501")
        # the names of the columns are those that were asked for
        names = dict.fromkeys(name for row in _recorded().get(subject(sql)) or () for name in row)
        try:
            return typed_rows.typed({name: row.get(name) for name in names or row} for row in rows(answer) if isinstance(row, dict))
        except typed_rows.Strange as strange:
            raise SqlError(str(strange)) from None

    @property
    def lost(self) -> bool:
        return False

    def close(self) -> None:
        """Nothing to close."""


def read(first: t.Any, second: t.Any) -> Facts:
    """The facts of a server that answers with these rows, first and then."""
    session, options = _Memory(first), {"login_db": "postgres", "login_port": 5432, "login_host": "127.0.0.1"}
    with mock.patch.multiple(sampler, time=Clock(NOW)):
        try:
            server = sampler.Server(session, Budget(60.0), options, tools_with(FakeCommands()))
        except SqlError as error:  # as the sampler does
            raise Problem(str(error)) from None
        server.read_first()
        server.watch(3.0)
        session.document = second
        server.read_second()
        return server.facts(5.0).done()


def sources() -> list[Source]:
    return [Source("postgresql", "15", _recorded(), read)]


@functools.cache
def _recorded() -> t.Any:
    return recorded("postgresql/15/rows.json")
