# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A statement that became slow by itself, on a table whose statistics are stale: the planner chose another plan for it."""

from __future__ import annotations

import re
import statistics
import typing as t

from .._fleet.observed import Instance, Row
from .._reach.quoting import Line, sql
from .cause import Cause, look, percent, said
from .fleet_view import Fleet

CHECKS = ("postgresql_stale_statistics", "postgresql_never_analyzed")
#: A table that is smaller is read as fast by any plan; one of which less changed is expected as it is.
ROWS, CHANGED = 10_000, 0.2
#: The statement takes this share of the time, this many milliseconds, and this many times what it took before the window.
SHARE, MILLISECONDS, SLOWER = 0.3, 5.0, 5.0
#: Calls from which a mean is one, and sessions at work below which the database rests.
CALLS, AT_WORK = 20, 0.2
#: What slows all statements down (a disk, a full CPU) is no plan: the others may be slower by this at most.
OTHERS = 2.0


def stale_statistics(fleet: Fleet) -> t.Iterator[Cause]:
    for database in fleet.instances("postgresql"):
        finding = fleet.shown(database, *CHECKS, least="warn")
        if finding is None or (database.number("statements_busy_sessions") or 0) < AT_WORK:
            continue
        statements = [(row, slower) for row in database.rows("statements") if (slower := _slower(row)) is not None]
        for row, times in statements:
            others = [each for other, each in statements if other is not row]
            table = _stale_table(database, row)
            if table is None or not _became_slow(row, times) or (others and statistics.median(others) > OTHERS):
                continue
            yield _cause(fleet, database, row, times, table, look(finding), said(finding))
            break


def _slower(row: Row) -> t.Optional[float]:
    """How many times its mean before the window the statement takes now; None where either is not known."""
    calls, now = row.number("calls"), row.number("mean_milliseconds")
    whole, mean = row.number("lifetime_calls"), row.number("lifetime_mean_milliseconds")
    if not calls or now is None or whole is None or mean is None or whole - calls < CALLS:
        return None
    before = (whole * mean - calls * now) / (whole - calls)
    return now / before if before > 0 else None


def _became_slow(row: Row, times: float) -> bool:
    return row.amount("share_ratio") >= SHARE and row.amount("mean_milliseconds") >= MILLISECONDS and times >= SLOWER


def _stale_table(database: Instance, statement: Row) -> t.Optional[Row]:
    """The table of the statement that changed most since it was analysed."""
    stale = [row for row in database.rows("tables_stale") if row.amount("modified_ratio") > CHANGED]
    stale += database.rows("tables_never_analyzed")
    own = [row for row in stale if row.amount("rows_estimate") >= ROWS and _mentions(statement, row)]
    return max(own, key=lambda row: (row.get("analyzed") is False, row.amount("modified_ratio")), default=None)


def _mentions(statement: Row, table: Row) -> bool:
    """Whether the statement names the table, in quotes or not."""
    if statement.get("database") not in (None, table.get("database")):
        return False
    name = re.escape(table.word("name"))
    return re.search(rf"(?<![\w$]){name}(?![\w$])", statement.word("text"), re.IGNORECASE) is not None


def _cause(fleet: Fleet, database: Instance, statement: Row, times: float, table: Row, line: t.Optional[Line], words: str) -> Cause:
    name = f"{table.word('schema')}.{table.word('name')}"
    return Cause(
        hosts=[database.host],
        statement=(
            f"The planner of PostgreSQL {database} chose a bad plan: the statistics of {name} are stale ({_age(table)}), and a statement "
            f"on it takes {statement.amount('mean_milliseconds'):.0f} ms, {times:.0f} times what it took before, "
            f"{percent(statement.number('share_ratio'))} of the server's time."
        ),
        evidence=[
            f"{statement.word('text')}: {statement.amount('calls'):.0f} calls in the window; the other statements are as fast as before.",
            *_scans(database, table),
            *([f"{words}."] if words else []),
        ],
        first_fix=f"Renew the statistics; it takes seconds and blocks nobody:\n{_analyze(table)}\nThen let autovacuum keep them "
        "(it is off or too slow for that table: autovacuum_analyze_scale_factor).",
        avoid="Do not add an index or application servers: the fast plan still exists, the planner only does not choose it.",
        look=line or fleet.command(database, "psql {login} -c 'SELECT * FROM pg_stat_user_tables ORDER BY n_mod_since_analyze DESC'"),
        rows=[table],
        at=database,
    )


def _age(table: Row) -> str:
    if table.get("analyzed") is False:
        return "it was never analysed"
    seconds = table.number("analyzed_seconds")
    since = "" if seconds is None else f", {seconds / 60:.0f} min ago" if seconds >= 120 else f", {seconds:.0f} s ago"
    return f"{percent(table.number('modified_ratio'))} of its rows changed since its last ANALYZE{since}"


def _analyze(table: Row) -> str:
    return f"ANALYZE {sql(table.word('schema'))}.{sql(table.word('name'))};"


def _scans(database: Instance, table: Row) -> t.Iterator[str]:
    """Reading all of the table that began with it."""
    for row in database.rows("sequential_scan_suspects"):
        if (row.get("database"), row.get("schema"), row.get("name")) == (table.get("database"), table.get("schema"), table.get("name")):
            before = row.amount("lifetime_sequential_scans") - row.amount("sequential_scans")
            yield (
                f"{row.amount('sequential_scans'):.0f} sequential scans of {row.word('name')} in the window, {max(before, 0):.0f} before "
                "it since its statistics began."
            )
