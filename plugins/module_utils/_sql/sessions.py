# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: the sessions of a database as open transactions and long queries, each by who it is.

Both database collectors bring their rows in these words (those of pg_stat_activity): pid, user, application, address, database,
backend_type, state, wait_event_type, wait_event, now, query_start, state_change, xact_start, query, hidden.
"""

from __future__ import annotations

import collections
import dataclasses
import re
import typing as t

from .._collect.derived import put_largest, put_total
from .._collect.facts import Facts, Maybe, Unknown, known, row
from .._collect.sampling import top
from .._texts.redact import clean
from . import sql_text

Row = dict[str, t.Any]

ACTIVE = ("active", "fastpath function call")
IN_TRANSACTION = ("idle in transaction", "idle in transaction (aborted)")
_WAITS = {None: "cpu", "Lock": "lock", "LWLock": "internal lock", "IO": "io", "BufferPin": "lock", "Client": "client", "Timeout": "timer"}

NO_MOMENT = "the server does not say when it began"
NOT_TOLD = "the server does not say whose lock it waits for"
HIDDEN = "what this session does is hidden from us"
_WHY = {
    "user": "the server does not report the user of this session",
    "address": "the address of this session is hidden from us",
    "database": "this session uses no database",
    "state": "the server does not report the state of this session",
    "query": "the statement is not shown (see the option query_text), or there is none",
    "wait_event": "it waits for nothing that the server names",
    "root_blocker": "no session holds it up",
}


@dataclasses.dataclass(frozen=True)
class Manner:
    """How rows are shown: the instance's options that matter here."""

    query_text: str = "normalised"
    top: int = 10
    long_seconds: float = 1.0
    exempt: tuple[t.Mapping[str, str], ...] = ()
    dialect: str = "postgresql"
    unnamed: str = "this client gives itself no name"  # why a session has no application

    @property
    def why(self) -> dict[str, str]:
        """Why a column of a session is unknown."""
        return {**_WHY, "application": self.unnamed}

    def text(self, value: t.Any) -> t.Optional[str]:
        return sql_text.shown(value, self.query_text, self.dialect)

    def kind(self, value: t.Any) -> str:
        return sql_text.kind(value, self.dialect)


class Activity:
    """The sessions at one moment. `veiled`: why the activity of some of them is hidden; sums are then minimums."""

    def __init__(self, rows: t.Sequence[Row], manner: Manner, veiled: t.Optional[Unknown] = None) -> None:
        self.rows = rows
        self.clients = [session for session in rows if is_client(session)]
        self.manner = manner
        self.veiled = veiled

    def parts(self, values: t.Iterable[Maybe[t.Any]]) -> list[Maybe[t.Any]]:
        """What a sum or a maximum is made of: the known values, 0 for no session at all, and what is veiled."""
        return [0, *values, *([] if self.veiled is None else [self.veiled])]

    def longest(self, values: t.Iterable[Maybe[float]]) -> list[Maybe[float]]:
        return [0.0, *self.parts(values)[1:]]


def is_client(session: Row) -> bool:
    """A session of a client. Of a hidden row the kind is hidden too: it has a user and a database."""
    if session.get("backend_type") is None:
        return bool(session.get("hidden") and session.get("user") and session.get("database"))
    return bool(session["backend_type"] == "client backend")


def who(session: Row) -> Row:
    """Who a session is."""
    return {
        "pid": session.get("pid"),
        "user": session.get("user"),
        "application": clean(session.get("application") or "", 80) or None,
        "address": None if session.get("hidden") else session.get("address") or "local",
        "database": session.get("database"),
    }


def waits_for(session: Row) -> str:
    """cpu | lock | internal lock | io | client | timer | replica (a synchronous one that must confirm), or the server's own word."""
    if session.get("wait_event") == "SyncRep":
        return "replica"
    kind = session.get("wait_event_type")
    return _WAITS.get(kind) or str(kind).lower()


def since(session: Row, moment: str) -> Maybe[float]:
    """How long ago the session's moment (query_start, state_change, xact_start) was."""
    return sql_text.age(session.get("now"), session.get(moment), HIDDEN if session.get("hidden") else NO_MOMENT)


def clock_moved(session: Row) -> bool:
    """Whether one of the session's timestamps is clearly in the future."""
    moments = (since(session, name) for name in ("query_start", "state_change", "xact_start"))
    return any(isinstance(age, Unknown) and age.reason == sql_text.CLOCK_MOVED for age in moments)


def open_for(session: Row) -> Maybe[float]:
    """How long its transaction is open. One that failed has no start any more: it is at least as old as its failure."""
    if session.get("xact_start") is None and session.get("state") == IN_TRANSACTION[1]:
        return since(session, "state_change")
    return since(session, "xact_start")


def kind_of(session: Row, manner: Manner) -> str:
    """client | backup | exempt: backups, and what the user's rules name, run long by design."""
    if any(_matches(session, rule) for rule in manner.exempt):
        return "exempt"
    return "backup" if sql_text.is_backup(session.get("query"), session.get("application")) else "client"


def _matches(session: Row, rule: t.Mapping[str, str]) -> bool:
    """Whether every field of the rule matches (regular expressions over user, application, database, address, query)."""
    return bool(rule) and all(re.search(pattern, str(session.get(name) or "")) for name, pattern in rule.items())


def put_groups(facts: Facts, activity: Activity) -> None:
    """How the clients' sessions spread, by state, user, application and address."""
    people = [{**who(session), "state": session.get("state")} for session in activity.clients]
    for name in ("state", "user", "application", "address"):
        counted = collections.Counter(str(person[name] or "unknown") for person in people)
        rows: list[Row] = [{"name": value, "sessions": count} for value, count in counted.most_common()]
        facts.rows(f"by_{name}", rows, activity.manner.top)


def put_idle_in_transaction(facts: Facts, activity: Activity, blocked: t.Mapping[int, t.Collection[int]]) -> None:
    """Sessions that opened a transaction and wait for their client: by how long they are idle, not by how long it is open."""
    manner = activity.manner
    rows = [
        row(
            {
                **who(session),
                "state": session["state"],
                "age_seconds": since(session, "state_change"),
                "transaction_seconds": since(session, "xact_start"),
                "blocks_total": len(blocked.get(session["pid"], ())),
                "query": manner.text(session.get("query")),
            },
            manner.why,
        )
        for session in activity.clients
        if session.get("state") in IN_TRANSACTION
    ]
    by_client = collections.Counter((entry["application"], entry["address"], entry["user"]) for entry in rows)
    facts.put("idle_in_transaction", top(rows, "age_seconds", manner.top))
    put_total(facts, "idle_in_transaction_total", activity.parts(1 for _entry in rows))
    put_largest(facts, "idle_in_transaction_longest_seconds", activity.longest(t.cast(t.Any, entry["age_seconds"]) for entry in rows), "")
    put_total(facts, "idle_in_transaction_blocking", activity.parts(int(t.cast(int, entry["blocks_total"]) > 0) for entry in rows))
    facts.put(
        "idle_in_transaction_clients",
        [{"application": key[0], "address": key[1], "user": key[2], "sessions": count} for key, count in by_client.most_common(manner.top)],
    )


def put_oldest_transaction(facts: Facts, activity: Activity) -> None:
    """The oldest open transaction of a client, whatever it does: while it is open nothing that it could see is cleaned up."""
    manner = activity.manner
    own = [
        (session, open_for(session))
        for session in activity.clients
        if (session.get("xact_start") is not None or session.get("state") in IN_TRANSACTION) and kind_of(session, manner) == "client"
    ]
    put_largest(facts, "oldest_transaction_seconds", activity.longest(seconds for _session, seconds in own), "")
    oldest = max(own, key=lambda pair: known(pair[1]) or 0.0, default=None)
    if oldest is None:
        facts.put("oldest_transaction", Unknown("no transaction of a client is open") if activity.veiled is None else activity.veiled)
        return
    session, seconds = oldest
    told = {"state": session.get("state"), "age_seconds": seconds, "query": manner.text(session.get("query"))}
    facts.put("oldest_transaction", row({**who(session), **told}, manner.why))


def put_long_queries(facts: Facts, activity: Activity, roots: t.Mapping[int, int]) -> None:
    """What clients have been running for long, and what each of them waits for (case P-05)."""
    manner = activity.manner
    running = [(session, since(session, "query_start")) for session in activity.clients if session.get("state") in ACTIVE]
    long = [(session, seconds) for session, seconds in running if isinstance(seconds, Unknown) or seconds >= manner.long_seconds]
    rows = [
        row(
            {
                **who(session),
                "kind": kind_of(session, manner),
                "age_seconds": seconds,
                "waits_for": waits_for(session),
                "wait_event": session.get("wait_event"),
                "root_blocker": roots.get(session["pid"]),
                "statement_kind": manner.kind(session.get("query")),
                "query": manner.text(session.get("query")),
            },
            {**manner.why, "root_blocker": NOT_TOLD} if session.get("wait_event_type") == "Lock" else manner.why,
        )
        for session, seconds in long
        if not isinstance(seconds, Unknown)
    ]
    undated = [seconds for session, seconds in long if isinstance(seconds, Unknown) and kind_of(session, manner) == "client"]
    counted = [entry for entry in rows if entry["kind"] == "client"]
    # exempt ones stay visible, behind those that count
    rows.sort(key=lambda entry: (entry["kind"] != "client", -t.cast(float, entry["age_seconds"])))
    facts.put("long_queries", rows[: manner.top])
    put_total(facts, "long_queries_total", activity.parts([*(1 for _entry in counted), *undated]))
    facts.put("long_queries_exempt", len(rows) - len(counted))
    put_largest(
        facts, "long_queries_longest_seconds", activity.longest([*(t.cast(float, entry["age_seconds"]) for entry in counted), *undated]), ""
    )
    waits = collections.Counter(str(entry["waits_for"]) for entry in counted)
    facts.put("long_queries_waits", [{"name": name, "sessions": count} for name, count in waits.most_common()])
    for kind in ("lock", "io", "cpu"):
        put_total(facts, f"long_queries_on_{kind}", activity.parts([waits[kind], *undated]))
