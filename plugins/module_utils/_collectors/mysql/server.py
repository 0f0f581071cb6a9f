# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: the server's own counters over the window, its limits, who it is."""

from __future__ import annotations

import os
import typing as t

from ..._collect.sampling import Number, delta, number, rate, ratio, total
from .parse import Identity, counters

Row = dict[str, t.Any]
Counters = t.Mapping[str, t.Optional[Number]]

#: Measure per second → the counters whose sum it is.
_RATES = {
    "questions_per_second": ("questions",),
    "selects_per_second": ("com_select",),
    "writes_per_second": (
        "com_insert", "com_insert_select", "com_update", "com_update_multi", "com_delete", "com_delete_multi", "com_replace",
        "com_replace_select",
    ),
    "connections_per_second": ("connections",),
    "slow_queries_per_second": ("slow_queries",),
    "full_scans_per_second": ("select_scan",),
    "full_joins_per_second": ("select_full_join",),
    "rows_scanned_per_second": ("handler_read_rnd_next",),
    "sort_merge_passes_per_second": ("sort_merge_passes",),
    "temporary_tables_per_second": ("created_tmp_tables",),
    "temporary_disk_tables_per_second": ("created_tmp_disk_tables",),
    "row_lock_waits_per_second": ("innodb_row_lock_waits",),
    "log_waits_per_second": ("innodb_log_waits",),
    "buffer_pool_waits_per_second": ("innodb_buffer_pool_wait_free",),
    "table_cache_misses_per_second": ("opened_tables",),
    "threads_created_per_second": ("threads_created",),
    "bytes_sent_per_second": ("bytes_sent",),
}  # fmt: skip

#: Fewer than this many lookups say nothing about a hit ratio.
ENOUGH_READS = 1000


def identity(who: Identity, variables: t.Mapping[str, str], status: Counters) -> Row:
    return {
        "flavour": who.flavour,
        "version": who.text,
        "version_number": who.version,
        "user": who.login,
        "uptime_seconds": status.get("uptime"),
        "read_only": _on(variables.get("read_only")),
        "performance_schema": _on(variables.get("performance_schema")),
        "slow_log": _on(variables.get("slow_query_log")),
        "slow_log_file": _slow_log(variables),
        "long_query_time_seconds": number(variables.get("long_query_time")),
    }


def _slow_log(variables: t.Mapping[str, str]) -> t.Optional[str]:
    """Where the slow log lies; the server's own setting may be relative to its data."""
    name = variables.get("slow_query_log_file")
    return os.path.join(variables.get("datadir", ""), name) if name else None


def _on(value: t.Optional[str]) -> t.Optional[bool]:
    return None if value is None else value.upper() in ("ON", "1", "YES")


def restarted(first: Counters, second: t.Optional[Counters]) -> bool:
    return second is not None and delta(first.get("uptime"), second.get("uptime")) is None


def connections(status: t.Mapping[str, t.Any], variables: t.Mapping[str, str]) -> Row:
    """Now, the limit and the maximum of the past, which never falls and is therefore not an alarm (case Y-12)."""
    now = counters(status)
    used, most, peak = now.get("threads_connected"), number(variables.get("max_connections")), now.get("max_used_connections")
    when = status.get("max_used_connections_time")
    return {
        "connections": {
            "used": used,
            "max": most,
            "usable": most,
            "free": None if used is None or most is None else max(int(most - used), 0),
            "peak": peak,
            "peak_at": when or None,
            "per_user_max": number(variables.get("max_user_connections")) or None,
        },
        "connections_ratio": _at_most_one(ratio(used, most)),
        "lifetime_connections_peak_ratio": _at_most_one(ratio(peak, most)),
        "connections_exhausted": False,
    }


def _at_most_one(value: t.Optional[float]) -> t.Optional[float]:
    return None if value is None else min(value, 1.0)  # one more slot is kept for an administrator


def rates(first: Counters, second: t.Optional[Counters], window: t.Optional[float]) -> Row:
    """Everything per second and every ratio of the window."""
    latest = first if second is None else second

    def moved(name: str) -> t.Optional[Number]:
        return None if second is None else delta(first.get(name), second.get(name))

    found: Row = {}
    for measure, names in _RATES.items():
        found[measure] = rate(
            total(*(moved(name) for name in names if name in latest)) if any(name in latest for name in names) else None, window
        )
    ended = total(moved("handler_commit"), moved("handler_rollback"))
    connects = moved("connections")
    found.update(
        {
            "threads_running": _without_us(latest.get("threads_running")),
            "temporary_disk_ratio": _part(moved("created_tmp_disk_tables"), moved("created_tmp_tables")),
            "rollbacks": moved("handler_rollback"),
            "transactions": ended,
            "rollback_ratio": _part(moved("handler_rollback"), ended),
            "aborted_clients": moved("aborted_clients"),
            "aborted_connects": moved("aborted_connects"),
            "aborted_connects_ratio": _part(moved("aborted_connects"), connects),
            "refused_connections": moved("connection_errors_max_connections"),
            "lifetime_aborted_clients": latest.get("aborted_clients"),
            "lifetime_aborted_connects": latest.get("aborted_connects"),
            "lifetime_refused_connections": latest.get("connection_errors_max_connections"),
            "row_lock_current_waits": latest.get("innodb_row_lock_current_waits"),
            "row_lock_wait_milliseconds": _part(moved("innodb_row_lock_time"), moved("innodb_row_lock_waits")),
            "lifetime_questions_per_second": rate(latest.get("questions"), latest.get("uptime")),
            "lifetime_slow_queries": latest.get("slow_queries"),
        }
    )
    return found


def _part(part: t.Optional[Number], whole: t.Optional[Number]) -> t.Optional[float]:
    return ratio(part, whole)


def _without_us(running: t.Optional[Number]) -> t.Optional[Number]:
    return None if running is None else max(running - 1, 0)


def buffer_pool(
    first: Counters, second: t.Optional[Counters], variables: t.Mapping[str, str], window: t.Optional[float], unknown: dict[str, str]
) -> Row:
    """How often InnoDB found a page in memory: over the window, and since the start."""
    latest = first if second is None else second
    asked, read = ("innodb_buffer_pool_read_requests", "innodb_buffer_pool_reads")
    lookups = None if second is None else delta(first.get(asked), second.get(asked))
    misses = None if second is None else delta(first.get(read), second.get(read))
    found = {
        "buffer_pool_bytes": number(variables.get("innodb_buffer_pool_size")),
        "buffer_pool_used_ratio": _used(latest),
        "buffer_pool_lookups": lookups,
        "buffer_pool_hit_ratio": None,
        "lifetime_buffer_pool_hit_ratio": _hits(latest.get(asked), latest.get(read)),
        "disk_reads_per_second": rate(misses, window),
    }
    if lookups is not None and lookups < ENOUGH_READS:
        unknown["buffer_pool_hit_ratio"] = f"only {lookups} lookups in the buffer pool in the window: too few to judge"
    else:
        found["buffer_pool_hit_ratio"] = _hits(lookups, misses)
    return found


def _used(latest: Counters) -> t.Optional[float]:
    pages, free = latest.get("innodb_buffer_pool_pages_total"), latest.get("innodb_buffer_pool_pages_free")
    return None if pages is None or free is None else ratio(pages - free, pages)


def _hits(lookups: t.Optional[Number], misses: t.Optional[Number]) -> t.Optional[float]:
    missed = ratio(misses, lookups)
    return None if missed is None else round(max(0.0, 1 - missed), 6)


def deadlocks(first: t.Mapping[str, t.Any], second: t.Optional[t.Mapping[str, t.Any]], window: t.Optional[float]) -> Row:
    """Counted in the status by MariaDB and Percona, in innodb_metrics by MySQL; both readings come merged."""
    latest = counters(first if second is None else second)
    name = "innodb_deadlocks" if "innodb_deadlocks" in latest else "lock_deadlocks"
    moved = None if second is None else delta(counters(first).get(name), latest.get(name))
    return {
        "deadlocks": moved,
        "deadlocks_per_minute": None if moved is None or not window else round(60 * moved / window, 3),
        "lifetime_deadlocks": latest.get(name),
        "history_list_length": latest.get("innodb_history_list_length", latest.get("trx_rseg_history_len")),
    }
