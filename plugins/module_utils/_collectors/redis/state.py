# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Persistence and forks, replication, Cluster and Sentinel."""

from __future__ import annotations

import typing as t

from ..._collect.derived import Window, any_of, at_most, count_of
from ..._collect.facts import Facts, Maybe, Unknown, known, measured
from ..._collect.sampling import Number, number
from ..._texts.redact import clean
from . import parse
from .samples import NO_DATA, Sample

#: Parts of the keys that a cluster divides among its members.
SLOTS = 16384
NO_CLUSTER = "it is no member of a cluster"
NO_SENTINEL = "it is no sentinel"
WATCHES_NOTHING = "it watches no primary, so that it fails nothing over: SENTINEL MONITOR, or its configuration file"
#: It notices and does nothing until its timers have been regular for 30 s.
TILT = (
    "it is in TILT mode: its clock jumped or it did not run for seconds, so what it says of primaries is old and it fails nothing over: "
    "ask again, and look at the clock and the load of its host"
)
#: States of a replica that takes every write as it comes; "stable_sync" is Dragonfly's word, "?" what old versions do not tell.
_FOLLOWS = ("online", "stable_sync", "?")
_UNIX_TIMES_BEGIN, SLACK_SECONDS = 1_000_000_000, 60


def put(facts: Facts, latest: Sample, window: Window, keep: int) -> None:
    _persistence(facts, latest, window)
    _replication(facts, latest, window, keep)
    _cluster(facts, latest)
    _sentinel(facts, latest, keep)


def _persistence(facts: Facts, latest: Sample, window: Window) -> None:
    saves = latest.setting("save")
    facts.put("persistence.snapshots", saves if isinstance(saves, Unknown) else saves.strip(' "') != "")
    facts.put("persistence.append_only", _flag(latest, "aof_enabled"))
    if latest.product == "dragonfly":  # it keeps no append-only file, and takes writes whether it could save or not
        facts.put("persistence.failed", _last_save_failed(latest))
        facts.put("persistence.refuses_writes", False)
    else:
        failed = [_is_bad(latest, name) for name in ("rdb_last_bgsave_status", "aof_last_bgrewrite_status", "aof_last_write_status")]
        facts.put("persistence.failed", any_of(failed))
        facts.put("persistence.refuses_writes", _refuses(latest, failed[0], failed[2]))
    facts.put("persistence.loading", _flag(latest, "loading"))
    facts.put("persistence.saving", any_of([_flag(latest, "rdb_bgsave_in_progress"), _flag(latest, "aof_rewrite_in_progress")]))
    facts.put("persistence.unsaved_changes", window.now("rdb_changes_since_last_save"))
    facts.put("persistence.fork_milliseconds", _fork(window))
    facts.put("persistence.forks", window.moved("total_forks"))
    keeps_none = latest.info.get("aof_enabled") == "0"
    facts.put("persistence.delayed_syncs", Unknown("it keeps no append-only file") if keeps_none else window.moved("aof_delayed_fsync"))


def _last_save_failed(latest: Sample) -> Maybe[bool]:
    failed, saved = (parse.count(latest.info, name) for name in ("last_failed_save", "last_success_save"))
    return measured(None if failed is None or saved is None else failed > saved, "it does not report last_failed_save")


def _fork(window: Window) -> Maybe[Number]:
    microseconds = window.now("latest_fork_usec")
    return microseconds if isinstance(microseconds, Unknown) else microseconds / 1000


def _flag(latest: Sample, name: str) -> Maybe[bool]:
    value = latest.info.get(name)
    return measured(None if value not in ("0", "1") else value == "1", NO_DATA if latest.is_sentinel else f"it does not report {name}")


def _is_bad(latest: Sample, name: str) -> Maybe[bool]:
    value = latest.info.get(name)
    why = NO_DATA if latest.is_sentinel else f"it does not report {name}"
    return measured(None if value not in ("ok", "err") else value == "err", why)


def _refuses(latest: Sample, snapshot_failed: Maybe[bool], append_failed: Maybe[bool]) -> Maybe[bool]:
    """Whether it takes no writes because it cannot save (MISCONF)."""
    stops = latest.setting("stop-writes-on-bgsave-error")
    saves = latest.setting("save")
    stopped: Maybe[bool] = snapshot_failed
    if snapshot_failed is True:
        missing = next((one for one in (stops, saves) if isinstance(one, Unknown)), None)
        stopped = missing if missing is not None else stops == "yes" and bool(t.cast(str, saves).strip(' "'))
    return any_of([stopped, append_failed])


#: A KeyDB that takes writes and follows others as well is a replica of these.
_ROLES = {"master": "primary", "slave": "replica", "replica": "replica", "active-replica": "replica"}


def _replication(facts: Facts, latest: Sample, window: Window, keep: int) -> None:
    role = _ROLES.get(latest.info.get("role", ""))
    why = NO_DATA if latest.is_sentinel else "it does not report its role"
    facts.put("role", role, why)
    _as_replica(facts, latest, window, role, why)
    offset = parse.count(latest.info, "master_repl_offset")
    # Dragonfly's lag counts entries of its journal
    unit = Unknown("Dragonfly does not report it in seconds: it counts writes") if latest.product == "dragonfly" else None
    rows = [_replica(row, offset, unit) for name, row in sorted(parse.prefixed(latest.info, "slave").items()) if name.isdigit()]
    facts.rows("replicas", Unknown(why) if role is None else rows, keep)
    facts.put("full_resyncs", window.moved("sync_full"))


def _as_replica(facts: Facts, latest: Sample, window: Window, role: t.Optional[str], why: str) -> None:
    names = ("link_up", "down_seconds", "silent_seconds", "syncing")
    if role != "replica":
        for name in names:
            facts.put(f"source.{name}", None, why if role is None else "it is no replica")
        return
    link = latest.info.get("master_link_status")
    facts.put("source.link_up", None if link not in ("up", "down") else link == "up", "it does not report master_link_status")
    facts.put("source.down_seconds", Unknown("it is connected to its primary") if link == "up" else _since(window, *_LINK))
    facts.put("source.silent_seconds", _since(window, *_HEARD))
    facts.put("source.syncing", _flag(latest, "master_sync_in_progress"))


#: What INFO calls it, and what it means when it is told as nothing (-1), or as the time of day (before 6.2.3).
_LINK = (
    "master_link_down_since_seconds",
    "it has not reached its primary since it started, so since when is not told: ask again when it has",
)
_HEARD = ("master_last_io_seconds_ago", "it is not connected to its primary")


def _since(window: Window, name: str, never: str) -> Maybe[Number]:
    """How long ago something happened: not before the server started."""
    said, uptime = number(window.latest.get(name)), known(window.now("uptime_in_seconds"))
    if said is None:
        return window.now(name)
    if said < 0 or (said >= _UNIX_TIMES_BEGIN and name == _LINK[0]):
        return Unknown(never)
    return at_most(int(said), None if uptime is None else uptime + SLACK_SECONDS, f"{name} in a server that is up for {uptime} s")


def _place(host: str, port: str) -> str:
    host = host.strip("[]")
    return clean(f"[{host}]:{port}" if ":" in host else f"{host}:{port}", 80)


def _replica(row: t.Mapping[str, str], offset: t.Optional[Number], unit: t.Optional[Unknown]) -> dict[str, t.Any]:
    behind, state = parse.count(row, "offset"), clean(row.get("state", "?"), 30)
    lag = unit if unit is not None else measured(parse.count(row, "lag"), "its lag is not told")
    copies = f"it copies all data of its primary ({state}), and its lag is told when that has ended"
    return {
        "address": _place(row.get("ip", "?"), row.get("port", "?")),
        "state": state,
        # until it follows its lag is told as 0
        "lag_seconds": lag if state in _FOLLOWS else Unknown(copies),
        "behind_bytes": measured(None if behind is None or offset is None else max(0, offset - behind), "its offset is not told"),
    }


def _cluster(facts: Facts, latest: Sample) -> None:
    names = {"size": "cluster_size", "nodes": "cluster_known_nodes", "slots_ok": "cluster_slots_ok", "slots_failed": "cluster_slots_fail"}
    enabled = latest.info.get("cluster_enabled") == "1"
    why = latest.why_not("CLUSTER INFO") if enabled else NO_CLUSTER
    state = latest.cluster.get("cluster_state")
    facts.put("cluster.ok", None if state not in ("ok", "fail") else state == "ok", why)
    for name, field in names.items():
        facts.put(f"cluster.{name}", parse.count(latest.cluster, field), why)
    # this member does not reach a member of theirs at the moment, and they are served all the same until most say so
    served, unconfirmed = facts.value("cluster.slots_ok"), parse.count(latest.cluster, "cluster_slots_pfail") or 0
    facts.put("cluster.slots_missing", served if isinstance(served, Unknown) else max(0, SLOTS - served - unconfirmed))


def _sentinel(facts: Facts, latest: Sample, keep: int) -> None:
    """What a sentinel watches, from its own INFO: `master0:name=mymaster,status=ok,address=…,slaves=1,sentinels=3`."""
    if not latest.is_sentinel:
        facts.rows("watched", Unknown(NO_SENTINEL), keep)
        facts.put("watched_down", Unknown(NO_SENTINEL))
        return
    rows: list[dict[str, t.Any]] = []
    tilted = latest.info.get("sentinel_tilt") not in ("0", None)
    for name, row in sorted(parse.prefixed(latest.info, "master").items()):
        if name.isdigit():
            rows.append(
                {
                    "name": clean(row.get("name", "?"), 60),
                    "address": _place(*row.get("address", "?:?").rpartition(":")[::2]),
                    "status": Unknown(TILT) if tilted else measured(clean(row.get("status", ""), 20) or None, "it does not say"),
                    "replicas": measured(parse.count(row, "slaves"), "it does not say"),
                    "sentinels": measured(parse.count(row, "sentinels"), "it does not say"),
                }
            )
    facts.rows("watched", rows, keep)
    down = (row["status"] if isinstance(row["status"], Unknown) else row["status"] != "ok" for row in rows)
    facts.put("watched_down", count_of(down) if rows else Unknown(WATCHES_NOTHING))
