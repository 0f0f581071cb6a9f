# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Named URLs (`launch_check_probes`) as they were visited from the control node and from accelerators' hosts."""

from __future__ import annotations

import typing as t

from .._checks.services import fact_key, instances_in
from .observed import Hosts, Row, instances_up, rows_in

#: Where the check runs.
CONTROL_NODE = "the control node"
#: From here on a status says that a visitor got no page.
ERROR = 400
NAME = "visitors"
NOT_ASKED = "no URLs are named (launch_check_probes)"
NO_ANSWER = "none of the named URLs answered"

Measures = dict[str, t.Any]


def add_visits(facts: dict[str, t.Any], hosts: Hosts, from_here: t.Sequence[t.Mapping[str, t.Any]]) -> None:
    """Give the sites of the fleet's facts their visits. A URL names no site, so one of several sites has those from the control node."""
    by_host = {each.host: each.rows("visits") for each in instances_up(hosts, "varnish")}
    here = rows_in(list(from_here))
    if here and fact_key(NAME) not in facts:
        alone: dict[str, t.Any] = {"name": NAME, "state": "up", "problem": None, "source": "none", "unknown": {}, "notes": []}
        facts[fact_key(NAME)] = {"schema": 1, "instances": [alone]}
    for place, site in enumerate([site for site in instances_in(facts, NAME) if site.get("state") == "up"]):
        theirs = [(host, row) for host in site.get("accelerators") or [] for row in by_host.get(host, [])]
        measures = visited([*((CONTROL_NODE, row) for row in (here if place == 0 else [])), *theirs])
        why = NO_ANSWER if measures["probes"] else NOT_ASKED
        unknown = {**(site.get("unknown") or {}), **{name: why for name, value in measures.items() if value is None}}
        site.update(measures, unknown=unknown)


def visited(visits: t.Sequence[tuple[str, Row]]) -> Measures:
    """The measures of visits as (from where, row); a URL failed when it did from everywhere."""
    rows = sorted((_row(place, row) for place, row in visits), key=lambda row: (row["failed"] is not True, row["url"]))
    urls: dict[str, list[bool]] = {}
    for row in rows:
        urls.setdefault(row["url"], []).append(row["failed"])
    times = [row["first_byte_seconds"] for row in rows if row["first_byte_seconds"] is not None]
    return {
        "probes": rows,
        "probes_total": len(urls),
        "probes_failed": sum(all(failed) for failed in urls.values()),
        "probes_failing": sum(any(failed) for failed in urls.values()),
        "probes_slowest_seconds": max(times, default=None),
    }


def _row(place: str, row: Row) -> Measures:
    status = row.get("status")
    known = status if isinstance(status, int) and not isinstance(status, bool) else None
    failed = known is None or known >= ERROR
    return {
        "url": row.word("url"),
        "visited_from": place,
        "failed": failed,
        "status": known,
        "first_byte_seconds": row.number("first_byte_seconds"),
        "total_seconds": row.number("total_seconds"),
        "location": row.get("location"),
        "why": (f"status {known}" if known is not None else row.word("problem") or "no answer") if failed else None,
    }
