# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: the sessions of a database as connections, idle transactions, long queries and clients.

Both database collectors bring their rows in these words (those of pg_stat_activity): pid, user, application, address, database,
backend_type, state, wait_event_type, wait_event, now, query_start, state_change, xact_start, query, hidden.
"""

from __future__ import annotations

import collections
import dataclasses
import re
import typing as t

from .._collect.sampling import ratio, top
from .._text.redact import clean
from . import sql_text

Row = dict[str, t.Any]

ACTIVE = ("active", "fastpath function call")
IN_TRANSACTION = ("idle in transaction", "idle in transaction (aborted)")
_WAITS = {None: "cpu", "Lock": "lock", "LWLock": "internal lock", "IO": "io", "BufferPin": "lock", "Client": "client", "Timeout": "timer"}


@dataclasses.dataclass(frozen=True)
class Manner:
    """How rows are shown: the instance's options that matter here."""

    query_text: str = "normalised"
    top: int = 10
    long_seconds: float = 1.0
    exempt: tuple[t.Mapping[str, str], ...] = ()
    dialect: str = "postgresql"

    def text(self, value: t.Any) -> t.Optional[str]:
        return sql_text.shown(value, self.query_text, self.dialect)

    def kind(self, value: t.Any) -> str:
        return sql_text.kind(value, self.dialect)


def is_client(row: Row) -> bool:
    """A session of a client. Of a hidden row the kind is hidden too: it has a user and a database."""
    if row.get("backend_type") is None:
        return bool(row.get("hidden") and row.get("user") and row.get("database"))
    return bool(row["backend_type"] == "client backend")


def who(row: Row) -> Row:
    """Who a session is."""
    return {
        "pid": row.get("pid"),
        "user": row.get("user"),
        "application": clean(row.get("application") or "", 80) or None,
        "address": None if row.get("hidden") else row.get("address") or "local",
        "database": row.get("database"),
    }


def waits_for(row: Row) -> str:
    """cpu | lock | internal lock | io | client | timer, or the server's own word."""
    kind = row.get("wait_event_type")
    return _WAITS.get(kind) or str(kind).lower()


def connections(rows: t.Sequence[Row], limits: t.Mapping[str, t.Optional[int]]) -> Row:
    """Sessions of clients against the slots they may use; walsenders have slots of their own."""
    clients = [row for row in rows if is_client(row)]
    states = collections.Counter(str(row.get("state") or ("hidden" if row.get("hidden") else "unknown")) for row in clients)
    hidden = sum(bool(row.get("hidden")) for row in clients)
    most, kept = limits.get("max_connections"), limits.get("superuser_reserved_connections")
    reserved = None if kept is None else kept + (limits.get("reserved_connections") or 0)
    usable = None if most is None or reserved is None else most - reserved
    return {
        "used": len(clients),
        "usable": usable,
        "max": most,
        "reserved": reserved,
        "free": None if usable is None else max(usable - len(clients), 0),
        "active": None if hidden else sum(states[state] for state in ACTIVE),
        "idle": None if hidden else states["idle"],
        "idle_in_transaction": None if hidden else sum(states[state] for state in IN_TRANSACTION),
        "waiting_on_lock": None if hidden else sum(row.get("wait_event_type") == "Lock" for row in clients),
        "hidden": hidden,
        "walsenders": sum(row.get("backend_type") == "walsender" for row in rows),
    }


def groups(rows: t.Sequence[Row], manner: Manner) -> Row:
    """How the clients' sessions spread, by state, user, application and address."""
    clients = [{**who(row), "state": row.get("state") or "unknown"} for row in rows if is_client(row)]
    found: Row = {}
    for name in ("state", "user", "application", "address"):
        counted = collections.Counter(str(row[name] or "unknown") for row in clients)
        found["by_" + name] = [{"name": value, "sessions": count} for value, count in counted.most_common(manner.top)]
        found["by_" + name + "_total"] = len(counted)
    return found


def idle_in_transaction(rows: t.Sequence[Row], blocked: t.Mapping[int, t.Collection[int]], manner: Manner) -> Row:
    """Sessions that opened a transaction and wait for their client: by how long they are idle, not by how long it is open."""
    found = []
    for row in rows:
        if row.get("state") in IN_TRANSACTION and is_client(row):
            found.append(
                {
                    **who(row),
                    "state": row["state"],
                    "age_seconds": sql_text.age(row.get("now"), row.get("state_change")),
                    "transaction_seconds": sql_text.age(row.get("now"), row.get("xact_start")),
                    "blocks_total": len(blocked.get(row["pid"], ())),
                    "query": manner.text(row.get("query")),
                }
            )
    ages = [row["age_seconds"] for row in found if row["age_seconds"] is not None]
    by_client = collections.Counter((row["application"], row["address"], row["user"]) for row in found)
    return {
        "idle_in_transaction": top(found, "age_seconds", manner.top),
        "idle_in_transaction_total": len(found),
        "idle_in_transaction_longest_seconds": max(ages, default=0.0),
        "idle_in_transaction_blocking": sum(row["blocks_total"] > 0 for row in found),
        "idle_in_transaction_clients": [
            {"application": key[0], "address": key[1], "user": key[2], "sessions": count}
            for key, count in by_client.most_common(manner.top)
        ],
    }


def _exempt(row: Row, rules: t.Sequence[t.Mapping[str, str]]) -> bool:
    """Whether every field of some rule matches (regular expressions over user, application, database, address, query)."""
    return any(rule and all(re.search(pattern, str(row.get(name) or "")) for name, pattern in rule.items()) for rule in rules)


def long_queries(rows: t.Sequence[Row], roots: t.Mapping[int, int], manner: Manner) -> Row:
    """What clients have been running for long, and what each of them waits for (case P-05)."""
    found = []
    for row in rows:
        seconds = sql_text.age(row.get("now"), row.get("query_start"))
        if not is_client(row) or row.get("state") not in ACTIVE or seconds is None or seconds < manner.long_seconds:
            continue
        kind = "client"
        if _exempt(row, manner.exempt):
            kind = "exempt"
        elif sql_text.is_backup(row.get("query"), row.get("application")):
            kind = "backup"
        found.append(
            {
                **who(row),
                "kind": kind,
                "age_seconds": seconds,
                "waits_for": waits_for(row),
                "wait_event": row.get("wait_event"),
                "root_blocker": roots.get(row["pid"]),
                "statement_kind": manner.kind(row.get("query")),
                "query": manner.text(row.get("query")),
            }
        )
    counted = [row for row in found if row["kind"] == "client"]
    waits = collections.Counter(row["waits_for"] for row in counted)
    # exempt ones stay visible, behind those that count
    found.sort(key=lambda row: (row["kind"] != "client", -row["age_seconds"]))
    return {
        "long_queries": found[: manner.top],
        "long_queries_total": len(counted),
        "long_queries_exempt": len(found) - len(counted),
        "long_queries_longest_seconds": max((row["age_seconds"] for row in counted), default=0.0),
        "long_queries_waits": [{"name": name, "sessions": count} for name, count in waits.most_common()],
        "long_queries_on_lock": waits["lock"],
        "long_queries_on_io": waits["io"],
        "long_queries_on_cpu": waits["cpu"],
    }


def _client_key(row: Row) -> tuple[t.Optional[str], t.Optional[str], t.Optional[str]]:
    person = who(row)
    return person["address"], person["user"], person["application"]


def clients(rows: t.Sequence[Row], samples: t.Sequence[t.Sequence[Row]], seconds: t.Optional[float], manner: Manner) -> Row:
    """Every (address, user, application): its share of the sessions and of the time that sessions were working.

    `samples`: what was working at several moments of the window that lasted `seconds`.
    """
    sessions: dict[tuple[t.Any, ...], list[Row]] = collections.defaultdict(list)
    for row in rows:
        if is_client(row) or row.get("backend_type") == "walsender":
            sessions[_client_key(row)].append(row)
    worked: t.Counter[tuple[t.Any, ...]] = collections.Counter()
    kinds: dict[tuple[t.Any, ...], t.Counter[str]] = collections.defaultdict(collections.Counter)
    for sample in samples:
        for row in sample:
            worked[_client_key(row)] += 1
            kinds[_client_key(row)][manner.kind(row.get("query"))] += 1
            sessions.setdefault(_client_key(row), [])
    everybody = sum(map(is_client, rows))
    working = sum(worked.values())
    found = []
    for key, own in sessions.items():
        active = worked[key] * seconds / len(samples) if samples and seconds else None
        found.append(
            {
                "address": key[0],
                "user": key[1],
                "application": key[2],
                "database": ", ".join(sorted({str(row["database"]) for row in own if row.get("database")})[:3]) or None,
                "backend": "walsender" if any(row.get("backend_type") == "walsender" for row in own) else "client backend",
                "sessions": len(own),
                "session_share_ratio": ratio(sum(map(is_client, own)), everybody),
                "active_seconds": None if active is None else round(active, 3),
                "time_share_ratio": ratio(worked[key], working),
                "longest_query_seconds": _longest(own),
                "kind": _reads_or_writes(kinds[key]),
            }
        )
    found.sort(key=lambda row: (-(row["time_share_ratio"] or 0), -row["sessions"]))
    return {"clients": found[: 3 * manner.top], "clients_total": len(found)}


def _longest(rows: t.Sequence[Row]) -> t.Optional[float]:
    if any(row.get("hidden") for row in rows):
        return None  # what they do is not shown, and so is not nothing
    ages = [sql_text.age(row.get("now"), row.get("query_start")) for row in rows if row.get("state") in ACTIVE]
    return max((seconds for seconds in ages if seconds is not None), default=0.0)


def _reads_or_writes(kinds: t.Counter[str]) -> t.Optional[str]:
    """reads | writes | both; None when it was not seen at work."""
    reads, writes = kinds["read"], kinds["write"] + kinds["schema"]
    if not reads and not writes:
        return None
    return "both" if reads and writes else "reads" if reads else "writes"
