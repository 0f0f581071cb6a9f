# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The border of the rows: each column is of the kind that its question promises, or null.

What answers may be a fork, a pooler or something else that speaks the protocol. The names are those of our own statements.
"""

from __future__ import annotations

import typing as t

from ..._collect.sampling import amount, count, number

Row = dict[str, t.Any]


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_FLAGS = _names("""
    active allowed caught_up connectable has_info hidden in_recovery invalid is_primary is_unique key_type logical partition paused
    pending_restart reads_settings reads_stats ready superuser synced template toplevel usable valid
""")
_TEXTS = _names("""
    address application backend_type columns database definition gid kind lock method mode name parent path phase predicate query
    query_id quoted receiver relation schema setting source state sync_state table type unit user version view wait_event
    wait_event_type wal_status
""")
#: Counts, sizes and ids: they come in whole ones.
_WHOLE = _names("""
    archived_count backend blks_hit blks_read blocks_done blocks_read blocks_total buffers buffers_alloc buffers_backend buffers_clean bytes
    calls checksum_failures conflicts connection_limit dbid deadlocks dealloc entries_read evictions extends failed_count fsyncs
    heap_blks_scanned heap_blks_total hits id idx_scan idx_tup_fetch key_columns leader_pid maxwritten_clean most mxid_age n_dead_tup
    n_live_tup n_mod_since_analyze n_tup_del n_tup_hot_upd n_tup_ins n_tup_upd number numbackends oid op_bytes parent_id pid port
    position queryid read_bytes reads relation_id requested rows rows_fetched scans seq_scan seq_tup_read server_port sessions
    sessions_abandoned sessions_fatal sessions_killed shared_blks_hit shared_blks_read table_id temp_blks_written temp_bytes temp_files
    timed total tup_deleted tup_fetched tup_inserted tup_returned tup_updated userid version_number wal_buffers_full wal_fpi
    wal_records wal_sync write_bytes writes xact_commit xact_rollback xid_age
""")
#: Times and moments.
_AMOUNTS = _names("""
    active_time analyzed backend_start blk_read_time blk_write_time flush_lag idle_in_transaction_time last_archived_time
    last_failed_time now prepared query_start read_time replay_lag reply_time session_time shared_blk_read_time since started
    state_change stats_reset sync_time total_exec_time total_time vacuumed wal_sync_time write_lag write_time xact_start
""")
#: What may be below 0: no limit, never analyzed, a hash, a position on another time line.
_SIGNED = _names("""
    behind_bytes connection_limit estimate kept_bytes lag_bytes queryid safe_wal_size unsent_bytes
""")
#: What the server holds in 32 bits cannot be larger; an age of transaction ids above it would be past every wraparound.
_IN_32_BITS = _names("""
    backend connection_limit key_columns leader_pid mxid_age number numbackends pid port server_port version_number xid_age
""")
_LISTS = _names("blocked_by")
KNOWN = _FLAGS | _TEXTS | _WHOLE | _AMOUNTS | _SIGNED | _LISTS
#: A row that lacks one of these is not the answer to what was asked: which one of many it is, is not known.
_KEYS = ("columns", "id", "number", "oid", "pid", "quoted", "schema", "table_id", "view")


class Strange(Exception):
    """The rows are no answer to the question."""


def typed(rows: t.Iterable[Row]) -> list[Row]:
    found = [{name: _cell(name, value) for name, value in row.items()} for row in rows]
    if any(_is_nameless(row) for row in found):
        raise Strange("the server's answer to this question is not of the kind that was asked for")
    return found


def _is_nameless(row: Row) -> bool:
    # a replica need not give itself a name
    keys = _KEYS if "pid" in row else (*_KEYS, "name")
    return any(row.get(key, "") is None for key in keys)


def _cell(name: str, value: t.Any) -> t.Any:
    if value is None:
        return None
    if isinstance(value, (list, tuple)):
        return _items(name, value)
    if name in _LISTS:
        return None
    if name in _FLAGS:
        return value if isinstance(value, bool) else None
    if name in _TEXTS:
        return value if isinstance(value, str) else None
    if name in _IN_32_BITS and isinstance(value, (int, float)) and not abs(value) < 2**31:
        return None
    if name in _SIGNED:
        read = None if isinstance(value, str) else number(value)
        if read is None or name not in _WHOLE:
            return read
        return int(read) if read == int(read) else None
    if name in _WHOLE or name in _AMOUNTS:
        return None if isinstance(value, str) else count(value) if name in _WHOLE else amount(value)
    return value if isinstance(value, (str, bool)) else number(value)


def _items(name: str, values: t.Sequence[t.Any]) -> t.Any:
    """A list of names, or of numbers; of whole process ids for who blocks whom."""
    if name in _LISTS:
        pids = [count(value) for value in values]
        return None if None in pids else pids
    if name != "columns" or not all(isinstance(value, (str, int)) and not isinstance(value, bool) for value in values):
        return None
    return list(values)
