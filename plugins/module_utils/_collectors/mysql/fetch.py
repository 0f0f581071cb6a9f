# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fetch: the queries, in the dialect of the server. A query that fails affects only its own result."""

from __future__ import annotations

import dataclasses
import typing as t

from ..._collect.facts import Maybe, Unknown, known
from ..._collect.sampling import number
from ..._texts.redact import clean
from . import group, indexes, parse, reasons, replication
from .session import Refused, Row, Session, literal

#: More sessions, transactions or waits than these are not looked at one by one; the counters still count them.
SESSIONS = 5000
WAITS = 1000
TABLES = 3000

_IDENTITY = "SELECT VERSION() AS version, @@version_comment AS version_comment, CURRENT_USER() AS login, CONNECTION_ID() AS id"

# Whole seconds are too coarse for "longer than a second": the server's timers and MariaDB's TIME_MS know better.
# The last statement of a session that is idle stands where the running one did, when the server keeps it.
_COLUMNS = "p.id, p.user, p.host, p.db, p.command, p.time, p.state, LEFT(p.info, 4000) AS info"
_STATEMENTS = """
       IF(e.end_event_id IS NULL, e.timer_wait / 1e12, NULL) AS statement_seconds, LEFT(e.sql_text, 1000) AS last_statement"""
_JOINS = """
LEFT JOIN performance_schema.threads t ON t.processlist_id = p.id
LEFT JOIN performance_schema.events_statements_current e
  ON e.thread_id = t.thread_id AND (e.nesting_event_type IS NULL OR e.nesting_event_type <> 'STATEMENT')"""
_OURS, _THEIRS = "performance_schema.processlist p", "information_schema.processlist p"
_SESSIONS = {
    "mysql": f"SELECT {_COLUMNS},{_STATEMENTS} FROM {_OURS}{_JOINS} LIMIT {SESSIONS}",
    "mariadb": f"SELECT {_COLUMNS}, p.time_ms, p.examined_rows,{_STATEMENTS} FROM {_THEIRS}{_JOINS} LIMIT {SESSIONS}",
    "mysql_busy": f"SELECT {_COLUMNS} FROM {_OURS} WHERE p.command <> 'Sleep' LIMIT {SESSIONS}",
    "mariadb_plain": f"SELECT {_COLUMNS}, p.time_ms, p.examined_rows FROM {_THEIRS} LIMIT {SESSIONS}",
    "mariadb_busy": f"SELECT {_COLUMNS}, p.time_ms, p.examined_rows FROM {_THEIRS} WHERE p.command <> 'Sleep' LIMIT {SESSIONS}",
    "any": f"SELECT {_COLUMNS} FROM {_THEIRS} LIMIT {SESSIONS}",
    "show": "SHOW FULL PROCESSLIST",
}

# innodb_trx has local times, which are no measure of time when the clocks of the zone were changed in between: seconds since 1970 are.
_TRANSACTIONS = f"""
SELECT trx_id, trx_state, trx_mysql_thread_id, trx_rows_locked, trx_rows_modified, trx_tables_locked,
       UNIX_TIMESTAMP(NOW(6)) - UNIX_TIMESTAMP(trx_started) AS trx_seconds,
       UNIX_TIMESTAMP(NOW(6)) - UNIX_TIMESTAMP(trx_wait_started) AS trx_wait_seconds
FROM information_schema.innodb_trx ORDER BY trx_started LIMIT {SESSIONS}"""

_ROW_WAITS = {
    "mysql": f"""
SELECT w.requesting_engine_transaction_id AS waiting_trx, w.blocking_engine_transaction_id AS blocking_trx,
       l.object_schema AS lock_schema, l.object_name AS lock_table, l.index_name AS lock_index, l.lock_mode AS lock_mode
FROM performance_schema.data_lock_waits w
LEFT JOIN performance_schema.data_locks l ON l.engine = w.engine AND l.engine_lock_id = w.requesting_engine_lock_id
LIMIT {WAITS}""",
    "mariadb": f"""
SELECT w.requesting_trx_id AS waiting_trx, w.blocking_trx_id AS blocking_trx, NULL AS lock_schema, l.lock_table, l.lock_index, l.lock_mode
FROM information_schema.innodb_lock_waits w
LEFT JOIN information_schema.innodb_locks l ON l.lock_id = w.requested_lock_id
LIMIT {WAITS}""",
}

# All holders and waiters of the objects that a session waits for.
_METADATA = f"""
SELECT m.object_type, m.object_schema, m.object_name, m.lock_type, m.lock_status, t.processlist_id AS pid
FROM performance_schema.metadata_locks m
JOIN performance_schema.threads t ON t.thread_id = m.owner_thread_id
JOIN (SELECT DISTINCT object_type, object_schema, object_name FROM performance_schema.metadata_locks WHERE lock_status = 'PENDING') w
  ON w.object_type = m.object_type AND w.object_schema <=> m.object_schema AND w.object_name <=> m.object_name
WHERE t.processlist_id IS NOT NULL LIMIT {WAITS}"""
_METADATA_PLUGIN = f"""
SELECT lock_type AS object_type, table_schema AS object_schema, table_name AS object_name, lock_mode AS lock_type,
       'GRANTED' AS lock_status, thread_id AS pid
FROM information_schema.metadata_lock_info WHERE table_name <> '' LIMIT {WAITS}"""

# MariaDB does not tell who holds a metadata lock, but who has said LOCK TABLES and not taken it back. Counts are unsigned: -1 times one
# is out of range
_TABLE_LOCKERS = """
SELECT t.processlist_id AS pid
FROM performance_schema.events_statements_summary_by_thread_by_event_name s
JOIN performance_schema.threads t ON t.thread_id = s.thread_id
WHERE s.event_name IN ('statement/sql/lock_tables', 'statement/sql/unlock_tables') AND t.processlist_id IS NOT NULL
GROUP BY t.processlist_id HAVING SUM(IF(s.event_name = 'statement/sql/lock_tables', 1, -1) * CAST(s.count_star AS SIGNED)) > 0"""

_PROGRAMS = (
    "SELECT processlist_id AS pid, attr_name AS name, attr_value AS value FROM performance_schema.session_connect_attrs "
    f"WHERE attr_name IN ('program_name', '_client_name') LIMIT {2 * SESSIONS}"
)


def _words(text: str) -> list[str]:
    return text.split()


DIGEST = "performance_schema.events_statements_summary_by_digest"
DIGEST_COLUMNS = _words(
    "digest count_star sum_timer_wait sum_lock_time sum_rows_examined sum_rows_sent sum_rows_affected sum_no_index_used "
    "sum_no_good_index_used sum_created_tmp_disk_tables sum_created_tmp_tables sum_errors sum_cpu_time first_seen schema_name"
)

_SCANS = (
    "SELECT object_schema, object_name, count_read FROM performance_schema.table_io_waits_summary_by_index_usage "
    "WHERE index_name IS NULL AND count_read > 0 AND object_schema NOT IN ('mysql', 'sys', 'performance_schema', 'information_schema') "
    "ORDER BY count_read DESC LIMIT 500"
)

#: Each of these is needed for a statement to be counted.
_SWITCHED_OFF = (
    "SELECT name FROM performance_schema.setup_consumers "
    "WHERE name IN ('global_instrumentation', 'thread_instrumentation', 'statements_digest') AND enabled = 'NO' "
    "UNION ALL SELECT name FROM performance_schema.setup_instruments WHERE name = 'statement/sql/select' AND enabled = 'NO'"
)

#: Counters that every session has of its own.
OWN = (
    "Questions", "Com_select", "Select_scan", "Select_full_join", "Handler_read_rnd_next", "Handler_commit", "Handler_rollback",
    "Created_tmp_tables", "Created_tmp_disk_tables", "Sort_merge_passes", "Opened_tables", "Bytes_sent", "Slow_queries",
)  # fmt: skip

_INNODB_METRICS = """
SELECT name, count FROM information_schema.innodb_metrics WHERE name IN ('lock_deadlocks', 'trx_rseg_history_len') AND status = 'enabled'"""


def _decoded(part: int) -> str:
    """The schema (1) or table (-1) of a file name without its partition, decoded by the server: `s@0plect` is `sélect`."""
    whole = "SUBSTRING_INDEX(SUBSTRING_INDEX(name, '#P#', 1), '#p#', 1)"
    return f"CONVERT(CONVERT(BINARY SUBSTRING_INDEX({whole}, '/', {part}) USING filename) USING utf8mb4)"


#: The one moment among them is a text in the server's own zone, which our session has as well.
_STATUS_VALUE = "IF(variable_name = 'Max_used_connections_time', UNIX_TIMESTAMP(variable_value), variable_value) AS variable_value"


@dataclasses.dataclass
class Reader:
    """One server. What could not be read is `Unknown`, with its reason, in place of the rows."""

    session: Session
    identity: parse.Identity
    variables: dict[str, str]
    _columns: t.Optional[Maybe[list[str]]] = None
    _kept: t.Optional[bool] = None

    @classmethod
    def of(cls, session: Session) -> Reader:
        row = session.one(_IDENTITY)
        return cls(session, parse.identity(row), session.pairs("SHOW GLOBAL VARIABLES"))

    @property
    def mariadb(self) -> bool:
        return self.identity.flavour == "mariadb"

    @property
    def instrumented(self) -> bool:
        """Whether performance_schema runs. Where it does not, its tables exist and are empty (case Y-04)."""
        return self.variables.get("performance_schema", "").upper() in ("ON", "1")

    @property
    def closed(self) -> t.Optional[Unknown]:
        """Why nothing can be read from performance_schema: it is off."""
        return None if self.instrumented else Unknown(reasons.performance_schema_off(self.identity))

    def ask(self, measure: str, *questions: str) -> Maybe[list[Row]]:
        """The rows of the first question that this server understands and allows; else why there are none."""
        refused: t.Optional[Refused] = None
        for question in questions:
            try:
                return self.session.rows(question)
            except Refused as error:
                if refused is None or refused.why == "absent":
                    refused = error
                if error.why not in ("absent", "denied"):
                    break
        return Unknown(reasons.refused(refused, measure, self.identity) if refused is not None else f"nothing tells {measure} here")

    def now(self) -> str:
        """The server's clock in whole seconds since 1970: MariaDB's tables know no finer ones."""
        return str(self.session.one("SELECT UNIX_TIMESTAMP() AS now").get("now") or "")

    def status(self) -> dict[str, str]:
        return self._status("global", "")

    def own(self) -> dict[str, str]:
        """What our own session added to the counters: our looks are not the server's traffic."""
        try:
            return self._status("session", f" WHERE variable_name IN ({', '.join(map(literal, OWN))})")
        except Refused as refused:
            if refused.why == "lost":
                raise
            return {}

    def _status(self, scope: str, condition: str) -> dict[str, str]:
        # as a query, which is counted like any other: SHOW STATUS is counted in the server's sums and not in the session's
        schema = "information_schema" if self.mariadb else "performance_schema"
        try:
            return self.session.pairs(f"SELECT variable_name, {_STATUS_VALUE} FROM {schema}.{scope}_status{condition}")
        except Refused as refused:
            if refused.why == "lost":
                raise
            return self.session.pairs(f"SHOW {scope.upper()} STATUS{condition}")

    def sessions(self) -> Maybe[list[Row]]:
        """Every session that we are shown."""
        order = ["mariadb_plain"] if self.mariadb else []
        if self.instrumented and (not self.mariadb or self._keeps_statements()):
            order.insert(0, "mariadb" if self.mariadb else "mysql")
        return self.ask("sessions", *[_SESSIONS[name] for name in [*order, "any", "show"]])

    def busy(self) -> Maybe[list[Row]]:
        """Sessions that are active at this moment: cheap enough to query often."""
        order = ["mariadb_busy"] if self.mariadb else ["mysql_busy"] if self.instrumented else []
        return self.ask("sessions", *[_SESSIONS[name] for name in [*order, "any", "show"]])

    def _keeps_statements(self) -> bool:
        """Whether MariaDB keeps the last statement of each session: off by default, and the join would be costly for nothing."""
        if self._kept is None:
            consumer = "SELECT name FROM performance_schema.setup_consumers WHERE name = 'events_statements_current' AND enabled = 'YES'"
            self._kept = bool(known(self.ask("applications", consumer)))
        return self._kept

    def transactions(self) -> Maybe[list[Row]]:
        return self.ask("transactions", _TRANSACTIONS)

    def row_waits(self) -> Maybe[list[Row]]:
        return self.ask("blockers", _ROW_WAITS["mariadb" if self.mariadb else "mysql"])

    def metadata_locks(self) -> list[Row]:
        """Empty when not visible: MariaDB shows metadata locks only with an instrument or a plugin, both off by default."""
        rows: list[Row] = []
        for question in ([_METADATA] if self.instrumented else []) + ([_METADATA_PLUGIN] if self.mariadb else []):
            try:
                rows = rows or self.session.rows(question)
            except Refused:
                continue
        return rows

    def table_lockers(self) -> list[int]:
        """The sessions that have locked tables by name."""
        rows = known(self.ask("blockers", _TABLE_LOCKERS)) if self.instrumented else None
        return [int(str(row["pid"])) for row in rows or [] if str(row.get("pid")).isdigit()]

    def programs(self) -> Maybe[dict[str, str]]:
        """What each session's client program calls itself, by session."""
        closed = self.closed
        rows = closed if closed is not None else self.ask("applications", _PROGRAMS)
        if isinstance(rows, Unknown):
            return rows
        names: dict[str, str] = {}
        for row in rows:
            if row.get("pid") and row.get("value") and (row["name"] == "program_name" or row["pid"] not in names):
                names[str(row["pid"])] = str(row["value"])
        return names

    def metrics(self) -> Maybe[dict[str, t.Optional[str]]]:
        """Counters that MariaDB has in its status and MySQL in a table."""
        rows = [] if self.mariadb else self.ask("deadlocks", _INNODB_METRICS)
        return rows if isinstance(rows, Unknown) else {str(row["name"]): row.get("count") for row in rows}

    def digests(self, since: t.Optional[str] = None) -> Maybe[list[Row]]:
        """Counters of the statements (no texts), `since`: only those that ran since that moment of the server's clock."""
        if self._columns is None:
            closed = self.closed
            self._columns = closed if closed is not None else self._digest_columns()
        if isinstance(self._columns, Unknown):
            return self._columns
        columns = self._columns
        moment = parse.counter(since)
        moved = "" if moment is None else f" AND UNIX_TIMESTAMP(last_seen) >= {int(moment)}"
        # one packed column: ten thousand rows of fourteen columns would cost both sides five times as much
        packed = ", ".join(f"IFNULL({name}, '')" for name in columns)
        rows = self.ask(
            "statements",
            f"SELECT CONCAT_WS('|', {packed}) AS packed, schema_name IS NULL AS unnamed FROM {DIGEST} WHERE (schema_name IS NULL OR "
            f"schema_name NOT IN ('information_schema', 'performance_schema')){moved} LIMIT 200000",
        )
        return rows if isinstance(rows, Unknown) else [parse.unpacked(row, columns) for row in rows]

    def _digest_columns(self) -> Maybe[list[str]]:
        """The columns that this server has, when statements are collected and we may see them."""
        rows = self.ask("statements", f"SHOW COLUMNS FROM {DIGEST}")
        if isinstance(rows, Unknown):
            return rows
        there = {str(row.get("field")).lower() for row in rows}
        if not there:
            return Unknown(reasons.performance_schema_closed(self.identity))
        off = self.ask("statements", _SWITCHED_OFF)
        if isinstance(off, Unknown):
            return off
        if off:
            return Unknown(reasons.digests_off([str(row.get("name")) for row in off]))
        return [name for name in DIGEST_COLUMNS if name in there]

    def texts(self, keys: t.Collection[tuple[t.Optional[str], t.Optional[str]]]) -> list[Row]:
        """The normalised texts of some statements, as the server keeps them."""
        digests = ", ".join(literal(digest) for _schema, digest in keys if digest)
        if not digests:
            return []
        question = f"SELECT schema_name, digest, LEFT(digest_text, 4000) AS text FROM {DIGEST} WHERE digest IN ({digests})"
        return known(self.ask("statements", question)) or []

    @property
    def innodb(self) -> tuple[str, str]:
        """How the tables of InnoDB's dictionary are called, and the columns that give a table's name decoded, where the server can."""
        if not self.mariadb:
            return "information_schema.innodb_", ""  # MySQL does not lend its character set of file names
        return "information_schema.innodb_sys_", f", {_decoded(1)} AS schema_name, {_decoded(-1)} AS table_name"

    def dictionary(self) -> Maybe[indexes.Dictionary]:
        """Tables, indexes and columns as InnoDB knows them: PROCESS is enough, and no table is opened for it."""
        prefix, decoded = self.innodb
        read: dict[str, list[Row]] = {}
        for name, columns, rest in (
            ("tables", f"table_id, name{decoded}", f"WHERE name LIKE '%/%' LIMIT {TABLES}"),
            ("tablestats", "table_id, name, num_rows", f"WHERE num_rows > 0 ORDER BY num_rows DESC LIMIT {TABLES}"),
            ("indexes", "index_id, name, table_id, type", f"LIMIT {10 * TABLES}"),
            ("fields", "index_id, name, pos", f"LIMIT {20 * TABLES}"),
            ("columns", "table_id, name, mtype", f"WHERE LOWER(name) LIKE '%id' OR name LIKE '%pk' LIMIT {20 * TABLES}"),
        ):
            rows = self.ask("missing_indexes", f"SELECT {columns} FROM {prefix}{name} {rest}")
            if isinstance(rows, Unknown):  # a schema change that waits holds all of them up
                return rows
            read[name] = rows
        if any(number(row.get("num_rows")) is None for row in read["tablestats"]):
            return Unknown("could not make sense of the server's answer about the sizes of tables")
        return indexes.Dictionary(read["tables"], read["indexes"], read["fields"], read["columns"], read["tablestats"])

    def scans(self) -> Maybe[list[Row]]:
        """Rows read without an index, by table."""
        closed = self.closed
        return closed if closed is not None else self.ask("table_scans", _SCANS)

    def replication(self) -> tuple[Maybe[list[Row]], Maybe[list[Row]]]:
        """(channels that this server follows, its own binary log)."""
        channels = self.ask("replication", *replication.replica_questions(self.identity))
        if self.variables.get("log_bin", "").upper() != "ON":
            return channels, Unknown("it writes no binary log (log_bin is off)")
        return channels, self.ask("binary_log", *replication.binlog_questions(self.identity))

    def group(self) -> Maybe[list[Row]]:
        """Members of the replication group, as this one sees them."""
        if not group.member(self.variables):
            return []
        closed = self.closed
        return closed if closed is not None else self.ask("group", group.QUESTION)

    def explain(self, pid: int) -> tuple[list[Row], t.Optional[str]]:
        """The plan of what a session is running right now, or why there is none. Nothing is run for it."""
        words = "SHOW EXPLAIN FOR" if self.mariadb else "EXPLAIN FORMAT=TRADITIONAL FOR CONNECTION"
        try:
            return self.session.rows(f"{words} {int(pid)}"), None
        except Refused as refused:
            return [], clean(refused.said, 160)
