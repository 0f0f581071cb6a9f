# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The room of PostgreSQL: its options, its instances on a host, its probe."""

from __future__ import annotations

import time
import typing as t

from ..floor import sql
from ..floor.room import Probe, Room
from ..floor.sessions import Manner
from ..floor.tools import Tools
from . import connect, driver, shape
from .discover import discover
from .fetch import About, Reader, Sample
from .session import Session

OPTIONS: dict[str, t.Any] = {
    "login_host": {"type": "str"},
    "login_port": {"type": "int"},
    "login_unix_socket": {"type": "str"},
    "login_user": {"type": "str"},
    "login_password": {"type": "str", "no_log": True},
    "login_db": {"type": "str"},
    "ssl_mode": {"type": "str", "choices": ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]},
    "ca_cert": {"type": "path"},
    "query_text": sql.QUERY_TEXT,
    "long_query_seconds": {"type": "float", "default": 1.0},
    "exempt": {"type": "list", "elements": "dict"},
}

#: How often, and at most how many times, a window is looked into for who works.
SAMPLE_SECONDS = 0.25
MAX_SAMPLES = 20


class PostgresqlProbe(Probe):
    _session: t.Optional[Session] = None
    _reader: Reader
    _about: About
    _first: Sample
    _second: t.Optional[Sample] = None
    _exhausted: t.Optional[str] = None

    def __init__(self, options: dict[str, t.Any], tools: Tools) -> None:
        super().__init__(options, tools)
        self._working: list[list[driver.Row]] = []

    @property
    def name(self) -> str:
        return str(self.options.get("name") or connect.shown(self.options))

    def first(self) -> None:
        try:
            self._session = Session(connect.connection(self.options, self.tools.timeout), self.tools.timeout)
        except connect.Exhausted as refused:
            self._exhausted = str(refused)
            return
        self._reader = Reader(self._session)
        self._about = self._reader.about()
        self._first = self._reader.sample(self._about)

    def watch(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        pause = max(SAMPLE_SECONDS, seconds / MAX_SAMPLES)
        while self._session is not None and time.monotonic() + pause < end:
            time.sleep(pause)
            rows = self._reader.working()
            if rows is None:
                break
            self._working.append(rows)
        time.sleep(max(0.0, end - time.monotonic()))

    def second(self) -> None:
        if self._session is not None:
            self._second = self._reader.sample(self._about)

    def facts(self, window: t.Optional[float]) -> dict[str, t.Any]:
        if self._exhausted is not None:
            return shape.exhausted(self._exhausted)
        manner = Manner(
            query_text=self.options.get("query_text") or "normalised",
            top=self.tools.top,
            long_seconds=self.options.get("long_query_seconds") or 0.0,
            exempt=tuple(self.options.get("exempt") or ()),
        )
        statements = shape.statements_of(self._first, self._second)
        texts = {} if statements is None else self._reader.statement_texts(self._about, statements.chosen(manner.top))
        return shape.facts(
            shape.Material(self._about, self._first, self._second, self._working, window, self._reader.unknown, self._reader.notes),
            statements, texts, manner,
        )  # fmt: skip

    def close(self) -> None:
        if self._session is not None:
            self._session.close()


ROOM = Room(
    "postgresql", OPTIONS, PostgresqlProbe, discover,
    places=("login_host", "login_port", "login_unix_socket"),
    libraries={driver.LIBRARIES: driver.PACKAGE},
)  # fmt: skip
