# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: the server's own work: checkpoints, WAL, I/O, archiving, vacuum and the age of transaction ids."""

from __future__ import annotations

import typing as t

from ..._collect.derived import Window, first_unknown, largest, never_negative, per, rate, share, total
from ..._collect.facts import Facts, Maybe, Unknown, known, measured
from ..._collect.sampling import ONE_SAMPLE
from ..._sql import sql_text
from ..._sql.sessions import NO_MOMENT, Manner
from .fetch import About, Sample

Row = dict[str, t.Any]

#: Transaction ids run out here; the server stops taking writes a little before.
XID_LIMIT = 2**31
_SINCE_14 = "pg_stat_wal exists since PostgreSQL 14"


def put(facts: Facts, about: About, first: Sample, second: t.Optional[Sample], manner: Manner) -> None:
    latest = first if second is None else second
    seconds = None if second is None else second.server_at - first.server_at
    checkpoints = _compared("checkpoints", first, second, seconds)
    facts.put("checkpoints", checkpoints if isinstance(checkpoints, Unknown) else _checkpoints(checkpoints, about))
    wal = _compared("wal", first, second, seconds, _SINCE_14)
    facts.put("wal_bytes_per_second", rate(_moved(wal, "position"), seconds))
    facts.put("wal_full_page_images", _moved(wal, "wal_fpi"))
    facts.put("wal_buffers_full", _moved(wal, "wal_buffers_full"))
    timed = about.setting("track_io_timing") != "off"
    facts.put("io", _io(first.several("io"), latest.several("io"), seconds, timed, manner))
    facts.put("archiving", _archiving(about, first, second, seconds))
    prepared = latest.several("prepared")
    facts.put("prepared_transactions", prepared if isinstance(prepared, Unknown) else [_prepared(row) for row in prepared])
    _put_vacuum(facts, about, latest)
    _put_wraparound(facts, about, latest)


def _prepared(row: Row) -> Row:
    return {
        "gid": row["gid"],
        "user": row["user"],
        "database": row["database"],
        "age_seconds": sql_text.age(row["now"], row["prepared"], NO_MOMENT),
    }


def _compared(
    view: str, first: Sample, second: t.Optional[Sample], seconds: t.Optional[float], lacking: str = "this version does not count it"
) -> Maybe[Window]:
    """The counters of a view of one row, of both samples."""
    before = first.one(view)
    after = before if second is None else second.one(view)
    if isinstance(before, Unknown) or isinstance(after, Unknown):
        return t.cast(Unknown, first_unknown(before, after))
    return Window(before, None if second is None else after, seconds, lambda name: f"{lacking} ({name})")


def _moved(window: Maybe[Window], name: str) -> Maybe[t.Any]:
    return window if isinstance(window, Unknown) else window.moved(name)


def _checkpoints(window: Window, about: About) -> Row:
    backends = window.moved("buffers_backend")
    written = total((window.moved("buffers"), window.moved("buffers_clean"), backends))
    untold = "it is not known how long the server runs"
    since = sql_text.age(about.identity.get("now"), about.identity.get("started"), untold)
    timed, requested = window.now("timed"), window.now("requested")
    both = total((timed, requested))
    return {
        "timed": window.moved("timed"),
        "requested": window.moved("requested"),
        "buffers_per_second": window.rate("buffers"),
        "written_by_backends_ratio": share(backends, written, "nothing was written in the window"),
        "background_writer_stopped": window.moved("maxwritten_clean"),
        "sync_milliseconds": window.moved("sync_time"),
        "lifetime_timed": timed,
        "lifetime_requested": requested,
        "lifetime_requested_ratio": share(requested, both, "there was no checkpoint yet"),
        "lifetime_per_hour": per(both, since if isinstance(since, Unknown) else since / 3600, untold),
    }


_IO = ("reads", "read_bytes", "read_time", "writes", "write_bytes", "write_time", "extends", "hits", "evictions", "fsyncs")


def _io(before: Maybe[list[Row]], after: Maybe[list[Row]], seconds: t.Optional[float], timed: bool, manner: Manner) -> Maybe[list[Row]]:
    """By kind of backend, those that did anything in the window."""
    if isinstance(before, Unknown) or isinstance(after, Unknown):
        return t.cast(Unknown, first_unknown(before, after))
    if seconds is None:
        return Unknown(ONE_SAMPLE)
    earlier = {row["name"]: row for row in before}
    rows = []
    for row in after:
        window = Window(earlier.get(row["name"], {}), row, seconds, lambda name: f"this kind of backend does no such I/O ({name})")
        if any(known(window.moved(name)) for name in _IO):
            rows.append(_backend_io(row, window, seconds, timed))
    return sorted(rows, key=lambda row: -sum(known(row[name]) or 0 for name in ("reads_per_second", "writes_per_second")))[: manner.top]


def _backend_io(row: Row, window: Window, seconds: float, timed: bool) -> Row:
    untimed = Unknown("track_io_timing is off")

    def per_operation(kind: str) -> Maybe[float]:
        return per(window.moved(f"{kind}_time"), window.moved(f"{kind}s"), f"no {kind} in the window") if timed else untimed

    def in_bytes(kind: str) -> Maybe[float]:
        counted, size = window.moved(f"{kind}_bytes"), row.get("op_bytes")
        operations = window.moved(f"{kind}s")
        if not isinstance(counted, Unknown) or size is None or isinstance(operations, Unknown):
            return rate(counted, seconds)
        return rate(operations * size, seconds)

    return {
        "name": row["name"],
        "reads_per_second": window.rate("reads"),
        "read_bytes_per_second": in_bytes("read"),
        "read_milliseconds": per_operation("read"),
        "writes_per_second": window.rate("writes"),
        "write_bytes_per_second": in_bytes("write"),
        "write_milliseconds": per_operation("write"),
        "evictions_per_second": window.rate("evictions"),
        "fsyncs": window.moved("fsyncs"),
    }


def _archiving(about: About, first: Sample, second: t.Optional[Sample], seconds: t.Optional[float]) -> Maybe[Row]:
    """`enabled` says whether the rest applies."""
    mode, row = about.setting("archive_mode"), (first if second is None else second).one("archiver")
    if mode == "off":
        return {
            "enabled": False,
            **dict.fromkeys(
                (
                    "command_unset",
                    "failing",
                    "failed",
                    "lifetime_failed",
                    "last_archived_seconds",
                    "tells_waiting",
                    "waiting",
                    "waiting_seconds",
                ),
                Unknown("archive_mode is off"),
            ),
        }
    if mode is None or isinstance(row, Unknown):
        return Unknown(about.unset("archive_mode")) if mode is None else t.cast(Unknown, row)
    version = about.identity.get("version_number")
    # with neither the server waits for one to be set, keeps all WAL, and counts no failure; a standby archives nothing
    # (but for archive_mode always), and what failed while it was the primary is not tried any more
    idle = about.identity.get("in_recovery") and mode != "always"
    unset = about.setting("archive_command") == "" and not about.setting("archive_library") and not idle
    failing = not idle and row["last_failed_time"] is not None and (row["last_archived_time"] or 0) < row["last_failed_time"]
    return {
        "enabled": True,
        "command_unset": unset,
        "failing": unset or failing,
        "failed": _moved(_compared("archiver", first, second, seconds), "failed_count"),
        "lifetime_failed": measured(row["failed_count"], "the server does not report it"),
        "last_archived_seconds": sql_text.age(row["now"], row["last_archived_time"], "nothing was archived since the statistics began"),
        "tells_waiting": Unknown("the server does not report its version") if version is None else version >= 120000,
        **_waiting(about, first if second is None else second),
    }


def _waiting(about: About, sample: Sample) -> Row:
    """Finished segments of WAL that wait for the archiver, and how long the oldest of them does."""
    told = sample.several("archive_waiting")
    if about.identity.get("in_recovery") and about.setting("archive_mode") != "always":
        told = Unknown("no archiver works here: the primary of this standby archives its WAL")
    if isinstance(told, Unknown) or not told:
        why = told if isinstance(told, Unknown) else Unknown("the server does not say which WAL waits")
        return {"waiting": why, "waiting_seconds": why}
    row = told[0]
    since = sql_text.age(row["now"], row["since"], "the server does not say since when") if row["total"] else 0.0
    return {"waiting": measured(row["total"], "the server does not say how much WAL waits"), "waiting_seconds": since}


def _put_vacuum(facts: Facts, about: About, latest: Sample) -> None:
    enabled, most = about.setting("autovacuum"), about.whole("autovacuum_max_workers")
    facts.put("autovacuum.enabled", None if enabled is None else enabled == "on", about.unset("autovacuum"))
    facts.put("autovacuum.max_workers", most, about.unset("autovacuum_max_workers"))
    if isinstance(latest.activity, Unknown):
        for name in ("workers", "longest_seconds", "against_wraparound"):
            facts.put(f"autovacuum.{name}", latest.activity)
    else:
        workers = [row for row in latest.activity if row.get("backend_type") == "autovacuum worker"]
        ages = (sql_text.age(row["now"], row["xact_start"], "it is about to begin") for row in workers)
        facts.put("autovacuum.workers", len(workers))
        facts.put("autovacuum.longest_seconds", largest([0.0, *(known(age) or 0.0 for age in ages)], ""))
        facts.put("autovacuum.against_wraparound", sum("to prevent wraparound" in str(row.get("query")) for row in workers))
    running = latest.several("vacuuming")
    facts.put("vacuums", running if isinstance(running, Unknown) else [_vacuum(row) for row in running])


def _vacuum(row: Row) -> Row:
    done = share(row["heap_blks_scanned"], row["heap_blks_total"], "the table is empty")
    return {"pid": row["pid"], "database": row["database"], "phase": row["phase"], "done_ratio": done}


def _put_wraparound(facts: Facts, about: About, latest: Sample) -> None:
    databases = latest.databases
    told = known(databases) or []
    # nobody vacuums an invalid one, so that its age grows until it goes round, and it stops nothing
    rows = [row for row in told if row.get("xid_age") is not None and not row.get("invalid")]
    for name in sorted(str(row["name"]) for row in told if row.get("invalid")):
        facts.note(f"the database {name} is invalid, left over by a DROP DATABASE that was interrupted: drop it")
    if not rows:
        why = databases if isinstance(databases, Unknown) else Unknown("no database told its age")
        for name in ("wraparound_ratio", "wraparound_database", "freeze_age_times"):
            facts.put(name, why)
        return
    oldest = max(rows, key=lambda row: max(row["xid_age"], row["mxid_age"] or 0))
    age = never_negative(max(oldest["xid_age"], oldest["mxid_age"] or 0), "the age of transaction ids")
    facts.put("wraparound_ratio", per(age, XID_LIMIT, ""))
    facts.put("wraparound_database", oldest["name"])
    limit = measured(about.whole("autovacuum_freeze_max_age"), about.unset("autovacuum_freeze_max_age"))
    facts.put("freeze_age_times", per(oldest["xid_age"], limit, "autovacuum_freeze_max_age is 0"))
