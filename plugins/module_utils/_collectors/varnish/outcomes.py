# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: what became of the requests. The true hit ratio beside the one that varnishstat shows.

`cache_hitmiss` is already inside `cache_miss`, and `cache_hitpass` inside `s_pass`: neither is added again.
`client_req` is no denominator: ESI sub-requests are not in it, but their hits are in `cache_hit`.
"""

from __future__ import annotations

import typing as t

from ..._collect.sampling import Number, rate, ratio, total
from .window import Window

Count = t.Callable[[str], t.Optional[Number]]

#: Fewer requests than this do not carry a ratio.
ENOUGH = 500

_RATIOS = (
    "hit_ratio_true",
    "hit_ratio_shown",
    "offload_ratio",
    "pass_ratio",
    "pipe_ratio",
    "grace_ratio",
    "hit_for_miss_ratio",
    "hit_for_miss_request_ratio",
    "hit_for_pass_ratio",
)


def outcomes(count: Count) -> dict[str, t.Any]:
    """Counts and ratios of the requests that `count` (counter → how many) knows of."""
    hits, misses, passes = count("cache_hit"), count("cache_miss"), count("s_pass")
    # A recording may lack pipes and synthetic answers; every version counts hits, misses and passes.
    pipes, synths = count("s_pipe"), count("s_synth")
    requests = total(hits, misses, passes, pipes or 0)
    answered = total(hits, synths or 0)
    return {
        "requests": requests,
        "hits": hits,
        "misses": misses,
        "passes": passes,
        "pipes": pipes,
        "synths": synths,
        "grace_hits": count("cache_hit_grace"),
        "hit_for_misses": count("cache_hitmiss"),
        "hit_for_passes": count("cache_hitpass"),
        "hit_ratio_true": ratio(hits, requests),
        "hit_ratio_shown": ratio(hits, total(hits, misses)),
        "offload_ratio": ratio(answered, total(requests, synths or 0)),
        "pass_ratio": ratio(passes, requests),
        "pipe_ratio": ratio(pipes, requests),
        "grace_ratio": _part(count("cache_hit_grace"), hits),
        "hit_for_miss_ratio": _part(count("cache_hitmiss"), misses),
        "hit_for_miss_request_ratio": _part(count("cache_hitmiss"), requests),
        "hit_for_pass_ratio": _part(count("cache_hitpass"), passes),
    }


def _part(part: t.Optional[Number], whole: t.Optional[Number]) -> t.Optional[float]:
    """A subset's share. The two counters are summed a moment apart, so the subset may be ahead by a few."""
    if part is not None and whole:
        part = min(part, whole)
    return ratio(part, whole)


def measures(window: Window, unknown: dict[str, str], notes: list[str]) -> dict[str, t.Any]:
    """The window's outcomes under plain names, since start under `lifetime_…`, and which of both can be judged."""
    now = outcomes(window.moved)
    ever = outcomes(window.since_start)
    for name, value in now.items():
        if value is None:
            unknown[name] = _why(name, now, ever, window)
    for name, value in ever.items():
        if value is None:
            unknown["lifetime_" + name] = "no lookups yet" if name in _RATIOS and ever["requests"] == 0 else _absent(name)
    before = outcomes(lambda name: window.first.get("MAIN." + name))
    facts = {
        **now,
        "requests_per_second": rate(now["requests"], window.seconds),
        **{"lifetime_" + name: value for name, value in ever.items()},
        "judged": _judged(now, ever, window, unknown, notes),
        "hit_ratio_drop": _drop(before["hit_ratio_true"], now["hit_ratio_true"]),
    }
    for name in ("requests_per_second", "hit_ratio_drop"):
        if facts[name] is None:
            unknown[name] = unknown.get("requests") or unknown.get("hit_ratio_true") or "no lookups before the window"
    return facts


def _why(name: str, now: t.Mapping[str, t.Any], ever: t.Mapping[str, t.Any], window: Window) -> str:
    if window.why_none is not None:
        return window.why_none
    if name in _RATIOS and now["requests"] == 0:
        return "no lookups yet" if ever["requests"] == 0 else "no requests in the window"
    if name in _RATIOS and ever[name] is not None:
        return "nothing in the window to take a share of"
    return _absent(name)


def _absent(name: str) -> str:
    return f"this version of Varnish does not count {name}"


def _drop(before: t.Optional[float], now: t.Optional[float]) -> t.Optional[float]:
    """By how much the true hit ratio of the window is below that of the time before it; 0 when it is not."""
    return None if before is None or now is None else round(max(0.0, before - now), 6)


def _judged(now: dict[str, t.Any], ever: dict[str, t.Any], window: Window, unknown: dict[str, str], notes: list[str]) -> dict[str, t.Any]:
    """The ratios that carry a judgement: the window's when it saw enough requests, else those since start."""
    if (now["requests"] or 0) >= ENOUGH:
        basis, chosen, text = "window", now, f"in the last {window.seconds:.0f} s"
    elif (ever["requests"] or 0) >= ENOUGH:
        basis, chosen, text = "lifetime", ever, "since the child started"
        notes.append(f"fewer than {ENOUGH} requests in the window: ratios are judged over the time since varnishd's child started")
    else:
        names = ("requests", "misses", *_RATIOS)
        for name in names:
            unknown["judged." + name] = _too_few(now, ever, window)
        return {"basis": None, "period": None, **dict.fromkeys(names)}
    return {
        "basis": basis,
        "period": text,
        "requests": chosen["requests"],
        "misses": chosen["misses"],
        **{name: chosen[name] for name in _RATIOS},
    }


def _too_few(now: dict[str, t.Any], ever: dict[str, t.Any], window: Window) -> str:
    if window.restarted:
        return str(window.why_none)
    if ever["requests"] is None:
        return "Varnish gave no counters of hits, misses and passes"
    if ever["requests"] == 0:
        return "no lookups yet"
    seen = "" if now["requests"] is None else f"{now['requests']} in the window, "
    return f"too few requests: {seen}{ever['requests']} since the child started; {ENOUGH} are needed for a ratio"
