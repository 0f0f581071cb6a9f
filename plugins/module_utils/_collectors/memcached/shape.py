# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: two samples of one server as facts."""

from __future__ import annotations

import dataclasses
import typing as t

from ..._collect.sampling import Number, delta, percentile, rate, ratio, top, total
from ..._text.redact import clean
from . import proxy, slabs
from .parse import count, version_numbers

#: Each of these counts is one operation; a cas counts as a set, a meta command as what it does.
OPERATIONS = ("cmd_get", "cmd_set", "cmd_touch", "delete_hits", "delete_misses", "incr_hits", "incr_misses", "decr_hits", "decr_misses")
#: Counters that any use of a server moves: when one fell, somebody reset them all.
_TELLTALES = ("cmd_get", "cmd_set", "total_connections", "total_items", "bytes_read")


@dataclasses.dataclass
class Sample:
    """What one reading gave; `refused` says why a part of it is missing."""

    stats: dict[str, str]
    classes: dict[int, dict[str, str]] = dataclasses.field(default_factory=dict)  # stats items
    slabs: dict[int, dict[str, str]] = dataclasses.field(default_factory=dict)  # stats slabs
    settings: dict[str, str] = dataclasses.field(default_factory=dict)
    clients: t.Optional[dict[str, int]] = None
    refused: dict[str, str] = dataclasses.field(default_factory=dict)
    own_gets: int = 0  # of our probes, all misses: left out of the lifetime values


@dataclasses.dataclass
class Latency:
    """What our own probes measured, in seconds."""

    connect: list[float] = dataclasses.field(default_factory=list)
    gets: list[float] = dataclasses.field(default_factory=list)
    problem: t.Optional[str] = None


class _Window:
    """The counters' movements between the samples; all unknown after a restart or a reset, with the reason why."""

    def __init__(self, first: Sample, second: t.Optional[Sample], seconds: t.Optional[float]) -> None:
        self.seconds = seconds
        self.reason: t.Optional[str] = "only one sample was taken (window 0)"
        self._first, self._second = first.stats, {} if second is None else second.stats
        if second is not None:
            self.reason = interruption(first.stats, second.stats)

    @property
    def interrupted(self) -> bool:
        return self.reason is not None and self.seconds is not None

    def moved(self, name: str) -> t.Optional[Number]:
        return None if self.reason else delta(self._first.get(name), self._second.get(name))

    def rate(self, name: str) -> t.Optional[float]:
        return rate(self.moved(name), self.seconds)

    def sum(self, *names: str) -> t.Optional[Number]:
        """The sum over the counters that this version has; None when it has none of them."""
        known = [self.moved(name) for name in names if name in self._second]
        return total(*known) if known else None


def interruption(first: t.Mapping[str, str], second: t.Mapping[str, str]) -> t.Optional[str]:
    """Why the two samples cannot be compared: a restart, or `stats reset` (uptime goes on: case M-12)."""
    before, after = count(first, "uptime"), count(second, "uptime")
    if first.get("pid") != second.get("pid") or (before is not None and after is not None and after < before):
        return "the server was restarted between the samples"
    if any(delta(first.get(name), second.get(name)) is None for name in _TELLTALES if name in first and name in second):
        return "the counters were reset between the samples (stats reset)"
    return None


def facts(first: Sample, second: t.Optional[Sample], window: t.Optional[float], latency: Latency, keep: int) -> dict[str, t.Any]:
    """The measures of one instance (documented in the module's RETURN)."""
    latest = second or first
    moved = _Window(first, second, window)
    kind = proxy.kind(latest.stats)
    result: dict[str, t.Any] = {"kind": kind, **_identity(latest), "unknown": {}, "notes": _notes(moved, latest)}
    result["proxy"] = proxy.facts(kind, latest.stats)
    result.update(_reads(moved, latest.stats))
    result.update(_lifetime(latest))
    result.update(_pressure(moved, latest.stats))
    result.update(_connections(moved, latest, keep))
    result.update(_memory(latest.stats))
    result.update(slabs.facts(first.classes, latest.classes, latest.slabs, moved.reason is None and second is not None, keep))
    result["latency_milliseconds"] = _latency(latency)
    result["unknown"] = _unknown(result, moved, latest, latency)
    return result


def _identity(latest: Sample) -> dict[str, t.Any]:
    stats = latest.stats
    uptime, clock, pid = count(stats, "uptime"), count(stats, "time"), count(stats, "pid")
    # pid and start tell servers apart by whatever address they are seen; in a container every pid is 1
    known = uptime is not None and clock is not None and pid not in (None, 1)
    return {
        "version": clean(stats["version"], 120) if "version" in stats else None,
        "version_numbers": version_numbers(stats.get("version")),
        "identity": f"{pid}-{int(clock - uptime)}" if known and uptime is not None and clock is not None else None,
        "uptime_seconds": uptime,
        "threads": count(stats, "threads"),
    }


def _reads(moved: _Window, stats: t.Mapping[str, str]) -> dict[str, t.Any]:
    hits, misses = moved.moved("get_hits"), moved.moved("get_misses")
    gets = total(hits, misses)
    operations = moved.sum(*OPERATIONS)
    expired, flushed = moved.moved("get_expired"), moved.moved("get_flushed")
    never = total(misses, -expired if expired is not None else None, -flushed if flushed is not None else None)
    return {
        "hit_ratio": ratio(hits, gets),
        "gets": gets,
        "misses": {
            "count": misses,
            "expired": expired,
            "flushed": flushed,
            "absent": None if never is None else max(0, never),
            "expired_ratio": ratio(expired, misses),
        },
        "sets": moved.moved("cmd_set"),
        "operations": operations,
        "operations_per_second": rate(operations, moved.seconds),
        "gets_per_second": rate(gets, moved.seconds),
        "sets_per_second": moved.rate("cmd_set"),
        "flushes": moved.moved("cmd_flush"),
        "lifetime_flushes": count(stats, "cmd_flush"),
        "received_bytes_per_second": moved.rate("bytes_read"),
        "sent_bytes_per_second": moved.rate("bytes_written"),
        "cpu_cores": rate(moved.sum("rusage_user", "rusage_system"), moved.seconds),
    }


def _lifetime(latest: Sample) -> dict[str, t.Any]:
    hits, misses = count(latest.stats, "get_hits"), count(latest.stats, "get_misses")
    gets = total(hits, None if misses is None else max(0, misses - latest.own_gets))
    return {"lifetime_hit_ratio": ratio(hits, gets), "lifetime_gets": gets}


def _pressure(moved: _Window, stats: t.Mapping[str, str]) -> dict[str, t.Any]:
    evictions = moved.moved("evictions")
    return {
        "evictions": evictions,
        "evictions_per_second": moved.rate("evictions"),
        "evicted_unfetched_ratio": ratio(moved.moved("evicted_unfetched"), evictions),
        "evicted_active": moved.moved("evicted_active"),
        "lifetime_evictions": count(stats, "evictions"),
        "too_large": moved.moved("store_too_large"),
        "lifetime_too_large": count(stats, "store_too_large"),
        "no_memory": moved.sum("store_no_memory", "response_obj_oom", "read_buf_oom"),
        "worker_stalls": moved.sum("conn_yields", "lrutail_reflocked", "direct_reclaims"),
        "flash_evictions": moved.moved("extstore_page_evictions"),
    }


def _connections(moved: _Window, latest: Sample, keep: int) -> dict[str, t.Any]:
    stats, clients = latest.stats, latest.clients
    now, most = count(stats, "curr_connections"), count(stats, "max_connections")
    if most is None:
        most = count(latest.settings, "maxconns")  # before 1.5.1
    opened, operations = moved.moved("total_connections"), moved.sum(*OPERATIONS)
    rows = [{"name": name, "connections": number} for name, number in (clients or {}).items()]
    return {
        "connections": now,
        "connections_limit": most,
        "connections_ratio": _share(now, most),
        "connections_opened": opened,
        "connections_per_second": rate(opened, moved.seconds),
        "operations_per_connection": ratio(operations, opened),
        # with maxconns_fast (default since 1.5.0) the server refuses; before that it stops to accept for a while
        "rejected": moved.sum("rejected_connections", "listen_disabled_num"),
        "lifetime_rejected": count(stats, "rejected_connections"),
        "clients": top(rows, "connections", keep) if clients is not None else None,
        "clients_total": None if clients is None else len(clients),
        "client_connections": None if clients is None else sum(clients.values()),
    }


def _share(part: t.Optional[Number], whole: t.Optional[Number]) -> t.Optional[float]:
    """A share of a limit: a server counts its listening sockets and headers too, and so may be a little over it."""
    share = ratio(part, whole)
    return None if share is None else min(1.0, share)


def _memory(stats: t.Mapping[str, str]) -> dict[str, t.Any]:
    held, limit, kept = count(stats, "bytes"), count(stats, "limit_maxbytes"), count(stats, "curr_items")
    return {
        "bytes": held,
        "limit_bytes": limit,
        "fill_ratio": _share(held, limit),
        "items_total": kept,
        "item_bytes_mean": None if held is None or not kept else round(held / kept),
    }


def _latency(latency: Latency) -> dict[str, t.Any]:
    def milliseconds(value: t.Optional[Number]) -> t.Optional[float]:
        return None if value is None else round(value * 1000, 3)

    return {
        "connect": milliseconds(percentile(latency.connect, 0.5)),
        "median": milliseconds(percentile(latency.gets, 0.5)),
        "p95": milliseconds(percentile(latency.gets, 0.95)),
        "samples": len(latency.gets),
    }


def _notes(moved: _Window, latest: Sample) -> list[str]:
    notes = []
    if moved.reason and moved.interrupted:
        notes.append(moved.reason[0].upper() + moved.reason[1:] + ".")
    kept, stored = count(latest.stats, "curr_items"), count(latest.stats, "total_items")
    if kept is not None and stored is not None and kept > stored:
        notes.append("Somebody reset the counters while the server ran on: lifetime values count from then, not from its start.")
    return notes + [f"{command}: {reason}" for command, reason in sorted(latest.refused.items())]


#: Measures over the window that a version may lack: counter → measures.
_LATER = {
    "get_expired": ("misses.expired", "misses.absent", "misses.expired_ratio"),
    "get_flushed": ("misses.flushed",),
    "store_too_large": ("too_large", "lifetime_too_large"),
    "evicted_active": ("evicted_active",),
}


def _unknown(result: dict[str, t.Any], moved: _Window, latest: Sample, latency: Latency) -> dict[str, str]:
    version = latest.stats.get("version") or "of unknown version"
    usual = moved.reason or f"memcached {version} does not count it"
    if result["kind"] != "server":
        usual = "a proxy does not count it; read the servers behind it"
    reasons = {name: usual for name, value in result.items() if value is None and name != "proxy"}
    if moved.reason is None and result["kind"] == "server":
        for counter, measures in _LATER.items():
            if counter not in latest.stats:
                reasons.update(dict.fromkeys(measures, f"memcached {version} has no {counter}"))
    reasons.update(_nothing_of_nothing(result, moved))
    for command, measures in (("stats conns", ("clients", "clients_total", "client_connections")), *slabs.NEEDS):
        if command in latest.refused:
            reasons.update({name: latest.refused[command] for name in measures if result.get(name) is None})
    if latency.problem:
        reasons.update({f"latency_milliseconds.{name}": latency.problem for name in ("connect", "median", "p95")})
    return reasons


def _nothing_of_nothing(result: dict[str, t.Any], moved: _Window) -> dict[str, str]:
    """Measures whose whole is 0: not unknown to the server, there was just nothing."""
    why = {
        "eviction_age_seconds": ("evictions", "nothing was evicted in the window"),
        "evicted_unfetched_ratio": ("evictions", "nothing was evicted in the window"),
        "operations_per_connection": ("connections_opened", "no connection was opened in the window"),
        **dict.fromkeys(("item_bytes_mean", *slabs.NEEDS[1][1]), ("items_total", "the cache is empty")),
    }
    reasons = {name: reason for name, (whole, reason) in why.items() if result[name] is None and result[whole] == 0}
    if result["lifetime_gets"] == 0:
        reasons["lifetime_hit_ratio"] = "no gets yet"
    if not moved.interrupted and (result["lifetime_gets"] == 0 or result["gets"] == 0):
        reasons["hit_ratio"] = "no gets in the window" if result["lifetime_gets"] else "no gets yet"
    if result["flash_evictions"] is None and result["evictions"] is not None:
        reasons["flash_evictions"] = "no flash tier (extstore) is in use"
    return reasons
