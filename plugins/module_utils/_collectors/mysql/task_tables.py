# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The questions after tasks of Django that wait in a table of MySQL or MariaDB.

Django writes moments in UTC there (USE_TZ, its default). The index that PostgreSQL has for waiting tasks is left out by MySQL, so a
table in which many finished ones were left is not read.
"""

from __future__ import annotations

import typing as t

from ..._collect.facts import Maybe, Unknown, known
from ..._collect.sampling import count, number
from ..._sql.task_tables import COLUMNS, MOST_QUEUES, MOST_ROWS, MOST_TABLES, NEVER, Queues, Row, words
from ..._texts.counted import counted
from ..._texts.redact import clean
from . import indexes, reasons
from .fetch import Reader
from .session import Refused, literal, quoted

#: Rows of a table that are read without an index, and seconds that two clocks may differ by.
MOST_SCANNED, SLACK = 500_000, 60


def tables(prefix: str, decoded: str) -> str:
    """Tables with these columns, from InnoDB's dictionary: no table is opened for it."""
    names = ", ".join(map(literal, COLUMNS))
    return f"""SELECT table_id, name{decoded}, {len(COLUMNS)} AS matching FROM {prefix}tables
WHERE LOWER(name) LIKE '%task%' AND table_id IN
  (SELECT table_id FROM {prefix}columns WHERE LOWER(name) IN ({names}) GROUP BY table_id HAVING COUNT(*) = {len(COLUMNS)})
ORDER BY table_id LIMIT {MOST_TABLES}"""


def waiting(table: str) -> str:
    """`table`: quoted. A task waits since it was put there, or since the moment that it was to wait for."""
    now = "UTC_TIMESTAMP(6)"
    # by the calendar alone: what takes a moment for one of the session's time zone is wrong when the clocks change
    since, last, moment = (f"TO_SECONDS({what}) + MICROSECOND({what}) / 1e6" for what in ("MIN(w.since)", "MAX(w.since)", now))
    return f"""SELECT w.name, COUNT(*) AS total, {since} AS since, {last} AS last, {moment} AS now
FROM (SELECT queue_name AS name, IF(run_after <= {now}, GREATEST(run_after, enqueued_at), enqueued_at) AS since FROM {table}
  WHERE status IN ({words()}) AND (run_after IS NULL OR run_after <= {now} OR run_after >= '{NEVER}') LIMIT {MOST_ROWS}) AS w
GROUP BY w.name ORDER BY total DESC LIMIT {MOST_QUEUES}"""


def read(reader: Reader, dictionary: Maybe[indexes.Dictionary]) -> Maybe[list[Queues]]:
    rows = _ask(reader, tables(*reader.innodb), "PROCESS ON *.*", "which tables there are")
    if isinstance(rows, Unknown):
        return rows
    found = dict.fromkeys(indexes.table_in(row) for row in rows if count(row.get("matching")) == len(COLUMNS))
    return [Queues(clean(table.schema, 80), clean(table.shown, 160), _queues(reader, table, known(dictionary))) for table in found]


def _queues(reader: Reader, table: indexes.Table, dictionary: t.Optional[indexes.Dictionary]) -> Maybe[list[Row]]:
    if table.encoded:
        return Unknown("its name has letters that this server does not show decoded")
    rows = 0 if dictionary is None else dictionary.rows.get(table, 0)
    if dictionary is not None and rows > MOST_SCANNED and not dictionary.leads_index(table, "status"):
        return Unknown(
            f"{clean(table.shown, 120)} has {counted(rows, 'row', 'rows')} and no index on status, so it is not read: delete what is done "
            "(manage.py prune_db_task_results)"
        )
    name = f"{quoted(table.schema)}.{quoted(table.name)}"
    told = _ask(reader, waiting(name), f"SELECT ({', '.join(COLUMNS)}) ON {name}", name)
    return told if isinstance(told, Unknown) else [_row(row) for row in told]


def _row(told: t.Mapping[str, t.Any]) -> Row:
    since, last, now = (number(told.get(name)) for name in ("since", "last", "now"))
    row = {"name": clean(told.get("name") or "", 80), "total": count(told.get("total")), "since": since, "now": now}
    if now is not None and last is not None and last > now + SLACK:
        row.update(since=None, why="its moments are ahead of UTC: with USE_TZ = False Django writes local times, which tell no age here")
    return row


def _ask(reader: Reader, question: str, right: str, what: str) -> Maybe[list[dict[str, t.Any]]]:
    try:
        return list(reader.session.rows(question))
    except Refused as refused:
        if refused.why == "denied":
            return Unknown(f"{reader.identity.login} may not read {what}: {reasons.grant(right, reader.identity)}")
        return Unknown(reasons.refused(refused, "task_queues", reader.identity))
