# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: replicas, seen from the primary and from themselves, and the slots that keep WAL for them."""

from __future__ import annotations

import typing as t

from ..._collect.derived import first_unknown, put_largest
from ..._collect.facts import Facts, Maybe, Unknown, known, row
from ..._collect.sampling import ONE_SAMPLE, top
from ..._sql import sql_text
from ..._sql.sessions import Manner
from .fetch import About, Sample

Row = dict[str, t.Any]

_NOT_YET = "the primary has not measured it yet: ask again, or ask the replica itself"


def _hidden(about: About) -> str:
    return f"the state of replicas is hidden from {about.identity.get('user')}: {about.grant}"


def put(facts: Facts, about: About, first: Sample, second: t.Optional[Sample], manner: Manner) -> None:
    sample = first if second is None else second
    rows = _never_ahead(sample.several("replicas"))
    if isinstance(rows, Unknown):
        for name in ("replicas", "replicas_total", "replicas_not_streaming", "replica_lag_longest_seconds", "wal_receivers"):
            facts.put(name, rows)
        facts.rows("logical_consumers", rows, manner.top)
    else:
        _put_walsenders(facts, about, [told for told in rows if not _copies_once(told)], first, second, manner)
    _put_slots(facts, about, _never_ahead(sample.several("slots")), manner)
    _put_held(facts, rows, sample.several("slots"), manner)
    facts.put("replication", _own_lag(about, first, second))


def _put_held(facts: Facts, replicas: Maybe[list[Row]], slots: Maybe[list[Row]], manner: Manner) -> None:
    """Who keeps vacuum from removing rows without a session here: a replica's statements (hot_standby_feedback), and slots, also unused."""
    missing = first_unknown(replicas, slots)
    if missing is not None:
        facts.rows("vacuum_held_by", missing, manner.top)
        facts.put("vacuum_held_transactions", missing)
        return
    told = [("replica", row) for row in known(replicas) or []] + [("slot", row) for row in known(slots) or []]
    held = [
        {"kind": kind, "name": row["name"] or "?", "transactions": row["xid_age"]} for kind, row in told if row.get("xid_age") is not None
    ]
    facts.rows("vacuum_held_by", top(held, "transactions", len(held)), manner.top)
    facts.put("vacuum_held_transactions", max((one["transactions"] for one in held), default=0))


#: Distances to the end of the WAL. A standby that restores from its archive has gone on while what it received stands still.
_DISTANCES = ("lag_bytes", "unsent_bytes", "kept_bytes")


def _never_ahead(rows: Maybe[list[Row]]) -> Maybe[list[Row]]:
    """What is ahead of the end that was read has nothing left of the way to it."""
    if isinstance(rows, Unknown):
        return rows
    return [{name: max(0.0, value) if name in _DISTANCES and value is not None else value for name, value in told.items()} for told in rows]


def _copies_once(told: Row) -> bool:
    """A base backup, and the WAL that it takes along: both end with it."""
    return bool(told["state"] == "backup" or told["name"] == "pg_basebackup")


def _put_walsenders(facts: Facts, about: About, rows: t.Sequence[Row], first: Sample, second: t.Optional[Sample], manner: Manner) -> None:
    """Replicas, and what is none by design: consumers of changes (Debezium), and programs that take WAL and never replay it (Barman)."""
    logical = [told for told in rows if told.get("logical")]
    receivers = [told for told in rows if told not in logical and told["state"] is not None and told["replayed"] is None]
    _put_replicas(facts, about, [told for told in rows if told not in logical and told not in receivers], first, second, manner)
    facts.put("wal_receivers", len(receivers))
    why = _hidden(about)
    consumers = [
        row(
            {"name": told["name"], "user": told["user"], "address": told["address"] or "local", "lag_bytes": told["lag_bytes"]},
            {**_WHY, "lag_bytes": why},
        )
        for told in logical
    ]
    facts.rows("logical_consumers", top(consumers, "lag_bytes", len(consumers)), manner.top)


def _put_slots(facts: Facts, about: About, slots: Maybe[list[Row]], manner: Manner) -> None:
    """Slots; those of a standby that are copies of its primary's are not in use by design, and tell nothing of a client that is gone."""
    if isinstance(slots, Unknown):
        facts.rows("replication_slots", slots, manner.top)
        facts.put("replication_slots_inactive", slots)
        facts.put("replication_slots_kept_bytes", slots)
        return
    copies = [told for told in slots if _is_copy(told, about)]
    own = [told for told in slots if told not in copies]
    shown = [top([_slot(told, of is copies) for told in of], "kept_bytes", len(of)) for of in (own, copies)]
    facts.rows("replication_slots", [*shown[0], *shown[1]], manner.top)
    facts.put("replication_slots_inactive", sum(not told["active"] for told in own))
    kept = [told["kept_bytes"] for told in own if told["kept_bytes"] is not None]  # an unused slot keeps none
    facts.put("replication_slots_kept_bytes", max(kept, default=0))


def _is_copy(told: Row, about: About) -> bool:
    """PostgreSQL tells it since 17. Before, logical slots of a standby come from tools that copy them (pg_failover_slots, Patroni)."""
    if not about.identity.get("in_recovery") or told["active"]:
        return False
    if "synced" in told:
        return bool(told["synced"])
    return bool(told["type"] == "logical")


def _put_replicas(facts: Facts, about: About, rows: t.Sequence[Row], first: Sample, second: t.Optional[Sample], manner: Manner) -> None:
    why_hidden = _hidden(about)
    before = {told["pid"]: told for told in known(first.several("replicas")) or []} if second is not None else {}
    seconds = 0.0 if second is None else second.server_at - first.server_at
    replicas = [_replica(told, before.get(told["pid"]), seconds, second is not None, why_hidden) for told in rows]
    hidden = [told for told in rows if told["state"] is None]
    facts.rows("replicas", top(replicas, "lag_bytes", len(replicas)), manner.top)
    astray = sum(told["state"] not in ("streaming", None) for told in rows)
    if hidden:
        facts.bound("replicas_not_streaming", astray, why_hidden)
    else:
        facts.put("replicas_not_streaming", astray)
    put_largest(facts, "replica_lag_longest_seconds", [*([] if replicas else [0.0]), *(one["lag_seconds"] for one in replicas)], "")


_WHY = {
    "name": "it gives itself no name",
    "user": "the server does not report its user",
    "write_lag_seconds": "nothing was written since it caught up",
    "flush_lag_seconds": "nothing was written since it caught up",
}


def _replica(told: Row, before: t.Optional[Row], seconds: float, twice: bool, why_hidden: str) -> Row:
    """The primary's own lag is null when the replica has caught up, and stands still while the replay does."""
    behind = told["replay_lag"]
    if behind is None and told["lag_bytes"] is not None and told["lag_bytes"] <= 0:
        behind = 0.0
    stalled = before is not None and bool(told["lag_bytes"]) and bool(before["lag_bytes"]) and told["replayed"] == before["replayed"]
    if stalled:
        behind = max(behind or 0.0, seconds)
    return row(
        {
            "name": told["name"],
            "user": told["user"],
            "address": told["address"] or "local",
            "state": told["state"],
            "sync_state": told["sync_state"],
            "lag_seconds": None if behind is None else max(round(behind, 3), 0.0),
            "lag_bytes": told["lag_bytes"],
            "stalled": stalled if twice else Unknown(ONE_SAMPLE),
            "unsent_bytes": told["unsent_bytes"],
            "write_lag_seconds": told["write_lag"],
            "flush_lag_seconds": told["flush_lag"],
        },
        {
            **_WHY,
            **dict.fromkeys(("state", "sync_state", "lag_bytes", "unsent_bytes"), why_hidden),
            "lag_seconds": why_hidden if told["state"] is None else _NOT_YET,
        },
    )


def _slot(told: Row, copied: bool) -> Row:
    names = ("name", "type", "database", "active", "kept_bytes", "wal_status", "safe_wal_size")
    why = {
        **dict.fromkeys(names, "the server does not report it"),
        "database": "a physical slot belongs to no database",
        "kept_bytes": "it keeps no WAL: it was never used",
        "wal_status": "the server tells it since PostgreSQL 13, and not of an unused slot",
        "safe_wal_size": "max_slot_wal_keep_size sets no limit",
    }
    return row({**{name: told.get(name) for name in names}, "copied": copied}, why)


def _own_lag(about: About, first: Sample, second: t.Optional[Sample]) -> Maybe[Row]:
    """A replica's lag. All received and replayed is no lag, however long ago the last transaction of the primary was.

    Nor is what came since: one that had replayed all at the first look is behind by no more than the window.
    """
    if not about.identity.get("in_recovery"):
        return Unknown("this server is a primary")
    told = (first if second is None else second).one("replay")
    if isinstance(told, Unknown):
        return told
    hidden = told["receiver"] is None and not about.identity.get("reads_stats")
    streaming: Maybe[bool] = Unknown(_hidden(about)) if hidden else told["receiver"] == "streaming"
    nothing_replayed = "it has replayed no transaction since it was started, so its age is not known"
    connected = isinstance(streaming, Unknown) or streaming
    level = told["caught_up"] and connected
    behind = sql_text.age(told["now"], told["replayed"], nothing_replayed)
    delay = (about.whole("recovery_min_apply_delay") or 0) / 1000  # asked for, so no lag
    if delay and not isinstance(behind, Unknown):
        behind = max(0.0, round(behind - delay, 3))
    before = None if second is None else known(first.one("replay"))
    if before is not None and before["caught_up"] and connected and not isinstance(behind, Unknown):
        behind = min(behind, max(0.0, round(told["now"] - before["now"], 3)))
    return row(
        {
            "receiver": streaming if isinstance(streaming, Unknown) else told["receiver"] or "not running",
            "streaming": streaming,
            "paused": told["paused"],
            "lag_seconds": 0.0 if level else behind,
            "behind_bytes": told["behind_bytes"],
        },
        {"behind_bytes": "it received nothing since it was started"},
    )
