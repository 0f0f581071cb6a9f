# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: who waits for whom, up to the session that holds everybody up, and the line that frees them (printed, never run)."""

from __future__ import annotations

import typing as t

from .._collect.derived import largest, put_largest
from .._collect.facts import Facts, Maybe, Unknown, known, row
from .._collect.sampling import top
from . import sql_text
from .sessions import IN_TRANSACTION, NO_MOMENT, Activity, Manner, is_client, who

Row = dict[str, t.Any]


class Trees:
    """`blocked_by`: for each waiting pid the pids right in front of it (0 is a prepared transaction, of XA as well)."""

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
        """For every blocker, all sessions that wait for it, directly or behind another."""
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


def advice_line(session: Row, dialect: str = "postgresql") -> str:
    """The statement that frees the others. A cancel does nothing to a session that is idle: it runs no query."""
    if dialect == "mysql":
        if session.get("pid") == 0:
            return "XA RECOVER; -- ask its coordinator, then XA ROLLBACK 'gtrid' (or COMMIT): no session holds it, so a KILL ends nothing"
        if session.get("state") in IN_TRANSACTION:
            return f"KILL {session['pid']}; -- idle in transaction: KILL QUERY would do nothing; its transaction is rolled back"
        if session.get("state") == "idle":
            return f"KILL {session['pid']}; -- idle, with tables that it locked: KILL QUERY would do nothing"
        return f"KILL QUERY {session['pid']};"
    if session.get("pid") == 0:
        return "SELECT gid, prepared, owner FROM pg_prepared_xacts ORDER BY prepared; -- then ROLLBACK PREPARED 'gid'"
    if session.get("state") in IN_TRANSACTION:
        return f"SELECT pg_terminate_backend({session['pid']}); -- idle in transaction: a cancel would do nothing"
    return f"SELECT pg_cancel_backend({session['pid']})"


class Moment(t.NamedTuple):
    """Who waits for whom at one moment. `waits`: by pid, what lock is wanted since when."""

    activity: Activity
    trees: Trees
    waits: t.Mapping[int, Row]

    def waiters(self) -> dict[int, Row]:
        waiting = [session for session in self.activity.rows if session.get("wait_event_type") == "Lock"]
        manner = self.activity.manner
        return {session["pid"]: _waiter(session, self.trees, self.waits.get(session["pid"], {}), manner) for session in waiting}

    def waited(self) -> list[Maybe[float]]:
        """How long each client waits."""
        clients = {session["pid"] for session in self.activity.rows if is_client(session)}
        return [waiter["wait_seconds"] for pid, waiter in self.waiters().items() if pid in clients]

    def longest(self) -> float:
        return max((known(seconds) or 0.0 for seconds in self.waited()), default=0.0)


class Streak:
    """Looks in a row that saw sessions wait. Reading locks costs the server time: the first, second, fourth and eighth are worth it."""

    def __init__(self) -> None:
        self._before: frozenset[int] = frozenset()
        self._looks = 0

    def is_due(self, waiting: t.Iterable[int]) -> bool:
        """Whether to read who blocks these sessions now. One that waited in one look only is everyday life."""
        now = frozenset(waiting)
        self._looks = self._looks + 1 if now & self._before else 0
        self._before = now
        return self._looks in (1, 2, 4, 8)


#: Why those at the root of lock waits are not known.
UNTOLD = {
    "postgresql": "sessions wait for a lock that nobody holds any more",
    "mysql": "sessions wait for a lock, and the server does not say whose it is: it does with the instrument wait/lock/metadata/sql/mdl "
    "of performance_schema, MariaDB also with the plugin metadata_lock_info",
}


def put(facts: Facts, activity: Activity, trees: Trees, waits: t.Mapping[int, Row], earlier: t.Sequence[Moment] = ()) -> None:
    """Root blockers with their waiters and the longest wait, at the moment (the last, or an `earlier` one) of the longest wait."""
    last = Moment(activity, trees, waits)
    worst = max((last, *earlier), key=Moment.longest)
    _put_blockers(facts, worst, set(trees.root_of.values()))
    put_largest(facts, "lock_wait_longest_seconds", activity.longest(worst.waited()), "")


def _put_blockers(facts: Facts, moment: Moment, still: t.Collection[int]) -> None:
    activity, trees, manner = moment.activity, moment.trees, moment.activity.manner
    by_pid = {session["pid"]: session for session in activity.rows}
    behind, waiters = trees.waiting_for(), moment.waiters()
    blockers = []
    for root in sorted(set(trees.root_of.values())):
        mine = [waiters[pid] for pid in sorted(behind.get(root, ())) if pid in waiters]
        counts = {"blocks_direct": trees.direct(root), "blocks_total": len(behind.get(root, ())), "still_blocks": root in still}
        change = _schema_change([by_pid[pid] for pid in sorted(behind.get(root, ())) if pid in by_pid], moment.waits, behind, manner)
        blockers.append({**_blocker(root, by_pid.get(root), counts, mine, manner), "schema_change": change})
    if waiters and not blockers:
        for name in ("blockers", "blockers_total"):
            facts.put(name, Unknown(UNTOLD[manner.dialect]))
        return
    facts.put("blockers", top(blockers, "blocks_total", manner.top))
    facts.put("blockers_total", len(blockers))


#: What a session wants that nobody may use an object beside it.
_ALONE = ("AccessExclusiveLock", "EXCLUSIVE")
NO_CHANGE = "no schema change waits for it with others behind itself"


def _schema_change(waiting: t.Sequence[Row], waits: t.Mapping[int, Row], behind: t.Mapping[int, set[int]], manner: Manner) -> Maybe[Row]:
    """The one that keeps most others waiting although it waits itself: without it they would pass, whatever it waits for."""
    alone = [
        session
        for session in waiting
        if session["pid"] in behind
        and (manner.kind(session.get("query")) == "schema" or waits.get(session["pid"], {}).get("mode") in _ALONE)
    ]
    if not alone:
        return Unknown(NO_CHANGE)
    session = max(alone, key=lambda each: len(behind[each["pid"]]))
    told = {"blocks_total": len(behind[session["pid"]]), "query": manner.text(session.get("query"))}
    return row({**who(session), **told, "frees_the_others": advice_line(session, manner.dialect)}, manner.why)


def _blocker(root: int, session: t.Optional[Row], counts: Row, waiters: t.Sequence[Row], manner: Manner) -> Row:
    own = session if session is not None else {"pid": root}
    gone = NO_TRANSACTION if session is not None else PREPARED if root == 0 else "it ended while we looked"
    blocker = {
        **who(own),
        "state": own.get("state"),
        "backend": own.get("backend_type"),
        "age_seconds": sql_text.age(own.get("now"), own.get("state_change"), gone),
        "transaction_seconds": sql_text.age(own.get("now"), own.get("xact_start"), gone),
        **counts,
        "longest_wait_seconds": largest((waiter["wait_seconds"] for waiter in waiters), "those who wait for it are not shown"),
        "query": manner.text(own.get("query")),
        "frees_the_others": advice_line(own, manner.dialect),
        "waiters": top(waiters, "wait_seconds", manner.top),
    }
    return row(
        blocker,
        {**manner.why, "backend": gone}
        if session is not None
        else {**manner.why, **dict.fromkeys(("user", "database", "state", "backend"), gone)},
    )


PREPARED = "it is a prepared transaction, which has no session"
NO_TRANSACTION = "it has no transaction that the server tells of"
_WHY_WAITING = {
    "lock": "the server does not say which lock it waits for",
    "mode": "the server does not say how it wants the lock",
    "relation": "the server does not report the table, or it is no lock on a table",
    "relation_id": "the server does not number its tables, or it is no lock on a table",
}


def _waiter(session: Row, trees: Trees, wait: Row, manner: Manner) -> Row:
    begun = wait.get("since") if wait.get("since") is not None else session.get("query_start")
    return row(
        {
            **who(session),
            "blocked_by": trees.before(session["pid"]),
            "wait_seconds": sql_text.age(session.get("now"), begun, NO_MOMENT),
            "lock": wait.get("lock"),
            "mode": wait.get("mode"),
            "relation": wait.get("relation"),
            "relation_id": wait.get("relation_id"),
            "query": manner.text(session.get("query")),
        },
        {**manner.why, **_WHY_WAITING},
    )
