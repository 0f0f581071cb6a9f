# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What visitors get, compared with the stored baseline: slower pages of any outcome, and 4xx that were not there before."""

from __future__ import annotations

import typing as t

from .._checks.services import fact_key, instances_in
from .observed import Instance, Row

#: Requests of an outcome from which its percentile says something.
ENOUGH = 20
#: A time that grew by less is the noise of a fast site, whatever its ratio.
NOTICED_SECONDS = 0.05
#: A status that had at least this part of its present share before is no new one.
DOUBLED = 2.0
#: A time that was shorter counts as this long: of microseconds every page would be many times slower.
SHORTEST = 0.001

NO_BASELINE = "the store holds no check labelled baseline (launch_check_label=baseline keeps one)"
NOT_COMPARABLE = "too few requests, now or in the baseline, or measured by something else then"
_MEASURES = (
    "slower_factor", "slower_by_seconds", "slower_outcome", "slower_before_seconds", "slower_now_seconds", "new_client_error_ratio",
    "new_client_errors",
)  # fmt: skip

Site = dict[str, t.Any]


def add_before(facts: dict[str, t.Any], baseline: t.Optional[t.Mapping[str, t.Any]]) -> None:
    """Give each site of the fleet's facts what it has of the baseline's (`fleet` of a stored report)."""
    sites = [site for site in instances_in(facts, "visitors") if site.get("state") == "up"]
    stored = baseline if isinstance(baseline, dict) and isinstance(baseline.get(fact_key("visitors")), dict) else {}
    before = [Instance("", "visitors", site) for site in instances_in(stored, "visitors") if site.get("state") == "up"]
    for site in sites:
        then = next((each for each in before if each.name == site.get("name")), None)
        if then is None and len(sites) == len(before) == 1:
            then = before[0]
        measures = compared(Instance("", "visitors", site), then)
        why = NO_BASELINE if then is None else NOT_COMPARABLE
        unknown = site.get("unknown")
        known = unknown if isinstance(unknown, dict) else {}
        site.update(measures, unknown={**known, **{name: why for name, value in measures.items() if value is None}})


def compared(now: Instance, then: t.Optional[Instance]) -> Site:
    """The measures of a site that need what it was then."""
    measures: Site = dict.fromkeys(_MEASURES)
    if then is not None:
        measures.update(_slower(now, then), **_new_errors(now, then))
    comparable = {"times": measures["slower_factor"] is not None, "errors": measures["new_client_errors"] is not None}
    return {**measures, "comparable": comparable}


def _slower(now: Instance, then: Instance) -> Site:
    """The outcome that got slower by the most times; one that a person notices before any other."""
    pairs = [(name, times[name], seconds) for times in (_times(then),) for name, seconds in _times(now).items() if name in times]
    grown = [(name, was, seconds, seconds / max(was, SHORTEST)) for name, was, seconds in pairs]
    if not grown:
        return {}
    name, was, seconds, ratio = max(grown, key=lambda row: (row[2] - row[1] >= NOTICED_SECONDS, row[3]))
    return {
        "slower_factor": round(ratio, 3),
        "slower_by_seconds": round(seconds - was, 6),
        "slower_outcome": name,
        "slower_before_seconds": was,
        "slower_now_seconds": seconds,
    }


def _times(site: Instance) -> dict[str, float]:
    """Outcome → seconds of which enough requests say it; of an application only its mean."""
    if site.facts.get("source") == "application":
        mean = site.number("response_seconds")
        return {"mean": mean} if mean is not None and (site.number("requests") or 0) >= ENOUGH else {}
    rows = [
        *site.rows("outcomes"),
        Row(outcome="all", requests=site.number("timed_requests"), p95_seconds=site.number("response_p95_seconds")),
    ]
    known = [(row.word("outcome"), row.number("p95_seconds")) for row in rows if row.amount("requests") >= ENOUGH]
    return {name: seconds for name, seconds in known if seconds is not None}


def _new_errors(now: Instance, then: Instance) -> Site:
    """Of the statuses that are at least twice as frequent as they were: their share of all requests."""
    if not all((site.number("logged_requests") or 0) >= ENOUGH for site in (now, then)):
        return {}
    were = {row.word("status"): row.amount("share_ratio") for row in then.rows("client_errors")}
    shares = [(row.word("status"), row.amount("share_ratio")) for row in now.rows("client_errors")]
    new = [(status, share) for status, share in shares if share >= DOUBLED * were.get(status, 0.0)]
    rows = [{"status": status, "share_ratio": share, "before_ratio": were.get(status, 0.0)} for status, share in new]
    return {"new_client_errors": rows, "new_client_error_ratio": round(min(1.0, sum(share for _status, share in new)), 6)}
