# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parse and shape: the tables' indexes as InnoDB itself knows them, and which columns lack one.

InnoDB makes an index for every foreign key that is declared. So a missing index means a missing constraint (a migration
that was half applied): a column named like a foreign key that leads no index, on a table where that hurts. It counts as
confirmed once a statement that filters on it was seen to run without an index.
"""

from __future__ import annotations

import re
import typing as t

from ..._collect.derived import put_largest, put_total
from ..._collect.facts import Facts, Maybe, Unknown, known, row
from ..._collect.sampling import ONE_SAMPLE, count, number, ratio, top
from ..._sql import sql_text
from ..._sql.sessions import Manner
from ..._texts.counted import counted
from .session import quoted
from .statements import IDLE, NEVER, Key, Statements, measures

Row = dict[str, t.Any]

#: A table smaller than this is read in a moment, with or without an index.
ENOUGH_ROWS = 10000
#: InnoDB's main types that an index of a whole column makes sense for (no blobs, no floating point).
_INDEXABLE = (1, 2, 3, 4, 6, 12, 13)
_SYSTEM = ("mysql", "sys", "performance_schema", "information_schema", "")

_ENCODED = re.compile(r"@([0-9a-fA-F]{4})")
_PARTITION = re.compile(r"#p#.*$", re.IGNORECASE)


class Table(t.NamedTuple):
    schema: str
    name: str
    encoded: bool = False  # still as InnoDB writes it

    @property
    def shown(self) -> str:
        return f"{self.schema}.{self.name}"


class Index(t.NamedTuple):
    name: str
    columns: tuple[str, ...]
    unique: bool


def table_of(filename: t.Optional[str]) -> Table:
    """`shop/order@002ditems#P#p0` as InnoDB stores it: the table without its partition, names decoded."""
    schema, _slash, name = _PARTITION.sub("", filename or "").partition("/")
    decoded = [_ENCODED.sub(lambda found: chr(int(found.group(1), 16)), part) for part in (schema, name)]
    # "@" itself is encoded: where one is left, it begins a letter in InnoDB's short form
    return Table(decoded[0], decoded[1], any(re.search("@(?![0-9a-fA-F]{4})", part) is not None for part in (schema, name)))


def table_in(row: t.Mapping[str, t.Any]) -> Table:
    """The table of a row of InnoDB's dictionary."""
    schema, name = row.get("schema_name"), row.get("table_name")
    return Table(str(schema), str(name)) if schema and name else table_of(row.get("name"))


class Dictionary:
    """What InnoDB's dictionary says, by table."""

    def __init__(
        self,
        tables: t.Iterable[t.Mapping[str, t.Any]],
        indexes: t.Iterable[t.Mapping[str, t.Any]],
        fields: t.Iterable[t.Mapping[str, t.Any]],
        columns: t.Iterable[t.Mapping[str, t.Any]] = (),
        sizes: t.Iterable[t.Mapping[str, t.Any]] = (),
    ) -> None:
        names = {str(told.get("table_id")): table_in(told) for told in tables}
        own = {key: table for key, table in names.items() if table.schema not in _SYSTEM and table.name[:1] not in ("", "#")}
        # a name with letters that are not decoded here must not become a statement about another table
        self._unreadable = {table for table in own.values() if table.encoded}
        self._tables = {key: table for key, table in own.items() if not table.encoded}
        self.indexes: dict[Table, dict[str, Index]] = {}
        self._with_clustered: set[Table] = set()
        self._read_indexes(indexes, fields)
        self.columns: dict[Table, list[str]] = {}
        for told in columns:
            table = self._tables.get(str(told.get("table_id")))
            if table is not None and number(told.get("mtype")) in _INDEXABLE and told.get("name") not in self.columns.setdefault(table, []):
                self.columns[table].append(str(told["name"]))
        self.rows: dict[Table, int] = {}
        # a partitioned table is the sum of its partitions
        for told in sizes:
            # by its id: names are cut here
            table = names.get(str(told.get("table_id"))) or table_of(told.get("name"))
            self.rows[table] = self.rows.get(table, 0) + int(number(told.get("num_rows")) or 0)

    def _read_indexes(self, indexes: t.Iterable[t.Mapping[str, t.Any]], fields: t.Iterable[t.Mapping[str, t.Any]]) -> None:
        columns: dict[str, list[tuple[int, str]]] = {}
        for told in fields:
            columns.setdefault(str(told.get("index_id")), []).append((int(number(told.get("pos")) or 0), str(told.get("name"))))
        for told in indexes:
            table, name = self._tables.get(str(told.get("table_id"))), str(told.get("name"))
            own = tuple(column for _place, column in sorted(columns.get(str(told.get("index_id")), [])))
            if table is not None:
                self._with_clustered.add(table)
            if table is None or name == "GEN_CLUST_INDEX" or name.startswith("FTS_") or not own:
                continue
            self.indexes.setdefault(table, {})[name] = Index(name, own, bool(int(number(told.get("type")) or 0) & 2))

    def leads_index(self, table: Table, column: str) -> bool:
        """Whether an index of the table begins with the column."""
        return any(index.columns[0] == column for index in self.indexes.get(table, {}).values())

    @property
    def untold(self) -> list[str]:
        """Tables whose indexes the server does not show."""
        shown = {table.shown for table in self._tables.values()} - {table.shown for table in self._with_clustered}
        return sorted(shown | {table.shown for table in self._unreadable})

    def candidates(self) -> t.Iterator[tuple[Table, str, str]]:
        """(table, column, what it refers to) of every foreign key by name that leads no index on a table that is large."""
        for table, names in self.columns.items():
            # every table has a clustered index: without any, the server does not show its indexes (MySQL's partitions)
            if self.rows.get(table, 0) >= ENOUGH_ROWS and table in self._with_clustered:
                leading = {index.columns[0] for index in self.indexes.get(table, {}).values()}
                for column in names:
                    refers_to = sql_text.refers_to(column)
                    if refers_to and column not in leading:
                        yield table, column, refers_to

    def has_target(self, schema: str, column: str) -> bool:
        """Whether the column's name points to a table of its database."""
        return sql_text.refers_to_one_of(column, (table.name for table in self._tables.values() if table.schema == schema))

    def definitions(self) -> list[Row]:
        """Every index by what it does, whatever it is called: equal on every server that has it."""
        rows = [
            {
                "database": table.schema,
                "name": index.name,
                "definition": f"{'UNIQUE ' * index.unique}{table.name} ({', '.join(index.columns)})",
            }
            for table, own in self.indexes.items()
            for index in own.values()
        ]
        return sorted(rows, key=lambda row: (row["database"], row["definition"], row["name"]))


def add_index(table: Table, column: str, taken: t.Container[str] = ()) -> str:
    """The statement that adds the index without blocking reads and writes."""
    stem = f"{table.name}_{column}"[:58]
    names = (f"{stem}_idx", *(f"{stem}_idx{number}" for number in range(2, 100)))
    name = next(found for found in names if found not in taken)
    where = f"{quoted(table.schema)}.{quoted(table.name)}"
    return f"ALTER TABLE {where} ADD INDEX {quoted(name)} ({quoted(column)}), ALGORITHM=INPLACE, LOCK=NONE;"


class Evidence(t.NamedTuple):
    """What can confirm that an index is missed, and how to show it."""

    statements: Maybe[Statements]
    texts: t.Mapping[Key, str]
    looks: t.Sequence[t.Sequence[Row]]  # sessions that were running at moments of the window
    scanned: Maybe[t.Mapping[Table, float]]  # rows read without an index, per second
    running: t.Sequence[Row]
    manner: Manner


_MEASURES = (
    "missing_indexes", "missing_indexes_total", "missing_indexes_suspected", "missing_indexes_hurting", "missing_indexes_hurting_rows",
    "missing_indexes_statement_share_ratio",
)  # fmt: skip


def put_missing(facts: Facts, dictionary: Maybe[Dictionary], evidence: Evidence) -> None:
    """Columns that miss an index: the confirmed ones first, by the time that their statements take."""
    if isinstance(dictionary, Unknown):
        for name in _MEASURES:
            facts.put(name, dictionary)
        return
    if dictionary.untold:
        facts.note(f"MySQL does not report the indexes of partitioned tables this way: {', '.join(dictionary.untold[:5])} not looked at")
    candidates = [_row(dictionary, evidence, *candidate) for candidate in dictionary.candidates()]
    # a column that nothing points to and no statement filters on (session_id, external_id) is left out
    rows = [one for one in candidates if one["statements"] or dictionary.has_target(one["database"], one["columns"][0])]
    rows.sort(key=lambda one: (not one["confirmed_by"], -(known(one["statement_share_ratio"]) or 0), -one["rows_estimate"]))
    hurting = [one for one in rows if one["confirmed_by"]]
    facts.rows("missing_indexes", rows, evidence.manner.top)
    facts.put("missing_indexes_suspected", sum(not one["statements"] for one in rows))
    # without counted statements a column that no look has caught may hurt all the same
    unseen = [evidence.statements] if isinstance(evidence.statements, Unknown) and len(hurting) < len(candidates) else []
    put_total(facts, "missing_indexes_hurting", [len(hurting), *unseen])
    put_largest(facts, "missing_indexes_hurting_rows", [0, *(one["rows_estimate"] for one in hurting), *unseen], "")
    shares = [one["statement_share_ratio"] for one in rows if one["statements"]]
    put_largest(facts, "missing_indexes_statement_share_ratio", [0.0, *shares], "")


_WHY = {
    "statement": "no statement was seen that filters on it without an index",
    "statement_share_ratio": "no statement was seen that filters on it without an index",
    "being_built": "nobody adds it now",
}


def _row(dictionary: Dictionary, evidence: Evidence, table: Table, column: str, refers_to: str) -> Row:
    if isinstance(evidence.statements, Unknown):
        statements = _seen(table, column, evidence)
        confirmed = [f"seen running in {one['samples']} looks" for one in statements if one["samples"] > 1][:1]
    else:
        statements = _sufferers(table, column, evidence.statements, evidence)
        confirmed = ["statements that filter on it and use no index"] if statements else []
    scanned = _scanned(table, evidence)
    if confirmed and not isinstance(scanned, Unknown):
        confirmed.append(f"{counted(round(scanned), 'row', 'rows')} read without an index every second")
    shares = [one["share_ratio"] for one in statements if not isinstance(one["share_ratio"], Unknown)]
    unshared = next((one["share_ratio"] for one in statements if isinstance(one["share_ratio"], Unknown)), None)
    told = {
        "database": table.schema,
        "table": table.name,
        "columns": [column],
        "place": f"{table.shown} ({column})",
        "kind": "column",
        "refers_to": refers_to,
        "rows_estimate": dictionary.rows.get(table, 0),
        "rows_scanned_per_second": scanned,
        "confirmed_by": confirmed,
        "statement": statements[0]["text"] if statements else None,
        "statements": statements[:3],
        "statement_share_ratio": round(min(sum(shares), 1.0), 6) if shares else unshared,
        "being_built": next((f"session {one['pid']} is adding it" for one in evidence.running if _builds(one, table, column)), None),
        "add_index": add_index(table, column, dictionary.indexes.get(table, {})),
    }
    return row(told, _WHY)


def _scanned(table: Table, evidence: Evidence) -> Maybe[float]:
    if isinstance(evidence.scanned, Unknown):
        return evidence.scanned
    rows = evidence.scanned.get(table)
    return Unknown("no row of it was read without an index in the window") if rows is None else rows


_NO_TEXT = {"text": "it is not shown (see the option query_text)"}


def _seen(table: Table, column: str, evidence: Evidence) -> list[Row]:
    """Without performance_schema: statements that filter on the column, by how often they were seen running."""
    found: dict[str, Row] = {}
    every = sum(len(look) for look in evidence.looks)
    for session in (session for look in evidence.looks for session in look):
        text = sql_text.normalise(session.get("query"), "mysql", 2000)
        if session.get("database") in (None, table.schema) and sql_text.filters_on(text, table.name, column):
            entry = found.setdefault(text, {"text": evidence.manner.text(session.get("query")), "samples": 0})
            entry["samples"] += 1
    rows = [{**one, "share_ratio": ratio(one["samples"], every)} for one in found.values()]
    unmeasured = dict.fromkeys(("mean_milliseconds", "examined_per_sent", "calls_per_second"), evidence.statements)
    return [row({**one, **unmeasured}, _NO_TEXT) for one in top(rows, "samples", len(rows))]


def _sufferers(table: Table, column: str, statements: Statements, evidence: Evidence) -> list[Row]:
    """Statements that filter on the column and use no index, those that take most of the time first."""
    total = statements.total(statements.window)
    found = []
    for key, text in evidence.texts.items():
        life = statements.lifetime.get(key)
        if life is None or not text or (key[0] != table.schema and table.schema not in text):
            continue
        if (ratio(life["no_index"], life["calls"]) or 0) < 0.5 or not sql_text.filters_on(
            sql_text.normalise(text, "mysql", 2000), table.name, column
        ):
            continue
        now = measures(statements.window.get(key), statements.seconds, total, IDLE if statements.measured else ONE_SAMPLE)
        since = measures(life, None, 0, NEVER)
        names = ("mean_milliseconds", "examined_per_sent")
        best = {name: since[name] if isinstance(now[name], Unknown) else now[name] for name in names}
        told = {"text": evidence.manner.text(text), **best, **{name: now[name] for name in ("calls_per_second", "share_ratio")}}
        found.append(row({**told, "samples": Unknown("counted by performance_schema, not seen by looks")}, _NO_TEXT))
    return sorted(found, key=lambda one: (-(known(one["share_ratio"]) or 0), -(known(one["mean_milliseconds"]) or 0)))


_BUILD = re.compile(
    r"^\s*(?:alter\s+table\b.*\badd\s+(?:index|key|unique|constraint)\b|create\s+(?:unique\s+)?index\b)", re.IGNORECASE | re.DOTALL
)


def _builds(session: Row, table: Table, column: str) -> bool:
    text = str(session.get("query") or "")[:4000]
    return bool(_BUILD.match(text)) and all(re.search(rf"(?<![\w$]){re.escape(name)}(?![\w$])", text) for name in (table.name, column))


def scans(
    first: Maybe[t.Sequence[t.Mapping[str, t.Any]]], second: Maybe[t.Sequence[t.Mapping[str, t.Any]]], seconds: t.Optional[float]
) -> Maybe[dict[Table, float]]:
    """Rows read without an index, per second, by table."""
    if isinstance(first, Unknown) or isinstance(second, Unknown):
        return first if isinstance(first, Unknown) else t.cast(Unknown, second)
    if not seconds:
        return Unknown(ONE_SAMPLE)
    counts = [{_io_table(told): count(told.get("count_read")) for told in rows} for rows in (first, second)]
    if any(None in each.values() for each in counts):
        return Unknown("the server does not say how many rows of a table were read")
    before, after = (t.cast("dict[Table, int]", each) for each in counts)
    moved = {table: value - before.get(table, 0) for table, value in after.items()}
    return {table: round(value / seconds, 3) for table, value in moved.items() if value > 0}


def _io_table(told: t.Mapping[str, t.Any]) -> Table:
    return Table(str(told.get("object_schema")), str(told.get("object_name")))


def put_scans(facts: Facts, scanned: Maybe[t.Mapping[Table, float]], dictionary: Maybe[Dictionary], keep: int) -> None:
    if isinstance(scanned, Unknown):
        facts.rows("table_scans", scanned, keep)
        return
    sizes = {} if isinstance(dictionary, Unknown) else dictionary.rows
    why = {"rows": dictionary.reason if isinstance(dictionary, Unknown) else "InnoDB does not know its size"}
    rows = [
        row({"database": table.schema, "table": table.name, "rows": sizes.get(table), "rows_scanned_per_second": value}, why)
        for table, value in scanned.items()
    ]
    facts.rows("table_scans", top(rows, "rows_scanned_per_second", len(rows)), keep)
