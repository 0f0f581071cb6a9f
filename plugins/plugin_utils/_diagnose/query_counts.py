# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One quick statement that a page runs again and again: a query per row of a list (N+1), mostly since a release."""

from __future__ import annotations

import typing as t

from .._fleet.observed import Instance, Row
from .._fleet.waiting import waits_of
from .by_edge import requests_to
from .cause import Cause, percent, several
from .database import LABEL, TOOLS
from .dependencies import SLOW
from .extent import grouped, users_among
from .fleet_view import Fleet
from .waits import pages_of

#: Calls per request of a statement that grew to this many times what it was, and of one of which nothing earlier is known.
PER_REQUEST, GREW, UNHEARD = 10.0, 5.0, 30.0
#: A statement that is slow by itself is another matter, and one that gets many rows at once is no query per row.
QUICK_MILLISECONDS, FEW_ROWS = 20.0, 10.0
#: Its part of all calls, and the calls before the window from which its rate was one.
OF_ALL_CALLS, CALLS_BEFORE = 0.3, 100
#: The part of the looks at busy workers in which they are in the database or compute what it returns.
IN_IT = 0.5


def query_per_row(fleet: Fleet) -> t.Iterator[Cause]:
    troubled = fleet.troubled_workers(*SLOW, least="warn")
    for database in fleet.databases():
        frequent = _frequent(database)
        if not frequent:
            continue  # before who uses it is asked: that is a walk over all applications
        for slow in grouped(users_among(troubled, database, fleet), fleet):
            row = _repeated(fleet, database, slow, frequent)
            if row is not None and any(is_in_it(workers, database, fleet) for workers in slow):
                yield _cause(fleet, database, slow, *row)


def _frequent(database: Instance) -> list[Row]:
    """Quick reads that are a large part of all calls, the most frequent first."""
    every = database.number("statements_calls_per_second") or 0.0
    rows = sorted(database.rows("statements"), key=lambda row: -row.amount("calls_per_second")) if every else []
    often = (row for row in rows if row.amount("calls_per_second") >= OF_ALL_CALLS * every)
    # what mostly functions and triggers run is not the application's: the check of a foreign key, for each row that is written
    own = (row for row in often if 2 * row.amount("nested_calls") <= row.amount("calls"))
    return [row for row in own if row.word("kind") == "read" and _is_quick(row)]


def _repeated(
    fleet: Fleet, database: Instance, slow: list[Instance], frequent: list[Row]
) -> t.Optional[tuple[Row, float, t.Optional[float]]]:
    """The statement, its calls per request, and how many times more often it is called than before the window."""
    users = {each.key: each for each in (*users_among(fleet.applications(), database, fleet), *slow)}
    served = _served(list(users.values()), fleet)
    if not served:
        return None
    for row in frequent:
        times, grew = row.amount("calls_per_second") / served, _grew(database, row)
        if times >= (UNHEARD if grew is None else PER_REQUEST) and (grew is None or grew >= GREW):
            return row, times, grew
    return None


def _served(users: list[Instance], fleet: Fleet) -> t.Optional[float]:
    """Requests per second, by the edge of those that count none; None where one's are not known: it may be who asks."""
    own = {workers.key: workers.number("requests_per_second") for workers in users}
    uncounted = [workers for workers in users if own[workers.key] is None]
    by_edge = requests_to(uncounted, fleet) if uncounted else 0.0
    return None if by_edge is None else by_edge + sum(rate or 0.0 for rate in own.values())


def _is_quick(row: Row) -> bool:
    mean, rows = row.number("mean_milliseconds"), row.number("rows_per_call")
    return mean is not None and mean < QUICK_MILLISECONDS and rows is not None and rows <= FEW_ROWS


def _grew(database: Instance, row: Row) -> t.Optional[float]:
    """None where the statement is as new as its statistics."""
    since, window = database.number("statements_since_seconds"), database.number("window")
    whole, calls = row.number("lifetime_calls"), row.number("calls")
    if None in (since, window, whole, calls) or (whole or 0) - (calls or 0) < CALLS_BEFORE or (since or 0) <= 2 * (window or 0):
        return None
    before = ((whole or 0) - (calls or 0)) / ((since or 0) - (window or 0))
    return row.amount("calls_per_second") / before if before else None


def is_in_it(workers: Instance, database: Instance, fleet: Fleet) -> bool:
    """Whether the busy workers are mostly in this database or compute; where nobody could look, that they are slow must do."""
    waits = waits_of(workers, fleet.graph)
    if waits is None:
        return True
    share = waits.share_of(database.key)
    return share is None or share + waits.kinds["cpu"] >= IN_IT


def _cause(fleet: Fleet, database: Instance, slow: list[Instance], row: Row, times: float, grew: t.Optional[float]) -> Cause:
    pages = list(dict.fromkeys(page for workers in slow for page in pages_of(workers, fleet)))
    where = f" (the busy workers are in {several(pages)})" if pages else ""
    since = "" if grew is None else f", {grew:.0f} times as often as before the window"
    return Cause(
        hosts=sorted({workers.host for workers in slow}),
        tier="uwsgi",
        statement=(
            f"The application runs one quick statement {times:.0f} times per request{where} on {LABEL[database.service]} {database}"
            f"{since}: {row.word('text')}."
        ),
        evidence=[
            f"{row.amount('calls_per_second'):.0f} calls per second of {row.amount('mean_milliseconds'):.2f} ms each, "
            f"{percent(row.number('share_ratio'))} of the server's time.",
        ],
        first_fix="Fetch the rows in one query: select_related or prefetch_related on the list that the page shows, or a value kept in the "
        "cache. If it came with a release, roll back to the one before.",
        avoid="Do not add workers or servers, and do not tune the database for it: each call is quick, there are just too many.",
        look=fleet.command(database, *TOOLS[database.service]),
        rows=[row],
        at=database,
        of=tuple(workers.key for workers in slow),
    )
