# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: the server as a whole: who it is, its databases' counters."""

from __future__ import annotations

import typing as t

from ..._collect.derived import Window, implausible, per, rate, share, total
from ..._collect.facts import Facts, Maybe, Unknown, known, measured
from ..._collect.sampling import ONE_SAMPLE, top
from ..._sql import sql_text
from ..._sql.sessions import Manner
from .fetch import About, Sample

Row = dict[str, t.Any]

_NEW = "the database was created within the window"
_RESET = implausible("its statistics were reset within the window")


def put_identity(facts: Facts, about: About) -> None:
    who = about.identity
    untold = "the server does not report it"
    for name in ("version", "version_number", "user", "database"):
        facts.put(name, who.get(name), untold)
    facts.put("role", "replica" if who.get("in_recovery") else "primary")
    facts.put("refuses_writes", _refuses_writes(about), about.unset("default_transaction_read_only"))
    facts.put("uptime_seconds", sql_text.age(who.get("now"), who.get("started"), untold))


#: Where a setting is everybody's; of our own role and session it says nothing about others.
_FOR_ALL = ("configuration file", "command line", "global", "override", "database")


def _refuses_writes(about: About) -> t.Optional[bool]:
    """Whether a primary begins every transaction as one that only reads, as hosting services set it on a disk that is nearly full."""
    row = about.settings.get("default_transaction_read_only")
    if row is None:
        return None
    return row.get("setting") == "on" and row.get("source") in _FOR_ALL and not about.identity.get("in_recovery")


_OF_DATABASES = (
    "databases", "databases_total", "transactions_per_second", "rollback_ratio", "rollbacks", "transactions", "cache_hit_ratio",
    "cache_blocks", "cache_reads_per_second", "lifetime_cache_hit_ratio", "temp_files", "temp_bytes_per_second", "deadlocks",
    "deadlocks_per_minute", "lifetime_deadlocks", "recovery_conflicts",
)  # fmt: skip


def put_databases(facts: Facts, first: Sample, second: t.Optional[Sample], manner: Manner) -> None:
    """Rates over the window of all databases together, and of each."""
    latest = first.databases if second is None or isinstance(second.databases, Unknown) else second.databases
    if isinstance(latest, Unknown):
        for name in _OF_DATABASES:
            facts.put(name, latest)
        return
    twice = latest is not first.databases and not isinstance(first.databases, Unknown)
    seconds = second.databases_at - first.databases_at if twice and second is not None else None
    before = {row["oid"]: row for row in known(first.databases) or []}
    windows = [(row, _window(before.get(row["oid"]), row, seconds)) for row in latest]
    rows = [_database(row, window) for row, window in windows if row["connectable"] and not row["template"]]
    facts.rows("databases", top(rows, "lifetime_transactions", len(rows)), 3 * manner.top)
    if any(window.reason == _RESET.reason for _row, window in windows):
        facts.note("statistics of a database were reset within the window: it is left out of the rates")
    _put_sums(facts, [window for _row, window in windows if window.reason is None], seconds)
    facts.put("lifetime_cache_hit_ratio", _lifetime_hit(latest))
    facts.put("lifetime_deadlocks", _lifetime(latest, "deadlocks"))


def _window(before: t.Optional[Row], row: Row, seconds: t.Optional[float]) -> Window:
    broken = None
    if seconds is not None:
        reset = before is not None and (row["xact_commit"] or 0) < (before["xact_commit"] or 0)
        broken = _NEW if before is None else _RESET.reason if reset else None
    return Window(before or {}, None if seconds is None else row, seconds, _untold, broken)


def _put_sums(facts: Facts, windows: t.Sequence[Window], seconds: t.Optional[float]) -> None:
    def moved(*names: str) -> Maybe[t.Any]:
        """Of all databases that were there, and counted, the whole time."""
        return Unknown(ONE_SAMPLE) if seconds is None else total(window.moved(name) for window in windows for name in names)

    ended, rollbacks = moved("xact_commit", "xact_rollback"), moved("xact_rollback")
    hits, blocks, deadlocks = moved("blks_hit"), moved("blks_hit", "blks_read"), moved("deadlocks")
    facts.put("transactions", ended)
    facts.put("transactions_per_second", rate(ended, seconds))
    facts.put("rollbacks", rollbacks)
    facts.put("rollback_ratio", share(rollbacks, ended, "no transaction ended in the window"))
    facts.put("cache_blocks", blocks)
    facts.put("cache_hit_ratio", share(hits, blocks, "no block was read in the window"))
    facts.put("cache_reads_per_second", rate(moved("blks_read"), seconds))
    facts.put("temp_files", moved("temp_files"))
    facts.put("temp_bytes_per_second", rate(moved("temp_bytes"), seconds))
    facts.put("deadlocks", deadlocks)
    facts.put("recovery_conflicts", moved("conflicts"))
    per_minute = deadlocks if isinstance(deadlocks, Unknown) or seconds is None else round(60 * deadlocks / seconds, 3)
    facts.put("deadlocks_per_minute", per_minute)


def _lifetime_hit(rows: t.Sequence[Row]) -> Maybe[float]:
    hit, both = _lifetime(rows, "blks_hit"), _lifetime(rows, "blks_hit", "blks_read")
    return share(hit, both, "no block was read yet")


def _lifetime(rows: t.Sequence[Row], *names: str) -> Maybe[t.Any]:
    return total(measured(row.get(name), _untold(name)) for row in rows for name in names)


def _untold(name: str) -> str:
    return f"this version does not count it ({name})"


def _database(row: Row, window: Window) -> Row:
    ended = total((window.moved("xact_commit"), window.moved("xact_rollback")))
    blocks = total((window.moved("blks_hit"), window.moved("blks_read")))
    written = total(window.moved(name) for name in ("tup_inserted", "tup_updated", "tup_deleted"))
    limit = row.get("connection_limit")
    active = per(window.moved("active_time"), window.seconds * 1000, "") if window.seconds else Unknown(ONE_SAMPLE)
    return {
        "name": row["name"],
        "backends": measured(row.get("numbackends"), "the server does not report it"),
        "connection_limit": Unknown("it has no limit of its own") if limit in (None, -1) else limit,
        "transactions_per_second": rate(ended, window.seconds),
        "rollback_ratio": share(window.moved("xact_rollback"), ended, "no transaction ended in the window"),
        "cache_hit_ratio": share(window.moved("blks_hit"), blocks, "no block was read in the window"),
        "rows_returned_per_second": window.rate("tup_returned"),
        "rows_written_per_second": rate(written, window.seconds),
        "temp_bytes_per_second": window.rate("temp_bytes"),
        "deadlocks": window.moved("deadlocks"),
        "active_sessions": active if isinstance(active, Unknown) else round(active, 3),
        "lifetime_transactions": total((window.now("xact_commit"), window.now("xact_rollback"))),
        "lifetime_cache_hit_ratio": _lifetime_hit([row]),
        "xid_age": measured(row.get("xid_age"), "the server does not report it"),
    }
