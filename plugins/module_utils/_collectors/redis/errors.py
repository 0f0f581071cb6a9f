# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commands that the server refused in the window, by the code of the error."""

from __future__ import annotations

import typing as t

from ..._collect.derived import Window
from ..._collect.facts import Facts, Maybe, Row, Unknown
from . import parse
from .samples import NO_DATA, Sample

#: The server could run such a command and does not, for the state that it or its client is in. Not among them: what asks a client to turn
#: to another server (MOVED, ASK) or to load a script first (NOSCRIPT), what tells it of a wrong command (ERR, WRONGTYPE), NOPERM, which
#: may be our own, and OOM, which has a measure of its own.
#: In place of all kinds when there were more than 128 (Redis 7.2.5 and later); Valkey goes on counting its own.
STOPPED = "ERRORSTATS_DISABLED"
REFUSALS = frozenset({"READONLY", "NOREPLICAS", "MISCONF", "CLUSTERDOWN", "MASTERDOWN", "LOADING", "BUSY", "NOAUTH", "WRONGPASS"})


def moved(latest: Sample, window: Window) -> Maybe[dict[str, int]]:
    """How many errors of each code were given in the window. The line of a code exists once it happened."""
    if window.reason is not None:
        return Unknown(window.reason)
    if latest.is_sentinel:
        return Unknown(NO_DATA)
    if "INFO errorstats" in latest.refused or "total_error_replies" not in latest.info:
        return Unknown(
            latest.refused.get("INFO errorstats", f"{latest.product} {latest.version} does not report errors by kind (since 6.2)")
        )
    before, after = (_counts(values) for values in (window.first, latest.info))
    if STOPPED in before or STOPPED in after:
        return Unknown(f"{latest.product} stopped counting errors by kind, as scripts made too many kinds: CONFIG RESETSTAT, and mend them")
    if any(count > after.get(code, 0) for code, count in before.items()):
        return Unknown("the counters were reset between the samples (CONFIG RESETSTAT)")
    return {code: count - before.get(code, 0) for code, count in after.items()}


def _counts(values: t.Mapping[str, t.Any]) -> dict[str, int]:
    return {code: parse.count(fields, "count") or 0 for code, fields in parse.prefixed(values, "errorstat_").items()}


def put(facts: Facts, counts: Maybe[dict[str, int]]) -> None:
    """Those that tell of the state of the server or of a login, the most frequent first."""
    if isinstance(counts, Unknown):
        facts.rows("refused_commands", counts, 0)
        facts.put("refused_commands_count", counts)
        return
    found = {code: count for code, count in counts.items() if code in REFUSALS and count}
    rows: list[Row] = [{"name": code, "refused": count} for code, count in sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))]
    facts.rows("refused_commands", rows, len(REFUSALS))
    facts.put("refused_commands_count", sum(found.values()))
