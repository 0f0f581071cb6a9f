# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What visitors get as the edge counts it, where no accelerator's log does: nginx's log, or else HAProxy's counters."""

from __future__ import annotations

import typing as t

from .graph import Graph
from .observed import Instance, Row, known_sum
from .percentile import combined

EDGE = "edge"
NO_PATTERNS = "the edge counts responses by status and not by page"
NO_PERCENTILES = "HAProxy tells mean times only"
NO_OUTCOMES = "no log of an accelerator could be read"
NOTHING = "no request ended within the window"
#: 4xx that every site has: a page that is gone, a login, a visitor who did not wait.
_USUAL = ("401", "404", "410", "499")

Measures = dict[str, t.Any]


def counting(edges: t.Sequence[Instance], graph: t.Optional[Graph]) -> list[Instance]:
    """Those whose numbers are the visitors': the outermost that read their log, or else the outermost HAProxy."""
    logs = [edge for edge in edges if edge.number("logged_requests") is not None and edge.number("errors") is not None]
    counters = [edge for edge in edges if edge.service == "haproxy" and edge.number("errors") is not None]
    chosen = logs or counters
    if graph is None:
        return chosen
    return [edge for edge in chosen if not any(edge.key in graph.behind(other.key) for other in chosen if other is not edge)]


def by_edge(edges: t.Sequence[Instance]) -> tuple[Measures, dict[str, str]]:
    """The measures, and why those are null that are."""
    read = [edge for edge in edges if edge.number("logged_requests") is not None]
    requests = int(known_sum(edge.number("requests") for edge in edges) or 0)
    counted = int(sum(edge.number("logged_requests") or 0 for edge in read)) if read else requests
    times = combined([edge.part("response_times") for edge in read])
    errors, client = (int(known_sum(edge.number(name) for edge in edges) or 0) for name in ("errors", "client_errors"))
    statuses = [row for edge in read for row in edge.rows("statuses")]
    refused = sum(row.amount("requests") for row in statuses if row.word("name").startswith("4") and row.word("name") not in _USUAL)
    bad = sum(row.amount("requests") for row in statuses if row.word("name") == "400")
    measures: Measures = {
        "source": EDGE,
        "requests": requests,
        "logged_requests": counted,
        "requests_per_second": _sum(edge.number("requests_per_second") for edge in edges),
        "response_seconds": times.p95 if read else _mean(edges),
        "response_p50_seconds": times.p50,
        "response_p95_seconds": times.p95,
        "outcomes": None,
        "errors": errors,
        "error_ratio": _ratio(errors, counted),
        "client_errors": _by_status(statuses, counted) if read else None,
        "client_error_ratio": _ratio(client, counted),
        "refused": int(refused) if read else None,
        "refused_ratio": _ratio(refused, counted) if read else None,
        "bad_request_ratio": _ratio(bad, counted) if read else None,
        "refused_patterns": None,
    }
    why = dict.fromkeys(measures, NOTHING)
    why.update(outcomes=NO_OUTCOMES, refused_patterns=NO_PATTERNS)
    if not read:
        why.update(dict.fromkeys(("response_p50_seconds", "response_p95_seconds"), NO_PERCENTILES))
        why.update(dict.fromkeys(("client_errors", "refused", "refused_ratio", "bad_request_ratio"), "HAProxy counts 4xx together"))
    elif measures["response_seconds"] is None and counted:
        why.update(dict.fromkeys(("response_seconds", "response_p50_seconds", "response_p95_seconds"), _why_no_times(read)))
    return measures, why


def _why_no_times(read: t.Sequence[Instance]) -> str:
    reasons = [edge.part("unknown").get("response_p95_seconds") for edge in read]
    return next((str(reason) for reason in reasons if reason), NOTHING)


def _mean(edges: t.Sequence[Instance]) -> t.Optional[float]:
    """Of all backends, by their requests."""
    rows = [row for edge in edges for row in edge.rows("backends") if row.number("response_seconds") is not None and row.amount("requests")]
    requests = sum(row.amount("requests") for row in rows)
    return round(sum(row.amount("requests") * row.amount("response_seconds") for row in rows) / requests, 4) if requests else None


def _by_status(statuses: t.Iterable[Row], requests: int) -> list[dict[str, t.Any]]:
    counts: dict[str, int] = {}
    for row in statuses:
        if row.word("name").startswith("4"):
            counts[row.word("name")] = counts.get(row.word("name"), 0) + int(row.amount("requests"))
    ordered = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    return [{"status": status, "requests": count, "share_ratio": _ratio(count, requests)} for status, count in ordered[:20]]


def _sum(values: t.Iterable[t.Optional[float]]) -> t.Optional[float]:
    known = known_sum(values)
    return None if known is None else round(known, 3)


def _ratio(part: float, whole: float) -> t.Optional[float]:
    return round(min(1.0, part / whole), 6) if whole else None
