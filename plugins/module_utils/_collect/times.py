# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Times on a logarithmic axis: counts per bucket, and percentiles."""

from __future__ import annotations

import math
import typing as t

from .facts import measured

#: Buckets per power of ten of what is shown, and of what is kept when there are too many different times.
_SHOWN, _KEPT = 5, 200
_MOST_EXACT = 20_000


class Times:
    """Seconds as a log has them, counted. Exact while there are few different ones, within 1 % beyond that."""

    def __init__(self) -> None:
        self.printed: dict[bytes, int] = {}  # the hot loop counts here: no conversion per line
        self._folded: dict[float, int] = {}

    def fold(self, limit: int = _MOST_EXACT) -> None:
        """Keep the memory bounded: too many different times become fine buckets."""
        if len(self.printed) <= limit:
            return
        for seconds, count in _numbers(self.printed):
            middle = 10 ** ((math.floor(math.log10(max(seconds, 1e-6)) * _KEPT) + 0.5) / _KEPT)
            self._folded[middle] = self._folded.get(middle, 0) + count
        self.printed.clear()

    def add(self, other: Times) -> None:
        for printed, count in other.printed.items():
            self.printed[printed] = self.printed.get(printed, 0) + count
        for seconds, count in other._folded.items():
            self._folded[seconds] = self._folded.get(seconds, 0) + count

    def facts(self, nothing: str) -> dict[str, t.Any]:
        """Count, percentiles and buckets; `nothing`: the reason when there is no time at all."""
        counted = sorted([*_numbers(self.printed), *self._folded.items()])
        count = sum(number for _seconds, number in counted)
        return {
            "count": count,
            "p50_seconds": measured(_percentile(counted, count, 0.5), nothing),
            "p95_seconds": measured(_percentile(counted, count, 0.95), nothing),
            "p99_seconds": measured(_percentile(counted, count, 0.99), nothing),
            "max_seconds": measured(_rounded(counted[-1][0]) if counted else None, nothing),
            "buckets": _buckets(counted),
        }


def _numbers(printed: t.Mapping[bytes, int]) -> t.Iterator[tuple[float, int]]:
    for text, count in printed.items():
        try:
            seconds = float(text)
        except ValueError:
            continue  # "-": the transaction has no such time
        if 0 <= seconds < 1e6:
            yield seconds, count


def _percentile(counted: t.Sequence[tuple[float, int]], count: int, share: float) -> t.Optional[float]:
    """The nearest-rank percentile of counted values."""
    rank = max(1, math.ceil(count * share))
    seen = 0
    for seconds, number in counted:
        seen += number
        if seen >= rank:
            return _rounded(seconds)
    return None


def _rounded(seconds: float) -> float:
    return float(f"{seconds:.4g}") if seconds >= 1 else round(seconds, 6)


def _buckets(counted: t.Iterable[tuple[float, int]]) -> list[dict[str, t.Any]]:
    """Rows {from_seconds, to_seconds, count} of the buckets that hold anything, five to a power of ten from 1 µs on."""
    rows: dict[int, int] = {}
    for seconds, number in counted:
        place = math.floor(math.log10(max(seconds, 1e-6)) * _SHOWN + 1e-9)
        rows[place] = rows.get(place, 0) + number
    return [
        {
            "from_seconds": float(f"{10 ** (place / _SHOWN):.3g}"),
            "to_seconds": float(f"{10 ** ((place + 1) / _SHOWN):.3g}"),
            "count": number,
        }
        for place, number in sorted(rows.items())
    ]
