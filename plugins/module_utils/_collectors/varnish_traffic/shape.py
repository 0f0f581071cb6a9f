# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: one pass over the log as facts."""

from __future__ import annotations

import datetime
import time
import typing as t

from ..._collect.sampling import rate, ratio, top
from ..._text.redact import clean
from .expected import facts as expected_facts
from .log import Stream
from .patterns import BYPASSED, HITS, ranked, table
from .tally import OUTCOMES, Bin, Matcher, Tally, unescaped
from .times import Times

#: list → the outcomes of the client, and the kinds of backend requests that belong to them
_LISTS = {
    "hits": (HITS, ("background",)),
    "misses": (("miss",), ("fetch",)),
    "hit_for_misses": (("hit_for_miss",), ("fetch",)),
    "passes": (("pass", "hit_for_pass"), ("pass",)),
    "pipes": (("pipe",), ()),
    "synths": (("synth",), ()),
}
_PERMANENT = (301, 308)


def facts(tally: Tally, stream: Stream, expected: t.Sequence[Matcher], keep: int) -> dict[str, t.Any]:
    """The measures of one instance (documented in the module's RETURN)."""
    tally.fold()
    unknown: dict[str, str] = {}
    notes: list[str] = []
    log = _log(tally, stream, notes)
    outcomes = _outcomes(tally)
    requests = sum(outcomes.values())
    looked_up = requests - outcomes["synth"]
    totals = {"requests": requests, "backend_microseconds": _backend_time(tally)}
    passed = outcomes["pass"] + outcomes["hit_for_pass"]
    result = {
        "log": log,
        "requests": requests,
        "requests_per_second": rate(requests, log["seconds"]),
        "outcomes": outcomes,
        "shares": {name: ratio(count, requests) for name, count in outcomes.items()},
        "hit_ratio_true": ratio(outcomes["hit"] + outcomes["grace_hit"], looked_up),
        "pass_ratio": ratio(passed, looked_up),
        "bypass_ratio": ratio(passed + outcomes["pipe"] + outcomes["hit_for_miss"], looked_up),
        "malformed_requests": tally.malformed.count,
        **_visitors(tally, requests, keep),
        **_lists(tally, totals, keep),
        **_bypasses(tally, totals, looked_up, keep),
        **_statuses(tally, totals, keep),
        **_reasons(tally),
        "response_times": {name: tally.times[name].facts() for name in ("hit", "miss", "pass")},
        "backend": _backend(tally),
        **expected_facts(tally, expected, unknown),
    }
    _explain(result, requests, looked_up, unknown)
    return {**result, "unknown": unknown, "notes": notes}


def _log(tally: Tally, stream: Stream, notes: list[str]) -> dict[str, t.Any]:
    seconds = round(max(0.0, tally.last - tally.first), 3)
    complete = not (stream.late or stream.cut or stream.missed)
    if stream.late:
        notes.append(f"not all of the log was read: time was up after {tally.lines} transactions, the newest are missing")
    if stream.missed:
        notes.append("not all of the log was read: varnishd wrote faster than it could be read")
    age = round(max(0.0, time.time() - tally.last), 1) if tally.last else None
    if age is not None and age > 60:
        notes.append(f"the newest request in the log is {age:.0f} s old: nobody visits, or the log is that of a varnishd that was killed")
    if tally.dropped:
        notes.append("so many different URLs that some are counted together as other URLs")
    if tally.unparsed:
        notes.append(f"{tally.unparsed} lines of the log could not be read and are in no count")
    return {
        "transactions": tally.lines,
        "unparsed": tally.unparsed + stream.cut,
        "seconds": seconds,
        "first_at": _moment(tally.first),
        "last_at": _moment(tally.last),
        "age_seconds": age,
        "complete": complete,
        "patterns_kept": tally.rows,
    }


def _moment(at: float) -> t.Optional[str]:
    if not at:
        return None
    return datetime.datetime.fromtimestamp(at, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _count(kept: Bin) -> int:
    return sum(row[0] for row in kept.rows.values())


def _outcomes(tally: Tally) -> dict[str, int]:
    counts = dict.fromkeys(OUTCOMES, 0)
    for kept in tally.bins():
        if kept.side == "client":
            counts[kept.outcome] += _count(kept)
    return counts


def _backend_time(tally: Tally) -> int:
    return sum(row[2] for kept in tally.bins() if kept.side == "backend" for row in kept.rows.values())


def _visitors(tally: Tally, requests: int, keep: int) -> dict[str, t.Any]:
    methods: dict[str, int] = {}
    statuses: dict[str, int] = {}
    for kept in tally.bins():
        if kept.side == "client" and kept.rows:
            method = kept.method.decode("ascii", "replace")
            methods[method] = methods.get(method, 0) + _count(kept)
            status = str(kept.status) if kept.status else "none"
            statuses[status] = statuses.get(status, 0) + _count(kept)
    hosts: dict[str, int] = {}
    for host, count in tally.hosts.items():
        name = clean(unescaped(host).lower(), 80) or "(other hosts)"
        hosts[name] = hosts.get(name, 0) + count
    agents = [
        {"name": name, "kind": kind, "count": count, "share": ratio(count, requests)} for (name, kind), count in tally.families.items()
    ]
    return {
        "statuses": ranked(statuses, max(keep, 20), requests),
        "methods": ranked(methods, 20, requests),
        "hosts": ranked(hosts, keep, requests),
        "hosts_total": len(hosts),
        "agents": top(agents, "count", max(keep, 20)),
    }


def _lists(tally: Tally, totals: t.Mapping[str, float], keep: int) -> dict[str, t.Any]:
    result: dict[str, t.Any] = {}
    for name, (outcomes, kinds) in _LISTS.items():
        rows = table(tally, _outcome_in(outcomes), _outcome_in(kinds), totals)
        result[name] = top(rows, "count", keep)
        result[name + "_total"] = len(rows)
    through = table(tally, _outcome_in(("miss", "hit_for_miss", "pass", "hit_for_pass")), _outcome_in(("fetch", "pass")), totals)
    result["slowest"] = top(through, "mean_seconds", keep)
    return result


def _bypasses(tally: Tally, totals: t.Mapping[str, float], looked_up: int, keep: int) -> dict[str, t.Any]:
    """What bypassed the cache although nothing says that it has to: what a VCL or an application can mend."""
    rows = table(tally, _outcome_in(BYPASSED), _outcome_in(("fetch", "pass")), totals)
    cacheable = [row for row in rows if not row["must_bypass"]]
    return {
        "bypasses": top(cacheable, "count", keep),
        "bypasses_total": len(cacheable),
        "bypass_cacheable_ratio": ratio(sum(row["count"] for row in cacheable), looked_up),
    }


def _outcome_in(names: t.Sequence[str]) -> t.Callable[[Bin], bool]:
    return lambda kept: kept.outcome in names


def _statuses(tally: Tally, totals: t.Mapping[str, float], keep: int) -> dict[str, t.Any]:
    """404s, permanent redirects and errors: all that were delivered, and how many of them had to be computed."""
    result: dict[str, t.Any] = {}
    for name, which in (
        ("not_found", lambda status: status == 404),
        ("redirects", lambda status: status in _PERMANENT),
        ("errors", lambda status: status >= 500),
    ):
        wanted = _status(which, synths=name == "errors")
        rows = table(tally, wanted, wanted, totals, by_status=True)
        rows = top(rows, "count", len(rows))
        if name == "redirects":
            # a permanent redirect that only the cache answered is as it should be, and so is one that is private by its own word
            rows = [row for row in rows if row["cached"] < row["count"] and not row["must_bypass"]]
            rows = top(rows, "backend_requests", len(rows))
        single = {"not_found": "not_found", "redirects": "redirect", "errors": "error"}[name]
        counted = _status_count(tally, which)
        cost = _rows_cost(rows) if name == "redirects" else _status_cost(tally, which)
        result[name] = rows[:keep]
        result[name + "_total"] = len(rows)
        result[single + "_requests"] = counted
        result[single + "_ratio"] = ratio(counted, totals["requests"])
        result[single + "_backend_requests"] = cost[0]
        result[single + "_backend_time_ratio"] = ratio(cost[1], totals["backend_microseconds"])
        result[single + "_top_ratio"] = max((ratio(row["backend_requests"], totals["requests"]) or 0.0 for row in rows), default=0.0)
    return result


def _status(which: t.Callable[[int], bool], synths: bool) -> t.Callable[[Bin], bool]:
    # a redirect or 404 that VCL itself gives (synth) is no work of anybody's; an error is one whoever made it
    return lambda kept: which(kept.status) and (synths or kept.outcome != "synth")


def _status_count(tally: Tally, which: t.Callable[[int], bool]) -> int:
    return sum(_count(kept) for kept in tally.bins() if kept.side == "client" and which(kept.status))


def _status_cost(tally: Tally, which: t.Callable[[int], bool]) -> tuple[int, float]:
    rows = [row for kept in tally.bins() if kept.side == "backend" and which(kept.status) for row in kept.rows.values()]
    return sum(row[0] for row in rows), sum(row[2] for row in rows)


def _rows_cost(rows: t.Sequence[t.Mapping[str, t.Any]]) -> tuple[int, float]:
    return sum(row["backend_requests"] for row in rows), sum(row["backend_seconds"] for row in rows) * 1e6


def _reasons(tally: Tally) -> dict[str, t.Any]:
    passes = sum(_count(kept) for kept in tally.bins() if kept.side == "backend" and kept.outcome == "pass")
    fetches = sum(_count(kept) for kept in tally.bins() if kept.side == "backend" and kept.outcome in ("fetch", "background"))
    not_stored: dict[str, int] = dict(tally.reasons["fetch"])
    for name, count in tally.reasons["background"].items():
        not_stored[name] = not_stored.get(name, 0) + count
    return {"pass_reasons": ranked(tally.reasons["pass"], 20, passes), "not_stored_reasons": ranked(not_stored, 20, fetches)}


def _backend(tally: Tally) -> dict[str, t.Any]:
    bins = [kept for kept in tally.bins() if kept.side == "backend"]
    counts = {kind: sum(_count(kept) for kept in bins if kept.outcome == kind) for kind in ("fetch", "background", "pass")}
    errors = sum(_count(kept) for kept in bins if kept.status >= 500)
    requests = sum(counts.values())
    times: Times = tally.times["backend"]
    return {
        "requests": requests,
        "fetches": counts["fetch"],
        "background_fetches": counts["background"],
        "passes": counts["pass"],
        "errors": errors,
        "error_ratio": ratio(errors, requests),
        "seconds": round(_backend_time(tally) / 1e6, 6),
        "times": times.facts(),
    }


def _explain(result: t.Mapping[str, t.Any], requests: int, looked_up: int, unknown: dict[str, str]) -> None:
    none = "no requests in the log, or none young enough to count (see the option last)"
    nothing = none if not requests else "nothing was looked up in the cache" if not looked_up else ""
    for name, value in result.items():
        if value is None and name not in unknown:
            short = "the log covers no time" if name == "requests_per_second" and requests else "no backend requests in the log"
            unknown[name] = nothing or short
    for name, times in result["response_times"].items():
        if not times["count"]:
            unknown["response_times." + name] = f"no {name} in the log"
    if not result["backend"]["requests"]:
        unknown["backend.error_ratio"] = unknown["backend.times"] = "no backend requests in the log"
