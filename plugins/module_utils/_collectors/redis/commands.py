# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the server's time went in the window, by command (INFO commandstats)."""

from __future__ import annotations

import re
import typing as t

from ..._collect.derived import Window, moved, per, rate, total
from ..._collect.facts import Facts, Maybe, Unknown, known
from ..._collect.sampling import Number
from .samples import Sample

_NAME = re.compile(r"[a-z_][\w.|-]{0,63}", re.ASCII)


def put(facts: Facts, first: Sample, latest: Sample, window: Window, keep: int) -> None:
    """The commands that took most time, and how much all of them took."""
    why = latest.refused.get("INFO commandstats") or window.reason or (latest.why_not("INFO commandstats") if not latest.commands else None)
    if why:
        for name in ("command_seconds", "commands", "commands_total"):
            facts.put(name, Unknown(why))
        return
    rows = [_row(name, first.commands.get(name, {}), values, window) for name, values in latest.commands.items() if _NAME.fullmatch(name)]
    rows = [row for row in rows if known(row["calls"]) != 0]
    rows.sort(key=lambda row: -(known(row["milliseconds"]) or 0))
    spent = total(row["milliseconds"] for row in rows)
    facts.put("command_seconds", spent if isinstance(spent, Unknown) else round(spent / 1000, 6))
    facts.rows("commands", rows, keep)


def _row(name: str, before: t.Mapping[str, str], after: t.Mapping[str, str], window: Window) -> dict[str, t.Any]:
    calls, microseconds = (moved_of(before, after, counter, name) for counter in ("calls", "usec"))
    milliseconds: Maybe[Number] = microseconds if isinstance(microseconds, Unknown) else microseconds / 1000
    return {
        "name": name.upper().replace("|", " "),
        "calls": calls,
        "calls_per_second": rate(calls, window.seconds),
        "milliseconds": milliseconds,
        "mean_milliseconds": per(milliseconds, calls, "it was not called"),
        "failed": moved_of(before, after, "failed_calls", name),
        "rejected": moved_of(before, after, "rejected_calls", name),
    }


def moved_of(before: t.Mapping[str, str], after: t.Mapping[str, str], counter: str, name: str) -> Maybe[Number]:
    """A command that was never called before has no line."""
    return moved(before.get(counter, 0), after.get(counter), f"this version has no {counter} of a command", f"{counter} of {name}")
