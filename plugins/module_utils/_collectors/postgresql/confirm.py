# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: which missing indexes hurt now: the statements that filter on the columns, their plans, the table's scans."""

from __future__ import annotations

import typing as t

from ..._collect.derived import per, put_largest, put_total, total
from ..._collect.facts import Facts, Maybe, Unknown, known, measured, row
from ..._sql import sql_text
from ..._sql.sessions import Manner
from . import plans
from .indexes import Schema, refers_to_a_table
from .statements import Statements

Row = dict[str, t.Any]

#: Candidates whose statements we look up, and plans we request.
MAX_CANDIDATES = 40
MAX_PLANS = 8

#: (database, statement text, user id) → nodes of its plan; raises NotExplainable.
Explain = t.Callable[[str, str, t.Any], list[Row]]


def statement_rows(statements: Maybe[Statements], texts: t.Mapping[t.Any, t.Any], names: t.Mapping[t.Any, str]) -> Maybe[list[Row]]:
    """The statements whose text is known, with their share of the time (of the window where something ran, else of the lifetime)."""
    if isinstance(statements, Unknown):
        return statements
    counted = statements.window if statements.total(statements.window) > 0 else statements.lifetime
    whole = statements.total(counted)
    rows, untimed = [], Unknown("the server does not say how long it ran")
    for key, raw in texts.items():
        own = counted.get(key)
        if own is not None and raw:
            line = sql_text.normalise(raw, limit=2000)
            taken = own["milliseconds"] or 0
            rows.append(
                {
                    "id": key[1],
                    "database": names.get(key[0]),
                    "raw": raw,
                    "line": line,
                    "low": line.lower(),
                    "user_id": own.get("userid"),
                    "share_ratio": untimed if own["milliseconds"] is None else known(per(taken, whole, "nothing took any time")) or 0.0,
                    "mean_milliseconds": per(taken, own["calls"] or 0, "it never ran"),
                    "calls": measured(own["calls"], "the server does not say how often it ran"),
                }
            )
    return sorted(rows, key=lambda one: -(known(one["share_ratio"]) or 0))


_MEASURES = (
    "missing_indexes", "missing_indexes_total", "missing_indexes_suspected", "missing_indexes_largest_rows", "missing_indexes_hurting",
    "missing_indexes_hurting_rows", "missing_indexes_statement_share_ratio",
)  # fmt: skip


def put_missing(
    facts: Facts,
    schemas: t.Sequence[Schema],
    candidates: t.Sequence[Row],
    seen: Maybe[t.Sequence[Row]],
    explain: t.Optional[Explain],
    manner: Manner,
    nothing: str = "no database's indexes could be read",
) -> None:
    """Missing indexes, those that hurt first. A suspect column that nothing points to is left out.

    Where the statements are not known, only a table that was never scanned is known not to suffer.
    """
    statements = known(seen) or []
    unread = [schema.unread for schema in schemas if schema.unread is not None]
    read = [schema for schema in schemas if schema.unread is None]
    if not read:
        for name in _MEASURES:
            facts.put(name, unread[0] if unread else Unknown(nothing))
        return
    rows = sorted(candidates, key=_by_scans)[:MAX_CANDIDATES]
    for one in rows:
        _by_statements(one, statements, manner)
        # scans of a table tell nothing about a column that is only suspected by its name
        if known(one["sequential_scans"]) and (one["kind"] == "foreign_key" or one["statements"]):
            one["confirmed_by"].append("sequential scans in the window")
    rows.sort(key=lambda one: (-(known(one["statement_share_ratio"]) or 0), _by_scans(one)))
    by_name = {schema.database: schema for schema in read}
    if explain is not None:
        _by_plans(rows, statements, by_name, explain)
    rows = [
        one
        for one in rows
        if one["kind"] == "foreign_key" or one["statements"] or refers_to_a_table(by_name[one["database"]], one["columns"][0])
    ]
    certain = [one for one in rows if one["kind"] == "foreign_key" or one["statements"]]
    hurting = [one for one in rows if one["confirmed_by"]]
    facts.put("missing_indexes", rows[: manner.top])
    # a database that could not be read may lack more of them
    for name, own in (("total", rows), ("suspected", [one for one in rows if one not in certain])):
        put_total(facts, f"missing_indexes_{name}", [0, *(1 for _one in own), *unread])
    doubtful = [] if not isinstance(seen, Unknown) or len(certain) == len(rows) else [seen]
    put_largest(facts, "missing_indexes_largest_rows", [0, *(one["rows_estimate"] for one in certain), *unread, *doubtful], "")
    if isinstance(seen, Unknown) and any(not one["confirmed_by"] and known(one["lifetime_sequential_scans"]) != 0 for one in rows):
        unread.append(seen)
    put_total(facts, "missing_indexes_hurting", [0, *(1 for _one in hurting), *unread])
    put_largest(facts, "missing_indexes_hurting_rows", [0, *(one["rows_estimate"] for one in hurting), *unread], "")
    shares = [one["statement_share_ratio"] for one in rows if one["statements"]]
    put_largest(facts, "missing_indexes_statement_share_ratio", [0.0, *shares, *unread], "")


def _by_scans(one: Row) -> tuple[float, float]:
    scans = known(one["sequential_scans"])
    scans = known(one["lifetime_sequential_scans"]) if scans is None else scans
    return (-one["rows_estimate"] * (scans or 0), -one["rows_estimate"])


def _by_statements(candidate: Row, statements: t.Sequence[Row], manner: Manner) -> None:
    table, column = candidate["table"], candidate["columns"][0]
    low_table, low_column = table.lower(), column.lower()
    suffering = [
        one
        for one in statements
        if one["database"] == candidate["database"]
        and low_table in one["low"]
        and low_column in one["low"]
        and all(sql_text.filters_on(one["line"], table, name) for name in candidate["columns"])
    ]
    if suffering:
        candidate["confirmed_by"].append("statements that filter on it")
        share = total(one["share_ratio"] for one in suffering)
        candidate["statement_share_ratio"] = share if isinstance(share, Unknown) else round(share, 6)
        why = {"text": "it is not shown (see the option query_text)", "plan": "it was not asked for (see the option confirm_by_plan)"}
        candidate["statements"] = [
            row(
                {
                    "id": one["id"],
                    "text": manner.text(one["raw"]),
                    "calls": one["calls"],
                    "share_ratio": one["share_ratio"],
                    "mean_milliseconds": one["mean_milliseconds"],
                    "plan": None,
                },
                why,
            )
            for one in suffering[:3]
        ]


def _by_plans(candidates: t.Sequence[Row], statements: t.Sequence[Row], schemas: t.Mapping[str, Schema], explain: Explain) -> None:
    by_id = {(one["database"], one["id"]): one for one in statements}
    left = MAX_PLANS
    for candidate in candidates:
        for shown in candidate["statements"]:
            if left <= 0:
                return
            left -= 1
            one = by_id[candidate["database"], shown["id"]]
            try:
                nodes = explain(candidate["database"], one["raw"], one["user_id"])
            except plans.NotExplainable as why:
                shown["plan"] = f"not known: {why}"
                continue
            whole = plans.reads_whole(nodes, _names(candidate, schemas[candidate["database"]]), candidate["columns"][0])
            shown["plan"] = f"reads {candidate['table']} as a whole" if whole else "does not read the table as a whole"
            if whole:
                candidate["confirmed_by"].append("the plan")
                break


def _names(candidate: Row, schema: Schema) -> set[str]:
    """The table, and its partitions: a plan names those that it reads."""
    names = {candidate["table"]}
    for table in schema.tables.values():
        if (table["schema"], table["name"]) == (candidate["schema"], candidate["table"]):
            names |= {part["name"] for part in schema.partitions_of(table["id"])}
    return names
