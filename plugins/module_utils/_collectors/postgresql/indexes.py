# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: foreign keys, and columns that look like one, that no index serves; and the statement that makes the index.

A foreign key is served by a valid, ready btree whose first columns are, in any order, exactly its columns (a hash index for
one column). Included columns, expressions and halves in two indexes do not serve it. A partial index does only when its
condition is that the columns are not null: an equality implies that.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ..._collect.derived import moved, total
from ..._collect.facts import Maybe, Unknown, measured
from ..._collect.sampling import ONE_SAMPLE
from ..._sql import sql_text
from ..._sql.task_tables import Queues
from .session import quoted_if_needed

Row = dict[str, t.Any]

#: Tables smaller than this are read as a whole whatever indexes they have.
FEW_ROWS = 1000
#: A column without a constraint is only a suspect, and of large tables only.
MANY_ROWS = 10000
NAME_BYTES = 63
PARTITIONS_SHOWN = 12


@dataclasses.dataclass
class Schema:
    """What was read of one database."""

    database: str
    tables: dict[int, Row]
    indexes: list[Row] = dataclasses.field(default_factory=list)
    foreign_keys: list[Row] = dataclasses.field(default_factory=list)
    columns: dict[int, dict[int, Row]] = dataclasses.field(default_factory=dict)
    partitions: list[Row] = dataclasses.field(default_factory=list)
    building: list[Row] = dataclasses.field(default_factory=list)
    second: dict[int, Row] = dataclasses.field(default_factory=dict)  # the same tables at the end of the window
    uses: tuple[dict[int, Row], dict[int, Row]] = ({}, {})
    tables_total: Maybe[int] = Unknown("it was not counted")
    seconds: t.Optional[float] = None
    unread: t.Optional[Unknown] = None  # why indexes and foreign keys could not be read
    task_queues: Maybe[list[Queues]] = Unknown("it was not looked for")

    def partitions_of(self, table: int) -> list[Row]:
        """All partitions below the table, parents before their children."""
        found = []
        for row in self.partitions:
            if row["parent_id"] == table:
                found += [row, *self.partitions_of(row["id"])]
        return found

    def rows(self, table: int) -> float:
        """The estimate of its rows; of a partitioned table the sum of its partitions."""
        row = self.tables.get(table, {})
        if row.get("kind") == "p":
            return sum(max(part["rows"] or 0, 0) for part in self.partitions_of(table) if part["kind"] == "r")
        return max(row.get("estimate") or 0, row.get("n_live_tup") or 0, 0)


def serves(index: Row, columns: t.Collection[int]) -> bool:
    """Whether the index finds rows by these columns (attribute numbers)."""
    wanted = set(columns)
    keys = [int(number) for number in str(index["columns"]).split()][: index["key_columns"]]
    if not (index["valid"] and index["ready"]) or set(keys[: len(wanted)]) != wanted or len(keys) < len(wanted):
        return False
    if index["method"] == "hash":
        return len(wanted) == 1 and index["predicate"] is None
    return index["method"] == "btree" and index["predicate"] is None


def _not_null_only(index: Row, names: t.Collection[str]) -> bool:
    """Whether the index's condition says no more than that these columns are not null."""
    allowed = {f"{name} IS NOT NULL" for name in names}
    parts = re.split(r"\s+AND\s+", str(index["predicate"]).replace("(", "").replace(")", ""))
    return bool(parts) and set(parts) <= allowed


def served(schema: Schema, table: int, columns: t.Sequence[int]) -> bool:
    names = [column["quoted"] for number, column in schema.columns.get(table, {}).items() if number in columns]
    for index in schema.indexes:
        if index["table_id"] == table and serves({**index, "predicate": None}, columns) and (
            index["predicate"] is None or _not_null_only(index, names)
        ):  # fmt: skip
            return True
    return False


def missing(schema: Schema) -> list[Row]:
    """Every foreign key and suspicious column without an index, unranked and unconfirmed."""
    found, taken = [], set()
    for key in schema.foreign_keys:
        table = schema.tables.get(key["table_id"])
        if table is None or schema.rows(key["table_id"]) < FEW_ROWS:
            continue
        taken.add((key["table_id"], key["columns"][0]))
        if not served(schema, key["table_id"], key["columns"]):
            found.append(_row(schema, table, key["columns"], "foreign_key", key))
    for identifier, table in schema.tables.items():
        if not table["partition"] and schema.rows(identifier) >= MANY_ROWS:
            found += [_row(schema, table, [number], "column", None) for number in _suspects(schema, identifier, taken)]
    return found


def _suspects(schema: Schema, table: int, taken: t.Collection[tuple[int, int]]) -> list[int]:
    """Numbers of the columns named like a foreign key, without a constraint and without an index that begins with them."""
    return [
        number
        for number, column in schema.columns.get(table, {}).items()
        if column["key_type"]
        and sql_text.refers_to(column["name"])
        and (table, number) not in taken
        and not served(schema, table, [number])
    ]


def refers_to_a_table(schema: Schema, column: str) -> bool:
    return sql_text.refers_to_one_of(column, (row["name"] for row in schema.tables.values()))


def _row(schema: Schema, table: Row, numbers: t.Sequence[int], kind: str, key: t.Optional[Row]) -> Row:
    columns = [
        schema.columns.get(table["id"], {}).get(number) or {"name": f"column {number}", "quoted": f"column {number}"} for number in numbers
    ]
    before, after = _scans(schema, table["id"], schema.tables), _scans(schema, table["id"], schema.second)
    parent = schema.tables.get(key["parent_id"], {}) if key else {}
    no_key = "it is a column without a constraint"
    return {
        "database": schema.database,
        "schema": table["schema"],
        "table": table["name"],
        "columns": [column["name"] for column in columns],
        "kind": kind,
        "constraint": key["name"] if key else Unknown(no_key),
        "parent": key["parent"] if key else Unknown(no_key),
        "parent_rows_changed": total(measured(parent.get(name), "its parent's changes are not counted") for name in _CHANGES)
        if parent
        else Unknown("its parent was not read" if key else no_key),
        "rows_estimate": int(schema.rows(table["id"])),
        "table_bytes": _bytes(schema, table),
        "sequential_scans": _moved(schema, before, after, "seq_scan"),
        "rows_read_sequentially": _moved(schema, before, after, "seq_tup_read"),
        "lifetime_sequential_scans": measured((before or {}).get("seq_scan"), "its scans are not counted"),
        "being_built": measured(_being_built(schema, table["id"]), "no index of it is being built"),
        "invalid_index": measured(_invalid(schema, table["id"], numbers), "no build of an index of it failed"),
        "create_index": create_index(schema, table, [column["quoted"] for column in columns], [column["name"] for column in columns]),
        "confirmed_by": [],
        "statements": [],
        "statement_share_ratio": Unknown(NO_STATEMENT),
    }


_CHANGES = ("n_tup_del", "n_tup_upd")
#: Why a column that misses an index has no share of the time.
NO_STATEMENT = "no statement was seen that filters on it"


def _moved(schema: Schema, before: t.Optional[Row], after: t.Optional[Row], name: str) -> Maybe[t.Any]:
    if schema.seconds is None:
        return Unknown(ONE_SAMPLE)
    if before is None or after is None:
        return Unknown("the table was not read twice")
    return moved(before[name], after[name], "its scans are not counted", f"{name} of {schema.database}")


def _bytes(schema: Schema, table: Row) -> Maybe[t.Any]:
    parts = [table] if table["kind"] != "p" else schema.partitions_of(table["id"])
    return total(measured(part["bytes"], "its size is not known") for part in parts)


def _scans(schema: Schema, table: int, tables: t.Mapping[int, Row]) -> t.Optional[Row]:
    """Sequential scans of the table, or of its partitions as far as they were read both times."""
    row = tables.get(table)
    if row is None:
        return None
    parts = [tables[part["id"]] for part in schema.partitions_of(table) if part["id"] in tables] if row["kind"] == "p" else [row]
    columns = {name: [part[name] for part in parts] for name in ("seq_scan", "seq_tup_read")}
    return {name: None if None in values else sum(values) for name, values in columns.items()}


def _being_built(schema: Schema, table: int) -> t.Optional[str]:
    """What index of the table (or of its partitions) is being built right now."""
    mine = {table, *(part["id"] for part in schema.partitions_of(table))}
    for row in schema.building:
        if row["table_id"] in mine:
            done = f", {100 * row['blocks_done'] // row['blocks_total']} % of this step" if row.get("blocks_total") else ""
            return f"an index is being built by pid {row['pid']} ({row['phase']}{done})"
    return None


def _invalid(schema: Schema, table: int, numbers: t.Sequence[int]) -> t.Optional[str]:
    """An index that would serve, were it not left behind by a build that failed (or is not finished)."""
    for index in schema.indexes:
        if (
            index["table_id"] == table
            and not (index["valid"] and index["ready"])
            and serves({**index, "valid": True, "ready": True}, numbers)
        ):
            return f"{index['schema']}.{index['name']}"
    return None


def index_name(table: str, columns: t.Sequence[str], taken: t.Collection[str]) -> str:
    """`<table>_<columns>_idx`, short enough and not taken in that schema."""
    stem = "_".join([table, *columns])
    for number in range(100):
        tail = "_idx" + (str(number) if number else "")
        head = stem.encode()[: NAME_BYTES - len(tail)].decode("utf-8", "ignore")
        if head + tail not in taken:
            return head + tail
    return stem[:40] + "_launch_idx"


def create_index(schema: Schema, table: Row, quoted: t.Sequence[str], names: t.Sequence[str]) -> str:
    """The statement; of a partitioned table the sequence that does not lock it for long."""
    taken = {index["name"] for index in schema.indexes if index["schema"] == table["schema"]}
    listed = "(" + ", ".join(quoted) + ")"
    own = index_name(table["name"], names, taken)
    if table["kind"] != "p":
        return f"CREATE INDEX CONCURRENTLY {quoted_if_needed(own)} ON {table['quoted']} {listed};"
    index_of = {table["id"]: f"{quoted_if_needed(table['schema'])}.{quoted_if_needed(own)}"}
    lines = [f"CREATE INDEX {quoted_if_needed(own)} ON ONLY {table['quoted']} {listed};"]
    parts = schema.partitions_of(table["id"])
    for part in parts[:PARTITIONS_SHOWN]:
        name = index_name(part["name"], names, taken)
        index_of[part["id"]] = f"{quoted_if_needed(part['schema'])}.{quoted_if_needed(name)}"
        how = "CREATE INDEX {} ON ONLY {} {};" if part["kind"] == "p" else "CREATE INDEX CONCURRENTLY {} ON {} {};"
        lines.append(how.format(quoted_if_needed(name), part["quoted"], listed))
        lines.append(f"ALTER INDEX {index_of[part['parent_id']]} ATTACH PARTITION {index_of[part['id']]};")
    if len(parts) > PARTITIONS_SHOWN:
        lines.append(f"-- and the same two lines for each of {len(parts) - PARTITIONS_SHOWN} more partitions")
    return "\n".join(lines)
