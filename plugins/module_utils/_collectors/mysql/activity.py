# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parse: the process list and the open transactions as sessions, in the words that both database collectors use.

A session's moments count from now: `now` is 0, and what began 5 s ago began at -5.
"""

from __future__ import annotations

import re
import typing as t

from ..._collect.sampling import number

Row = dict[str, t.Any]

#: Threads that are no clients of an application, by command and by user (case Y-02): they run for ever, by nature.
_SERVERS_OWN = ("system user", "event_scheduler")
_REPLICAS = re.compile(r"^Binlog Dump", re.IGNORECASE)
_NO_CLIENT = re.compile(r"^(?:Daemon|Slave_|Replica_|Connect Out|Register|Shutdown|Table Dump|Clone)", re.IGNORECASE)

#: What a state says about why a session waits, and the waits that are locks.
_WAITS = (
    (re.compile(r"metadata lock", re.I), "Lock", "metadata lock"),
    (re.compile(r"waiting for table flush", re.I), "Lock", "table flush"),
    (re.compile(r"global read lock|backup lock|commit lock", re.I), "Lock", "global lock"),
    (re.compile(r"table level lock|^locked$", re.I), "Lock", "table lock"),
    (re.compile(r"^user lock$", re.I), "Lock", "user lock"),
    (re.compile(r"^user sleep$", re.I), "Timeout", "user sleep"),
    # "Waiting for semi-sync ACK from slave", of a replica: a commit that one must confirm
    (re.compile(r"semi-?sync", re.I), "Replica", "semi-synchronous replica"),
    (re.compile(r"^wsrep|flow control|^waiting for certification", re.I), "Cluster", "the other nodes"),
    (re.compile(r"waiting for handler commit|^waiting for disk space|^flushing", re.I), "IO", "disk"),
    (re.compile(r"query cache lock", re.I), "Lock", "query cache"),
    (re.compile(r"sending to client|writing to net|reading from net", re.I), "Client", "client"),
)

#: A moment further back than this is a counter that wrapped (TIME is unsigned in places), not an age.
EVER = 10 * 365 * 86400.0


def address(host: t.Optional[str]) -> t.Optional[str]:
    """`192.0.2.60:40000` and `2001:db8::1:40000` without the port; None for a client on the server's socket."""
    front, colon, last = (host or "").rpartition(":")
    if not colon:
        return None if host in (None, "", "localhost") else host
    return front if last.isdigit() else host


def seconds(row: t.Mapping[str, t.Any]) -> t.Optional[float]:
    """How long the session is at what it does, from the best clock that this server has (case Y-06)."""
    found = number(row.get("statement_seconds"))
    if found is None and number(row.get("time_ms")) is not None:
        found = (number(row["time_ms"]) or 0) / 1000
    if found is None:
        found = number(row.get("time"))
    return None if found is None or found > EVER else float(found)


def backend(row: t.Mapping[str, t.Any]) -> str:
    """Client backend | walsender (a binlog dump to a replica) | connecting | server thread."""
    command, user = str(row.get("command") or ""), str(row.get("user") or "")
    if _REPLICAS.match(command):
        return "walsender"
    if user in _SERVERS_OWN or _NO_CLIENT.match(command):
        return "server thread"
    if command == "Connect" or user == "unauthenticated user":
        return "connecting"
    return "client backend"


def _state(command: str, transaction: t.Optional[Row]) -> str:
    if command == "Sleep":
        return "idle in transaction" if transaction is not None else "idle"
    return "killed" if command == "Killed" else "active"


def transactions(rows: t.Iterable[t.Mapping[str, t.Any]]) -> dict[int, Row]:
    """Open transactions by session. Under 0 are those without one: prepared (XA) by a client that is gone, they keep their locks."""
    found: dict[int, Row] = {}
    for row in rows:
        pid = number(row.get("trx_mysql_thread_id"))
        if pid is not None and pid >= 0:
            one = found.setdefault(int(pid), {**row, "trx_ids": []})
            one["trx_ids"].append(str(row.get("trx_id")))
    return found


def sessions(
    rows: t.Iterable[t.Mapping[str, t.Any]],
    open_transactions: t.Mapping[int, Row],
    programs: t.Mapping[str, str],
    ourselves: t.Optional[int],
) -> list[Row]:
    """Every session but our own."""
    found = []
    for row in rows:
        pid = number(row.get("id"))
        if pid is None or int(pid) == ourselves:
            continue
        found.append(_session(int(pid), row, open_transactions.get(int(pid)), programs.get(str(row.get("id")))))
    return found


def _session(pid: int, row: t.Mapping[str, t.Any], transaction: t.Optional[Row], program: t.Optional[str]) -> Row:
    ago = seconds(row)
    since = None if ago is None else -ago
    trx = None if transaction is None else number(transaction.get("trx_seconds"))
    wait_kind, wait = _wait(str(row.get("state") or ""), transaction)
    state = _state(str(row.get("command") or ""), transaction)
    return {
        "pid": pid,
        "user": row.get("user"),
        "application": program,
        "address": address(row.get("host")),
        "database": row.get("db"),
        "backend_type": backend(row),
        "state": state,
        "wait_event_type": wait_kind if state == "active" else None,
        "wait_event": wait if state == "active" else None,
        "now": 0.0,
        "query_start": since,
        "state_change": since,
        "xact_start": None if trx is None or trx < 0 else -trx,  # local time may seem to run backwards for an hour a year
        "query": row.get("info") or (row.get("last_statement") if state != "active" else None),
        "examined_rows": number(row.get("examined_rows")),
        "rows_locked": None if transaction is None else number(transaction.get("trx_rows_locked")),
        "rows_modified": None if transaction is None else number(transaction.get("trx_rows_modified")),
        "command": row.get("command"),
    }


def _wait(state: str, transaction: t.Optional[Row]) -> tuple[t.Optional[str], t.Optional[str]]:
    if transaction is not None and transaction.get("trx_state") == "LOCK WAIT":
        return "Lock", "row lock"
    for pattern, kind, what in _WAITS:
        if pattern.search(state):
            return kind, what
    return None, None
