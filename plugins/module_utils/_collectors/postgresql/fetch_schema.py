# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fetch: the tables and indexes of one database, which only a connection to that database can see."""

from __future__ import annotations

import time

from ..._collect.derived import first_unknown
from ..._collect.facts import Maybe, Unknown, known, measured
from . import driver, schema_queries, task_tables
from .fetch import reason
from .indexes import Schema
from .session import Session, quoted


class SchemaReader:
    """Reads one database."""

    def __init__(self, session: Session, database: str, user: str = "") -> None:
        self._session = session
        self._database = database
        self._user = quoted(user)

    def _ask(self, sql: str) -> Maybe[list[driver.Row]]:
        try:
            return self._session.ask(sql)
        except driver.SqlError as error:
            return Unknown(f"database {self._database}: {reason(error)}")

    def whole(self) -> Maybe[tuple[Schema, float]]:
        """Everything about the database, and when its tables were read."""
        rows = self._ask(schema_queries.tables())
        moment = time.monotonic()
        if isinstance(rows, Unknown):
            return rows
        schema = Schema(self._database, {row["id"]: row for row in rows})
        total = self._ask(schema_queries.TABLES_TOTAL)
        schema.tables_total = total if isinstance(total, Unknown) else measured(total[0]["total"], "the server does not report it")
        schema.uses = (self._use(), {})
        schema.task_queues = task_tables.read(self._ask, self._database, self._user)
        indexes, keys, partitions = (
            self._ask(sql) for sql in (schema_queries.INDEXES, schema_queries.FOREIGN_KEYS, schema_queries.PARTITIONS)
        )
        columns: Maybe[list[driver.Row]] = self._ask(schema_queries.columns(schema.tables)) if schema.tables else []
        schema.unread = first_unknown(indexes, keys, partitions, columns)
        if schema.unread is not None:
            return schema, moment
        schema.indexes, schema.foreign_keys, schema.partitions = known(indexes) or [], known(keys) or [], known(partitions) or []
        for column in known(columns) or []:
            schema.columns.setdefault(column["table_id"], {})[column["number"]] = column
        schema.building = known(self._ask(schema_queries.BUILDING)) or []
        return schema, moment

    def again(self, schema: Schema, moment: float) -> None:
        """The counters at the end of the window."""
        rows = self._ask(schema_queries.tables())
        if not isinstance(rows, Unknown):
            schema.second = {row["id"]: row for row in rows}
            schema.seconds = time.monotonic() - moment
            schema.uses = (schema.uses[0], self._use())

    def _use(self) -> dict[int, driver.Row]:
        return {row["id"]: row for row in known(self._ask(schema_queries.INDEX_USE)) or []}
