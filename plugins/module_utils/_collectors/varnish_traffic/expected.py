# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""URLs that were expected to be cached, or never to be: what became of them."""

from __future__ import annotations

import re
import typing as t

from ..._collect.derived import share
from ..._collect.facts import Facts, known
from ..._collect.problem import Problem
from ..._texts.redact import clean
from .patterns import BYPASSED, HITS, ranked
from .tally import Matcher, Tally


def matchers(options: t.Mapping[str, t.Any]) -> list[Matcher]:
    """The expectations of the options `cached` and `uncached`; what is no regular expression is a Problem."""
    wanted = [(want, text) for want in ("cached", "uncached") for text in options.get(want) or []]
    found = []
    for place, (want, text) in enumerate(wanted):
        try:
            found.append((want, place, re.compile(str(text))))
        except re.error as error:
            raise Problem(f"{want}: {clean(str(text), 80)!r} is not a regular expression ({error})") from None
    return found


def put(facts: Facts, tally: Tally, expected: t.Sequence[Matcher]) -> None:
    """A row per expectation, the share of the worst one that should be cached, and the hits of those that never should."""
    rows = [_row(tally, want, place, regex) for want, place, regex in expected]
    asked = {want: [row for row in rows if row["expect"] == want and row["requests"]] for want in ("cached", "uncached")}
    rows.sort(key=lambda row: -(known(row["wrong_ratio"]) or 0))
    facts.rows("expected", rows, 50)
    worst: t.Optional[float] = max((row["wrong_ratio"] for row in asked["cached"]), default=None)
    facts.put("expected_cached_bypass_ratio", worst, _why_none(rows, "cached"))
    hits = sum(row["wrong"] for row in asked["uncached"]) if asked["uncached"] else None
    facts.put("expected_uncached_hits", hits, _why_none(rows, "uncached"))


def _why_none(rows: t.Sequence[t.Mapping[str, t.Any]], want: str) -> str:
    if any(row["expect"] == want for row in rows):
        return f"no request in the log matches the URLs that were named as {want}"
    return f"no URLs were named as {want}"


def _row(tally: Tally, want: str, place: int, regex: t.Pattern[str]) -> dict[str, t.Any]:
    requests = hits = wrong = 0
    offenders: dict[str, int] = {}
    for kept in tally.bins():
        # other methods than these are never answered from a cache, and that is right
        if kept.side != "client" or kept.method not in (b"GET", b"HEAD"):
            continue
        is_hit = kept.outcome in HITS
        is_wrong = kept.outcome in BYPASSED if want == "cached" else is_hit
        for (pattern, marks), row in kept.rows.items():
            if place in marks:
                requests += row[0]
                hits += row[0] if is_hit else 0
                if is_wrong:
                    wrong += row[0]
                    offenders[pattern] = offenders.get(pattern, 0) + row[0]
    return {
        "name": clean(regex.pattern, 120),
        "expect": want,
        "requests": requests,
        "hits": hits,
        "wrong": wrong,
        "wrong_ratio": share(wrong, requests, "no request in the log matches it"),
        "patterns": [row["name"] for row in ranked(offenders, 3) if row["count"]],
    }
