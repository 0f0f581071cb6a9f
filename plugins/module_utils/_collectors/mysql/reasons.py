# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why something is unknown, in words that say what to type next."""

from __future__ import annotations

import typing as t

from ..._texts.redact import clean
from .parse import Identity
from .refusal import own_limit
from .session import STATEMENT_SECONDS, Refused


def grant(what: str, identity: Identity) -> str:
    return f"GRANT {what} TO {identity.login};"


def performance_schema_off(identity: Identity) -> str:
    default = " (the default of MariaDB)" if identity.flavour == "mariadb" else ""
    return f"performance_schema is off{default}: put `performance_schema = ON` under [mysqld] and restart the server before the launch"


def digests_off(names: t.Sequence[str]) -> str:
    """What is switched off of all that must be on for a statement to be counted, and the lines that switch it on."""
    lines = []
    if any("/" not in name for name in names):
        listed = ", ".join(f"'{name}'" for name in names if "/" not in name)
        lines.append(f"UPDATE performance_schema.setup_consumers SET enabled = 'YES' WHERE name IN ({listed});")
    if any("/" in name for name in names):
        lines.append("UPDATE performance_schema.setup_instruments SET enabled = 'YES', timed = 'YES' WHERE name LIKE 'statement/%';")
    return f"performance_schema does not collect statements: {' '.join(lines)}"


def performance_schema_closed(identity: Identity) -> str:
    return f"{identity.login} may not read performance_schema: {grant('SELECT ON performance_schema.*', identity)}"


def process_missing(identity: Identity) -> str:
    return f"only our own sessions are shown to {identity.login}: {grant('PROCESS ON *.*', identity)}"


def replication_missing(measure: str, identity: Identity) -> str:
    monitor = "REPLICATION CLIENT"
    if identity.flavour == "mariadb" and identity.version >= (10, 5, 9):
        monitor = "BINLOG MONITOR" if measure == "binary_log" else "REPLICA MONITOR"
    return f"{identity.login} may not see the replication: {grant(monitor + ' ON *.*', identity)}"


def refused(error: Refused, measure: str, identity: Identity) -> str:
    """The server's refusal of the question behind a measure."""
    if error.why == "denied":
        if measure in ("binary_log", "replication"):
            return replication_missing(measure, identity)
        if error.code == 1227:
            return process_missing(identity)
        return performance_schema_closed(identity)
    if error.why == "absent":
        return f"{identity.name} {identity.text} does not have it ({clean(error.said, 100)})"
    if error.code == 1205 and measure == "missing_indexes":
        return "a schema change (ALTER TABLE) holds the dictionary: let it end, or end what it waits for (blockers), and look again"
    if error.why == "late":
        return f"the answer took longer than our limit of {STATEMENT_SECONDS:g} s or waited on a lock ({clean(error.said, 100)})"
    if error.why == "limit":
        return f"our own account is at its limit: {own_limit(clean(error.said, 120), identity.login)}"
    if error.why == "lost":
        return f"the connection was lost ({clean(error.said, 100)})"
    return f"the server refused: {clean(error.said, 120)}"
