# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The questions about the server's own work: checkpoints, WAL, I/O, replicas, slots, prepared transactions."""

from __future__ import annotations

from .queries import Columns, chosen, epoch

#: Where the WAL ends: for a replica what it received.
_END = "(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END)"


def checkpoints(columns: Columns) -> str:
    """Since 17 the checkpointer has its own view."""
    if "pg_stat_checkpointer" in columns:
        return """SELECT c.num_timed AS timed, c.num_requested AS requested, c.write_time, c.sync_time, c.buffers_written AS buffers,
  b.buffers_clean, b.maxwritten_clean, b.buffers_alloc FROM pg_stat_checkpointer c, pg_stat_bgwriter b"""
    return """SELECT checkpoints_timed AS timed, checkpoints_req AS requested, checkpoint_write_time AS write_time,
  checkpoint_sync_time AS sync_time, buffers_checkpoint AS buffers, buffers_clean, maxwritten_clean, buffers_alloc,
  buffers_backend FROM pg_stat_bgwriter"""


def wal(columns: Columns) -> str:
    """How far the WAL is; from 14 on also how it was written."""
    counters = chosen(("wal_records", "wal_fpi", "wal_buffers_full", "wal_sync", "wal_sync_time"), columns.get("pg_stat_wal", ()))
    more = "".join(f", w.{name}" for name in counters)
    source = " FROM pg_stat_wal w" if counters else ""
    return f"SELECT pg_wal_lsn_diff({_END}, '0/0')::float8 AS position{more}{source}"


def io(columns: Columns) -> str:
    """pg_stat_io (16+) by kind of backend; before 18 bytes follow from operations of one size."""
    has = columns.get("pg_stat_io", ())
    counters = chosen(
        ("reads", "read_bytes", "read_time", "writes", "write_bytes", "write_time", "extends", "hits", "evictions", "fsyncs"), has
    )
    fields = ", ".join(f"sum({name})::float8 AS {name}" for name in counters)
    size = ", max(op_bytes)::float8 AS op_bytes" if "op_bytes" in has else ""
    return f"SELECT backend_type AS name, {fields}{size} FROM pg_stat_io WHERE object = 'relation' GROUP BY 1"


ARCHIVER = f"""SELECT archived_count, failed_count, {epoch("last_archived_time")}, {epoch("last_failed_time")},
  {epoch("clock_timestamp()", "now")} FROM pg_stat_archiver"""

#: Segments that are finished and not archived yet: an archive_command that hangs never fails, and counts nothing.
ARCHIVE_WAITING = f"""SELECT count(*)::int AS total, {epoch("min(modification)", "since")}, {epoch("clock_timestamp()", "now")}
  FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready'"""

REPLICAS = f"""SELECT pid, usename::text AS "user", application_name AS name, host(client_addr) AS address, state, sync_state,
  {epoch("write_lag")}, {epoch("flush_lag")}, {epoch("replay_lag")},
  pg_wal_lsn_diff({_END}, replay_lsn)::float8 AS lag_bytes, replay_lsn::text AS replayed,
  pg_wal_lsn_diff({_END}, sent_lsn)::float8 AS unsent_bytes, {epoch("reply_time")}, {epoch("clock_timestamp()", "now")},
  coalesce(slot_type = 'logical', false) AS logical, age(backend_xmin)::bigint AS xid_age
  FROM pg_stat_replication LEFT JOIN pg_replication_slots ON active_pid = pid"""


def slots(columns: Columns) -> str:
    more = "".join(f", {name}" for name in chosen(("wal_status", "safe_wal_size", "synced"), columns.get("pg_replication_slots", ())))
    return f"""SELECT slot_name::text AS name, slot_type AS type, database::text AS database, active,
  pg_wal_lsn_diff({_END}, restart_lsn)::float8 AS kept_bytes{more}, age(xmin)::bigint AS xid_age
  FROM pg_replication_slots"""


#: A replica's own view of how far it is behind.
REPLAY = f"""SELECT pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() AS caught_up,
  {epoch("pg_last_xact_replay_timestamp()", "replayed")},
  pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())::float8 AS behind_bytes, pg_is_wal_replay_paused() AS paused,
  (SELECT status FROM pg_stat_wal_receiver LIMIT 1) AS receiver, {epoch("clock_timestamp()", "now")}"""

PREPARED = f"""SELECT gid, owner::text AS "user", database::text AS database, {epoch("prepared")}, {epoch("clock_timestamp()", "now")}
  FROM pg_prepared_xacts ORDER BY prepared LIMIT 10"""

#: Roles with a connection limit; a group that nobody logs in as has no connections to limit.
LIMITED_ROLES = """SELECT rolname::text AS name, rolconnlimit AS most FROM pg_roles
  WHERE rolconnlimit >= 0 AND NOT rolsuper AND rolcanlogin"""

ROLES = """SELECT oid::bigint AS id, rolname::text AS name FROM pg_roles"""
