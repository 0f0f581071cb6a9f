# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests that an accelerator could have served from its cache: never those that the facts say must bypass it."""

from __future__ import annotations

import dataclasses
import typing as t

from .._checks.may_be_cached import hit_ratio, must_bypass
from .._fleet.observed import Instance, Row, rows_in
from .cause import several

#: finding → the lists of requests that it is about.
LISTS = {"varnish_pass_ratio": ("passes",), "varnish_hit_for_miss": ("hit_for_misses",)}
ALL = ("passes", "hit_for_misses", "misses")
DROP = "varnish_hit_ratio_drop"

#: Of what may be cached at least this part comes from the cache: then the rest of the traffic is not the accelerator's fault.
WELL = 0.75
#: The part of what gets through from which a page is what the accelerator is at fault for.
NOTABLE_PAGE = 0.1

_REMEDIES = (
    (
        "Cookie",
        "for pages that are the same for every visitor ({urls}), ignore the Cookie header in vcl_recv (unset req.http.Cookie) and remove "
        "any rule that passes them",
    ),
    ("Set-Cookie", "remove Set-Cookie from the responses of {urls}, in the application or in vcl_backend_response"),
    ("TTL <= 0", "give the responses of {urls} a lifetime (Cache-Control: s-maxage, or beresp.ttl in vcl_backend_response)"),
    ("VCL rule or short TTL", "give the responses of {urls} a longer lifetime (Cache-Control: s-maxage, or beresp.ttl)"),
    ("VCL rule", "remove the rule of the VCL that passes {urls}"),
    ("hit-for-pass", "find out why an earlier response of {urls} was marked as uncacheable (hit-for-pass)"),
    ("Vary", "let the responses of {urls} vary by less (the Vary header)"),
)


@dataclasses.dataclass(frozen=True)
class Uncached:
    """What reached the backend and may be cached: URL patterns, most requested first, and permanent redirects."""

    rows: list[Row]
    redirects: list[Row]
    #: The lists that these rows are from.
    lists: frozenset[str]
    #: Whether requests were listed at all: then no rows means that nothing is left to blame.
    known: bool
    #: Hits among the requests that may be cached, where outcomes were counted.
    hit_ratio: t.Optional[float]

    @property
    def patterns(self) -> list[str]:
        return [row.word("pattern") for row in self.rows]

    @property
    def moved(self) -> list[str]:
        return [row.word("pattern") for row in self.redirects]

    @property
    def notable(self) -> list[str]:
        """Patterns that are much of what gets through: a page may pass whatever the cache does, but seldom much."""
        whole = sum(row.amount("count") for row in self.rows)
        return [row.word("pattern") for row in self.rows if row.amount("count") >= NOTABLE_PAGE * whole]

    def blames(self, check: str) -> bool:
        """Whether the finding is about requests that may be cached."""
        if self.redirects or not self.known:
            return True
        if check != DROP and self.hit_ratio is not None and self.hit_ratio >= WELL:
            return False
        return not self.lists.isdisjoint(LISTS.get(check, ALL))

    def remedies(self) -> t.Iterator[str]:
        """A step for each reason why they are not cached."""
        for reason, words in _REMEDIES:
            urls = [row.word("pattern") for row in self.rows if _main_reason(row) == reason]
            if urls:
                yield words.format(urls=several(urls))


def uncached(traffic: t.Optional[Instance]) -> Uncached:
    if traffic is None:
        return Uncached([], [], frozenset(), False, None)
    listed = {name: traffic.rows(name) for name in ALL}
    redirects = [row for row in traffic.rows("redirects") if not must_bypass(row)]
    moved = {row.word("pattern") for row in redirects}
    kept = {name: [row for row in rows if not must_bypass(row)] for name, rows in listed.items()}
    rows = sorted((row for part in kept.values() for row in part), key=lambda row: -row.amount("count"))
    lists = frozenset(name for name, part in kept.items() if part)
    rows = [row for row in rows if row.word("pattern") not in moved]  # a redirect has its own fix
    return Uncached(rows, redirects, lists, any(listed.values()), hit_ratio(traffic.facts))


def reasons_of(row: Row) -> dict[str, float]:
    """Why the cache did not answer, by how many requests."""
    return {str(reason.get("name")): reason.amount("count") for reason in rows_in(row.get("reasons"))}


def _main_reason(row: Row) -> t.Optional[str]:
    reasons = reasons_of(row)
    main = max(reasons, key=lambda name: reasons[name], default=None)
    return "Vary" if main and main.startswith("Vary") else main


def share_of_errors(traffic: Instance) -> float:
    """Of what was fetched for the cache: the part that was an error."""
    fetched = [row for name in ("hit_for_misses", "misses") for row in traffic.rows(name)]
    whole = sum(row.amount("backend_requests") for row in fetched)
    failed = sum(reasons_of(row).get("error", 0) for row in fetched)
    return failed / whole if whole else 0.0
