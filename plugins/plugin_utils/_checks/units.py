# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Numbers as people say them: 94 %, 3.1 ms, 2 h 5 min, 1.5 GiB."""

from __future__ import annotations

import functools
import math
import typing as t

UNITS = ("ratio", "seconds", "milliseconds", "bytes", "bytes_per_second", "per_second", "count", "text", "boolean")


def shown(value: t.Any, unit: t.Optional[str] = None) -> str:
    """The value in its unit, as one short text; what is not known is said to be unknown."""
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        if isinstance(value, float) and not math.isfinite(value):
            return "unknown"
        return "more than 10^18" if abs(value) > 10**18 else _number(value, unit)
    if isinstance(value, list):
        parts = [shown(one, unit) for one in value[:5]]
        return (", ".join(parts) + (f" and {len(value) - 5} more" if len(value) > 5 else "")) if parts else "none"
    if isinstance(value, dict):
        return ", ".join(f"{key} {shown(one, unit)}" for key, one in list(value.items())[:5])
    return str(value)


def shown_beside(value: t.Any, unit: t.Optional[str], limits: t.Iterable[t.Any]) -> str:
    """As `shown`, for a value next to its limits: one that only rounds to a limit is shown as different from it."""
    text = shown(value, unit)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return text
    for limit in limits:
        if isinstance(limit, (int, float)) and not isinstance(limit, bool) and limit != value and _limit_shown(limit, unit) == text:
            return f"just {'under' if value < limit else 'over'} {text}"
    return text


#: A limit is shown for each host that has the check.
_limit_shown = functools.lru_cache(maxsize=4096, typed=True)(shown)


def numbered(value: t.Any, forms: str) -> str:
    """`1 index`, `3 indexes` for `index/indexes`; with a slash before them only the word: `/is/are`."""
    only_word = forms.startswith("/")
    one, many = (form.strip() for form in forms.removeprefix("/").split("/"))
    word = one if isinstance(value, (int, float)) and value == 1 else many
    return word if only_word else f"{shown(value)} {word}"


def _number(value: t.Union[int, float], unit: t.Optional[str]) -> str:
    if value < 0:
        return "-" + _number(-value, unit)
    if unit == "text":
        return str(value)  # a number that is a name: a pid, a port
    if unit == "ratio":
        return _digits(value * 100) + " %"
    if unit == "seconds":
        return _duration(value)
    if unit == "milliseconds":
        return _duration(value / 1000)
    if unit == "bytes":
        return _bytes(value)
    if unit == "bytes_per_second":
        return _bytes(value) + "/s"
    if unit == "per_second":
        return _digits(value) + "/s"
    return _digits(value)


def _digits(value: t.Union[int, float]) -> str:
    """Three figures that matter, whole numbers whole."""
    if isinstance(value, int) or value >= 99.95:
        return f"{round(value):,}"
    if value >= 9.995:
        return f"{value:.1f}".removesuffix(".0")
    text = f"{value:.3g}" if value >= 0.0001 else f"{value:.1g}"
    return text if "e" not in text else ("0" if value == 0 else "< 0.0001")


def _duration(seconds: float) -> str:
    if seconds < 0.0000005:
        return "0 s"
    if seconds < 0.9995:
        return _digits(seconds * 1000) + " ms" if seconds >= 0.00005 else _digits(seconds * 1e6) + " µs"
    if seconds < 119.5:
        return _digits(seconds) + " s"
    whole = round(seconds)
    for size, name, smaller, small in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size:,} {name}" + (f" {rest} {small}" if rest else "")
    return f"{whole} s"


def _bytes(value: t.Union[int, float]) -> str:
    for name in ("B", "KiB", "MiB", "GiB", "TiB"):
        if value < 1023.5 or name == "TiB":
            return f"{_digits(value) if name != 'B' else round(value)} {name}"
        value /= 1024
    raise AssertionError("unreachable")
