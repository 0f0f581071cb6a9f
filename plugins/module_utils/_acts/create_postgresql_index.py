# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Create a missing index of PostgreSQL without stopping writes, and leave nothing half built behind."""

from __future__ import annotations

import os
import typing as t

from .._collectors.postgresql.indexes import index_name
from .._collectors.postgresql.session import quoted
from .._texts.counted import counted
from . import postgresql
from .act import Act, Done, Looked, Refused
from .guard import Guard, broken, judged

#: A build waits for every transaction that is older than it: one this old would hold it up.
OLDEST_SECONDS = 30
#: Bytes of an entry beside its columns, and the part of a page that a new index fills.
ENTRY_BYTES, FILLED = 16, 0.8

GUARDS = (
    Guard("is_table", "it is a plain table on a primary", "=", True),
    Guard("has_columns", "its columns exist", "=", True),
    Guard("is_served", "no index covers these columns yet", "=", False),
    Guard("being_built", "no index of the table is being built", "<=", 0),
    Guard(
        "oldest_transaction_seconds", "no transaction has been open for longer than a build should wait, in seconds", "<=", OLDEST_SECONDS
    ),
    Guard("prepared", "no prepared transaction would hold up the build", "<=", 0),
    Guard("free_for_estimate", "free disk space is at least twice the estimated size of the index (ratio)", ">=", 2.0),
    Guard("may_create", "our user may create it (it must be a member of the table's owner)", "=", True),
)


class CreatePostgresqlIndex(Act):
    guards = GUARDS
    survives_restart = True
    takes_long = True

    def __init__(self, target: t.Any) -> None:
        super().__init__(target)
        self._database = target.word("database")
        self._schema, self._table = target.word("schema"), target.word("table")
        columns = target.about.get("columns")
        if not isinstance(columns, list) or not columns or not all(isinstance(name, str) and name for name in columns):
            raise Refused("the plan names no columns")
        self._columns: list[str] = columns

    def holds_timer(self) -> t.Optional[str]:
        return None if postgresql.is_here(self.target) else postgresql.NOT_HERE

    def look(self) -> Looked:
        with postgresql.session(self.target, self._database) as acting:
            row = self._read(acting)
        left = f"DROP INDEX CONCURRENTLY {self._path(row['invalid'])};  -- left by a build that failed" if row["invalid"] else None
        commands = [left] if left else []
        commands.append(self._create(row["name"]))
        cost = (
            f"about {row['estimate'] / 2**20:.0f} MiB of disk ({row['free'] / 2**30:.1f} GiB free), one read of the table; writes go on"
            if row["free"] is not None
            else "one read of the table; writes go on"
        )
        identity = {"table_id": row["table_id"], "name": row["name"], "invalid": row["invalid"]}
        return Looked(identity, row, commands, cost, f"DROP INDEX CONCURRENTLY {self._path(row['name'])};")

    def state_before(self, looked: Looked) -> dict[str, t.Any]:
        return {"name": looked.identity["name"], "table_id": looked.identity["table_id"]}

    def run(self, identity: t.Mapping[str, t.Any], limits: t.Mapping[str, t.Any]) -> Done:
        with postgresql.session(self.target, self._database, statement_seconds=0) as acting:
            row = self._read(acting)
            differs = [name for name in ("table_id", "name", "invalid") if row[name] != identity.get(name)]
            if differs:
                raise Refused(f"the table or its indexes changed since the plan was made ({', '.join(differs)})")
            why = broken(judged(GUARDS, row, limits))
            if why:
                raise Refused(f"a guard no longer holds: {'; '.join(why)}")
            acting.rows("SET lock_timeout = '60s'")
            if row["invalid"]:
                acting.rows(f"DROP INDEX CONCURRENTLY {self._path(row['invalid'])}")
            try:
                acting.rows(self._create(row["name"]))
            except Refused as failed:
                raise Refused(f"the build failed: {failed}; {self._drop(acting, row['name'], row['table_id'])}") from None
        return Done(f"index {row['name']} on {self._schema}.{self._table} was created", self.state_before(self._looked(row)))

    def undo(self, state: t.Mapping[str, t.Any]) -> str:
        name, table = str(state.get("name") or ""), int(state.get("table_id") or 0)
        with postgresql.session(self.target, self._database, statement_seconds=0) as acting:
            # a build that still runs after its control node died would finish as soon as we look away
            acting.rows(
                "SELECT pg_cancel_backend(p.pid) FROM pg_stat_progress_create_index p JOIN pg_stat_activity a USING (pid) "
                f"WHERE p.relid = {table} AND a.application_name = 'warroom.launch'"
            )
            acting.rows("SET lock_timeout = '60s'")
            return self._drop(acting, name, table)

    def progress(self) -> t.Optional[str]:
        """By the server's own account: first all blocks of the table are read, then its entries are sorted and loaded."""
        with postgresql.session(self.target, self._database) as acting:
            row = acting.row(
                "SELECT p.phase, p.blocks_done, p.blocks_total, p.tuples_done, p.tuples_total, p.lockers_total - p.lockers_done AS waits "
                "FROM pg_stat_progress_create_index p JOIN pg_stat_activity a USING (pid) JOIN pg_class c ON c.oid = p.relid "
                "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE a.application_name = 'warroom.launch' "
                f"AND c.relname = {postgresql.literal(self._table)} AND n.nspname = {postgresql.literal(self._schema)}"
            )
        if not row:
            return None
        parts = [("blocks", row["blocks_done"], row["blocks_total"]), ("rows", row["tuples_done"], row["tuples_total"])]
        done = [f"{count} of {total} {name} ({100 * count // total} %)" for name, count, total in parts if count and total]
        waits = [f"waits for {counted(row['waits'], 'older transaction', 'older transactions')}"] if row["waits"] else []
        return f"index build on {self._schema}.{self._table}: {', '.join([str(row['phase']), *done[-1:], *waits])}"

    # -- reading -----------------------------------------------------------------------------------------------

    @staticmethod
    def _looked(row: t.Mapping[str, t.Any]) -> Looked:
        return Looked({"name": row["name"], "table_id": row["table_id"]}, {}, [], "")

    def _create(self, name: str) -> str:
        # never IF NOT EXISTS: an invalid index of that name would make it report success
        listed = ", ".join(map(quoted, self._columns))
        return f"CREATE INDEX CONCURRENTLY {quoted(name)} ON {quoted(self._schema)}.{quoted(self._table)} ({listed});"

    def _path(self, name: str) -> str:
        return f"{quoted(self._schema)}.{quoted(name)}"

    def _drop(self, acting: postgresql.Acting, name: str, table: int) -> str:
        """Drop the index if it is ours: of that name, on that table."""
        there = acting.row(
            "SELECT count(*) AS there FROM pg_index i "
            "JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
            f"WHERE i.indrelid = {int(table)} AND c.relname = {postgresql.literal(name)} AND n.nspname = {postgresql.literal(self._schema)}"
        )
        if not there.get("there"):
            return f"there is no index {name}, nothing is left behind"
        try:
            acting.rows(f"DROP INDEX CONCURRENTLY IF EXISTS {self._path(name)}")
        except Refused as failed:
            return f"an index {self._schema}.{name} is left behind and could not be dropped ({failed})"
        return f"index {name} was dropped"

    def _read(self, acting: postgresql.Acting) -> dict[str, t.Any]:
        schema, table = postgresql.literal(self._schema), postgresql.literal(self._table)
        row = acting.row(f"""SELECT {postgresql.MARK} c.oid::bigint AS table_id, c.relkind = 'r' AND c.relpersistence <> 't'
  AND n.nspname !~ '^pg_|^information_schema$' AND NOT pg_is_in_recovery() AS is_table, greatest(c.reltuples, 0)::bigint AS rows,
  pg_has_role(c.relowner, 'USAGE') AND has_schema_privilege(n.oid, 'CREATE') AS may_create,
  coalesce(nullif(pg_tablespace_location(c.reltablespace), ''), current_setting('data_directory', true)) AS folder,
  (SELECT count(*) FROM pg_stat_progress_create_index p WHERE p.relid = c.oid) AS being_built,
  (SELECT count(*) FROM pg_prepared_xacts x WHERE x.database = current_database()) AS prepared,
  (SELECT coalesce(max(extract(epoch FROM clock_timestamp() - a.xact_start)), 0)::float8 FROM pg_stat_activity a
   WHERE a.pid <> pg_backend_pid() AND (a.backend_xmin IS NOT NULL OR a.backend_xid IS NOT NULL)
     AND a.backend_type <> 'walsender') AS oldest_transaction_seconds
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = {schema} AND c.relname = {table}""")
        if not row:
            raise Refused(f"there is no table {self._schema}.{self._table} in {self._database} any more")
        columns = acting.rows(
            "SELECT attname::text AS name, attnum AS number FROM pg_attribute "
            f"WHERE attrelid = {int(row['table_id'])} AND attnum > 0 AND NOT attisdropped"
        )
        numbers = {str(column["name"]): int(column["number"]) for column in columns}
        wanted = [numbers.get(name) for name in self._columns]
        return {**row, "has_columns": None not in wanted, **self._indexes(acting, int(row["table_id"]), wanted), **self._room(row)}

    def _indexes(self, acting: postgresql.Acting, table: int, wanted: t.Sequence[t.Optional[int]]) -> dict[str, t.Any]:
        """Whether an index serves already, what the new one will be called, and an invalid one that has that name by now."""
        rows = acting.rows(
            "SELECT c.relname::text AS name, i.indrelid::bigint AS table_id, i.indisvalid AND i.indisready AS valid, "
            "i.indkey::text AS keys, i.indpred IS NULL AS whole FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
            f"JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = {postgresql.literal(self._schema)}"
        )
        mine = [row for row in rows if row["table_id"] == table]
        leading = {str(row["name"]): [int(key) for key in str(row["keys"]).split()][: len(wanted)] for row in mine}
        left = [str(row["name"]) for row in mine if not row["valid"] and leading[str(row["name"])] == list(wanted)]
        served = any(row["valid"] and row["whole"] and leading[str(row["name"])] == list(wanted) for row in mine)
        name = index_name(self._table, self._columns, {str(row["name"]) for row in rows} - set(left))
        return {"is_served": served, "name": name, "invalid": name if name in left else None}

    def _room(self, row: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """The estimated size, and how often the free disk holds it; not known where the folder may not be named or reached."""
        estimate = max(8192.0, float(row["rows"] or 0) * (ENTRY_BYTES + 8 * len(self._columns)) / FILLED)
        free = None
        if row["folder"] and postgresql.is_here(self.target):
            try:
                stats = os.statvfs(str(row["folder"]))
                free = float(stats.f_bavail * stats.f_frsize)
            except OSError:
                free = None
        return {"estimate": estimate, "free": free, "free_for_estimate": None if free is None else round(free / estimate, 1)}
