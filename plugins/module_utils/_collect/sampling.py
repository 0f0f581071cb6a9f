# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two samples, one window: differences, rates and ratios that never divide by zero and never go negative."""

from __future__ import annotations

import decimal
import re
import typing as t

Number = t.Union[int, float]


#: Beyond every counter of every service: what claims to be more is no measure, and breaks what divides it.
MOST = 1e30

_WRITTEN = re.compile(r"\A\s*[+-]?(?:\d{1,40}(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?\s*", re.ASCII)


def number(value: t.Any) -> t.Optional[Number]:
    """`value` when it is a real and finite number (text digits are read), else None. Booleans are not numbers."""
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace")
    if isinstance(value, str):
        if len(value) > 400 or not _WRITTEN.fullmatch(value):
            return None
        value = float(value) if set(value) & set(".eE") else int(value)
    elif isinstance(value, decimal.Decimal):
        if not value.is_finite() or abs(value) >= MOST:
            return None
        value = int(value) if value == int(value) else float(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return value if -MOST < value < MOST else None  # NaN is neither


def amount(value: t.Any) -> t.Optional[Number]:
    """As `number`, for what cannot be negative: a count, a time, a size, a rate."""
    read = number(value)
    return None if read is None or read < 0 else read


def count(value: t.Any) -> t.Optional[int]:
    """As `amount`, for what comes in whole ones."""
    read = amount(value)
    return None if read is None or read != int(read) else int(read)


def delta(first: t.Any, second: t.Any) -> t.Optional[Number]:
    """How far a counter moved, or None when it is missing or fell (a reset or a restart between the samples)."""
    before, after = number(first), number(second)
    if before is None or after is None or after < before:
        return None
    return after - before


def rate(change: t.Optional[Number], seconds: t.Optional[float]) -> t.Optional[float]:
    """Change per second, or None when either is unknown or no time passed."""
    if change is None or not seconds or seconds <= 0:
        return None
    return round(change / seconds, 6)


def ratio(part: t.Optional[Number], whole: t.Optional[Number]) -> t.Optional[float]:
    """part / whole, or None when either is unknown or the whole is zero: nothing of nothing is not 0 %."""
    if part is None or not whole:
        return None
    return round(part / whole, 6)


def percentile(values: t.Sequence[Number], share: float) -> t.Optional[Number]:
    """The nearest-rank percentile (`share` from 0 to 1) of the values, or None when there are none."""
    if not values:
        return None
    ordered = sorted(values)
    rank = max(1, -(-len(ordered) * share // 1))
    return ordered[int(rank) - 1]


def top(rows: t.Iterable[t.Mapping[str, t.Any]], by: str, count: int) -> list[t.Any]:
    """The `count` rows with the largest `by` (unknown last). Put the true total beside it."""
    return sorted(rows, key=lambda row: -(number(row.get(by)) or 0))[:count]


#: Why nothing was compared.
ONE_SAMPLE = "only one sample was taken (window 0), so there is nothing to compare"
RESTARTED = "it was restarted within the window, so there is nothing to compare: ask again"
DROPPED = "it dropped our connection within the window without being restarted, so there is nothing to compare: ask again"
RESTARTED_OR_DROPPED = "it was restarted within the window, or dropped our connection, so there is nothing to compare: ask again"
STARTED_LATE = "it did not answer when the window began and does now, as after a reload, so there is nothing to compare: ask again"
