# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What visitors get within the window: response times, errors, and whether their connections wait. One instance for each site.

The accelerator's log knows all of it; without one, the edge's; without both, the application server knows its own mean time. Values since
a start never stand in.
"""

from __future__ import annotations

import typing as t

from .._checks.may_be_cached import log_of
from .._checks.services import in_tiers
from .graph import Graph, by_site
from .nodes import Key
from .observed import Hosts, Instance, figure, instances_up, known_sum
from .percentile import combined
from .request_time import request_time
from .visitors_edge import by_edge, counting

ACCELERATOR, APPLICATION, NOBODY = "accelerator", "application", "none"
NO_LOG = "no log of an accelerator could be read; the application server counts no responses by status"
NO_MEAN_ONLY = "the application server knows its mean response time only"
NO_REQUESTS = "no request ended within the window"
NO_ACCELERATOR = "no accelerator is known"

Measures = dict[str, t.Any]


def visitors(hosts: Hosts, graph: t.Optional[Graph] = None) -> list[dict[str, t.Any]]:
    """Instances of the service `visitors`, documented in the RETURN of the module judge."""
    accelerators = list(instances_up(hosts, "varnish"))
    on_host: dict[str, list[Instance]] = {}
    for each in accelerators:
        on_host.setdefault(each.host, []).append(each)
    logs = [_Log(log, _accelerator_of(log, on_host.get(log.host, []))) for log in instances_up(hosts, "varnish_traffic")]
    unmatched = [log.accelerator for log in logs if log.accelerator not in on_host.get(log.log.host, [])]
    logs_of: dict[Key, list[_Log]] = {}
    for log in logs:
        logs_of.setdefault(log.accelerator.key, []).append(log)
    applications = [
        each for service in in_tiers("application") for each in instances_up(hosts, service) if each.facts.get("kind", "app") == "app"
    ]
    edges = [each for service in in_tiers("edge") for each in instances_up(hosts, service)]
    sites = by_site(graph, [*accelerators, *unmatched, *applications, *edges])
    return [_site(group, logs_of, graph, _name(group) if len(sites) > 1 else "visitors") for group in sites if _is_visited(group)]


def _is_visited(group: t.Sequence[Instance]) -> bool:
    """Whether anything tells, or should tell, what visitors get: an accelerator, or workers that count requests."""
    return any(each.service == "varnish" or each.number("requests") is not None for each in group)


class _Log(t.NamedTuple):
    log: Instance
    accelerator: Instance


def _accelerator_of(log: Instance, here: t.Sequence[Instance]) -> Instance:
    """The accelerator of its host whose log it is; where its counters could not be read, one without any measure."""
    for each in here:
        if log_of(each.name, [(log.name, log)], len(here) == 1) is not None:
            return each
    return Instance(log.host, "varnish", {"name": log.facts.get("name")})


def _name(group: t.Sequence[Instance]) -> str:
    """Findings go by name: with several sites, theirs say which."""
    fronts = [each for each in group if each.service == "varnish"] or list(group)
    return f"visitors of {', '.join(sorted({str(each) for each in fronts})[:3])}"


def _site(group: t.Sequence[Instance], logs_of: t.Mapping[Key, t.Sequence[_Log]], graph: t.Optional[Graph], name: str) -> dict[str, t.Any]:
    accelerators = [each for each in group if each.service == "varnish"]
    applications = [each for each in group if each.service in in_tiers("application")]
    edges = [each for each in group if each.service in in_tiers("edge")]
    logs = [log for each in accelerators for log in logs_of.get(each.key, ()) if log.accelerator == each]
    read = [each.log for each in logs if each.log.number("requests") is not None]
    counted = [] if read else counting(edges, graph)
    measures, why = _by_log(read) if read else by_edge(counted) if counted else _by_application(applications)
    waits, why_waits = _connections(accelerators, applications)
    spent = request_time(read, accelerators, applications, graph)
    measures.update(waits, time_spent=spent.rows, time_spent_told=spent.sentence, mean_seconds=spent.mean)
    why.update(why_waits)
    if spent.why:
        why.update(dict.fromkeys([key for key in ("time_spent", "time_spent_told", "mean_seconds") if measures[key] is None], spent.why))
    return {
        "name": name,
        "state": "up",
        "problem": None,
        "accelerators": sorted({each.host for each in accelerators}),
        "applications": sorted({each.host for each in applications}),
        "edges": sorted({each.host for each in edges}),
        "of": ["/".join(each.key) for each in group],
        **_place([*counted, *accelerators, *applications, *edges]),
        **measures,
        "timed_requests": int(measures["requests"] or 0) if measures["response_seconds"] is not None else 0,
        "unknown": {key: reason for key, reason in why.items() if measures[key] is None},
        "notes": [],
    }


def _place(instances: t.Sequence[Instance]) -> dict[str, t.Any]:
    """Where a person looks first, and how the tools there reach the instance."""
    first = instances[0]
    kept = ("client_options", "address", "access", "access_log")
    return {"host": first.host, **{key: first.facts[key] for key in kept if key in first.facts}}


def _by_log(logs: t.Sequence[Instance]) -> tuple[Measures, dict[str, str]]:
    requests = int(sum(log.number("requests") or 0 for log in logs))
    times = combined([each for log in logs for each in _times(log)])
    errors, refused = (int(known_sum(log.number(key) for log in logs) or 0) for key in ("error_requests", "refused_requests"))
    rows = [row for log in logs for row in log.rows("statuses")]
    client_errors = _client_errors(rows, requests)
    lists = [row for log in logs for row in log.rows("refused")]
    bad_requests = int(sum(row.amount("count") for row in lists if row.get("status") == 400))
    measures: Measures = {
        "source": ACCELERATOR,
        "requests": requests,
        "logged_requests": requests,
        "requests_per_second": _rounded(known_sum(log.number("requests_per_second") for log in logs), 3),
        "response_p50_seconds": times.p50,
        "response_p95_seconds": times.p95,
        "response_seconds": times.p95,
        "outcomes": _outcomes(logs),
        "errors": errors,
        "error_ratio": _ratio(errors, requests),
        "client_errors": client_errors,
        "client_error_ratio": _ratio(sum(row["requests"] for row in client_errors), requests),
        "refused": refused,
        "refused_ratio": _ratio(refused, requests),
        "bad_request_ratio": _ratio(bad_requests, requests),
        "refused_patterns": [
            {key: row.get(key) for key in ("pattern", "status", "host", "count", "backend_requests")}
            for row in sorted(lists, key=lambda row: -row.amount("count"))[:10]
        ],
    }
    return measures, dict.fromkeys([key for key, value in measures.items() if value is None], NO_REQUESTS)


def _times(log: Instance) -> list[dict[str, t.Any]]:
    """Of all requests together; logs that were read by an older version have the classes only."""
    times = log.part("response_times")
    whole = times.get("all")
    return [whole] if isinstance(whole, dict) else [each for key in ("hit", "miss", "pass") if isinstance(each := times.get(key), dict)]


def _outcomes(logs: t.Sequence[Instance]) -> list[dict[str, t.Any]]:
    """By outcome: cached pages are so many on most sites that they hide how long the others take."""
    rows = []
    for outcome in ("hit", "miss", "pass"):
        parts = [part for log in logs if isinstance(part := log.part("response_times").get(outcome), dict)]
        requests = int(sum(figure(part, "count") or 0 for part in parts))
        if requests:
            times = combined(parts)
            rows.append({"outcome": outcome, "requests": requests, "p50_seconds": times.p50, "p95_seconds": times.p95})
    return rows


def _client_errors(rows: t.Iterable[t.Any], requests: int) -> list[dict[str, t.Any]]:
    counts: dict[str, int] = {}
    for row in rows:
        if row.word("name").startswith("4"):
            counts[row.word("name")] = counts.get(row.word("name"), 0) + int(row.amount("count"))
    ordered = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    return [{"status": status, "requests": count, "share_ratio": _ratio(count, requests)} for status, count in ordered[:20]]


def _by_application(applications: t.Sequence[Instance]) -> tuple[Measures, dict[str, str]]:
    counted = [(workers.number("requests"), workers.number("mean_response_seconds")) for workers in applications]
    known = [(count, mean) for count, mean in counted if count and mean is not None]
    requests = known_sum(count for count, _mean in counted)
    ended = sum(count for count, _mean in known)
    mean = sum(count * mean for count, mean in known) / ended if ended else None
    measures: Measures = {
        "source": NOBODY if requests is None else APPLICATION,
        "requests": None if requests is None else int(requests),
        "logged_requests": 0,
        "requests_per_second": _rounded(known_sum(workers.number("requests_per_second") for workers in applications), 3),
        "response_seconds": _rounded(mean, 4),
        "response_p50_seconds": None,
        "response_p95_seconds": None,
        "outcomes": None,
        "errors": None,
        "error_ratio": None,
        "client_errors": None,
        "client_error_ratio": None,
        "refused": None,
        "refused_ratio": None,
        "bad_request_ratio": None,
        "refused_patterns": None,
    }
    why = dict.fromkeys(measures, NO_LOG)
    why.update(dict.fromkeys(("response_p50_seconds", "response_p95_seconds"), NO_MEAN_ONLY))
    why["response_seconds"] = NO_REQUESTS if applications else NO_LOG
    return measures, why


def _connections(accelerators: t.Sequence[Instance], applications: t.Sequence[Instance]) -> tuple[Measures, dict[str, str]]:
    """Connections that wait now, and those that waited or were dropped within the window."""
    measures: Measures = {
        "thread_queue": _whole(each.number("threads.queue_length") for each in accelerators),
        "sessions_queued": _whole(each.number("sessions.queued") for each in accelerators),
        "sessions_dropped": _whole(each.number("sessions.dropped") for each in accelerators),
        "sessions_accepted": _whole(each.number("sessions.accepted") for each in accelerators),
        "listen_queue": _whole(each.number("listen_queue") for each in applications),
        "listen_wait_seconds": max(
            (wait for each in applications if (wait := each.number("queue_wait_seconds")) is not None), default=None
        ),
    }
    queued, accepted = measures["sessions_queued"], measures["sessions_accepted"]
    measures["sessions_queued_ratio"] = None if queued is None or not accepted else _ratio(min(queued, accepted), accepted)
    why = dict.fromkeys(measures, "the accelerator's counters were not read" if accelerators else NO_ACCELERATOR)
    why.update(dict.fromkeys(("listen_queue", "listen_wait_seconds"), "no listen queue of the application was read"))
    return measures, why


def _whole(values: t.Iterable[t.Optional[float]]) -> t.Optional[int]:
    known = known_sum(values)
    return None if known is None else int(known)


def _ratio(part: float, whole: float) -> t.Optional[float]:
    return round(min(1.0, part / whole), 6) if whole else None


def _rounded(value: t.Optional[float], places: int) -> t.Optional[float]:
    return None if value is None else round(value, places)
