# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: two readings of a server as its facts."""

from __future__ import annotations

import collections
import dataclasses
import re
import typing as t

from ..._collect.sampling import ONE_SAMPLE, explain_no_window, ratio, top
from ..._sql import locks, sessions, sql_text
from ..._sql.sessions import Manner
from . import comparable, replication, server, upkeep
from . import statements as statement_rows
from .fetch import About, Sample
from .session import quoted

Row = dict[str, t.Any]

#: Measures that cannot be known while sessions of others are hidden from us.
_NEED_ALL_SESSIONS = (
    "active", "waiting_on_lock", "idle_in_transaction_total", "idle_in_transaction_longest_seconds", "idle_in_transaction_blocking",
    "long_queries_total", "long_queries_longest_seconds", "long_queries_on_lock", "long_queries_on_io", "long_queries_on_cpu",
    "lock_wait_longest_seconds",
)  # fmt: skip


@dataclasses.dataclass
class Material:
    """What was read."""

    about: About
    first: Sample
    second: t.Optional[Sample]
    working: list[list[Row]]
    window: t.Optional[float]
    unknown: dict[str, str]
    notes: list[str]

    @property
    def latest(self) -> Sample:
        return self.second if self.second is not None and self.second.activity is not None else self.first


def exhausted(refusal: str, backends: t.Optional[list[Row]]) -> Row:
    """A server that has no slot left for us is up, and that is the finding. `backends`: what the process table shows."""
    why = "the server has no connection left to ask over"
    return {
        "kind": "server",
        "connections_exhausted": True,
        "connections_refused": refusal,
        **_holders(backends),
        "unknown": {"connections": why, "connections_ratio": why, "statements": why, "idle_in_transaction_longest_seconds": why},
        "notes": [refusal],
    }


def _holders(backends: t.Optional[list[Row]]) -> Row:
    if backends is None:
        return {"connections": None, "connections_ratio": None, "processes": None, "processes_total": None}
    groups = collections.Counter((row["user"], row["database"], re.sub(r"\(\d+\)$", "", row["address"])) for row in backends)
    idle = collections.Counter(
        (row["user"], row["database"], re.sub(r"\(\d+\)$", "", row["address"])) for row in backends if row["state"].startswith("idle")
    )
    rows = [
        {"user": key[0], "database": key[1], "address": key[2].replace("[local]", "local"), "sessions": count, "idle": idle[key]}
        for key, count in groups.most_common(10)
    ]
    return {"connections": {"used": len(backends)}, "connections_ratio": None, "processes": rows, "processes_total": len(groups)}


def statements_of(first: Sample, second: t.Optional[Sample]) -> t.Optional[statement_rows.Statements]:
    if first.statements is None:
        return None
    if second is None or second.statements is None:
        return statement_rows.Statements(statement_rows.summed(first.statements), None, None)
    seconds = second.statements_at - first.statements_at
    return statement_rows.Statements(statement_rows.summed(first.statements), statement_rows.summed(second.statements), seconds)


#: Measures of the window whose names do not say so.
_OF_THE_WINDOW = (
    *("statements_busy_sessions", "transactions", "rollbacks", "rollback_ratio", "cache_hit_ratio", "cache_blocks", "temp_files"),
    *("deadlocks", "wal_full_page_images", "wal_buffers_full"),
)


def facts(material: Material, statements: t.Optional[statement_rows.Statements], texts: t.Mapping[t.Any, t.Any], manner: Manner) -> Row:
    about, unknown = material.about, material.unknown
    found: Row = {"kind": "server", "connections_exhausted": False, **server.identity(about)}
    found.update(_sessions(material, manner))
    found.update(server.databases(material.first, material.second, unknown, material.notes, manner))
    if statements is None:
        found.update({"statements": None, "statements_total": None})
        unknown.setdefault("statements", "pg_stat_statements could not be read")
        unknown.setdefault("statements_total", unknown["statements"])
    else:
        names = {row["oid"]: row["name"] for row in material.first.databases or []}
        found.update(statement_rows.facts(statements, texts, names, manner))
        _about_statements(material, statements, found)
    found.update(upkeep.facts(about, material.first, material.second, material.latest, manner))
    found.update(replication.facts(about, material.first, material.latest, unknown, manner))
    found.update(comparable.settings(about))
    found.update(_limits(material))
    if material.window is None:
        explain_no_window(unknown, found, ONE_SAMPLE, _OF_THE_WINDOW)
    found["unknown"], found["notes"] = unknown, material.notes
    return found


def _about_statements(material: Material, statements: statement_rows.Statements, found: Row) -> None:
    info = next(iter(material.latest.many.get("statements_info") or []), {})
    found["statements_evicted"] = info.get("dealloc")
    found["statements_since_seconds"] = sql_text.age(info.get("now"), info.get("stats_reset"))
    if material.about.setting("track_io_timing") == "off":
        material.unknown["statements.io_milliseconds"] = (
            "track_io_timing is off: ALTER SYSTEM SET track_io_timing = on; SELECT pg_reload_conf()"
        )
        for row in found["statements"]:
            row["io_milliseconds"] = None
    hidden = statement_rows.hidden(material.latest.statements or [])
    found["statements_hidden"] = hidden
    if hidden:
        why = f"{hidden} statements of other users are hidden: {grant(material.about)}"
        found["statements_total"] = None
        material.unknown.update({"statements_total": why, "statements_hidden": why})
    if statements.restarted:
        material.notes.append(f"pg_stat_statements was reset or full within the window: {statements.restarted} statements began anew")


def grant(about: About) -> str:
    return f"GRANT pg_monitor TO {quoted(str(about.identity.get('user')))}"


def _full(used: int, most: t.Optional[int]) -> t.Optional[float]:
    """How full it is; superusers go beyond what is meant for others, and full is full."""
    share = ratio(used, most)
    return None if share is None else min(share, 1.0)


def _limits(material: Material) -> Row:
    """Roles and databases with a limit of their own: full for one application while the server has room."""
    sample = material.latest
    clients = [row for row in sample.activity or [] if sessions.is_client(row)]
    most = [("user", row["name"], row["most"]) for row in sample.many.get("limited_roles") or []]
    most += [("database", row["name"], row["connection_limit"]) for row in sample.databases or [] if row.get("connection_limit", -1) >= 0]
    rows = []
    for kind, name, limit in most:
        used = sum(row.get(kind) == name for row in clients)
        rows.append({"kind": kind, "name": name, "limit": limit, "used": used, "used_ratio": _full(used, limit)})
    return {
        "limits": top(rows, "used_ratio", 10),
        "limits_total": len(rows),
        "limits_ratio": max((row["used_ratio"] or 0.0 for row in rows), default=0.0),
    }


def _sessions(material: Material, manner: Manner) -> Row:
    about, sample, unknown = material.about, material.latest, material.unknown
    rows = sample.activity
    if rows is None:
        return {"connections": None, "connections_ratio": None}
    trees = locks.Trees(sample.blocked_by)
    waiting = trees.waiting_for()
    limits = {name: about.whole(name) for name in ("max_connections", "superuser_reserved_connections", "reserved_connections")}
    connections = sessions.connections(rows, limits)
    found = {
        "connections": connections,
        "connections_ratio": _full(connections["used"], connections["usable"]),
        "active": connections["active"],
        "waiting_on_lock": connections["waiting_on_lock"],
        **sessions.groups(rows, manner),
        **sessions.idle_in_transaction(rows, waiting, manner),
        **sessions.long_queries(rows, trees.root_of, manner),
        **locks.facts(rows, trees, sample.waits, manner),
        **sessions.clients(rows, material.working, material.window, manner),
    }
    if connections["hidden"]:
        why = f"{connections['hidden']} of {connections['used']} sessions are hidden from {about.identity.get('user')}: {grant(about)}"
        for name in _NEED_ALL_SESSIONS:
            found[name], unknown[name] = None, why
    if any(sql_text.clock_moved(row.get("now"), row.get("query_start"), row.get("state_change"), row.get("xact_start")) for row in rows):
        material.notes.append("the server's clock was moved back: some ages are not known until those sessions go on")
    return found
