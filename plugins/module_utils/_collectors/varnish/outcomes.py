# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: what became of the requests. The true hit ratio beside the one that varnishstat shows.

`cache_hitmiss` is already inside `cache_miss`, and `cache_hitpass` inside `s_pass`: neither is added again.
`client_req` is no denominator: ESI sub-requests are not in it, but their hits are in `cache_hit`.
"""

from __future__ import annotations

import typing as t

from ..._collect.derived import rate, share, total
from ..._collect.facts import Facts, Maybe, Unknown, known
from ..._collect.sampling import ONE_SAMPLE, Number
from .window import Window

Count = t.Callable[[str], Maybe[Number]]
Outcomes = dict[str, Maybe[Number]]

#: Fewer requests than this do not carry a ratio.
ENOUGH = 50

_COUNTS = {
    "requests": None,
    "hits": "cache_hit",
    "misses": "cache_miss",
    "passes": "s_pass",
    "pipes": "s_pipe",
    "synths": "s_synth",
    "grace_hits": "cache_hit_grace",
    "hit_for_misses": "cache_hitmiss",
    "hit_for_passes": "cache_hitpass",
}
#: Two counters are summed a moment apart: a part may be ahead of its whole by a few.
SLACK = 0.05
_JUDGED = (
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


def outcomes(count: Count, nothing: str) -> Outcomes:
    """Counts and ratios of the requests that `count` (counter → how many) knows of."""
    found: Outcomes = {name: count(counter) for name, counter in _COUNTS.items() if counter is not None}
    hits, misses, passes = found["hits"], found["misses"], found["passes"]
    # A recording may lack pipes and synthetic answers; every version counts hits, misses and passes.
    pipes, synths = known(found["pipes"]) or 0, known(found["synths"]) or 0
    requests = total([hits, misses, passes, pipes])
    return {
        "requests": requests,
        **found,
        "hit_ratio_true": share(hits, requests, nothing),
        "hit_ratio_shown": share(hits, total([hits, misses]), "nothing was looked up in the cache"),
        "offload_ratio": share(total([hits, synths]), total([requests, synths]), nothing),
        "pass_ratio": share(passes, requests, nothing),
        "pipe_ratio": share(found["pipes"], requests, nothing),
        "grace_ratio": share(found["grace_hits"], hits, "there were no hits", SLACK),
        "hit_for_miss_ratio": share(found["hit_for_misses"], misses, "there were no misses", SLACK),
        "hit_for_miss_request_ratio": share(found["hit_for_misses"], requests, nothing, SLACK),
        "hit_for_pass_ratio": share(found["hit_for_passes"], passes, "nothing was passed", SLACK),
    }


def put(facts: Facts, window: Window) -> None:
    """The window's outcomes under plain names, since start under `lifetime_…`, and what of the window can be judged."""
    ever = outcomes(window.now, "no lookups yet")
    none_ever = known(ever["requests"]) == 0
    now = outcomes(window.moved, "no lookups yet" if none_ever else "no requests in the window")
    facts.update(now)
    facts.put("requests_per_second", rate(now["requests"], window.seconds))
    facts.update({f"lifetime_{name}": value for name, value in ever.items()})
    facts.put("judged", _judged(now, window, none_ever))
    facts.put("hit_ratio_drop", _drop(outcomes(window.before, "no lookups before the window")["hit_ratio_true"], now["hit_ratio_true"]))


def _drop(before: Maybe[Number], now: Maybe[Number]) -> Maybe[float]:
    """By how much the true hit ratio of the window is below that of the time before it; 0 when it is not."""
    if isinstance(now, Unknown):
        return now
    return before if isinstance(before, Unknown) else round(max(0.0, before - now), 6)


def _judged(now: Outcomes, window: Window, none_ever: bool) -> dict[str, Maybe[t.Union[Number, str]]]:
    """The ratios of a window with enough requests to carry a judgement. What was before the window never stands in for it."""
    names = ("requests", "misses", *_JUDGED)
    requests = now["requests"]
    period = Unknown(ONE_SAMPLE) if not window.seconds else f"in the last {window.seconds:.0f} s"
    if not isinstance(requests, Unknown) and requests >= ENOUGH:
        return {"basis": "window", "period": period, **{name: now[name] for name in names}}
    if none_ever:
        why = Unknown("no lookups yet")
    elif isinstance(requests, Unknown):
        why = requests
    else:
        why = Unknown(f"too few requests: {requests} in the window, {ENOUGH} are needed for a ratio; widen the window, or wait for traffic")
    return {"basis": "none", "period": period, **dict.fromkeys(names, why), "requests": requests}
