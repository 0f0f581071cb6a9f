# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The web accelerator caches too little, or traffic bypasses it (the chapter's first disaster)."""

from __future__ import annotations

import typing as t

from .._checks.finding import Finding
from .._checks.may_be_cached import log_of
from .._checks.units import numbered
from .._fleet.observed import Instance
from . import cacheable
from .accelerator_limits import INVALIDATIONS
from .cacheable import Uncached
from .cause import Cause, look, percent, several
from .fleet_view import Fleet

#: Findings that say that the cache itself fails, and not only that it could be better.
CRASHED = "varnish_child_crashed"
FAULTS = ("varnish_hit_ratio", "varnish_pass_ratio", "varnish_hit_ratio_drop", "varnish_hit_for_miss", CRASHED)
URL_FAULTS = ("varnish_traffic_cached_urls", "varnish_traffic_redirects")

#: Those of them that a cache has as well that is only empty.
FEW_HITS = ("varnish_hit_ratio", "varnish_hit_ratio_drop")
#: For this many seconds after its start, a cache with few hits is still filling.
YOUNG = 600
#: Below this hit ratio a Varnish is said not to cache at all.
HARDLY = 0.1
#: A sibling is worth comparing with if its hit ratio is better by this much.
BETTER = 0.1
#: From here on errors are all there is to say of what an accelerator fetches: what cannot be fetched cannot be kept.
MOSTLY = 0.5


def fault(fleet: Fleet) -> t.Iterator[Cause]:
    for varnish in fleet.instances("varnish"):
        traffic = _traffic(fleet, varnish)
        uncached = cacheable.uncached(traffic)
        finding = _fault_of(fleet, varnish, traffic, uncached)
        if finding is None or _gets_errors(fleet, varnish, traffic):
            continue
        young = _is_young(fleet, varnish, finding, traffic)
        yield Cause(
            hosts=[varnish.host],
            statement=_statement(varnish, young, finding, uncached),
            evidence=[*_evidence(fleet, varnish, uncached)],
            first_fix=_fix(varnish, young, finding, uncached),
            avoid="Do not tune the database or add application servers: they only get what the accelerator does not cache.",
            look=fleet.command(varnish, "varnishtop {login} -b -i BereqURL"),
            rows=[*uncached.rows[:10], *uncached.redirects[:10]],
            at=varnish,
            patterns=frozenset([*uncached.notable, *uncached.moved]),
        )


def _traffic(fleet: Fleet, varnish: Instance) -> t.Optional[Instance]:
    """What the shared log of the same accelerator says about URLs."""
    logs = [(log.name, log) for log in fleet.on_host(varnish.host, "varnish_traffic")]
    return log_of(varnish.name, logs, len(fleet.on_host(varnish.host, "varnish")) == 1)


def _fault_of(fleet: Fleet, varnish: Instance, traffic: t.Optional[Instance], uncached: Uncached) -> t.Optional[Finding]:
    """The finding that the accelerator is at fault for: never for responses that no cache may keep."""
    for check in FAULTS:
        finding = fleet.bad(varnish, check)
        if finding is not None and (check == CRASHED or uncached.blames(check)):
            return finding
    finding = fleet.bad(traffic, *URL_FAULTS) if traffic is not None else None
    return finding if uncached.rows or uncached.redirects or not uncached.known else None


def _gets_errors(fleet: Fleet, varnish: Instance, traffic: t.Optional[Instance]) -> bool:
    """Whether the cache is empty because the application mostly returns errors, which are a cause of their own."""
    if fleet.bad(varnish, "varnish_backend_errors") and (varnish.number("backend_error_ratio") or 0) >= MOSTLY:
        return True
    if traffic is None or not fleet.bad(traffic, "varnish_traffic_errors"):
        return False
    return cacheable.share_of_errors(traffic) >= MOSTLY


def _is_young(fleet: Fleet, varnish: Instance, finding: Finding, traffic: t.Optional[Instance]) -> bool:
    """Whether it was started just now, and nothing but that keeps pages out of it."""
    uptime = varnish.number("child.uptime_seconds")
    if uptime is None or uptime >= YOUNG or finding["check"] not in FEW_HITS:
        return False
    spoiled = fleet.bad(varnish, "varnish_pass_ratio", "varnish_hit_for_miss", INVALIDATIONS, least="warn")
    return spoiled is None and (traffic is None or fleet.bad(traffic, *URL_FAULTS) is None)


def _statement(varnish: Instance, young: bool, finding: Finding, uncached: Uncached) -> str:
    if finding["check"] == CRASHED:
        return f"Varnish on {varnish.host} crashed and restarted with an empty cache: every page is fetched from the application."
    hit, passed = varnish.number("judged.hit_ratio_true"), varnish.number("judged.pass_ratio")
    if young:
        started = f"Varnish on {varnish.host} was started {varnish.number('child.uptime_seconds'):.0f} s ago"
        return f"{started} and its cache is still filling: {percent(hit)} hits."
    what = "is not caching" if hit is not None and hit < HARDLY else "caches too little"
    shares = [] if hit is None else [f"{percent(hit)} hits"]
    shares += [f"{percent(passed)} passed to the backend"] if passed else []
    text = f"Varnish on {varnish.host} {what}" + (f": {', '.join(shares)}" if shares else "")
    if uncached.patterns:
        text += f". Most requests that it could have answered: {several(uncached.patterns)}"
    if uncached.moved:
        text += f". Permanent redirects that the application computes each time: {several(uncached.moved)}"
    return text + "."


def _evidence(fleet: Fleet, varnish: Instance, uncached: Uncached) -> t.Iterator[str]:
    hit, shown = varnish.number("judged.hit_ratio_true"), varnish.number("judged.hit_ratio_shown")
    if hit is not None and shown is not None and percent(hit) != percent(shown):
        yield f"varnishstat reports a hit ratio of {percent(shown)}: it does not count requests that are passed."
    rate = varnish.number("backend_requests_per_second")
    if rate is not None:
        yield f"{rate:.1f} requests per second reach the application behind it."
    for row in uncached.rows[:3]:
        reasons = cacheable.reasons_of(row)
        why = f" ({several(list(reasons))})" if reasons else ""
        yield f"{row.word('pattern')}: {numbered(row.get('count'), 'request/requests')} not answered from the cache{why}."
    for row in uncached.redirects[:3]:
        yield f"{row.word('pattern')}: {numbered(row.get('count'), 'redirect/redirects')} ({percent(row.number('share'))} of the requests)."
    yield from _better_sibling(fleet, varnish, hit)
    busy = fleet.once(_mean_utilisation)
    if busy is not None:
        yield f"The application's workers are busy {percent(busy)} of the time on average."


def _mean_utilisation(fleet: Fleet) -> t.Optional[float]:
    busy = [value for worker in fleet.applications() if (value := worker.number("utilisation")) is not None]
    return sum(busy) / len(busy) if busy else None


def _better_sibling(fleet: Fleet, varnish: Instance, hit: t.Optional[float]) -> t.Iterator[str]:
    for host, theirs in fleet.once(_ever_better):
        if host != varnish.host and theirs >= (hit or 0) + BETTER:
            yield f"{host} has {percent(theirs)} hits: compare its VCL with this one."
            return


def _ever_better(fleet: Fleet) -> list[tuple[str, float]]:
    """Hosts and hit ratios, without those that another host before them reaches: that one is named in their place."""
    found: list[tuple[str, float]] = []
    for varnish in fleet.instances("varnish"):
        ratio = varnish.number("judged.hit_ratio_true")
        if ratio is not None and len({host for host, other in found if other >= ratio} - {varnish.host}) < 2:
            found.append((varnish.host, ratio))
    return found


def _fix(varnish: Instance, young: bool, finding: Finding, uncached: Uncached) -> str:
    if finding["check"] == CRASHED:
        return "Save `varnishadm panic.show`, keep Varnish running and let the cache warm up; limit traffic to the cold pages if you can."
    if young:
        return (
            "Keep it running. Fetch the most visited pages once each before you let all visitors in again. To change the VCL, "
            "load and use it (varnishadm vcl.load, vcl.use): that keeps the cache, a restart empties it."
        )
    steps = []
    if uncached.moved:
        cookie = " unset beresp.http.Set-Cookie;" if any("Set-Cookie" in cacheable.reasons_of(row) for row in uncached.redirects) else ""
        steps.append(
            f"Cache the permanent redirects for a year ({several(uncached.moved)}): in vcl_backend_response, "
            f"`if (beresp.status == 301 || beresp.status == 308) {{ set beresp.ttl = 365d;{cookie} }}`"
        )
    steps += uncached.remedies()
    active = varnish.facts.get("active_vcl")
    steps.append(f"compare the active VCL{f' ({active})' if active else ''} with the last one that worked, and go back to it if in doubt")
    text = "; then ".join(steps)
    return text[0].upper() + text[1:] + "."


def bypassed(fleet: Fleet) -> t.Iterator[Cause]:
    """More requests reach the workers than the accelerators send."""
    for check, told in (("accelerator_bypass", _by_requests), ("accelerator_bypass_clients", _by_connections)):
        yield from _bypassed(fleet, check, told)


def _by_requests(view: Instance) -> tuple[str, list[str]]:
    statement = (
        f"the workers take {view.number('application_per_second') or 0:.0f} requests per second, but Varnish sends them only "
        f"{view.number('accelerator_per_second') or 0:.0f}"
    )
    return statement, [
        f"{row.get('host')}: {row.amount('requests_per_second'):.1f} requests per second." for row in view.rows("applications")[:5]
    ]


def _by_connections(view: Instance) -> tuple[str, list[str]]:
    statement = (
        f"{view.number('around_connections') or 0:.0f} of the {view.number('application_connections') or 0:.0f} connections to the workers "
        "are of clients that did not come through it"
    )
    rows = view.rows("clients_around")[:5]
    return statement, [f"{row.word('address')}: {numbered(int(row.amount('connections')), 'connection/connections')}." for row in rows]


def _bypassed(fleet: Fleet, check: str, told: t.Callable[[Instance], tuple[str, list[str]]]) -> t.Iterator[Cause]:
    for view, finding in fleet.each_bad("accelerator_bypass", check, least="warn"):
        rows = view.rows("applications")
        if not rows:
            continue
        statement, evidence = told(view)
        yield Cause(
            hosts=sorted({str(row.get("host")) for row in rows}),
            statement=f"Requests bypass Varnish: {statement}.",
            evidence=evidence,
            first_fix=str(finding.get("advice") or ""),
            avoid="Do not tune the cache: these requests never reach it.",
            look=look(finding),
            rows=rows,
            at=view,
        )
