# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of the game day: the last line, the page docs/gameday.md, and what is stored of each cell."""

from __future__ import annotations

import collections
import math
import statistics
import typing as t

from .score import Outcome

Rows = t.Sequence[Outcome]
UNKNOWN = "–"

#: In two parts: a check of this file counts such lines.
_LICENCE = "SPDX-License" + "-Identifier: GPL-3.0-or-later"
HEAD = """<!--
Copyright (c) 2026, the warroom.launch authors
GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
{licence}
-->

# Game day: how often the diagnosis is right

Written by `make gameday-replay`. Faults were injected into the practice stack from outside and recorded, six windows each; today's rules
judge the recordings. [CONTRIBUTING.md](../CONTRIBUTING.md#game-day) says how to record, and how to judge incidents of your own.

Visible and severe faults count for top-1, the exact set and the object; faint ones (and those that nobody feels) are found as a cause or
as a finding of the right object, or wrong when another cause is named. A cause counts when at least half of the windows name it; in
no-op runs each window's cause is a false alarm. The baseline takes the loudest failing finding for the cause, and is right when that is of
the right tier. Time to name is from the moment the fault is in place to the end of the first window that names it, if the next one does so
too; a window begins every 10 s and takes 5 s and what gathering costs. "–" is unknown: not recorded, or not measured yet.
""".replace("{licence}", _LICENCE)


#: What every commit is to reach: at least, or for what is wrong at most.
BARS = {
    "top-1": 0.95, "exact": 0.90, "pairs": 0.80, "object": 0.90, "faint": 0.60, "wrong-faint": 0.01, "false-alarms": 0.0,
    "kinds wrong twice": 0.0, "seconds to name, median": 20.0, "seconds to name, p95": 40.0, "evidence": 1.0,
}  # fmt: skip
_AT_MOST = ("wrong-faint", "false-alarms", "kinds wrong twice", "seconds to name, median", "seconds to name, p95")


def reached(rows: Rows) -> dict[str, t.Optional[bool]]:
    """Which bars today's rules reach; None where nothing of it is recorded."""
    median, late = _to_name(rows)
    now = {
        **measures(rows),
        "false-alarms": share(row.wrong for row in rows if row.role == "no-op"),
        "kinds wrong twice": _wrong_twice(rows),
        "seconds to name, median": median,
        "seconds to name, p95": late,
        "evidence": _pointing(rows),
    }
    pairs = ((name, now[name], limit) for name, limit in BARS.items())
    return {name: None if value is None else (value <= limit if name in _AT_MOST else value >= limit) for name, value, limit in pairs}


def share(answers: t.Iterable[t.Optional[bool]]) -> t.Optional[float]:
    """The part that is true of those that are known; None when none is."""
    known = [answer for answer in answers if answer is not None]
    return sum(known) / len(known) if known else None


def loud(rows: Rows) -> list[Outcome]:
    """Visible and severe faults, one at a time."""
    return [row for row in rows if row.role == "fault" and not row.faint]


def measures(rows: Rows) -> dict[str, t.Optional[float]]:
    """What the bars are about; None where nothing of it is recorded."""
    faults, faint = loud(rows), [row for row in rows if row.faint]
    return {
        "top-1": share(row.top for row in faults),
        "exact": share(row.exact for row in faults),
        "pairs": share(row.exact for row in rows if row.role == "pair"),
        "object": share(row.object for row in faults),
        "faint": share(row.found for row in faint),
        "wrong-faint": share(row.wrong for row in faint),
    }


def last_line(rows: Rows) -> str:
    quiet = [row for row in rows if row.role == "no-op"]
    words = [f"{name} {_number(value)}" for name, value in measures(rows).items()]
    return " ".join([*words, f"false-alarms {sum(row.wrong for row in quiet)}/{len(quiet)}", f"cells {len(rows)}"])


def lines(rows: Rows) -> list[str]:
    """A row for each kind, then all that is wrong."""
    kinds: dict[str, list[Outcome]] = {}
    for row in rows:
        kinds.setdefault(row.kind, []).append(row)
    names = ("kind", "cells", "top-1", "exact", "object", "path", "found faint", "wrong", "seconds to name", "evidence", "baseline")
    table = [f"| {' | '.join(names)} |", f"|{'---|' * len(names)}"]
    for kind, of_kind in kinds.items():
        table.append(_row(f"`{kind}`", of_kind))
    table.append(_row("all", rows))
    return [*table, "", "## Wrong cells", "", *_wrong(rows)]


def page(rows: Rows) -> str:
    return "\n".join([HEAD, *lines(rows), "", *_bars(rows), "", "## In one line", "", f"`{last_line(rows)}`", ""])


def _bars(rows: Rows) -> list[str]:
    said = {True: "reached", False: "**not reached**", None: UNKNOWN}
    bars = [
        f"| {name} | {'at most' if name in _AT_MOST else 'at least'} {BARS[name]:g} | {said[is_so]} |"
        for name, is_so in reached(rows).items()
    ]
    return ["## Bars", "", "| measure | bar | now |", "|---|---|---|", *bars]


def stored(rows: Rows) -> dict[str, dict[str, t.Any]]:
    """What a change of a rule may change, per cell."""
    return {
        row.name: {"named": list(row.named), "right": row.right, "object": row.object, "path": row.path, "found": row.found} for row in rows
    }


def _row(name: str, rows: Rows) -> str:
    faults = loud(rows)
    cells: list[str] = [name, str(len(rows))]
    for measure in ("top", "exact", "object", "path"):
        cells.append(_number(share(getattr(row, measure) for row in rows if row in faults or row.role == "pair")))
    cells += [_number(share(row.found for row in rows)), str(sum(row.wrong for row in rows)), _seconds(rows), _number(_pointing(rows))]
    return f"| {' | '.join([*cells, _number(share(row.baseline for row in rows))])} |"


def _to_name(rows: Rows) -> tuple[t.Optional[float], t.Optional[float]]:
    seconds = sorted(row.seconds_to_name for row in loud(rows) if row.seconds_to_name is not None)
    return (statistics.median_high(seconds), seconds[min(len(seconds) - 1, int(0.95 * len(seconds)))]) if seconds else (None, None)


def _seconds(rows: Rows) -> str:
    median, late = _to_name(rows)
    return UNKNOWN if median is None else f"median {_whole(median)}, p95 {_whole(late)}"


def _whole(seconds: t.Optional[float]) -> str:
    return "never" if seconds is None or math.isinf(seconds) else f"{seconds:.0f}"


def _wrong_twice(rows: Rows) -> t.Optional[float]:
    """Kinds of which two or more visible or severe cells have another cause first."""
    wrong = collections.Counter(row.kind for row in loud(rows) if row.top is False)
    return float(sum(count > 1 for count in wrong.values())) if loud(rows) else None


def _pointing(rows: Rows) -> t.Optional[float]:
    known = [row.evidence for row in rows if row.evidence is not None]
    return sum(pointing for pointing, _all in known) / sum(total for _pointing, total in known) if known else None


def _wrong(rows: Rows) -> list[str]:
    wrong = [row for row in rows if not row.right]
    return [f"- `{row.name}` ({row.role}): {_said(row)}" for row in wrong] or ["None."]


def _said(row: Outcome) -> str:
    named = ", ".join(f"`{name}`" for name in row.named) or "nothing"
    truth = ", ".join(f"`{name}`" for name in row.wanted) or "nothing"
    about = "; the object is not named" if row.object is False else ""
    return f"{truth} is true, {named} was named{about}"


def _number(value: t.Optional[float]) -> str:
    return UNKNOWN if value is None else f"{value:.2f}"
