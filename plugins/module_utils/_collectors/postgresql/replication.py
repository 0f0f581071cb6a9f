# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: replicas, seen from the primary and from themselves, and the slots that keep WAL for them."""

from __future__ import annotations

import typing as t

from ..._collect.sampling import top
from ..._sql import sql_text
from ..._sql.sessions import Manner
from .fetch import About, Sample

Row = dict[str, t.Any]


def facts(about: About, first: Sample, sample: Sample, unknown: dict[str, str], manner: Manner) -> Row:
    rows = sample.many.get("replicas")
    before = {row["pid"]: row for row in first.many.get("replicas") or []} if sample is not first else {}
    seconds = sample.server_at - first.server_at
    replicas = None if rows is None else [_replica(row, before.get(row["pid"]), seconds) for row in rows]
    slots = None if sample.many.get("slots") is None else [_slot(row) for row in sample.many["slots"] or []]
    own = _own_lag(about, sample, unknown)
    lags = [row["lag_seconds"] for row in replicas or [] if row["lag_seconds"] is not None]
    unmeasured = bool(replicas) and not lags
    if replicas and any(row["state"] is None for row in replicas):
        unknown.setdefault("replicas", "the state of replicas is hidden from this user: GRANT pg_monitor")
    if unmeasured:
        why = "the primary has not measured it yet: ask again, or ask the replica itself"
        unknown.setdefault("replica_lag_longest_seconds", unknown.get("replicas", why))
    return {
        "replicas": None if replicas is None else top(replicas, "lag_bytes", manner.top),
        "replicas_total": None if replicas is None else len(replicas),
        "replicas_not_streaming": None if replicas is None else sum(row["state"] not in ("streaming", None) for row in replicas),
        "replica_lag_longest_seconds": None if replicas is None or unmeasured else max(lags, default=0.0),
        "replication": own,
        "replication_slots": None if slots is None else top(slots, "kept_bytes", manner.top),
        "replication_slots_total": None if slots is None else len(slots),
        "replication_slots_inactive": None if slots is None else sum(not row["active"] for row in slots),
        "replication_slots_kept_bytes": None if slots is None else max((row["kept_bytes"] or 0 for row in slots), default=0),
    }


def _replica(row: Row, before: t.Optional[Row], seconds: float) -> Row:
    """The primary's own lag is null when the replica has caught up, and stands still while the replay does."""
    behind = row["replay_lag"]
    if behind is None and row["lag_bytes"] is not None and row["lag_bytes"] <= 0:
        behind = 0.0
    stalled = before is not None and bool(row["lag_bytes"]) and bool(before["lag_bytes"]) and row["replayed"] == before["replayed"]
    if stalled:
        behind = max(behind or 0.0, seconds)
    return {
        "name": row["name"],
        "user": row["user"],
        "address": row["address"] or "local",
        "state": row["state"],
        "sync_state": row["sync_state"],
        "lag_seconds": None if behind is None else max(round(behind, 3), 0.0),
        "lag_bytes": row["lag_bytes"],
        "stalled": stalled,
        "unsent_bytes": row["unsent_bytes"],
        "write_lag_seconds": row["write_lag"],
        "flush_lag_seconds": row["flush_lag"],
    }


def _slot(row: Row) -> Row:
    names = ("name", "type", "database", "active", "kept_bytes", "wal_status", "safe_wal_size")
    return {name: row.get(name) for name in names}


def _own_lag(about: About, sample: Sample, unknown: dict[str, str]) -> t.Optional[Row]:
    """A replica's lag. All received and replayed is no lag, however long ago the last transaction of the primary was."""
    row = sample.server.get("replay")
    if not about.identity.get("in_recovery") or row is None:
        return None
    streaming = row["receiver"] == "streaming"
    lag = 0.0 if row["caught_up"] and streaming else sql_text.age(row["now"], row["replayed"])
    if row["receiver"] is None and not about.identity.get("reads_stats"):
        unknown.setdefault("replication.receiver", "hidden: GRANT pg_monitor")
        streaming = None
        lag = 0.0 if row["caught_up"] else lag
    if lag is None:
        unknown.setdefault("replication.lag_seconds", "it has replayed no transaction since it was started, so its age is not known")
    return {
        "receiver": row["receiver"] or ("not running" if streaming is not None else None),
        "streaming": streaming,
        "paused": row["paused"],
        "lag_seconds": lag,
        "behind_bytes": row["behind_bytes"],
    }
