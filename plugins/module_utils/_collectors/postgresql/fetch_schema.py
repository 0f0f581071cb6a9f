# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fetch: the tables and indexes of one database, which only a connection to that database can see."""

from __future__ import annotations

import time
import typing as t

from . import driver, schema_queries
from .fetch import reason
from .indexes import Schema
from .session import Session


class SchemaReader:
    """Reads one database; what fails is said in `unknown` under `tables` or `missing_indexes`."""

    def __init__(self, session: Session, database: str, unknown: dict[str, str]) -> None:
        self._session = session
        self._database = database
        self._unknown = unknown

    def _ask(self, measure: str, sql: str) -> t.Optional[list[driver.Row]]:
        try:
            return self._session.ask(sql)
        except driver.SqlError as error:
            self._unknown.setdefault(measure, f"database {self._database}: {reason(error)}")
            return None

    def whole(self) -> t.Optional[tuple[Schema, float]]:
        """Everything about the database, and when its tables were read."""
        rows = self._ask("tables", schema_queries.tables())
        moment = time.monotonic()
        if rows is None:
            return None
        schema = Schema(self._database, {row["id"]: row for row in rows})
        total = self._ask("tables_total", schema_queries.TABLES_TOTAL) or [{}]
        schema.tables_total = total[0].get("total")
        schema.uses = (self._use(), {})
        indexes = self._ask("missing_indexes", schema_queries.INDEXES)
        keys = self._ask("missing_indexes", schema_queries.FOREIGN_KEYS)
        partitions = self._ask("missing_indexes", schema_queries.PARTITIONS)
        columns = self._ask("missing_indexes", schema_queries.columns(schema.tables)) if schema.tables else []
        if indexes is None or keys is None or partitions is None or columns is None:
            return schema, moment
        schema.indexes, schema.foreign_keys, schema.partitions = indexes, keys, partitions
        for column in columns:
            schema.columns.setdefault(column["table_id"], {})[column["number"]] = column
        schema.building = self._ask("index_builds", schema_queries.BUILDING) or []
        schema.complete = True
        return schema, moment

    def again(self, schema: Schema, moment: float) -> None:
        """The counters at the end of the window."""
        rows = self._ask("tables", schema_queries.tables())
        if rows is not None:
            schema.second = {row["id"]: row for row in rows}
            schema.seconds = time.monotonic() - moment
            schema.uses = (schema.uses[0], self._use())

    def _use(self) -> dict[int, driver.Row]:
        return {row["id"]: row for row in self._ask("indexes", schema_queries.INDEX_USE) or []}
