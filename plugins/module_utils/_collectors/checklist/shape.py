# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the lines of the list to facts. Pure."""

from __future__ import annotations

import datetime
import typing as t

from ..._collect.facts import Facts, Unknown
from ..._texts.redact import clean
from .parse import Line

NOT_HERE = "only a check of the fleet (launch_check) knows the stored load test"


def shape(lines: t.Sequence[Line], on_call: t.Sequence[str], today: datetime.date) -> Facts:
    """The measures of one list."""
    facts = Facts()
    rows = [_row(line, today) for line in sorted(lines, key=lambda line: line.done)]
    facts.rows("items_to_tick", rows, len(rows))
    left = [line for line in lines if not line.done]
    facts.put("open_total", len(left))
    facts.put("unsigned_total", sum(line.ticked for line in left))
    facts.put("open_named", "; ".join(clean(line.item, 80) for line in left[:3]) + (f"; {len(left) - 3} more" if len(left) > 3 else ""))
    ages = [max(0, (today - line.day).days) for line in lines if line.done and line.day]
    facts.put("oldest_tick_days", max(ages, default=None), "no line is ticked")
    facts.put("ticked_total", len(lines) - len(left))
    facts.put("on_call", [clean(name, 80) for name in on_call[:10]])
    facts.put("on_call_total", len(on_call))
    for name in ("stored", "age_seconds", "requests_per_second", "busy_ratio", "busiest", "headroom_factor"):
        facts.put(f"load_test.{name}", Unknown(NOT_HERE))
    return facts


def _row(line: Line, today: datetime.date) -> dict[str, t.Any]:
    not_signed = Unknown("it is not ticked with a name and a day")
    why = "" if line.done else ("ticked without a name and a day" if line.ticked else "not ticked")
    future = line.day is not None and line.day > today
    return {
        **{"item": clean(line.item, 200), "done": line.done, "by": clean(line.by, 80) if line.done else not_signed},
        **{"day": line.day.isoformat() if line.done and line.day else not_signed, "why": "its day lies in the future" if future else why},
    }
