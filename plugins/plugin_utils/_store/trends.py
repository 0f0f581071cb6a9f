# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a value is going: rising, falling or steady over the stored rounds, and when it will reach a point."""

from __future__ import annotations

import typing as t

Points = t.Sequence[tuple[float, t.Optional[float]]]

RISING, FALLING, STEADY = "rising", "falling", "steady"

#: A trend is shown only when the line moves by this share of the values' size, so that noise has no arrow.
NOTABLE = 0.1


def _known(points: Points) -> list[tuple[float, float]]:
    return [(at, value) for at, value in points if value is not None]


def slope(points: Points) -> t.Optional[float]:
    """Change per second of the straight line through the points (least squares), or None below three points."""
    known = _known(points)
    if len(known) < 3:
        return None
    mean_at = sum(at for at, _value in known) / len(known)
    mean_value = sum(value for _at, value in known) / len(known)
    spread = sum((at - mean_at) ** 2 for at, _value in known)
    if spread == 0:
        return None
    return sum((at - mean_at) * (value - mean_value) for at, value in known) / spread


def direction(points: Points) -> t.Optional[str]:
    """`rising`, `falling` or `steady`, or None when there is too little to say."""
    steep = slope(points)
    if steep is None:
        return None
    known = _known(points)
    moved = steep * (known[-1][0] - known[0][0])
    size = max(abs(value) for _at, value in known)
    if size == 0 or abs(moved) < NOTABLE * size:
        return STEADY
    return RISING if moved > 0 else FALLING


def turned_the_corner(points: Points) -> bool:
    """Whether a value that had risen is now falling: its peak has passed and the trend since then is falling."""
    known = _known(points)
    if len(known) < 4:
        return False
    peak = max(range(len(known)), key=lambda place: known[place][1])
    if peak in (0, len(known) - 1) or known[peak][1] <= known[0][1] * (1 + NOTABLE):
        return False
    return len(known) - peak >= 3 and direction(known[peak:]) == FALLING


def seconds_until(points: Points, level: float) -> t.Optional[float]:
    """When the line reaches `level`, in seconds from the last point; None when it goes elsewhere."""
    steep = slope(points)
    known = _known(points)
    if not steep:
        return None
    left = (level - known[-1][1]) / steep
    return left if left >= 0 else None
