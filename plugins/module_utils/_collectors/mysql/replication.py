# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parse and shape: this server as a replica (one row per channel) and where its own binary log stands."""

from __future__ import annotations

import re
import typing as t

from ..._collect import stream
from ..._collect.sampling import number
from ..._text.redact import clean
from .parse import Identity

Row = dict[str, t.Any]

_QUOTE = re.compile("['\"`]")


def replica_questions(who: Identity) -> list[str]:
    """What to ask, the right words first; on a syntax error the other words are tried (case Y-03)."""
    if who.flavour == "mariadb":
        return ["SHOW ALL SLAVES STATUS", "SHOW SLAVE STATUS"]
    words = ["SHOW REPLICA STATUS", "SHOW SLAVE STATUS"]
    return words if who.version >= (8, 0, 22) else words[::-1]


def binlog_questions(who: Identity) -> list[str]:
    words = ["SHOW BINARY LOG STATUS", "SHOW MASTER STATUS"]
    return words if who.flavour != "mariadb" and who.version >= (8, 2) else words[::-1]


def _first(row: t.Mapping[str, t.Any], *names: str) -> t.Any:
    """The first column that is there: they were renamed twice."""
    return next((row[name] for name in names if row.get(name) not in (None, "")), None)


def channel(row: t.Mapping[str, t.Any]) -> Row:
    """One source that this server follows. Lag is None while the replication does not run: 0 would be a lie."""
    receiving = _first(row, "replica_io_running", "slave_io_running")
    applying = _first(row, "replica_sql_running", "slave_sql_running")
    host, port = _first(row, "source_host", "master_host"), number(_first(row, "source_port", "master_port"))
    errors = [_error(row, kind) for kind in ("io", "sql")]
    lag = number(_first(row, "seconds_behind_source", "seconds_behind_master"))
    return {
        "name": _first(row, "channel_name", "connection_name") or "default",
        "source": stream.shown((str(host), int(port or 3306))) if host else None,
        "receiving": receiving == "Yes",
        "applying": applying == "Yes",
        "state": clean(str(_first(row, "replica_io_state", "slave_io_state") or receiving or "")) or None,
        "lag_seconds": lag,
        "error": next((error for error in errors if error), None),
    }


def _error(row: t.Mapping[str, t.Any], kind: str) -> t.Optional[str]:
    """Number and beginning of an error: from its first quote on it holds the data of the row or statement that failed."""
    said = _first(row, f"last_{kind}_error")
    if said is None:
        return None
    code = number(row.get(f"last_{kind}_errno"))
    return clean(f"{f'error {code}: ' if code else ''}{_QUOTE.split(str(said))[0]}", 160)


def facts(channels: t.Sequence[t.Mapping[str, t.Any]], binlog: t.Sequence[t.Mapping[str, t.Any]], sessions: t.Sequence[Row]) -> Row:
    rows = [channel(row) for row in channels]
    lags = [row["lag_seconds"] for row in rows if row["lag_seconds"] is not None]
    followers = [
        {"address": row["address"] or "local", "user": row["user"], "seconds": -(row["query_start"] or 0.0)}
        for row in sessions
        if row["backend_type"] == "walsender"
    ]
    return {
        "role": "replica" if rows else "primary",
        "replication": rows,
        "replication_broken": sum(not (row["receiving"] and row["applying"]) for row in rows),
        "replication_lag_seconds": max(lags, default=None),
        "replicas": followers,
        "replicas_total": len(followers),
        "binary_log": {"file": binlog[0].get("file"), "position": number(binlog[0].get("position"))} if binlog else None,
    }
