# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tables of URL patterns: what clients requested, joined with what it cost the backends."""

from __future__ import annotations

import re
import typing as t

from ..._collect.derived import share
from ..._collect.facts import Unknown, measured
from ..._collect.sampling import top
from ..._texts.redact import clean, url_example
from .reasons import BYPASS, PRIVATE
from .tally import OTHER, Bin, Tally, unescaped

HITS = ("hit", "grace_hit")
PASSED = ("pass", "hit_for_pass")
BYPASSED = (*PASSED, "hit_for_miss", "pipe")
_SAFE_METHODS = (b"GET", b"HEAD")
Which = t.Callable[[Bin], bool]


def table(tally: Tally, client: Which, backend: Which, totals: t.Mapping[str, float], by_status: bool = False) -> list[dict[str, t.Any]]:
    """A row per URL pattern (and status) of the client bins that are wanted, with the wanted backend bins of that pattern.

    The two sides meet by pattern: where VCL rewrites URLs, the backend's part stands under the rewritten one.
    """
    found: dict[tuple[str, t.Optional[int]], dict[str, t.Any]] = {}
    for kept in tally.bins():
        if kept.side == "client" and client(kept):
            for (pattern, marks), row in kept.rows.items():
                entry = found.setdefault((pattern, kept.status if by_status else None), _empty())
                _add_client(entry, kept, row)
                for want in {tally.wants[place] for place in marks}:
                    entry["expected"][want] += row[0]
    for kept in tally.bins():
        if kept.side == "backend" and backend(kept):
            for (pattern, _marks), row in kept.rows.items():
                asked = found.get((pattern, kept.status if by_status else None))
                if asked is not None:
                    _add_backend(asked, row)
    return [_row(pattern, status, entry, totals) for (pattern, status), entry in found.items()]


def _empty() -> dict[str, t.Any]:
    return {"count": 0, "cached": 0, "bytes": 0, "spent": 0, "asked": 0, "cost": 0, "reasons": {}, "example": None,
            "expected": {"cached": 0, "uncached": 0}, "unsafe": 0}  # fmt: skip


def _add_client(entry: dict[str, t.Any], kept: Bin, row: list[t.Any]) -> None:
    entry["count"] += row[0]
    entry["bytes"] += row[1]
    entry["spent"] += row[2]
    if kept.outcome in HITS:
        entry["cached"] += row[0]
    if kept.method not in _SAFE_METHODS:
        entry["unsafe"] += row[0]
    if entry["example"] is None and row[0]:
        entry["example"] = (row[4], row[5])


def _add_backend(entry: dict[str, t.Any], row: list[t.Any]) -> None:
    entry["asked"] += row[0]
    entry["cost"] += row[2]
    for name, count in (row[3] or {}).items():
        entry["reasons"][name] = entry["reasons"].get(name, 0) + count


def _must_bypass(entry: dict[str, t.Any], personal: int) -> bool:
    """Whether no cache may answer most of these requests. The one rule for that: whatever advises or blames goes by it.

    By the site's own list, the request's method, or what the responses and the requests say of themselves (`personal` of them).
    """
    if _expected(entry) == "uncached":
        return True
    return bool(entry["unsafe"] >= max(1, entry["count"] / 2) or (entry["asked"] and personal >= entry["asked"] / 2))


def _expected(entry: dict[str, t.Any]) -> t.Optional[str]:
    """What the site declared for most of these URLs."""
    return next((want for want in ("uncached", "cached") if entry["expected"][want] >= max(1, entry["count"] / 2)), None)


def _row(pattern: str, status: t.Optional[int], entry: dict[str, t.Any], totals: t.Mapping[str, float]) -> dict[str, t.Any]:
    url, host = entry["example"] or (b"", b"")
    private, personal = entry["reasons"].pop(PRIVATE, 0), entry["reasons"].pop(BYPASS, 0)
    some_must_bypass = personal or entry["unsafe"] or entry["expected"]["uncached"]
    why = ranked(entry["reasons"], 5)
    through = entry["count"] - entry["cached"]
    return {
        "pattern": pattern,
        **({} if status is None else {"status": status}),
        "example": url_example(unescaped(url)),
        "host": clean(unescaped(host), 80),
        "count": entry["count"],
        "share": share(entry["count"], totals["requests"], "no requests"),
        "cached": entry["cached"],
        "bytes": entry["bytes"],
        "mean_seconds": round(entry["spent"] / through / 1e6, 6) if through else Unknown("each of these requests was a hit"),
        "backend_requests": entry["asked"],
        "backend_seconds": round(entry["cost"] / 1e6, 6),
        "share_of_backend_time": share(entry["cost"], totals["backend_microseconds"], "no backend requests"),
        "private": private,
        "expected": measured(_expected(entry), "these URLs are in neither list of launch_check_urls"),
        "must_bypass": _must_bypass(entry, personal),
        "reason": why[0]["name"] if why else Unknown("the log names no reason"),
        "reasons": why,
        "url_regex": Unknown(_SOME_PERSONAL) if some_must_bypass else measured(url_regex(pattern), _NOT_TO_PASTE),
    }


_SOME_PERSONAL = "some of these URLs must bypass the cache, so no rule for all of them is advised"
_NOT_TO_PASTE = "the pattern holds what must not be pasted into a VCL"


def ranked(counts: t.Mapping[str, int], keep: int, total: t.Optional[int] = None) -> list[dict[str, t.Any]]:
    """{name: count} as rows, the largest first; with a share of `total` when that is given."""
    rows = [
        {"name": name, "count": count, **({} if total is None else {"share": share(count, total, "there is nothing to take a share of")})}
        for name, count in counts.items()
    ]
    return top(rows, "count", keep)


_SAFE = re.compile(r"^[A-Za-z0-9/_.~+%-]*$")
_HOLDERS = re.compile(r"<(id|slug|token)>")


def url_regex(pattern: str) -> t.Optional[str]:
    """The pattern as a regular expression for VCL, or None when it holds what must not be pasted into a VCL."""
    path = pattern.split("?", 1)[0]
    if path == OTHER or "…" in path or not _SAFE.match(_HOLDERS.sub("", path)):
        return None
    parts = _HOLDERS.split(path)
    written = "".join("[^/]+" if place % 2 else part.replace(".", "[.]").replace("+", "[+]") for place, part in enumerate(parts))
    return f"^{written}([?]|$)"
