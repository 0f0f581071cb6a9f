# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: the clients of a database: how many sessions each holds, and which share of the working time it takes."""

from __future__ import annotations

import collections
import typing as t

from .._collect.derived import largest, per
from .._collect.facts import Facts, Maybe, Unknown, row
from .._collect.sampling import ONE_SAMPLE
from .sessions import ACTIVE, Activity, Row, is_client, since, who

NOT_SEEN_AT_WORK = "it was not seen at work in the window"
_Key = tuple[t.Optional[str], t.Optional[str], t.Optional[str]]


def _key(session: Row) -> _Key:
    person = who(session)
    return person["address"], person["user"], person["application"]


def put_clients(facts: Facts, activity: Activity, samples: t.Sequence[t.Sequence[Row]], seconds: t.Optional[float]) -> None:
    """Every (address, user, application): its share of the sessions and of the time that sessions were working.

    `samples`: what was working at several moments of the window that lasted `seconds`.
    """
    manner = activity.manner
    sessions: dict[_Key, list[Row]] = collections.defaultdict(list)
    for session in activity.rows:
        if is_client(session) or session.get("backend_type") == "walsender":
            sessions[_key(session)].append(session)
    worked: t.Counter[_Key] = collections.Counter()
    kinds: dict[_Key, t.Counter[str]] = collections.defaultdict(collections.Counter)
    for session in (session for sample in samples for session in sample):
        worked[_key(session)] += 1
        kinds[_key(session)][manner.kind(session.get("query"))] += 1
        sessions.setdefault(_key(session), [])
    everybody, working = len(activity.clients), sum(worked.values())
    looked_at = bool(samples) and bool(seconds)
    why = {**manner.why, "kind": NOT_SEEN_AT_WORK if looked_at else ONE_SAMPLE}
    rows = []
    for key in sorted(sessions, key=lambda key: (-worked[key], -len(sessions[key]))):
        own = sessions[key]
        client = {
            "address": key[0],
            "user": key[1],
            "application": key[2],
            "database": ", ".join(sorted({str(one["database"]) for one in own if one.get("database")})[:3]) or None,
            "backend": "walsender" if any(one.get("backend_type") == "walsender" for one in own) else "client backend",
            "sessions": len(own),
            "session_share_ratio": per(sum(map(is_client, own)), everybody, "no session of a client is open"),
            "active_seconds": round(worked[key] * (seconds or 0.0) / len(samples), 3) if looked_at else Unknown(ONE_SAMPLE),
            "time_share_ratio": per(worked[key], working, "no client was at work in the window") if looked_at else Unknown(ONE_SAMPLE),
            "longest_query_seconds": _longest(own),
            "kind": _reads_or_writes(kinds[key]),
        }
        rows.append(row(client, why))
    facts.rows("clients", rows, 3 * manner.top)


def _longest(sessions: t.Sequence[Row]) -> Maybe[float]:
    if any(session.get("hidden") for session in sessions):
        return Unknown("what its sessions do is hidden from us")  # and so is not nothing
    ages = [since(session, "query_start") for session in sessions if session.get("state") in ACTIVE]
    return largest([0.0, *ages], "")


def _reads_or_writes(kinds: t.Counter[str]) -> t.Optional[str]:
    """reads | writes | both; None when it was not seen at work."""
    reads, writes = kinds["read"], kinds["write"] + kinds["schema"]
    if not reads and not writes:
        return None
    return "both" if reads and writes else "reads" if reads else "writes"
