# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parse and shape: this server as a replica (one row per channel) and where its own binary log stands."""

from __future__ import annotations

import re
import typing as t

from ..._collect import stream
from ..._collect.derived import implausible, put_largest
from ..._collect.facts import Facts, Maybe, Unknown, measured, row
from ..._collect.sampling import Number, number
from ..._texts.redact import clean
from .activity import EVER
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


_WHY = {
    "source": "the server does not report its source",
    "state": "the server does not report its state",
    "lag_seconds": "it does not replicate now, so how far it is behind is not known",
    "delay_seconds": "no delay was asked for",
    "error": "nothing went wrong",
}
#: Channels of Group Replication's own, which run when a member joins: no sources, and stopped for most of the time.
_OF_THE_GROUP = ("group_replication_recovery", "group_replication_applier")


def channel(told: t.Mapping[str, t.Any]) -> Row:
    """One source that this server follows. Lag is unknown while replication is not running: 0 would be wrong.

    A delay that was asked for (SOURCE_DELAY) is no lag.
    """
    receiving = _first(told, "replica_io_running", "slave_io_running")
    applying = _first(told, "replica_sql_running", "slave_sql_running")
    delay = number(_first(told, "sql_delay")) or None
    lag = number(_first(told, "seconds_behind_source", "seconds_behind_master"))
    host, port = _first(told, "source_host", "master_host"), number(_first(told, "source_port", "master_port"))
    errors = [_error(told, kind) for kind in ("io", "sql")]
    return row(
        {
            "name": _first(told, "channel_name", "connection_name") or "default",
            "source": stream.shown((str(host), int(port or 3306))) if host else None,
            "receiving": receiving == "Yes",
            "applying": applying == "Yes",
            "state": clean(str(_first(told, "replica_io_state", "slave_io_state") or receiving or "")) or None,
            "delay_seconds": delay,
            "lag_seconds": None if lag is None else _lag(lag, delay or 0),
            "error": next((error for error in errors if error), None),
        },
        _WHY,
    )


def _lag(behind: Number, delay: Number) -> Maybe[Number]:
    """In seconds; what fell below 0, when a clock was moved, and wrapped is none."""
    return implausible(f"{behind} s behind its source") if behind > EVER else max(0, behind - delay)


def _error(told: t.Mapping[str, t.Any], kind: str) -> t.Optional[str]:
    """Number and beginning of an error: from its first quote on it holds the data of the row or statement that failed."""
    said = _first(told, f"last_{kind}_error")
    if said is None:
        return None
    code = number(told.get(f"last_{kind}_errno"))
    return clean(f"{f'error {code}: ' if code else ''}{_QUOTE.split(str(said))[0]}", 160)


def put(
    facts: Facts,
    channels: Maybe[t.Sequence[Row]],
    binlog: Maybe[t.Sequence[Row]],
    sessions: Maybe[t.Sequence[Row]],
    variables: t.Mapping[str, str],
) -> None:
    """Not being allowed to look is not being no replica."""
    if isinstance(channels, Unknown):
        for name in ("role", "refuses_writes", "replication", "replication_broken", "replication_lag_seconds"):
            facts.put(name, channels)
    else:
        rows = [channel(told) for told in channels if _first(told, "channel_name", "connection_name") not in _OF_THE_GROUP]
        facts.put("role", "replica" if rows or _copies_otherwise(variables) else "primary")
        reads_only = facts.value("read_only")
        facts.put("refuses_writes", reads_only if isinstance(reads_only, Unknown) else reads_only and facts.get("role") == "primary")
        facts.put("replication", rows)
        facts.put("replication_broken", sum(not (one["receiving"] and one["applying"]) for one in rows))
        put_largest(facts, "replication_lag_seconds", (one["lag_seconds"] for one in rows), "it follows no source")
    followers = sessions if isinstance(sessions, Unknown) else [_follower(one) for one in sessions if one["backend_type"] == "walsender"]
    facts.rows("replicas", followers, 1000)
    place = binlog if isinstance(binlog, Unknown) else binlog[0] if binlog else Unknown("the server does not report its binary log")
    facts.put("binary_log", place if isinstance(place, Unknown) else _position(place))


def _copies_otherwise(variables: t.Mapping[str, str]) -> bool:
    """Whether its data come from another server without a channel: a reader of Aurora, a secondary of Group Replication."""
    grouped = bool(variables.get("group_replication_group_name"))
    return variables.get("innodb_read_only", "").upper() == "ON" or (grouped and variables.get("super_read_only", "").upper() == "ON")


def _follower(session: Row) -> Row:
    connected = measured(session["query_start"], "the server does not say since when")
    seconds = connected if isinstance(connected, Unknown) else -connected
    return row({"address": session["address"] or "local", "user": session["user"], "seconds": seconds}, {"user": "not told"})


def _position(told: Row) -> Row:
    return row({"file": told.get("file"), "position": number(told.get("position"))}, dict.fromkeys(("file", "position"), "not told"))
