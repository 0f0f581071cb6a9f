# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: the server's own work: checkpoints, WAL, I/O, archiving, vacuum and the age of transaction ids."""

from __future__ import annotations

import typing as t

from ..._collect.sampling import delta, deltas, rate, ratio, total
from ..._sql import sql_text
from ..._sql.sessions import Manner
from .fetch import About, Sample

Row = dict[str, t.Any]

#: Transaction ids run out here; the server stops taking writes a little before.
XID_LIMIT = 2**31


def facts(about: About, first: Sample, second: t.Optional[Sample], latest: Sample, manner: Manner) -> Row:
    seconds = None if second is None else second.server_at - first.server_at
    return {
        "checkpoints": _checkpoints(first, second, seconds, about),
        "wal_bytes_per_second": _moved_rate(first.server.get("wal"), latest.server.get("wal"), "position", seconds),
        "wal_full_page_images": _moved(first.server.get("wal"), latest.server.get("wal"), "wal_fpi", seconds),
        "wal_buffers_full": _moved(first.server.get("wal"), latest.server.get("wal"), "wal_buffers_full", seconds),
        "io": _io(first.many.get("io"), latest.many.get("io"), seconds, about.setting("track_io_timing") != "off", manner),
        "archiving": _archiving(about, first, latest, seconds),
        "prepared_transactions": [
            {"gid": row["gid"], "user": row["user"], "database": row["database"], "age_seconds": sql_text.age(row["now"], row["prepared"])}
            for row in latest.many.get("prepared") or []
        ],
        **_vacuum(about, latest),
        **_wraparound(about, latest),
    }


def _moved(before: t.Optional[Row], after: t.Optional[Row], name: str, seconds: t.Optional[float]) -> t.Any:
    return None if seconds is None or before is None or after is None else delta(before.get(name), after.get(name))


def _moved_rate(before: t.Optional[Row], after: t.Optional[Row], name: str, seconds: t.Optional[float]) -> t.Optional[float]:
    return rate(_moved(before, after, name, seconds), seconds)


_CHECKPOINTS = ("timed", "requested", "buffers", "buffers_clean", "buffers_alloc", "buffers_backend", "maxwritten_clean", "sync_time")


def _checkpoints(first: Sample, second: t.Optional[Sample], seconds: t.Optional[float], about: About) -> t.Optional[Row]:
    before, after = first.server.get("checkpoints"), (second or first).server.get("checkpoints")
    if before is None or after is None:
        return None
    moved = deltas(before, after, _CHECKPOINTS) if seconds else dict.fromkeys(_CHECKPOINTS)
    since = about.identity.get("now", 0) - about.identity.get("started", 0)
    return {
        "timed": moved["timed"],
        "requested": moved["requested"],
        "buffers_per_second": rate(moved["buffers"], seconds),
        "written_by_backends_ratio": ratio(
            moved["buffers_backend"], total(moved["buffers"], moved["buffers_clean"], moved["buffers_backend"])
        ),
        "background_writer_stopped": moved["maxwritten_clean"],
        "sync_milliseconds": moved["sync_time"],
        "lifetime_timed": after["timed"],
        "lifetime_requested": after["requested"],
        "lifetime_requested_ratio": ratio(after["requested"], after["timed"] + after["requested"]),
        "lifetime_per_hour": None if since <= 0 else round(3600 * (after["timed"] + after["requested"]) / since, 3),
    }


_IO = ("reads", "read_bytes", "read_time", "writes", "write_bytes", "write_time", "extends", "hits", "evictions", "fsyncs")


def _io(
    before: t.Optional[list[Row]], after: t.Optional[list[Row]], seconds: t.Optional[float], timed: bool, manner: Manner
) -> t.Optional[list[Row]]:
    """By kind of backend, those that did anything in the window."""
    if before is None or after is None or seconds is None:
        return None
    earlier = {row["name"]: row for row in before}
    found = []
    for row in after:
        moved = deltas(earlier.get(row["name"], {}), row, _IO)
        size = row.get("op_bytes")
        if any(moved.values()):
            found.append(
                {
                    "name": row["name"],
                    "reads_per_second": rate(moved["reads"], seconds),
                    "read_bytes_per_second": rate(_in_bytes(moved["read_bytes"], moved["reads"], size), seconds),
                    "read_milliseconds": ratio(moved["read_time"], moved["reads"]) if timed else None,
                    "writes_per_second": rate(moved["writes"], seconds),
                    "write_bytes_per_second": rate(_in_bytes(moved["write_bytes"], moved["writes"], size), seconds),
                    "write_milliseconds": ratio(moved["write_time"], moved["writes"]) if timed else None,
                    "evictions_per_second": rate(moved["evictions"], seconds),
                    "fsyncs": moved["fsyncs"],
                }
            )
    return sorted(found, key=lambda row: -(row["reads_per_second"] or 0) - (row["writes_per_second"] or 0))[: manner.top]


def _in_bytes(counted: t.Any, operations: t.Any, size: t.Any) -> t.Any:
    if counted is not None or operations is None or size is None:
        return counted
    return operations * size


def _archiving(about: About, first: Sample, latest: Sample, seconds: t.Optional[float]) -> t.Optional[Row]:
    row = latest.server.get("archiver")
    if row is None or about.setting("archive_mode") in (None, "off"):
        return None
    failing = row["last_failed_time"] is not None and (row["last_archived_time"] or 0) < row["last_failed_time"]
    return {
        "failing": failing,
        "failed": _moved(first.server.get("archiver"), row, "failed_count", seconds),
        "lifetime_failed": row["failed_count"],
        "last_archived_seconds": sql_text.age(row["now"], row["last_archived_time"]),
    }


def _vacuum(about: About, latest: Sample) -> Row:
    workers = [row for row in latest.activity or [] if row.get("backend_type") == "autovacuum worker"]
    most = about.whole("autovacuum_max_workers")
    return {
        "autovacuum": {
            "enabled": None if about.setting("autovacuum") is None else about.setting("autovacuum") == "on",
            "workers": len(workers),
            "max_workers": most,
            "longest_seconds": max((sql_text.age(row["now"], row["xact_start"]) or 0.0 for row in workers), default=0.0),
            "against_wraparound": sum("to prevent wraparound" in str(row.get("query")) for row in workers),
        },
        "vacuums": [
            {
                "pid": row["pid"],
                "database": row["database"],
                "phase": row["phase"],
                "done_ratio": ratio(row["heap_blks_scanned"], row["heap_blks_total"]),
            }
            for row in latest.many.get("vacuuming") or []
        ],
    }


def _wraparound(about: About, latest: Sample) -> Row:
    rows = [row for row in latest.databases or [] if row.get("xid_age") is not None]
    oldest = max(rows, key=lambda row: max(row["xid_age"], row["mxid_age"] or 0), default=None)
    if oldest is None:
        return {"wraparound_ratio": None, "wraparound_database": None, "freeze_age_times": None}
    age = max(oldest["xid_age"], oldest["mxid_age"] or 0)
    return {
        "wraparound_ratio": ratio(age, XID_LIMIT),
        "wraparound_database": oldest["name"],
        "freeze_age_times": ratio(oldest["xid_age"], about.whole("autovacuum_freeze_max_age")),
    }
