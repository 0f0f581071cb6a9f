# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Percentiles of several places together: from their buckets, since percentiles cannot be added up. Of one place they are its own."""

from __future__ import annotations

import math
import typing as t

from .observed import Row, figure, rows_in


class Percentiles(t.NamedTuple):
    p50: t.Optional[float]
    p95: t.Optional[float]


def combined(times: t.Iterable[t.Mapping[str, t.Any]]) -> Percentiles:
    """Each of `times`: {count, p50_seconds, p95_seconds, max_seconds, buckets: [{from_seconds, to_seconds, count}]}."""
    known = [each for each in times if (figure(each, "count") or 0) > 0]
    if len(known) == 1:
        return Percentiles(figure(known[0], "p50_seconds"), figure(known[0], "p95_seconds"))
    buckets = sorted(
        (row for each in known for row in rows_in(each.get("buckets")) if row.amount("count") > 0),
        key=lambda row: row.amount("from_seconds"),
    )
    longest = max((value for each in known if (value := figure(each, "max_seconds")) is not None), default=math.inf)
    return Percentiles(_rank(buckets, 0.5, longest), _rank(buckets, 0.95, longest))


def _rank(buckets: t.Sequence[Row], share: float, longest: float) -> t.Optional[float]:
    """Within its bucket a rank is placed on the logarithmic axis, as the buckets are."""
    merged: dict[tuple[float, float], float] = {}
    for row in buckets:
        place = (max(row.amount("from_seconds"), 1e-6), max(row.amount("to_seconds"), 1e-6))
        merged[place] = merged.get(place, 0.0) + row.amount("count")
    rank, passed = share * sum(merged.values()), 0.0
    for (begin, end), count in merged.items():
        if passed + count >= rank:
            return float(f"{min(longest, begin * (end / begin) ** ((rank - passed) / count)):.4g}")
        passed += count
    return None
