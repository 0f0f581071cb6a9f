# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: two samples of one server as facts (documented in the module's RETURN). Pure."""

from __future__ import annotations

import math
import typing as t

from ..._collect.derived import Window, at_most, implausible, negative, per, rate, share, total
from ..._collect.facts import Facts, Maybe, Row, Unknown, known, measured
from ..._collect.sampling import Number, percentile
from ..._texts.redact import clean
from . import proxy, slabs
from .parse import count, version_numbers
from .samples import Latency, Sample, window_of

#: Each of these counts is one operation; a cas counts as a set, a meta command as what it does.
OPERATIONS = ("cmd_get", "cmd_set", "cmd_touch", "delete_hits", "delete_misses", "incr_hits", "incr_misses", "decr_hits", "decr_misses")
#: Each of these is an item that went.
REMOVALS = ("get_expired", "get_flushed", "evictions", "delete_hits", "reclaimed", "crawler_reclaimed")
#: Two counters are not read in the same instant, and a server counts its listening sockets and headers too: so much may be over.
SLACK = 0.25
#: Counters of which one is the other, but for this part of it.
SAME = 0.01
#: Threads that memcached has beside its workers (listening, hash table, slabs, LRU, crawler, flash).
OTHER_THREADS = 10
#: Bytes that a processor of today can address: no machine has as many.
ADDRESSABLE = 1 << 48


def facts(first: Sample, second: t.Optional[Sample], seconds: t.Optional[float], latency: Latency, keep: int) -> Facts:
    """The measures of one instance."""
    latest = second or first
    window = window_of(first, second, seconds)
    result = Facts()
    _identity(result, latest, window)
    proxy.put(result, latest.stats)
    _reads(result, window)
    _traffic(result, window, latest)
    _lifetime(result, latest, window)
    _pressure(result, window)
    _connections(result, window, latest)
    _clients(result, latest, keep)
    _memory(result, window)
    slabs.put(result, first, latest, window, keep)
    _latency(result, latency)
    _notes(result, window, latest)
    return result


def _identity(facts_: Facts, latest: Sample, window: Window) -> None:
    stats = latest.stats
    uptime, clock, pid = (known(window.now(name)) for name in ("uptime", "time", "pid"))
    version = stats.get("version")
    facts_.put("kind", proxy.kind(stats))
    facts_.put("version", None if version is None else clean(version, 120), "the server does not report its version")
    facts_.put("version_numbers", version_numbers(version), "its version is not a number")
    # pid and start tell servers apart by whatever address they are seen; in a container every pid is 1
    identity = None if uptime is None or clock is None or pid in (None, 1) else f"{pid}-{int(clock - uptime)}"
    facts_.put("identity", identity, "in a container every process id is 1" if pid == 1 else "it does not report its process id and start")
    facts_.put("uptime_seconds", window.now("uptime"))
    facts_.put("threads", window.now("threads"))


def _reads(facts_: Facts, window: Window) -> None:
    hits, misses = window.moved("get_hits"), window.moved("get_misses")
    gets = total([hits, misses])
    expired, flushed = window.moved("get_expired"), window.moved("get_flushed")
    never = total([misses, negative(expired), negative(flushed)])
    if known(_lifetime_gets(window)) == 0 and not window.broken:
        facts_.put("hit_ratio", None, "no gets yet")
    else:
        facts_.put("hit_ratio", share(hits, gets, "no gets in the window"))
    facts_.put("gets", gets)
    facts_.put("gets_per_second", rate(gets, window.seconds))
    facts_.update(
        {
            "misses": {
                "count": misses,
                "expired": expired,
                "flushed": flushed,
                "absent": never if isinstance(never, Unknown) else max(0, never),
                "expired_ratio": share(expired, misses, "no misses in the window", SLACK),
            }
        }
    )


def _traffic(facts_: Facts, window: Window, latest: Sample) -> None:
    operations = window.sum(*OPERATIONS)
    threads = known(window.now("threads"))
    cpu = rate(window.sum("rusage_user", "rusage_system"), window.seconds)
    facts_.put("sets", window.moved("cmd_set"))
    facts_.put("sets_per_second", window.rate("cmd_set"))
    facts_.put("overwrites", _overwrites(window))
    facts_.put("operations", operations)
    facts_.put("operations_per_second", rate(operations, window.seconds))
    # with -F it counts what it refuses
    refuses = latest.settings.get("flush_enabled") == "no"
    facts_.put("flushes", 0 if refuses else window.moved("cmd_flush"))
    facts_.put("lifetime_flushes", 0 if refuses else window.now("cmd_flush"))
    facts_.put("received_bytes_per_second", window.rate("bytes_read"))
    facts_.put("sent_bytes_per_second", window.rate("bytes_written"))
    facts_.put("cpu_cores", at_most(cpu, None if threads is None else threads + OTHER_THREADS, "cores used"))


def _overwrites(window: Window) -> Maybe[Number]:
    """Of all items that were stored those that took no new place: the number of items grew by the others, or lost as many meanwhile."""
    stored, lost, before, after = window.moved("total_items"), window.sum(*REMOVALS), window.before("curr_items"), window.now("curr_items")
    new = total([after, lost, negative(before)])
    again = total([stored, negative(new)])
    return again if isinstance(again, Unknown) else max(0, again)


def _lifetime_gets(window: Window, own: int = 0) -> Maybe[Number]:
    misses = window.now("get_misses")
    return total([window.now("get_hits"), misses if isinstance(misses, Unknown) else max(0, misses - own)])


def _lifetime(facts_: Facts, latest: Sample, window: Window) -> None:
    gets = _lifetime_gets(window, latest.own_gets)
    facts_.put("lifetime_hit_ratio", share(window.now("get_hits"), gets, "no gets yet"))
    facts_.put("lifetime_gets", gets)


def _pressure(facts_: Facts, window: Window) -> None:
    evictions = window.moved("evictions")
    flash = window.moved("extstore_page_evictions") if "extstore_page_evictions" in window.latest else NO_FLASH
    # what the slab mover throws out when it has nowhere to put it is counted by itself
    thrown_out = window.sum("evictions", "slab_reassign_evictions_nomem")
    facts_.put("evictions", thrown_out)
    facts_.put("evictions_per_second", rate(thrown_out, window.seconds))
    facts_.put("evicted_unfetched_ratio", share(window.moved("evicted_unfetched"), evictions, slabs.NO_EVICTION, SLACK))
    facts_.put("evicted_active", window.moved("evicted_active"))
    facts_.put("lifetime_evictions", window.now("evictions"))
    facts_.put("too_large", window.moved("store_too_large"))
    facts_.put("lifetime_too_large", window.now("store_too_large"))
    facts_.put("no_memory", window.sum("store_no_memory", "response_obj_oom", "read_buf_oom"))
    facts_.put("worker_stalls", window.sum("conn_yields", "lrutail_reflocked", "direct_reclaims"))
    facts_.put("flash_evictions", flash)


NO_FLASH = Unknown("no flash tier (extstore) is in use")


def _connections(facts_: Facts, window: Window, latest: Sample) -> None:
    limit = window.now("max_connections")
    if isinstance(limit, Unknown):  # before 1.5.1
        limit = measured(count(latest.settings, "maxconns"), limit.reason)
    connections, opened = window.now("curr_connections"), window.moved("total_connections")
    facts_.put("connections", connections)
    facts_.put("connections_limit", limit)
    facts_.put("connections_ratio", share(connections, limit, "it has no limit", SLACK))
    facts_.put("connections_opened", opened)
    facts_.put("connections_per_second", rate(opened, window.seconds))
    facts_.put("operations_per_connection", per(window.sum(*OPERATIONS), opened, "no connection was opened in the window"))
    fault = _counts_every_connection(window, connections, limit)
    # with maxconns_fast (default since 1.5.0) the server refuses; before that it stops to accept for a while
    rejected, lifetime = window.sum("rejected_connections", "listen_disabled_num"), window.now("rejected_connections")
    facts_.put("rejected", rejected if fault is None else fault)
    facts_.put("lifetime_rejected", lifetime if fault is None else fault)


def _counts_every_connection(window: Window, connections: Maybe[Number], limit: Maybe[Number]) -> t.Optional[Unknown]:
    """A refused connection is not opened: a server that has as many of both while it serves counts wrongly (1.5.22 does: case M-13).

    The two are up to a listening socket or two apart (memcached#918).
    """
    refused, opened, paused = (known(window.now(name)) for name in ("rejected_connections", "total_connections", "listen_disabled_num"))
    filled = known(share(connections, limit, ""))
    if not refused or not opened or paused or filled is None or filled > 0.95 or abs(opened - refused) > opened * SAME:
        return None
    return implausible(
        f"this version counts each of its {opened} connections as rejected ({refused}) and has {connections} open; "
        "update memcached to know how many it refuses"
    )


def _clients(facts_: Facts, latest: Sample, keep: int) -> None:
    clients = measured(latest.clients, latest.why_not("stats conns"))
    if isinstance(clients, Unknown):
        facts_.rows("clients", clients, keep)
        facts_.put("client_connections", clients)
        return
    rows: list[Row] = [{"name": name, "connections": opened} for name, opened in sorted(clients.items(), key=lambda pair: -pair[1])]
    facts_.rows("clients", rows, keep)
    facts_.put("client_connections", sum(clients.values()))


def _memory(facts_: Facts, window: Window) -> None:
    held, items = window.now("bytes"), window.now("curr_items")
    # Couchbase says beside the default of memcached what its engine may hold
    limit = window.now("engine_maxbytes" if "engine_maxbytes" in window.latest else "limit_maxbytes")
    mean = per(held, items, slabs.EMPTY)
    facts_.put("bytes", held)
    facts_.put("limit_bytes", limit)
    # the limit may be set below what is in use (cache_memlimit), and full is full
    on_flash = Unknown("no share can be told: with a flash tier (extstore) its size counts what is on flash as well")
    filled = share(held, limit, "it has no limit", math.inf)
    if (known(limit) or 0) >= ADDRESSABLE:
        filled = Unknown(
            "its limit is larger than the memory of any machine, so that nothing holds it: cache_memlimit takes megabytes, not bytes"
        )
    facts_.put("fill_ratio", on_flash if "extstore_page_evictions" in window.latest else filled)
    facts_.put("items_total", items)
    facts_.put("item_bytes_mean", mean if isinstance(mean, Unknown) else round(mean))


def _latency(facts_: Facts, latency: Latency) -> None:
    why = latency.problem or "no probe was made"

    def milliseconds(seconds: t.Optional[Number]) -> Maybe[float]:
        return measured(None if seconds is None else round(seconds * 1000, 3), why)

    facts_.update(
        {
            "latency_milliseconds": {
                "connect": milliseconds(percentile(latency.connect, 0.5)),
                "median": milliseconds(percentile(latency.gets, 0.5)),
                "p95": milliseconds(percentile(latency.gets, 0.95)),
                "samples": len(latency.gets),
            }
        }
    )


def _notes(facts_: Facts, window: Window, latest: Sample) -> None:
    if window.broken:
        facts_.note(window.broken[0].upper() + window.broken[1:])
    items, stored = known(window.now("curr_items")), known(window.now("total_items"))
    if items is not None and stored is not None and items > stored:
        facts_.note("The counters were reset while the server ran on: lifetime values count from then, not from its start.")
    for command, reason in sorted(latest.refused.items()):
        facts_.note(f"{command}: {reason}")
