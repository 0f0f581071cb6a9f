# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: who waits for whom, up to the session that holds everybody up, and the line that frees them (printed, never run)."""

from __future__ import annotations

import typing as t

from .._collect.sampling import top
from . import sql_text
from .sessions import IN_TRANSACTION, Manner, is_client, who

Row = dict[str, t.Any]


class Trees:
    """`blocked_by`: for each waiting pid the pids right in front of it (0 is a prepared transaction)."""

    def __init__(self, blocked_by: t.Mapping[int, t.Sequence[int]]) -> None:
        self._before = {pid: sorted(set(pids)) for pid, pids in blocked_by.items() if pids}
        self.root_of = {pid: self._root(pid) for pid in self._before}

    def _root(self, pid: int) -> int:
        seen = []
        while self._before.get(pid) and pid not in seen:
            seen.append(pid)
            pid = self._before[pid][0]
        # a circle is a deadlock that the server is about to end: its smallest pid stands for it
        return min(seen[seen.index(pid) :]) if pid in seen else pid

    def waiting_for(self) -> dict[int, set[int]]:
        """For every blocker, all that wait for it directly or behind somebody else."""
        found: dict[int, set[int]] = {}
        for waiter in self._before:
            todo, seen = list(self._before[waiter]), {waiter}
            while todo:
                pid = todo.pop()
                if pid not in seen:
                    seen.add(pid)
                    found.setdefault(pid, set()).add(waiter)
                    todo.extend(self._before.get(pid, ()))
        return found

    def direct(self, pid: int) -> int:
        return sum(pid in before for before in self._before.values())

    def before(self, pid: int) -> list[int]:
        return self._before.get(pid, [])


def advice_line(row: Row, dialect: str = "postgresql") -> str:
    """The statement that frees the others. A cancel does nothing to a session that is idle: it runs no query."""
    if dialect == "mysql":
        if row.get("state") in IN_TRANSACTION:
            return f"KILL {row['pid']}; -- idle in transaction: KILL QUERY would do nothing; its transaction is rolled back"
        return f"KILL QUERY {row['pid']};"
    if row.get("pid") == 0:
        return "SELECT gid, prepared, owner FROM pg_prepared_xacts ORDER BY prepared; -- then ROLLBACK PREPARED 'gid'"
    if row.get("state") in IN_TRANSACTION:
        return f"SELECT pg_terminate_backend({row['pid']}); -- idle in transaction: a cancel would do nothing"
    return f"SELECT pg_cancel_backend({row['pid']})"


def facts(rows: t.Sequence[Row], trees: Trees, waits: t.Mapping[int, Row], manner: Manner) -> Row:
    """Root blockers with their waiters, and how long the longest waits. `waits`: by pid, what lock is wanted since when."""
    by_pid = {row["pid"]: row for row in rows}
    behind = trees.waiting_for()
    waiters = {row["pid"]: _waiter(row, trees, waits.get(row["pid"], {}), manner) for row in rows if row.get("wait_event_type") == "Lock"}
    blockers = []
    for root in sorted(set(trees.root_of.values())):
        row = by_pid.get(root, {"pid": root})
        mine = [waiters[pid] for pid in sorted(behind.get(root, ())) if pid in waiters]
        blockers.append(
            {
                **who(row),
                "state": row.get("state"),
                "backend": row.get("backend_type"),
                "age_seconds": sql_text.age(row.get("now"), row.get("state_change")),
                "transaction_seconds": sql_text.age(row.get("now"), row.get("xact_start")),
                "blocks_direct": trees.direct(root),
                "blocks_total": len(behind.get(root, ())),
                "longest_wait_seconds": max((one["wait_seconds"] for one in mine if one["wait_seconds"] is not None), default=None),
                "query": manner.text(row.get("query")),
                "frees_the_others": advice_line({"pid": root, **row}, manner.dialect),
                "waiters": top(mine, "wait_seconds", manner.top),
            }
        )
    longest = [one["wait_seconds"] for pid, one in waiters.items() if one["wait_seconds"] is not None and is_client(by_pid[pid])]
    return {
        "blockers": top(blockers, "blocks_total", manner.top),
        "blockers_total": len(blockers),
        "lock_wait_longest_seconds": max(longest, default=0.0),
    }


def _waiter(row: Row, trees: Trees, wait: Row, manner: Manner) -> Row:
    since = wait.get("since") if wait.get("since") is not None else row.get("query_start")
    return {
        **who(row),
        "blocked_by": trees.before(row["pid"]),
        "wait_seconds": sql_text.age(row.get("now"), since),
        "lock": wait.get("lock"),
        "mode": wait.get("mode"),
        "relation": wait.get("relation"),
        "relation_id": wait.get("relation_id"),
        "query": manner.text(row.get("query")),
    }
