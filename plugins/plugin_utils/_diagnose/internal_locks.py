# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sessions that wait for a lock of the database server's own memory: what makes it so wanted, and what ends that."""

from __future__ import annotations

import re
import typing as t

from .._checks.units import numbered
from .._fleet.observed import Instance

#: So many sessions, and this part of those at work, that wait for the same lock are no chance.
SESSIONS, SHARE = 10, 0.5


class Crowd(t.NamedTuple):
    """Many sessions at one lock."""

    sign: str
    first_fix: str


#: The lock, as versions call it, what wants it, and what ends that.
_KNOWN = (
    (
        r"subtrans",
        "transactions with more than 64 savepoints beside a long transaction",
        "End the oldest transaction. Then let the bulk work use fewer savepoints: transaction.atomic(savepoint=False), no EXCEPTION block "
        "for each row. ",
    ),
    (
        r"lock_?manager",
        "statements that lock more tables, partitions and indexes than fit beside the common table of locks",
        "Let the statements name the partition that they need, and drop indexes that nothing uses. ",
    ),
    (
        r"multixact",
        "rows that many transactions lock at once, as a parent of many foreign keys, or FOR SHARE",
        "Write rows with the same parent in fewer, shorter transactions. ",
    ),
    (r"wal_?(write|insert|buf)", "commits that wait for the WAL", "Commit many small writes together (bulk_create, one atomic() block). "),
    (
        r"proc_?array|xid_?gen",
        "many sessions that take snapshots at once",
        "Put a pooler in front of the server, so that fewer sessions are connected. ",
    ),
    (r"notify|async", "NOTIFY within many transactions", "Notify outside of the transactions of visitors. "),
)


def crowd(database: Instance) -> t.Optional[Crowd]:
    """The lock at which most of the sessions at work wait."""
    active = database.number("active") or 0
    for row in database.rows("internal_locks")[:1]:
        sessions, name = row.amount("sessions"), row.word("name")
        if sessions >= SESSIONS and sessions >= SHARE * active:
            known = next((entry for entry in _KNOWN if re.search(entry[0], name, re.IGNORECASE)), None)
            waits = f"{numbered(int(sessions), 'session waits/sessions wait')} for its internal lock {name}"
            return Crowd(waits, "") if known is None else Crowd(f"{waits} ({known[1]})", known[2])
    return None
