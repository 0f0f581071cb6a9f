# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: the server as a whole: who it is, its databases' counters."""

from __future__ import annotations

import typing as t

from ..._collect.sampling import deltas, rate, ratio, top, total
from ..._sql.sessions import Manner
from .fetch import About, Sample

Row = dict[str, t.Any]

_COUNTERS = (
    "xact_commit", "xact_rollback", "blks_hit", "blks_read", "temp_files", "temp_bytes", "deadlocks", "tup_returned", "tup_fetched",
    "tup_inserted", "tup_updated", "tup_deleted", "sessions_abandoned", "sessions_fatal", "sessions_killed", "conflicts", "active_time",
)  # fmt: skip


def identity(about: About) -> Row:
    who = about.identity
    return {
        "version": who.get("version"),
        "version_number": who.get("version_number"),
        "role": "replica" if who.get("in_recovery") else "primary",
        "user": who.get("user"),
        "database": who.get("database"),
        "uptime_seconds": None if who.get("started") is None else round(who["now"] - who["started"], 1),
    }


def databases(first: Sample, second: t.Optional[Sample], unknown: dict[str, str], notes: list[str], manner: Manner) -> Row:
    """Rates over the window of all databases together, and of each."""
    before = {row["oid"]: row for row in first.databases or []}
    latest = (second.databases if second is not None else None) or first.databases
    if latest is None:
        return {"databases": None}
    measured = second is not None and second.databases is not None and first.databases is not None
    seconds = second.databases_at - first.databases_at if measured and second is not None else None
    rows, reset = [], False
    sums: dict[str, t.Any] = dict.fromkeys(_COUNTERS, 0)
    for row in latest:
        moved = deltas(before.get(row["oid"], {}), row, _COUNTERS) if measured else dict.fromkeys(_COUNTERS)
        reset = reset or (measured and row["oid"] in before and moved["xact_commit"] is None)
        sums = {name: sums[name] + (moved[name] or 0) for name in _COUNTERS}
        if row["connectable"] and not row["template"]:
            rows.append(_database(row, moved, seconds))
    blocks = sums["blks_hit"] + sums["blks_read"]
    found = {
        "databases": top(rows, "lifetime_transactions", 3 * manner.top),
        "databases_total": len(rows),
        "transactions_per_second": rate(sums["xact_commit"] + sums["xact_rollback"], seconds),
        "rollback_ratio": ratio(sums["xact_rollback"], sums["xact_commit"] + sums["xact_rollback"]) if measured else None,
        "rollbacks": sums["xact_rollback"] if measured else None,
        "transactions": sums["xact_commit"] + sums["xact_rollback"] if measured else None,
        "cache_hit_ratio": ratio(sums["blks_hit"], blocks) if measured else None,
        "cache_blocks": blocks if measured else None,
        "cache_reads_per_second": rate(sums["blks_read"], seconds),
        "lifetime_cache_hit_ratio": _lifetime_hit(latest),
        "temp_files": sums["temp_files"] if measured else None,
        "temp_bytes_per_second": rate(sums["temp_bytes"], seconds),
        "deadlocks": sums["deadlocks"] if measured else None,
        "deadlocks_per_minute": None if seconds is None else round(60 * sums["deadlocks"] / seconds, 3),
        "lifetime_deadlocks": sum(row.get("deadlocks") or 0 for row in latest),
    }
    if measured and not blocks:
        unknown.setdefault("cache_hit_ratio", "no block was read in the window")
    if reset:
        notes.append("statistics of a database were reset within the window: it is left out of the rates")
    return found


def _lifetime_hit(rows: t.Sequence[Row]) -> t.Optional[float]:
    hit, read = (sum(row.get(name) or 0 for row in rows) for name in ("blks_hit", "blks_read"))
    return ratio(hit, hit + read)


def _database(row: Row, moved: t.Mapping[str, t.Any], seconds: t.Optional[float]) -> Row:
    return {
        "name": row["name"],
        "backends": row.get("numbackends"),
        "connection_limit": None if row.get("connection_limit") in (None, -1) else row["connection_limit"],
        "transactions_per_second": rate(total(moved["xact_commit"], moved["xact_rollback"]), seconds),
        "rollback_ratio": ratio(moved["xact_rollback"], total(moved["xact_commit"], moved["xact_rollback"])),
        "cache_hit_ratio": ratio(moved["blks_hit"], total(moved["blks_hit"], moved["blks_read"])),
        "rows_returned_per_second": rate(moved["tup_returned"], seconds),
        "rows_written_per_second": rate(total(moved["tup_inserted"], moved["tup_updated"], moved["tup_deleted"]), seconds),
        "temp_bytes_per_second": rate(moved["temp_bytes"], seconds),
        "deadlocks": moved["deadlocks"],
        "active_sessions": None if moved["active_time"] is None or not seconds else round(moved["active_time"] / 1000 / seconds, 3),
        "lifetime_transactions": total(row.get("xact_commit"), row.get("xact_rollback")),
        "lifetime_cache_hit_ratio": _lifetime_hit([row]),
        "xid_age": row.get("xid_age"),
    }
