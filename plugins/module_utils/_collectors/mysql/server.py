# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: the server's own counters over the window, its limits, who it is."""

from __future__ import annotations

import os
import typing as t

from ..._collect.derived import Window, per, rate, share, total
from ..._collect.facts import Facts, Maybe, Unknown, measured
from ..._collect.sampling import RESTARTED, Number, amount, delta, number
from ..._texts import moments
from .parse import Identity, counters

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

UNSET = "the server does not show this setting"


def lacking(name: str) -> str:
    """Why a counter is not there."""
    return f"this server does not count it ({name})"


#: Seconds by which the server's own clock may move further than ours while both are read.
_APART = 10.0
OTHER_SERVER = (
    "two servers answered, each a part of the questions, as by a proxy that hands every statement to one of several (ProxySQL, MaxScale): "
    "give the address of the server itself (login_host, login_port)"
)


def interruption(first: Counters, second: t.Optional[Counters], seconds: t.Optional[float]) -> t.Optional[str]:
    """Why the two readings are no two of one server: its uptime fell, or moved otherwise than the time did."""
    if second is None:
        return None
    moved = delta(first.get("uptime"), second.get("uptime"))
    if moved is None:
        return RESTARTED
    return OTHER_SERVER if seconds is not None and abs(moved - seconds) > max(_APART, seconds / 2) else None


def put_identity(facts: Facts, who: Identity, variables: t.Mapping[str, str], window: Window) -> None:
    facts.put("flavour", who.flavour)
    facts.put("version", who.text or None, "the server does not report its version")
    facts.put("version_number", list(who.version))
    facts.put("user", who.login)
    facts.put("uptime_seconds", window.now("uptime"))
    only = variables.get("read_only")
    facts.put("read_only", None if only is None else only.upper() not in ("OFF", "0", "NO"), UNSET)  # MariaDB 12: NO_LOCK is on as well
    for name, variable in (("performance_schema", "performance_schema"), ("slow_log", "slow_query_log")):
        facts.put(name, _on(variables.get(variable)), UNSET)
    facts.put("slow_log_file", _slow_log(variables), UNSET)
    facts.put("long_query_time_seconds", number(variables.get("long_query_time")), UNSET)


def _slow_log(variables: t.Mapping[str, str]) -> t.Optional[str]:
    """Path of the slow log; the server's setting may be relative to its data directory."""
    name = variables.get("slow_query_log_file")
    return os.path.join(variables.get("datadir", ""), name) if name else None


def _on(value: t.Optional[str]) -> t.Optional[bool]:
    word = str(value).upper()
    return True if word in ("ON", "1", "YES") else False if word in ("OFF", "0", "NO") else None


def put_connections(facts: Facts, status: t.Mapping[str, t.Any], variables: t.Mapping[str, str]) -> None:
    """Now, the limit and the maximum of the past, which never falls and is therefore not an alarm (case Y-12)."""
    now = counters(status)
    used, peak = (measured(now.get(name), lacking(name)) for name in ("threads_connected", "max_used_connections"))
    most = measured(number(variables.get("max_connections")), UNSET)
    free: Maybe[int] = next((one for one in (used, most) if isinstance(one, Unknown)), Unknown(""))
    if not isinstance(used, Unknown) and not isinstance(most, Unknown):
        free = max(int(most - used), 0)
    connections = {"used": used, "max": most, "usable": most, "free": free, "peak": peak}
    facts.put("connections", t.cast("dict[str, t.Any]", connections))
    peaked = amount(status.get("max_used_connections_time"))
    facts.put("connections.peak_at", moments.written(peaked) if peaked else None, "the server does not say when")
    per_user = number(variables.get("max_user_connections")) or None
    facts.put("connections.per_user_max", per_user, "no user has a limit of its own (max_user_connections is 0)")
    # one more slot is kept for an administrator
    facts.put("connections_ratio", share(used, most, "the limit is 0", slack=0.5))
    facts.put("lifetime_connections_peak_ratio", share(peak, most, "the limit is 0", slack=0.5))
    facts.put("connections_exhausted", False)
    facts.put("connections_refused", None, "it accepted our connection")


def put_rates(facts: Facts, window: Window) -> None:
    """Everything per second and every ratio of the window."""
    for measure, names in _RATES.items():
        facts.put(measure, rate(window.sum(*names), window.seconds))
    commits, rollbacks = window.moved("handler_commit"), window.moved("handler_rollback")
    ended = total((commits, rollbacks))
    facts.put("threads_running", _without_us(window.now("threads_running")))
    tables, on_disk = window.moved("created_tmp_tables"), window.moved("created_tmp_disk_tables")
    facts.put("temporary_disk_ratio", share(on_disk, tables, "no temporary table was made in the window", slack=0.1))
    facts.put("rollbacks", rollbacks)
    facts.put("transactions", ended)
    facts.put("rollback_ratio", share(rollbacks, ended, "no transaction ended in the window"))
    for measure, name in (
        ("aborted_clients", "aborted_clients"),
        ("aborted_connects", "aborted_connects"),
        ("refused_connections", "connection_errors_max_connections"),
    ):
        facts.put(measure, window.moved(name))
        facts.put(f"lifetime_{measure}", window.now(name))
    connects = window.moved("connections")
    facts.put("aborted_connects_ratio", per(window.moved("aborted_connects"), connects, "nobody connected in the window"))
    facts.put("row_lock_current_waits", window.now("innodb_row_lock_current_waits"))
    waits, waited = window.moved("innodb_row_lock_waits"), window.moved("innodb_row_lock_time")
    facts.put("row_lock_wait_milliseconds", per(waited, waits, "no row lock was waited for in the window"))
    facts.put("lifetime_questions_per_second", per(window.now("questions"), window.now("uptime"), "it was started just now"))
    facts.put("lifetime_slow_queries", window.now("slow_queries"))


def _without_us(running: Maybe[Number]) -> Maybe[Number]:
    return running if isinstance(running, Unknown) else max(running - 1, 0)


_LOOKUPS, _MISSES = "innodb_buffer_pool_read_requests", "innodb_buffer_pool_reads"


def put_buffer_pool(facts: Facts, window: Window, variables: t.Mapping[str, str]) -> None:
    """How often InnoDB found a page in memory: over the window, and since the start."""
    facts.put("buffer_pool_bytes", number(variables.get("innodb_buffer_pool_size")), UNSET)
    pages, free = window.now("innodb_buffer_pool_pages_total"), window.now("innodb_buffer_pool_pages_free")
    unused = share(free, pages, "it has no pages")
    facts.put("buffer_pool_used_ratio", unused if isinstance(unused, Unknown) else round(1 - unused, 6))
    lookups, misses = window.moved(_LOOKUPS), window.moved(_MISSES)
    facts.put("buffer_pool_lookups", lookups)
    facts.put("buffer_pool_hit_ratio", _hits(lookups, misses))  # of few lookups as well: its limits ask for reads per second
    facts.put("lifetime_buffer_pool_hit_ratio", _hits(window.now(_LOOKUPS), window.now(_MISSES)))
    facts.put("disk_reads_per_second", rate(misses, window.seconds))


def _hits(lookups: Maybe[Number], misses: Maybe[Number]) -> Maybe[float]:
    missed = share(misses, lookups, "nothing was looked up in the buffer pool")
    return missed if isinstance(missed, Unknown) else round(1 - missed, 6)


def put_deadlocks(facts: Facts, window: Window) -> None:
    """Counted in the status by MariaDB and Percona, in innodb_metrics by MySQL; both readings come merged."""
    name = "innodb_deadlocks" if "innodb_deadlocks" in window.latest else "lock_deadlocks"
    moved = window.moved(name)
    facts.put("deadlocks", moved)
    minutes = None if window.seconds is None else window.seconds / 60
    facts.put("deadlocks_per_minute", moved if isinstance(moved, Unknown) or not minutes else round(moved / minutes, 3))
    facts.put("lifetime_deadlocks", window.now(name))
    purge = "innodb_history_list_length" if "innodb_history_list_length" in window.latest else "trx_rseg_history_len"
    facts.put("history_list_length", window.now(purge))
