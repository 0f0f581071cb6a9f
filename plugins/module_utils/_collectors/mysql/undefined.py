# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tables and columns that statements named in vain just now: code before its migration.

The server keeps the last ten statements of each session with the number of their error. MariaDB has a consumer for them, which is off
unless somebody switched it on.
"""

from __future__ import annotations

import re
import typing as t

from ..._collect.facts import Facts, Maybe, Unknown
from ..._collect.sampling import count
from ..._sql.sessions import Manner
from ..._texts.redact import clean
from . import activity
from .fetch import Reader

Row = dict[str, t.Any]

#: The errors "table doesn't exist" and "unknown column", and what they are about.
KINDS = {1146: "table", 1054: "column"}
#: Seconds before the window whose statements are looked at too: a page may be asked for seldom.
RECENT = 10.0
MOST = 200

#: The history of a session is kept only where its current statement is.
_NAMED = "name IN ('events_statements_current', 'events_statements_history')"
_CONSUMERS = f"SELECT name FROM performance_schema.setup_consumers WHERE {_NAMED} AND enabled = 'YES'"
OFF = f"the server keeps no failed statements: UPDATE performance_schema.setup_consumers SET enabled = 'YES' WHERE {_NAMED}"
#: The first words in quotes of the server's sentence, whatever its language.
_QUOTED = re.compile(r"['`\"]([^'`\"]{1,130})['`\"]")


def _failed(seconds: float) -> str:
    # the server's timer has an origin of its own: our own statement tells what time it is there. Added, not subtracted: on a server that
    # was started just now the difference would be below 0, which MySQL refuses
    return f"""
SELECT e.mysql_errno AS code, e.message_text AS said, e.current_schema AS db, LEFT(e.sql_text, 1000) AS query, t.processlist_id AS pid,
       t.processlist_user AS user, t.processlist_host AS host
FROM performance_schema.events_statements_history e JOIN performance_schema.threads t ON t.thread_id = e.thread_id
WHERE e.mysql_errno IN ({", ".join(map(str, KINDS))}) AND t.processlist_id <> CONNECTION_ID()
  AND e.timer_end + {int(seconds + RECENT)} * 1000000000000 > (SELECT MAX(timer_start) FROM performance_schema.events_statements_current)
ORDER BY e.timer_end DESC LIMIT {MOST}"""


def read(reader: Reader, seconds: float) -> Maybe[list[Row]]:
    """What failed for such a name within the last seconds."""
    if reader.closed is not None:
        return reader.closed
    consumers = reader.ask("undefined_names", _CONSUMERS)
    if isinstance(consumers, Unknown) or len(consumers) < 2:
        return consumers if isinstance(consumers, Unknown) else Unknown(OFF)
    rows = reader.ask("undefined_names", _failed(seconds))
    return rows if isinstance(rows, Unknown) else [named for named in map(_named, rows) if named is not None]


def _named(row: t.Mapping[str, t.Any]) -> t.Optional[Row]:
    kind, name = KINDS.get(count(row.get("code")) or 0), _QUOTED.search(str(row.get("said") or ""))
    return None if kind is None or name is None else {**row, "kind": kind, "name": name[1]}


def put(facts: Facts, found: Maybe[list[Row]], programs: t.Mapping[str, str], manner: Manner) -> None:
    """The measure `undefined_names`: each name once, with who asked for it."""
    if isinstance(found, Unknown):
        facts.rows("undefined_names", found, manner.top)
        return
    by_name: dict[tuple[str, str], list[Row]] = {}
    for row in found:
        by_name.setdefault((str(row.get("db") or ""), row["name"]), []).append(row)
    rows = [_shown(rows, programs, manner) for rows in sorted(by_name.values(), key=lambda rows: -len(_sessions(rows)))]
    facts.rows("undefined_names", rows, manner.top)


def _sessions(rows: t.Sequence[Row]) -> set[str]:
    return {str(row.get("pid")) for row in rows}


def _shown(rows: t.Sequence[Row], programs: t.Mapping[str, str], manner: Manner) -> Row:
    row = rows[0]
    text, program = manner.text(row.get("query")), programs.get(str(row.get("pid")))
    return {
        "database": clean(row.get("db") or "", 80) or Unknown("no database was in use"),
        "kind": row["kind"],
        "name": clean(row["name"], 130),
        "sessions": len(_sessions(rows)),
        "user": clean(row.get("user") or "", 80) or Unknown("the server does not report the user of this session"),
        "application": clean(program or "", 80) or Unknown(manner.unnamed),
        "address": activity.address(row.get("host")) or "local",
        "query": Unknown("texts of statements are not wanted (query_text)") if text is None else text,
    }
