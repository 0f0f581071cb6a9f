# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: one pass over the log as facts."""

from __future__ import annotations

import time
import typing as t

from ..._collect.derived import per, share
from ..._collect.facts import Facts, Maybe, Unknown, measured
from ..._collect.sampling import top
from ..._collect.times import Times
from ..._texts import moments
from ..._texts.counted import counted
from ..._texts.redact import clean
from .expected import put as expected_urls
from .log import Stream
from .patterns import HITS, PASSED, ranked, table
from .tally import OUTCOMES, Bin, Matcher, Tally, unescaped

#: list → the outcomes of the client, and the kinds of backend requests that belong to them
_LISTS = {
    "hits": (HITS, ("background",)),
    "misses": (("miss",), ("fetch",)),
    "hit_for_misses": (("hit_for_miss",), ("fetch",)),
    "passes": (PASSED, ("pass",)),
    "pipes": (("pipe",), ()),
    "synths": (("synth",), ()),
}
#: What bypassed the cache, of that what its log tells anything about: of a pipe it sees no response.
_BYPASS_LISTS = ("passes", "hit_for_misses")
_PERMANENT = (301, 308)
#: Statuses of clients' mistakes that every site has: a login, an old link.
_ORDINARY = (401, 404, 410)
_CLIENT_TIMES = ("hit", "miss", "pass", "other")
NO_REQUESTS = "no request ended within the window (the option last counts a longer part of the log)"
NO_BACKEND = "no backend requests in the log"


def facts(tally: Tally, stream: Stream, expected: t.Sequence[Matcher], keep: int, since: float = 0.0) -> Facts:
    """The measures of one instance (documented in the module's RETURN). `since`: from when on the log was read; 0 is all of it."""
    tally.fold()
    result = Facts()
    log = _log(result, tally, stream, since)
    outcomes = _outcomes(tally)
    requests = sum(outcomes.values())
    looked_up = requests - outcomes["synth"]
    passed = outcomes["pass"] + outcomes["hit_for_pass"]
    none = NO_REQUESTS if not requests else "nothing was looked up in the cache"
    totals = {"requests": requests, "backend_microseconds": _backend_time(tally)}
    result.put("log", log)
    result.put("requests", requests)
    result.put("requests_per_second", per(requests, log["seconds"], "the log covers no time") if requests else Unknown(NO_REQUESTS))
    result.put("outcomes", outcomes)
    result.put("shares", {name: share(count, requests, none) for name, count in outcomes.items()})
    result.put("hit_ratio_true", share(outcomes["hit"] + outcomes["grace_hit"], looked_up, none))
    result.put("pass_ratio", share(passed, looked_up, none))
    result.put("bypass_ratio", share(passed + outcomes["pipe"] + outcomes["hit_for_miss"], looked_up, none))
    result.put("malformed_requests", tally.malformed.count)
    _visitors(result, tally, requests, keep)
    lists = _lists(result, tally, totals, keep)
    _bypasses(result, lists, looked_up, none, keep)
    _statuses(result, tally, totals, keep)
    _reasons(result, tally)
    result.put("response_times", _response_times(tally))
    result.put("backend", _backend(tally))
    expected_urls(result, tally, expected)
    return result


def _log(facts_: Facts, tally: Tally, stream: Stream, since: float) -> dict[str, t.Any]:
    # what ended within the window may have begun long before it
    seconds = round(max(0.0, tally.last - max(tally.first, since)), 3)
    complete = not (stream.late or stream.cut or stream.missed)
    if stream.late:
        facts_.note(
            f"not all of the log was read: time was up after {counted(tally.lines, 'transaction', 'transactions')}, the newest are missing"
        )
    if stream.missed:
        facts_.note("not all of the log was read: varnishd wrote faster than it could be read")
    age = round(max(0.0, time.time() - tally.last), 1) if tally.last else None
    if age is not None and age > 60:
        facts_.note(f"the newest request in the log is {age:.0f} s old: nobody visits, or the log is that of a varnishd that was killed")
    if tally.dropped:
        facts_.note("so many different URLs that some are counted together as other URLs")
    if tally.unparsed + stream.cut:
        facts_.note(counted(tally.unparsed + stream.cut, "line of the log is", "lines of the log are") + " unreadable and in no count")
    if not tally.lines:
        facts_.note(NO_REQUESTS)
    return {
        "transactions": tally.lines,
        "unparsed": tally.unparsed + stream.cut,
        "seconds": seconds,
        "first_at": _moment(tally.first),
        "last_at": _moment(tally.last),
        "age_seconds": measured(age, NO_REQUESTS),
        "complete": complete,
        "patterns_kept": tally.rows,
    }


def _moment(at: float) -> Maybe[str]:
    if not at:
        return Unknown(NO_REQUESTS)
    return moments.written(at)


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


def _visitors(facts_: Facts, tally: Tally, requests: int, keep: int) -> None:
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
        {"name": name, "kind": kind, "count": count, "share": share(count, requests, NO_REQUESTS)}
        for (name, kind), count in tally.families.items()
    ]
    facts_.put("statuses", ranked(statuses, max(keep, 20), requests))
    facts_.put("methods", ranked(methods, 20, requests))
    facts_.rows("hosts", ranked(hosts, len(hosts), requests), keep)
    facts_.put("agents", top(agents, "count", max(keep, 20)))


def _lists(facts_: Facts, tally: Tally, totals: t.Mapping[str, float], keep: int) -> dict[str, list[dict[str, t.Any]]]:
    """Each list in full, once the facts have its first rows."""
    lists = {}
    for name, (outcomes, kinds) in _LISTS.items():
        rows = table(tally, _outcome_in(outcomes), _never_stored if name == "hit_for_misses" else _outcome_in(kinds), totals)
        lists[name] = top(rows, "count", len(rows))
        facts_.rows(name, lists[name], keep)
    through = table(tally, _outcome_in(("miss", "hit_for_miss", *PASSED)), _outcome_in(("fetch", "pass")), totals)
    facts_.put("slowest", top(through, "mean_seconds", keep))
    return lists


def _bypasses(facts_: Facts, lists: t.Mapping[str, list[dict[str, t.Any]]], looked_up: int, none: str, keep: int) -> None:
    """What bypassed the cache although nothing says that it has to: what a VCL or an application can mend. And how much had to."""
    cacheable = [row for name in _BYPASS_LISTS for row in lists[name] if not row["must_bypass"]]
    facts_.rows("bypasses", top(cacheable, "count", len(cacheable)), keep)
    facts_.put("bypass_cacheable_ratio", share(sum(row["count"] for row in cacheable), looked_up, none))
    kept_out = {name: sum(row["count"] for row in lists[name] if row["must_bypass"]) for name in ("misses", *_BYPASS_LISTS, "pipes")}
    facts_.put("must_bypass", kept_out)


def _never_stored(kept: Bin) -> bool:
    """What a hit-for-miss fetches is not stored; what is stored was fetched for a miss, and says nothing about it."""
    return kept.outcome == "fetch" and not kept.stored


def _outcome_in(names: t.Sequence[str]) -> t.Callable[[Bin], bool]:
    return lambda kept: kept.outcome in names


def _statuses(facts_: Facts, tally: Tally, totals: t.Mapping[str, float], keep: int) -> None:
    """404s, permanent redirects and errors: all that were delivered, and how many of them had to be computed."""
    requests = totals["requests"]
    for name, which in (
        ("not_found", lambda status: status == 404),
        ("refused", lambda status: 400 <= status < 500 and status not in _ORDINARY),
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
        single = {"redirects": "redirect", "errors": "error"}.get(name, name)
        counted = _status_count(tally, which)
        cost = _rows_cost(rows) if name == "redirects" else _status_cost(tally, which)
        facts_.rows(name, rows, keep)
        facts_.put(f"{single}_requests", counted)
        facts_.put(f"{single}_ratio", share(counted, requests, NO_REQUESTS))
        facts_.put(f"{single}_backend_requests", cost[0])
        facts_.put(f"{single}_backend_time_ratio", share(cost[1], totals["backend_microseconds"], NO_BACKEND, slack=0.01))
        facts_.put(f"{single}_top_ratio", max((row["backend_requests"] / requests for row in rows), default=0.0) if requests else 0.0)


def _status(which: t.Callable[[int], bool], synths: bool) -> t.Callable[[Bin], bool]:
    # a redirect or 404 from VCL itself (synth) costs no backend; an error counts wherever it comes from
    return lambda kept: which(kept.status) and (synths or kept.outcome != "synth")


def _status_count(tally: Tally, which: t.Callable[[int], bool]) -> int:
    return sum(_count(kept) for kept in tally.bins() if kept.side == "client" and which(kept.status))


def _status_cost(tally: Tally, which: t.Callable[[int], bool]) -> tuple[int, float]:
    rows = [row for kept in tally.bins() if kept.side == "backend" and which(kept.status) for row in kept.rows.values()]
    return sum(row[0] for row in rows), sum(row[2] for row in rows)


def _rows_cost(rows: t.Sequence[t.Mapping[str, t.Any]]) -> tuple[int, float]:
    return sum(row["backend_requests"] for row in rows), sum(row["backend_seconds"] for row in rows) * 1e6


def _response_times(tally: Tally) -> dict[str, t.Any]:
    everything = Times()
    for name in _CLIENT_TIMES:
        everything.add(tally.times[name])
    times = {name: tally.times[name].facts(f"no {name} in the log") for name in ("hit", "miss", "pass")}
    return {**times, "all": everything.facts(NO_REQUESTS)}


def _reasons(facts_: Facts, tally: Tally) -> None:
    passes = sum(_count(kept) for kept in tally.bins() if kept.side == "backend" and kept.outcome == "pass")
    fetches = sum(_count(kept) for kept in tally.bins() if kept.side == "backend" and kept.outcome in ("fetch", "background"))
    not_stored: dict[str, int] = dict(tally.reasons["fetch"])
    for name, count in tally.reasons["background"].items():
        not_stored[name] = not_stored.get(name, 0) + count
    facts_.put("pass_reasons", ranked(tally.reasons["pass"], 20, passes))
    facts_.put("not_stored_reasons", ranked(not_stored, 20, fetches))


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
        "error_ratio": share(errors, requests, NO_BACKEND),
        "seconds": round(_backend_time(tally) / 1e6, 6),
        "times": times.facts(NO_BACKEND),
    }
