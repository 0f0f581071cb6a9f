# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: which missing indexes hurt now: the statements that filter on the columns, their plans, the table's scans."""

from __future__ import annotations

import typing as t

from ..._collect.sampling import ratio
from ..._sql import sql_text
from ..._sql.sessions import Manner
from . import plans
from .indexes import Schema, refers_to_a_table
from .statements import Statements

Row = dict[str, t.Any]

#: Candidates whose statements are looked for, and plans that are asked for.
MAX_CANDIDATES = 40
MAX_PLANS = 8

#: (database, statement text, user id) → nodes of its plan; raises NotExplainable.
Explain = t.Callable[[str, str, t.Any], list[Row]]


def statement_rows(statements: t.Optional[Statements], texts: t.Mapping[t.Any, t.Any], names: t.Mapping[t.Any, str]) -> list[Row]:
    """The statements whose text is known, with their share of the time (of the window where something ran, else of the lifetime)."""
    if statements is None:
        return []
    counted = statements.window if statements.total(statements.window) > 0 else statements.lifetime
    whole = statements.total(counted)
    found = []
    for key, raw in texts.items():
        row = counted.get(key)
        if row is not None and raw:
            line = sql_text.normalise(raw, limit=2000)
            calls = row["calls"] or 0
            found.append(
                {
                    "id": key[1],
                    "database": names.get(key[0]),
                    "raw": raw,
                    "line": line,
                    "low": line.lower(),
                    "user_id": row.get("userid"),
                    "share_ratio": ratio(row["milliseconds"] or 0, whole) or 0.0,
                    "mean_milliseconds": round((row["milliseconds"] or 0) / calls, 3) if calls else None,
                    "calls": row["calls"],
                }
            )
    return sorted(found, key=lambda row: -row["share_ratio"])


def ranked(
    schemas: t.Sequence[Schema], missing: t.Sequence[Row], statements: t.Sequence[Row], explain: t.Optional[Explain], manner: Manner
) -> Row:
    """The facts: missing indexes, those that hurt first. A suspect column that nothing points to is left out."""
    rows = sorted(missing, key=_by_scans)[:MAX_CANDIDATES]
    for row in rows:
        _by_statements(row, statements, manner)
        # scans of a table tell nothing about a column that is only suspected by its name
        if row["sequential_scans"] and (row["kind"] == "foreign_key" or row["statements"]):
            row["confirmed_by"].append("sequential scans in the window")
    rows.sort(key=lambda row: (-(row["statement_share_ratio"] or 0), _by_scans(row)))
    by_name = {schema.database: schema for schema in schemas}
    if explain is not None:
        _by_plans(rows, statements, by_name, explain)
    rows = [
        row
        for row in rows
        if row["kind"] == "foreign_key" or row["statements"] or refers_to_a_table(by_name[row["database"]], row["columns"][0])
    ]
    certain = [row for row in rows if row["kind"] == "foreign_key" or row["statements"]]
    hurting = [row for row in rows if row["confirmed_by"]]
    return {
        "missing_indexes": rows[: manner.top],
        "missing_indexes_total": len(rows),
        "missing_indexes_suspected": len(rows) - len(certain),
        "missing_indexes_largest_rows": max((row["rows_estimate"] for row in certain), default=0),
        "missing_indexes_hurting": len(hurting),
        "missing_indexes_hurting_rows": max((row["rows_estimate"] for row in hurting), default=0),
        "missing_indexes_statement_share_ratio": max((row["statement_share_ratio"] or 0.0 for row in rows), default=0.0),
    }


def _by_scans(row: Row) -> tuple[float, float]:
    scans = row["sequential_scans"] if row["sequential_scans"] is not None else row["lifetime_sequential_scans"]
    return (-row["rows_estimate"] * (scans or 0), -row["rows_estimate"])


def _by_statements(row: Row, statements: t.Sequence[Row], manner: Manner) -> None:
    table, column = row["table"], row["columns"][0]
    low_table, low_column = table.lower(), column.lower()
    suffering = [
        one
        for one in statements
        if one["database"] == row["database"]
        and low_table in one["low"]
        and low_column in one["low"]
        and all(sql_text.filters_on(one["line"], table, name) for name in row["columns"])
    ]
    if suffering:
        row["confirmed_by"].append("statements that filter on it")
        row["statement_share_ratio"] = round(sum(one["share_ratio"] for one in suffering), 6)
        row["statements"] = [
            {
                "id": one["id"],
                "text": manner.text(one["raw"]),
                "calls": one["calls"],
                "share_ratio": one["share_ratio"],
                "mean_milliseconds": one["mean_milliseconds"],
            }
            for one in suffering[:3]
        ]


def _by_plans(rows: t.Sequence[Row], statements: t.Sequence[Row], schemas: t.Mapping[str, Schema], explain: Explain) -> None:
    by_id = {(one["database"], one["id"]): one for one in statements}
    left = MAX_PLANS
    for row in rows:
        for shown in row["statements"]:
            if left <= 0:
                return
            left -= 1
            one = by_id[row["database"], shown["id"]]
            try:
                nodes = explain(row["database"], one["raw"], one["user_id"])
            except plans.NotExplainable as why:
                shown["plan"] = f"not known: {why}"
                continue
            whole = plans.reads_whole(nodes, _names(row, schemas[row["database"]]), row["columns"][0])
            shown["plan"] = f"reads {row['table']} as a whole" if whole else "does not read the table as a whole"
            if whole:
                row["confirmed_by"].append("the plan")
                break


def _names(row: Row, schema: Schema) -> set[str]:
    """The table, and its partitions: a plan names those that it reads."""
    found = {row["table"]}
    for table in schema.tables.values():
        if (table["schema"], table["name"]) == (row["schema"], row["table"]):
            found |= {part["name"] for part in schema.partitions_of(table["id"])}
    return found
