# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: the clients' sessions against the slots that they may use, and against the limits of roles and databases."""

from __future__ import annotations

import collections
import re
import typing as t

from ..._collect.derived import first_unknown, largest, share
from ..._collect.facts import Facts, Maybe, Unknown, known, measured
from ..._collect.sampling import top
from ..._sql.sessions import ACTIVE, IN_TRANSACTION, Activity, Row
from ..._texts.counted import counted
from .fetch import About, Sample

#: The state of a session that PostgreSQL 18 shows while it logs in, and of one that does not track what it does.
STARTING, UNTRACKED = "starting", "disabled"


def veiled(about: About, activity: t.Sequence[Row]) -> t.Optional[Unknown]:
    """Why the activity of some sessions is hidden; None when none is."""
    hidden = sum(bool(session.get("hidden")) for session in activity)
    untracked = sum(session.get("state") == UNTRACKED for session in activity)
    if hidden:
        return Unknown(
            f"{hidden} of {counted(len(activity), 'session is', 'sessions are')} hidden from {about.identity.get('user')}: {about.grant}"
        )
    if untracked:
        setting = "ALTER SYSTEM SET track_activities = on; SELECT pg_reload_conf();"
        return Unknown(
            f"what {untracked} of {counted(len(activity), 'session', 'sessions')} did is not tracked, track_activities is off: {setting}"
        )
    return None


def of_the_service(about: About, rows: t.Sequence[Row]) -> list[Row]:
    """Sessions of a hosting service's own users (rdsadmin, cloudsqladmin), which it hides from everybody, whatever rights we have."""
    return [session for session in rows if session.get("hidden")] if about.identity.get("reads_stats") else []


def put_connections(facts: Facts, about: About, activity: Activity, others: t.Sequence[Row] = ()) -> None:
    """Sessions of clients against the slots they may use; walsenders have slots of their own. `others`: those of the hosting service."""
    clients = activity.clients
    used = len(clients) + len(others)
    most = _setting(about, "max_connections")
    reserved = measured(about.reserved, about.unset("superuser_reserved_connections"))
    missing = first_unknown(most, reserved)
    usable: Maybe[int] = missing if missing is not None else t.cast(int, most) - t.cast(int, reserved)

    def count(which: t.Callable[[Row], bool]) -> Maybe[int]:
        return activity.veiled if activity.veiled is not None else sum(map(which, clients))

    counts = {
        "active": count(lambda session: session.get("state") in ACTIVE),
        "idle": count(lambda session: session.get("state") == "idle"),
        "idle_in_transaction": count(lambda session: session.get("state") in IN_TRANSACTION),
        "connecting": count(lambda session: session.get("state") == STARTING),
        "waiting_on_lock": count(lambda session: session.get("wait_event_type") == "Lock"),
    }
    connections: dict[str, t.Any] = {
        "used": used,
        "usable": usable,
        "max": most,
        "reserved": reserved,
        "free": usable if isinstance(usable, Unknown) else max(usable - used, 0),
        **counts,
        "hidden": sum(bool(session.get("hidden")) for session in clients) + len(others),
        "walsenders": sum(session.get("backend_type") == "walsender" for session in activity.rows),
    }
    facts.put("connections", connections)
    facts.put("connections_ratio", full(used, usable))
    facts.put("active", counts["active"])
    facts.put("waiting_on_lock", counts["waiting_on_lock"])


def _setting(about: About, name: str) -> Maybe[int]:
    return measured(about.whole(name), about.unset(name))


def full(used: int, most: Maybe[int]) -> Maybe[float]:
    """How full it is; superusers go beyond what is meant for others, and full is full."""
    return share(used, most, "the limit is 0", slack=1e6)


def put_limits(facts: Facts, sample: Sample) -> None:
    """Roles and databases with a limit of their own: full for one application while the server has room."""
    unread = first_unknown(sample.activity, sample.several("limited_roles"), sample.databases)
    if unread is not None:
        for name in ("limits", "limits_total", "limits_ratio"):
            facts.put(name, unread)
        return
    clients = [session for session in sample.sessions if session.get("backend_type") == "client backend" or session.get("hidden")]
    limits = [("user", row["name"], row["most"]) for row in known(sample.several("limited_roles")) or []]
    # below 0 is no limit, and null is one that is not told
    limits += [
        ("database", row["name"], row["connection_limit"])
        for row in known(sample.databases) or []
        if row.get("connection_limit") is None or row["connection_limit"] >= 0
    ]
    rows: list[Row] = []
    for kind, name, told in limits:
        used = sum(session.get(kind) == name for session in clients)
        limit = measured(told, "the server does not report it")
        # a limit of 0 keeps everybody out, and is full
        rows.append({"kind": kind, "name": name, "limit": limit, "used": used, "used_ratio": 1.0 if told == 0 else full(used, limit)})
    facts.rows("limits", top(rows, "used_ratio", len(rows)), 10)
    facts.put("limits_ratio", largest([0.0, *(row["used_ratio"] for row in rows)], ""))


def exhausted(refusal: str, backends: t.Optional[list[Row]]) -> Facts:
    """A server that has no slot left for us is up, and that is the finding. `backends`: what the process table shows."""
    facts = Facts()
    why = Unknown("the server has no connection left to ask over")
    facts.put("kind", "server")
    facts.put("connections_exhausted", True)
    facts.put("connections_refused", refusal)
    for name in ("connections_ratio", "statements", "idle_in_transaction_longest_seconds", "oldest_transaction_seconds"):
        facts.put(name, why)
    if backends is None:
        facts.put("connections", why)
        facts.rows("processes", Unknown("its processes are not on the host that was asked"), 0)
    else:
        groups = collections.Counter(map(_group, backends))
        idle = collections.Counter(_group(backend) for backend in backends if backend["state"].startswith("idle"))
        facts.put("connections.used", len(backends))
        rows: list[Row] = [
            {"user": key[0], "database": key[1], "address": key[2].replace("[local]", "local"), "sessions": count, "idle": idle[key]}
            for key, count in groups.most_common()
        ]
        facts.rows("processes", rows, 10)
    facts.note(refusal)
    return facts


def _group(backend: Row) -> tuple[str, str, str]:
    return backend["user"], backend["database"], re.sub(r"\(\d+\)$", "", backend["address"])
