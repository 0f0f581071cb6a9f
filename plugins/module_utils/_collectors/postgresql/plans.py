# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans of statements, never executed: EXPLAIN without ANALYZE, generic where a statement has parameters.

Planning may run functions that users wrote. So only one statement at a time is explained, without functions of users, as the
role that ran it, read-only, and within half a second.
"""

from __future__ import annotations

import re
import typing as t

from ..._sql import sql_text
from . import driver
from .session import Session

Row = dict[str, t.Any]

MAX_NODES = 15

_PARAMETER = re.compile(r"\$(\d+)")
_PLANNED = re.compile(r"\A\(*\s*(?:select|insert|update|delete|merge|with|values|table)\b", re.IGNORECASE)
_CALL = re.compile(r"(?<![\w$\".])([\w$\".]+)\s*\(")
# `insert into t (a, b)`, `as t (a, b)`: the word before the parenthesis names columns
_COLUMN_LIST = re.compile(r"\b(?:into|as)\s+[\w$\".]+\s*\(", re.IGNORECASE)
#: What may stand before an opening parenthesis: SQL's own words and built-in functions that Django and people use.
_HARMLESS = frozenset(
    [
        *(
            "in",
            "values",
            "any",
            "all",
            "some",
            "exists",
            "and",
            "or",
            "not",
            "on",
            "using",
            "as",
            "over",
            "filter",
            "within",
            "group",
            "by",
        ),
        *(
            "from",
            "select",
            "where",
            "join",
            "lateral",
            "union",
            "except",
            "intersect",
            "having",
            "when",
            "then",
            "else",
            "case",
            "array",
            "row",
        ),
        *(
            "with",
            "materialized",
            "set",
            "returning",
            "conflict",
            "distinct",
            "limit",
            "offset",
            "between",
            "like",
            "ilike",
            "is",
            "into",
            "key",
        ),
        *("count", "sum", "avg", "min", "max", "coalesce", "nullif", "greatest", "least", "lower", "upper", "length", "trim", "substring"),
        *(
            "position",
            "abs",
            "round",
            "floor",
            "ceil",
            "cast",
            "extract",
            "date_trunc",
            "date_part",
            "now",
            "row_number",
            "rank",
            "dense_rank",
        ),
        *(
            "lag",
            "lead",
            "first_value",
            "last_value",
            "bool_and",
            "bool_or",
            "string_agg",
            "array_agg",
            "unnest",
            "to_tsvector",
            "to_tsquery",
        ),
        *("plainto_tsquery", "pg_sleep", "numeric", "varchar", "char", "timestamp", "time", "decimal", "generate_series"),
    ]
)


class NotExplainable(Exception):
    """Why there is no plan, in one sentence."""


def check(text: str) -> None:
    """Raise NotExplainable unless the text is one whole statement that reads or writes rows and calls nothing foreign."""
    line = sql_text.normalise(text, limit=8000)
    if line.endswith("…") or len(text) >= sql_text.SCAN_LIMIT:
        raise NotExplainable("the statement is cut: raise track_activity_query_size to see its plan")
    if not sql_text.certain(text):
        raise NotExplainable("a backslash in it makes it uncertain where a literal ends")
    if ";" in line.rstrip("; "):
        raise NotExplainable("it is more than one statement")
    if not _PLANNED.match(line):
        raise NotExplainable("only SELECT, INSERT, UPDATE and DELETE have plans")
    for name in _CALL.findall(_COLUMN_LIST.sub("as (", line)):
        if name.lower().strip('"') not in _HARMLESS:
            raise NotExplainable(f"it calls {name}, and planning may run functions that users wrote")


def explain(session: Session, text: str, role: t.Optional[str] = None) -> list[Row]:
    """The nodes of the plan, outermost first. `role`: who ran the statement, when we may become it."""
    check(text)
    text = text.strip().rstrip(";")
    parameters = max((int(number) for number in _PARAMETER.findall(text)), default=0)
    try:
        if not parameters:
            rows = session.explain(None, f"EXPLAIN (FORMAT JSON) {text}", role)
        else:
            # not EXPLAIN (GENERIC_PLAN): it exists since 16, and only in the protocol that lets several statements through
            values = ", ".join(["NULL"] * parameters)
            rows = session.explain(text, f"EXPLAIN (FORMAT JSON) EXECUTE launch_plan({values})", role)
    except driver.SqlError as error:
        raise NotExplainable(str(error)) from None
    return nodes(next(iter(rows[0].values()))) if rows else []


def nodes(document: t.Any) -> list[Row]:
    """The plan's nodes as rows, without literals."""
    found: list[Row] = []
    top = document[0] if isinstance(document, list) and document else {}
    _walk(top.get("Plan"), 0, found)
    return found[:MAX_NODES]


def _walk(plan: t.Any, depth: int, found: list[Row]) -> None:
    if not isinstance(plan, dict) or len(found) >= MAX_NODES:
        return
    condition = plan.get("Index Cond") or plan.get("Hash Cond") or plan.get("Filter") or plan.get("Merge Cond")
    found.append(
        {
            "depth": depth,
            "node": plan.get("Node Type"),
            "relation": plan.get("Relation Name"),
            "index": plan.get("Index Name"),
            "rows_estimate": plan.get("Plan Rows"),
            "cost": plan.get("Total Cost"),
            "condition": sql_text.normalise(condition, limit=160) or None,
            "filter": sql_text.normalise(plan.get("Filter"), limit=160) or None,
        }
    )
    for child in plan.get("Plans") or []:
        _walk(child, depth + 1, found)


def reads_whole(plan: t.Sequence[Row], tables: t.Collection[str], column: str) -> bool:
    """Whether the plan reads one of these tables as a whole to find rows by the column."""
    pattern = re.compile(rf"(?<![\w$])\"?{re.escape(column)}\"?(?![\w$])", re.IGNORECASE)
    whole = [node for node in plan if node["node"] in ("Seq Scan", "Parallel Seq Scan") and node["relation"] in tables]
    conditions = [text for node in plan for text in (node["condition"], node["filter"]) if text]
    return bool(whole) and any(pattern.search(text) for text in conditions)
