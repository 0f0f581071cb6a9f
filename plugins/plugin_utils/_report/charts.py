# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plots as plain geometry (percentages); the templates draw them as SVG and escape every text."""

from __future__ import annotations

import math
import time
import typing as t

from ...module_utils._texts.redact import clean
from .._checks.units import numbered, shown

Chart = dict[str, t.Any]
Row = t.Mapping[str, t.Any]
Point = tuple[float, t.Optional[float]]

MOST_ROWS = 20
_STATUS = {"go": "ok", "go with warnings": "warn", "unknown": "unknown", "no-go": "fail"}


def number(value: t.Any) -> t.Optional[float]:
    """A finite number, else None. Booleans are not numbers."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or abs(value) > 1e300:
        return None
    return float(value) if math.isfinite(value) else None


def bars(
    title: str, rows: t.Sequence[Row], unit: str, note: str = "", mark: t.Optional[float] = None, keep_order: bool = False
) -> t.Optional[Chart]:
    """One bar per row {label, value, text?}; the largest first. `mark`: a limit drawn across them. None without any value."""
    known = [row for row in rows if number(row["value"]) is not None]
    if not known:
        return None
    if not keep_order:
        known.sort(key=lambda row: -abs(row["value"]))
    top = max(abs(row["value"]) for row in known)
    scale = 1.0 if unit == "ratio" and top <= 1 else max(top, mark or 0) or 1.0
    drawn = [
        {
            "label": clean(row["label"], 120),
            "text": clean(row.get("text") or shown(row["value"], unit), 200),
            "parts": [{"series": row.get("series", 0), "x": 0, "width": _percent(abs(row["value"]), scale), "name": ""}],
        }
        for row in known[:MOST_ROWS]
    ]
    mark_at = None if mark is None or mark > scale else _percent(mark, scale)
    words = f"usual limit, {shown(mark, unit)}" if mark_at is not None else ""
    return {"kind": "bars", "title": title, "note": note, "rows": drawn, "mark": mark_at, "mark_text": words, "legend": [], **_left(known)}


def stacked(title: str, rows: t.Sequence[Row], names: t.Sequence[str], note: str = "", unit: str = "count") -> t.Optional[Chart]:
    """Shares of a whole: rows {label, values: one per name}. A part that is unknown is left out of its row's whole."""
    drawn = []
    for row in rows:
        values = [number(value) for value in row["values"]]
        whole = sum(value for value in values if value)
        if whole > 0:
            drawn.append(
                {"label": clean(row["label"], 120), "parts": _parts(values, whole, names), "text": _shares(values, whole, names, unit)}
            )
    if not drawn:
        return None
    legend = [{"series": place, "name": name} for place, name in enumerate(names)]
    return {
        "kind": "bars",
        "title": title,
        "note": note,
        "rows": drawn[:MOST_ROWS],
        "mark": None,
        "mark_text": "",
        "legend": legend,
        **_left(drawn),
    }


def _parts(values: list[t.Optional[float]], whole: float, names: t.Sequence[str]) -> list[dict[str, t.Any]]:
    parts, x = [], 0.0
    for place, value in enumerate(values):
        if value:
            width = _percent(value, whole)
            parts.append({"series": place, "x": round(x, 2), "width": width, "name": names[place]})
            x += width
    return parts


def _shares(values: list[t.Optional[float]], whole: float, names: t.Sequence[str], unit: str) -> str:
    words = [f"{names[place]} {shown(value / whole, 'ratio')}" for place, value in enumerate(values) if value]
    return ", ".join(words) + ("" if unit == "ratio" else f" of {shown(round(whole) if unit == 'count' else whole, unit)}")


def _left(rows: t.Sequence[t.Any]) -> dict[str, int]:
    return {"left": max(0, len(rows) - MOST_ROWS)}


def _percent(value: float, whole: float) -> float:
    return round(max(0.0, min(100.0, 100 * value / whole)), 2)


# ---- histogram of times on a logarithmic axis ------------------------------------------------------------------------


def histogram(title: str, series: t.Sequence[tuple[str, int, t.Mapping[str, t.Any]]], note: str = "") -> t.Optional[Chart]:
    """One small plot per (name, colour, {count, p50_seconds, p95_seconds, buckets}), all on one axis from fast to slow."""
    usable = [(name, colour, times, _buckets(times)) for name, colour, times in series]
    usable = [entry for entry in usable if entry[3]]
    if not usable:
        return None
    low = math.floor(min(math.log10(buckets[0][0]) for _name, _colour, _times, buckets in usable))
    high = math.ceil(max(math.log10(buckets[-1][1]) for _name, _colour, _times, buckets in usable))
    high = max(high, low + 1)

    def x(seconds: float) -> float:
        return round(100 * (math.log10(seconds) - low) / (high - low), 2)

    panels = []
    for name, colour, times, buckets in usable:
        largest = max(count for _from, _to, count in buckets)
        drawn = [
            {
                "x": x(begin), "width": round(x(end) - x(begin), 2), "height": _percent(count, largest),
                "label": f"{shown(begin, 'seconds')} to {shown(end, 'seconds')}: {shown(count)}",
            }
            for begin, end, count in buckets
        ]  # fmt: skip
        known = [(word, number(times.get(key))) for word, key in (("half within", "p50_seconds"), ("95 % within", "p95_seconds"))]
        words = [f"{word} {shown(value, 'seconds')}" for word, value in known if value is not None]
        marks = [x(value) for _word, value in known if value and 10**low <= value <= 10**high]
        total = sum(count for _from, _to, count in buckets)
        text = ", ".join([numbered(total, "request/requests"), *words])
        panels.append({"name": name, "series": colour, "bars": drawn, "marks": marks, "text": text})
    ticks = [{"x": x(10.0**power), "label": shown(10.0**power, "seconds")} for power in range(low, high + 1)]
    return {"kind": "histogram", "title": title, "note": note, "panels": panels, "ticks": ticks, "left": 0}


def _buckets(times: t.Mapping[str, t.Any]) -> list[tuple[float, float, float]]:
    rows = times.get("buckets") if isinstance(times, dict) else None
    buckets = []
    for row in rows if isinstance(rows, list) else []:
        values = [number(row.get(key)) for key in ("from_seconds", "to_seconds", "count")] if isinstance(row, dict) else [None]
        if None not in values and 0 < values[0] < values[1] and values[2]:  # type: ignore[operator]
            buckets.append(tuple(values))
    return sorted(buckets)  # type: ignore[arg-type]


def merged(times: t.Iterable[t.Any]) -> dict[str, t.Any]:
    """The buckets of several places together; percentiles only when there is one place, they cannot be added up."""
    known = [entry for entry in times if isinstance(entry, dict) and entry.get("count")]
    counts: dict[tuple[float, float], float] = {}
    for entry in known:
        for begin, end, count in _buckets(entry):
            counts[begin, end] = counts.get((begin, end), 0) + count
    buckets = [{"from_seconds": begin, "to_seconds": end, "count": count} for (begin, end), count in sorted(counts.items())]
    return {"count": sum(counts.values()), "buckets": buckets, **(_percentiles(known[0]) if len(known) == 1 else {})}


def _percentiles(times: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    return {key: times.get(key) for key in ("p50_seconds", "p95_seconds")}


# ---- time series -----------------------------------------------------------------------------------------------------


def timeline(title: str, series: t.Sequence[tuple[str, t.Sequence[t.Sequence[t.Any]]]], unit: str, note: str = "") -> t.Optional[Chart]:
    """Lines over time from (name, [[epoch seconds, value or None], …]); what was not measured is a gap."""
    named = [(name, [(at, number(value)) for at, value in points if number(at) is not None]) for name, points in series]
    values = [value for _name, points in named for _at, value in points if value is not None]
    moments = [at for _name, points in named for at, _value in points]
    if not values or min(moments) == max(moments):
        return None
    begin, end, top, bottom = min(moments), max(moments), max([*values, 0.0]), min([*values, 0.0])
    height = (top - bottom) or 1.0

    def place(at: float, value: float) -> str:
        return f"{600 * (at - begin) / (end - begin):.1f},{100 - 100 * (value - bottom) / height:.1f}"

    lines = []
    for order, (name, points) in enumerate(named[:6]):
        last = next((value for _at, value in reversed(points) if value is not None), None)
        lines.append({"series": order, "name": clean(name, 80), "runs": list(_runs(thinned(points), place)), "last": shown(last, unit)})
    moment = "%H:%M:%S" if end - begin < 86400 else "%d %b %H:%M"
    return {
        "kind": "timeline", "title": title, "note": note, "lines": lines, "top": shown(top, unit), "bottom": shown(bottom, unit),
        "from": time.strftime(moment, time.gmtime(begin)) + " UTC", "to": time.strftime(moment, time.gmtime(end)) + " UTC",
        "left": max(0, len(named) - 6),
    }  # fmt: skip


def thinned(points: list[Point], most: int = 400) -> list[Point]:
    """At most `most` points that keep every spike: the lowest and the highest of each stretch of time; a gap stays a gap."""
    if len(points) <= most:
        return points
    stretch = -(-2 * len(points) // most)
    kept: list[Point] = []
    for begin in range(0, len(points), stretch):
        part = points[begin : begin + stretch]
        known = [point for point in part if point[1] is not None]
        if not known:
            kept.append(part[0])
            continue
        ends = {min(known, key=lambda point: point[1] or 0), max(known, key=lambda point: point[1] or 0)}
        kept += sorted(ends, key=lambda point: point[0])
    return kept


def rounds(title: str, history: t.Sequence[t.Mapping[str, t.Any]]) -> t.Optional[Chart]:
    """A strip with a block per round {at: ISO time, verdict, causes}."""
    if len(history) < 2:
        return None
    width = 100 / len(history)
    blocks = []
    for at, entry in enumerate(history):
        causes = ", ".join(str(cause).replace("_", " ") for cause in entry.get("causes") or [])
        label = clean(f"{entry['at']}: {entry['verdict']}" + (f" ({causes})" if causes else ""), 200)
        blocks.append(
            {"x": round(at * width, 3), "width": round(width, 3), "status": _STATUS.get(entry["verdict"], "unknown"), "label": label}
        )
    last = blocks[-1]["label"]
    return {
        "kind": "rounds",
        "title": title,
        "note": f"the last one: {last}",
        "blocks": blocks,
        "text": f"{numbered(len(history), 'round/rounds')}, {last}",
        "from": clean(history[0]["at"], 40),
        "to": clean(history[-1]["at"], 40),
        "left": 0,
    }


def _runs(points: t.Iterable[tuple[float, t.Optional[float]]], place: t.Callable[[float, float], str]) -> t.Iterator[str]:
    run: list[str] = []
    for at, value in points:
        if value is None:
            if run:
                yield " ".join(run)
            run = []
        else:
            run.append(place(at, value))
    if run:
        # a single point would draw nothing
        yield " ".join(run if len(run) > 1 else run * 2)


def table(title: str, rows: t.Sequence[Row], columns: t.Sequence[tuple[str, str, str]], note: str = "") -> t.Optional[Chart]:
    """Rows as a table of (key, heading, unit); columns in which nothing is known are left out."""
    used = [column for column in columns if any(row.get(column[0]) is not None for row in rows)]
    if not rows or not used:
        return None
    body = [
        [clean(shown(row.get(key), unit), 300) if row.get(key) is not None else "" for key, _head, unit in used] for row in rows[:MOST_ROWS]
    ]
    heads = [{"title": head, "number": unit not in ("text", "boolean"), "code": head == "statement"} for _key, head, unit in used]
    return {"kind": "table", "downwards": False, "title": title, "note": note, "columns": heads, "rows": body, **_left(rows)}
