# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Create a missing index of MySQL or MariaDB while writes go on. A build that is interrupted leaves nothing: InnoDB rolls it back."""

from __future__ import annotations

import os
import time
import typing as t

from .._collect.sampling import count, number
from .._collectors.mysql.session import Session, literal, quoted
from . import mysql
from .act import Act, Done, Looked, Refused, Target
from .guard import Guard, broken, judged

#: The statement waits for every transaction that uses the table, and whoever comes later waits behind it.
OLDEST_SECONDS = 30
#: How long a build may take, and how long one that is told to end is waited for.
BUILD_SECONDS, END_SECONDS = 6 * 3600.0, 30.0
#: Bytes of an entry beside its columns, and the part of a page that a new index fills.
ENTRY_BYTES, FILLED = 20, 0.8
#: Types of columns that can only be indexed by their beginning.
_TOO_LONG = ("text", "blob", "json", "geometry", "point", "polygon", "linestring")
RIGHT = "GRANT INDEX ON <database>.* TO our user"

GUARDS = (
    Guard("is_table", "it is an InnoDB table without partitions", "=", True),
    Guard("has_columns", "its columns exist and can be indexed in full", "=", True),
    Guard("is_served", "no index covers these columns yet", "=", False),
    Guard("is_written_elsewhere", "the server takes writes itself (it is no replica)", "=", False),
    Guard("is_cluster", "it is not in a Galera cluster, which would stall meanwhile", "=", False),
    Guard(
        "oldest_transaction_seconds", "no transaction has been open for longer than others should wait, in seconds", "<=", OLDEST_SECONDS
    ),
    Guard("free_for_estimate", "free disk space is at least twice the estimated size of the index (ratio)", ">=", 2.0),
    Guard("may_create", f"our user may create it ({RIGHT})", "=", True),
)


def how_far(build: t.Mapping[str, t.Any]) -> t.Optional[str]:
    """What the process list says of a build; None while it says nothing."""
    if str(build.get("state") or "").startswith("Waiting for table"):
        return "waits for the sessions that use the table"
    part = number(build.get("progress"))
    return f"stage {build.get('stage')} of {build.get('max_stage')}, {part:.0f} % of it" if part else None


class CreateMysqlIndex(Act):
    guards = GUARDS
    survives_restart = True
    takes_long = True

    def __init__(self, target: Target) -> None:
        super().__init__(target)
        self._schema, self._table = target.word("database"), target.word("table")
        columns = target.about.get("columns")
        if not isinstance(columns, list) or not columns or not all(isinstance(name, str) and name for name in columns):
            raise Refused("the plan names no columns")
        self._columns: list[str] = columns

    def holds_timer(self) -> t.Optional[str]:
        return None if mysql.is_here(self.target) else mysql.NOT_HERE

    def look(self) -> Looked:
        with mysql.session(self.target) as session:
            row = self._read(session)
        room = f"about {row['estimate'] / 2**20:.0f} MiB of disk, " if row["free_for_estimate"] is not None else ""
        cost = f"{room}one read of the table; reads and writes go on, and replicas build it after that, one after the other"
        return Looked(self._identity(row), row, [f"{self._create(row['name'])};"], cost, f"{self._drop(row['name'])};")

    def _identity(self, row: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        return {"created": row["created"], "name": row["name"]}

    def state_before(self, looked: Looked) -> dict[str, t.Any]:
        return {"name": looked.identity["name"]}

    def run(self, identity: t.Mapping[str, t.Any], limits: t.Mapping[str, t.Any]) -> Done:
        with mysql.session(self.target) as session:
            row = self._read(session)
            if self._identity(row) != dict(identity):
                raise Refused("the table or its indexes changed since the plan was made")
            why = broken(judged(GUARDS, row, limits))
            if why:
                raise Refused(f"a guard no longer holds: {'; '.join(why)}")
            mysql.may_write(session, BUILD_SECONDS)
            mysql.change(session, self._create(row["name"]), RIGHT)
        return Done(f"index {row['name']} on {self._schema}.{self._table} was created", {"name": row["name"]})

    def undo(self, state: t.Mapping[str, t.Any]) -> str:
        name = str(state.get("name") or "")
        if not name:
            raise Refused("the name of the index is not known")
        with mysql.session(self.target) as session:
            self._end_build(session, name)
            if name not in self._indexes(session):
                return f"there is no index {name}, nothing is left behind"
            mysql.may_write(session, END_SECONDS)
            mysql.change(session, self._drop(name), RIGHT)
        return f"index {name} was dropped"

    def progress(self) -> t.Optional[str]:
        """By MariaDB's own account; MySQL has one only where its stages are recorded, which is off by default."""
        with mysql.session(self.target) as session:
            rows = session.rows(
                f"SELECT * FROM information_schema.processlist WHERE info LIKE 'CREATE INDEX %' AND INSTR(info, {literal(mysql.MARK)}) "
                f"AND INSTR(info, {literal(f' ON {self._path} (')})"
            )
        far = how_far(rows[0]) if rows else None
        return far and f"index build on {self._schema}.{self._table}: {far}"

    def _end_build(self, session: Session, name: str) -> None:
        """A build whose control node died would go on: it is told to end, and InnoDB takes back what it did."""
        statement = literal(self._create(name))
        building = f"SELECT id FROM information_schema.processlist WHERE info = {statement}"
        end = time.monotonic() + END_SECONDS
        for pid in [count(row.get("id")) for row in session.rows(building)]:
            mysql.change(session, f"KILL QUERY {int(pid or 0)}", "CONNECTION ADMIN")
        while session.rows(building):
            if time.monotonic() > end:
                raise Refused(f"the build of index {name} was told to end and has not yet")
            time.sleep(0.2)

    # -- statements --------------------------------------------------------------------------------------------

    @property
    def _path(self) -> str:
        return f"{quoted(self._schema)}.{quoted(self._table)}"

    def _create(self, name: str) -> str:
        # the server refuses it where it could only be done by a copy of the table, or by one that stops writes
        listed = ", ".join(map(quoted, self._columns))
        return f"CREATE INDEX {quoted(name)} ON {self._path} ({listed}) {mysql.MARK} ALGORITHM=INPLACE LOCK=NONE"

    def _drop(self, name: str) -> str:
        # InnoDB always does this in place, and MariaDB does not let it be asked for
        return f"DROP INDEX {quoted(name)} ON {self._path}"

    # -- reading -----------------------------------------------------------------------------------------------

    @property
    def _where(self) -> str:
        return f"table_schema = {literal(self._schema)} AND table_name = {literal(self._table)}"

    def _indexes(self, session: Session) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        question = "SELECT index_name AS name, column_name AS own FROM information_schema.statistics"
        for row in session.rows(f"{question} WHERE {self._where} ORDER BY index_name, seq_in_index"):
            found.setdefault(str(row.get("name")), []).append(str(row.get("own")))
        return found

    def _read(self, session: Session) -> dict[str, t.Any]:
        table = session.one(
            "SELECT engine, table_type AS kind, create_options AS made_with, table_rows AS estimate, "
            f"UNIX_TIMESTAMP(create_time) AS created FROM information_schema.tables WHERE {self._where}"
        )
        if not table:
            raise Refused(f"there is no table {self._schema}.{self._table} any more, or our user may not see it")
        columns = session.rows(f"SELECT column_name AS name, data_type AS kind FROM information_schema.columns WHERE {self._where}")
        kinds = {str(row.get("name")): str(row.get("kind")).lower() for row in columns}
        indexes = self._indexes(session)
        wanted = len(self._columns)
        settings = {name.lower(): value for name, value in self._settings(session).items()}
        return {
            "is_table": str(table.get("engine")).lower() == "innodb"
            and str(table.get("kind")).upper() == "BASE TABLE"
            and "partitioned" not in str(table.get("made_with")).lower(),
            "has_columns": all(name in kinds and not kinds[name].endswith(_TOO_LONG) for name in self._columns),
            "is_served": any(names[:wanted] == self._columns for names in indexes.values()),
            "is_written_elsewhere": settings.get("read_only", "").upper() not in ("OFF", "0"),
            "is_cluster": settings.get("wsrep_on", "OFF").upper() in ("ON", "1"),
            "oldest_transaction_seconds": mysql.oldest_transaction(session),
            "created": table.get("created"),
            "name": self._name(indexes),
            "may_create": self._may_create(session),
            **self._room(count(table.get("estimate")), settings.get("datadir")),
        }

    @staticmethod
    def _settings(session: Session) -> dict[str, str]:
        return session.pairs("SHOW VARIABLES WHERE variable_name IN ('read_only', 'wsrep_on', 'datadir')")

    def _name(self, taken: t.Container[str]) -> str:
        stem = "_".join([self._table, *self._columns])[:58]
        return next(name for name in (f"{stem}_idx{number or ''}" for number in range(1000)) if name not in taken)

    def _may_create(self, session: Session) -> bool:
        """Rights of our own account, which it may always see; those that it has by a role are not among them."""
        ours = "grantee = CONCAT('''', REPLACE(CURRENT_USER(), '@', '''@'''), '''') AND privilege_type = 'INDEX'"
        tables = (
            ("user_privileges", ""),
            ("schema_privileges", f" AND {literal(self._schema)} LIKE table_schema"),
            ("table_privileges", f" AND {self._where}"),
        )
        return any(session.rows(f"SELECT 1 FROM information_schema.{name} WHERE {ours}{also}") for name, also in tables)

    def _room(self, rows: t.Optional[int], folder: t.Optional[str]) -> dict[str, t.Any]:
        estimate = max(16384.0, float(rows or 0) * (ENTRY_BYTES + 8 * len(self._columns)) / FILLED)
        free = None
        if rows is not None and folder and mysql.is_here(self.target):
            try:
                stats = os.statvfs(folder)
                free = float(stats.f_bavail * stats.f_frsize)
            except OSError:
                free = None
        return {"estimate": estimate, "free_for_estimate": None if free is None else round(free / estimate, 1)}
