# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parse: who waits for whom: row locks of InnoDB and metadata locks of the server."""

from __future__ import annotations

import collections
import re
import typing as t

from ..._collect.sampling import number
from ..._texts.redact import clean
from .activity import Row

#: Metadata locks that keep readers and writers out, and those that only a reader or writer holds.
_EXCLUSIVE = ("EXCLUSIVE", "SHARED_NO_WRITE", "SHARED_NO_READ_WRITE", "SHARED_READ_ONLY", "SHARED_UPGRADABLE")
_KEEPS_OUT = ("EXCLUSIVE", "SHARED_NO_READ_WRITE", "SHARED_NO_WRITE")


class Waits(t.NamedTuple):
    """`blocked_by`: for each waiting session those right in front of it; `detail`: what it waits for, since when."""

    blocked_by: dict[int, list[int]]
    detail: dict[int, Row]
    guessed: set[int]  # waiting sessions whose blocker follows from the order of events only


def waits(
    sessions: t.Sequence[Row],
    transactions: t.Mapping[int, Row],
    row_locks: t.Iterable[t.Mapping[str, t.Any]],
    metadata_locks: t.Sequence[t.Mapping[str, t.Any]],
    table_lockers: t.Sequence[int] = (),
) -> Waits:
    found = Waits({}, {}, set())
    _rows(found, transactions, row_locks)
    _metadata(found, metadata_locks)
    for session in sessions:
        if session["wait_event_type"] != "Lock":
            continue
        detail = found.detail.setdefault(session["pid"], {})
        detail.setdefault("lock", session["wait_event"])
        detail.setdefault("since", session["query_start"])
        if session["wait_event"] == "metadata lock" and session["pid"] not in found.blocked_by:
            lockers = [pid for pid in table_lockers if pid != session["pid"]]
            if lockers:
                found.blocked_by[session["pid"]] = sorted(lockers)
            else:
                _guess(found, session, sessions)
    return found


def _rows(found: Waits, transactions: t.Mapping[int, Row], row_locks: t.Iterable[t.Mapping[str, t.Any]]) -> None:
    pid_of = {number: pid for pid, row in transactions.items() for number in row["trx_ids"]}
    for row in row_locks:
        waiter, blocker = pid_of.get(str(row.get("waiting_trx"))), pid_of.get(str(row.get("blocking_trx")))
        if waiter is None or blocker is None or waiter == blocker:
            continue
        found.blocked_by.setdefault(waiter, []).append(blocker)
        since = number(transactions[waiter].get("trx_wait_seconds"))
        found.detail[waiter] = {
            "lock": "row lock",
            "since": None if since is None else -since,
            "mode": row.get("lock_mode"),
            "relation": _table(row.get("lock_schema"), row.get("lock_table"), row.get("lock_index")),
        }


def _table(schema: t.Optional[str], table: t.Optional[str], index: t.Optional[str] = None) -> t.Optional[str]:
    if not table:
        return None
    name = f"{schema}.{table}" if schema else table.replace("`", "")
    return clean(f"{name} ({index})" if index else name)


def _metadata(found: Waits, locks: t.Sequence[t.Mapping[str, t.Any]]) -> None:
    """Holders that keep a waiter out; a reader behind a waiting ALTER is kept out by that ALTER, which comes first."""
    by_object: dict[tuple[t.Any, ...], list[t.Mapping[str, t.Any]]] = collections.defaultdict(list)
    for row in locks:
        by_object[(row.get("object_type"), row.get("object_schema"), row.get("object_name"))].append(row)
    for (_kind, schema, name), rows in by_object.items():
        for waiter in (row for row in rows if row.get("lock_status") == "PENDING"):
            pid = int(number(waiter.get("pid")) or 0)
            before = _holders(waiter, [row for row in rows if number(row.get("pid")) != pid])
            if before:
                found.blocked_by[pid] = sorted({*found.blocked_by.get(pid, []), *before})
                found.detail.setdefault(pid, {"mode": waiter.get("lock_type"), "relation": _table(schema, name)})


def _holders(waiter: t.Mapping[str, t.Any], others: t.Sequence[t.Mapping[str, t.Any]]) -> set[int]:
    granted = [row for row in others if row.get("lock_status") == "GRANTED"]
    if waiter.get("lock_type") not in _EXCLUSIVE:
        strong = [row for row in granted if row.get("lock_type") in _KEEPS_OUT]
        granted = strong or [row for row in others if row.get("lock_status") == "PENDING" and row.get("lock_type") in _EXCLUSIVE]
    return {int(number(row.get("pid")) or 0) for row in granted}


def _guess(found: Waits, waiter: Row, sessions: t.Sequence[Row]) -> None:
    """Where the server does not tell: the open transaction or statement that is older than the wait.

    A metadata lock is held to the end of its transaction, so the holder was there before. Of several the oldest
    idle transaction is the likeliest; among statements only one that names the same table counts.
    """
    since = waiter["query_start"]
    older = [
        row
        for row in sessions
        if row["pid"] != waiter["pid"]
        and row["backend_type"] == "client backend"
        and row["wait_event"] != "metadata lock"
        and (row["state"] == "idle in transaction" or (row["state"] == "active" and _share_a_table(row, waiter)))
        and _begun(row) is not None
        and (since is None or _begun(row) <= since + 1)
    ]
    if older:
        first = min(older, key=lambda row: (row["state"] != "idle in transaction", _begun(row)))
        found.blocked_by[waiter["pid"]] = [first["pid"]]
        found.guessed.add(waiter["pid"])


def _begun(row: Row) -> t.Any:
    return row["xact_start"] if row["xact_start"] is not None else row["query_start"]


_WORD = re.compile(r"[\w$]{2,64}")
_KEYWORDS = frozenset(
    re.findall(r"\w+", "select from where table alter add column drop index create update insert into set and or not null int on join")
)


def _share_a_table(one: Row, other: Row) -> bool:
    words = [set(_WORD.findall(str(row.get("query") or "").lower()[:2000])) - _KEYWORDS for row in (one, other)]
    return bool(words[0] & words[1])
