# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The web accelerator does not do its job, or traffic goes around it (the chapter's first disaster)."""

from __future__ import annotations

import typing as t

from .cause import MOSTLY, Cause, percent, several
from .fleet_view import Fleet, Seen

#: Findings that say that the cache itself fails, and not only that it could be better.
FAULTS = ("varnish_hit_ratio", "varnish_pass_ratio", "varnish_hit_ratio_drop", "varnish_hit_for_miss", "varnish_child_crashed")
URL_FAULTS = ("varnish_traffic_cached_urls", "varnish_traffic_redirects")

#: Those of them that a cache has as well that is only empty.
FEW_HITS = ("varnish_hit_ratio", "varnish_hit_ratio_drop")
#: So many seconds after its start a cache that has few hits is still being filled.
YOUNG = 600

#: The part of what gets through from which a page is what the accelerator is at fault for.
NOTABLE_PAGE = 0.1


def fault(fleet: Fleet) -> t.Iterator[Cause]:
    for one in fleet.seen("varnish"):
        traffic = _traffic(fleet, one)
        finding = fleet.bad(one, *FAULTS) or (fleet.bad(traffic, *URL_FAULTS) if traffic else None)
        if finding is None or _gets_errors(fleet, one, traffic):
            continue
        young = _is_young(fleet, one, finding, traffic)
        passes = _spoiling(traffic)
        redirects = traffic.rows("redirects") if traffic else []
        patterns = [str(row.get("pattern")) for row in passes]
        moved = [str(row.get("pattern")) for row in redirects]
        yield Cause(
            cause="accelerator_fault",
            tier="varnish",
            hosts=[one.host],
            statement=_statement(one, young, finding, patterns, moved),
            evidence=[*_evidence(fleet, one, passes, redirects)],
            first_fix=_fix(one, young, finding, patterns, moved),
            avoid="Do not touch the database and do not add application servers: they only see what the accelerator lets through.",
            look=f"varnishtop {one.facts.get('client_options') or ''} -b -i BereqURL".replace("  ", " "),
            rows=[*passes[:10], *redirects[:10]],
            at=one,
            patterns=frozenset([*_notable(passes), *moved]),
        )


def _traffic(fleet: Fleet, varnish: Seen) -> t.Optional[Seen]:
    """What the shared log of the same accelerator says about URLs."""
    same_host = [one for one in fleet.seen("varnish_traffic") if one.host == varnish.host]
    same = [one for one in same_host if one.name == varnish.name] or same_host
    return same[0] if same else None


def _spoiling(traffic: t.Optional[Seen]) -> list[dict[str, t.Any]]:
    """The URL patterns that reach the application although a cache should have answered, most frequent first."""
    if traffic is None:
        return []
    passes = [row for row in traffic.rows("passes") if not _must_pass(row)]
    rows = [*passes, *traffic.rows("hit_for_misses"), *traffic.rows("misses")]
    return sorted(rows, key=lambda row: -(row.get("count") or 0))


def _must_pass(row: t.Mapping[str, t.Any]) -> bool:
    """Whether the answers of a passed page are for one visitor only, by the application's own word or the request's method.

    What passes because an earlier answer said so (hit-for-pass) may be the application's mistake and is not excused by it.
    """
    asked = row.get("backend_requests") or 0
    why = {str(each.get("name")): each.get("count") or 0 for each in _dicts(row.get("reasons"))}
    personal = max(row.get("private") or 0, sum(count for name, count in why.items() if name.startswith("method ")))
    return bool(asked) and personal >= asked / 2 and why.get("hit-for-pass", 0) < asked / 2


def _dicts(value: t.Any) -> list[dict[str, t.Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _notable(passes: list[dict[str, t.Any]]) -> list[str]:
    """Patterns that are much of what gets through: a page that must pass is among them whatever the cache does, but seldom much."""
    whole = sum(row.get("count") or 0 for row in passes)
    return [str(row.get("pattern")) for row in passes if (row.get("count") or 0) >= NOTABLE_PAGE * whole]


def _gets_errors(fleet: Fleet, one: Seen, traffic: t.Optional[Seen]) -> bool:
    """Whether the cache is empty because mostly errors are to be had from the application, which are a cause of their own."""
    if fleet.bad(one, "varnish_backend_errors") and (one.number("backend_error_ratio") or 0) >= MOSTLY:
        return True
    if traffic is None or not fleet.bad(traffic, "varnish_traffic_errors"):
        return False
    fetched = [row for name in ("hit_for_misses", "misses") for row in traffic.rows(name)]
    whole = sum(row.get("backend_requests") or 0 for row in fetched)
    failed = sum(each.get("count") or 0 for row in fetched for each in _dicts(row.get("reasons")) if each.get("name") == "error")
    return bool(whole) and failed >= MOSTLY * whole


def _is_young(fleet: Fleet, one: Seen, finding: t.Mapping[str, t.Any], traffic: t.Optional[Seen]) -> bool:
    """Whether it was started just now, and nothing but that keeps pages out of it."""
    uptime = one.number("child.uptime_seconds")
    if uptime is None or uptime >= YOUNG or finding["check"] not in FEW_HITS:
        return False
    spoiled = fleet.bad(one, "varnish_pass_ratio", "varnish_hit_for_miss", least="warn")
    return spoiled is None and (traffic is None or fleet.bad(traffic, *URL_FAULTS) is None)


def _statement(one: Seen, young: bool, finding: t.Mapping[str, t.Any], patterns: list[str], moved: list[str]) -> str:
    if finding["check"] == "varnish_child_crashed":
        return f"Varnish on {one.host} crashed and started again with an empty cache: every page is fetched from the application."
    hit = one.number("judged.hit_ratio_true")
    if young:
        return (
            f"Varnish on {one.host} was started {one.number('child.uptime_seconds'):.0f} s ago and its cache is still being filled: "
            f"only {percent(hit)} of the requests come from it."
        )
    text = f"Varnish on {one.host} does not do its job: only {percent(hit)} of the requests come from its cache"
    if one.number("judged.pass_ratio"):
        text += f", {percent(one.number('judged.pass_ratio'))} pass by it"
    if patterns:
        text += f". Most of what gets through: {several(patterns)}"
    if moved:
        text += f". Permanent redirects are computed by the application: {several(moved)}"
    return text + "."


def _evidence(fleet: Fleet, one: Seen, passes: list[dict[str, t.Any]], redirects: list[dict[str, t.Any]]) -> t.Iterator[str]:
    shown = one.number("judged.hit_ratio_shown")
    if shown is not None:
        yield f"varnishstat shows a hit ratio of {percent(shown)}, but it leaves out what passes by."
    rate = one.number("backend_requests_per_second")
    if rate is not None:
        yield f"{rate:.1f} requests per second reach the application behind it."
    for row in passes[:3]:
        reasons = row.get("reasons")
        why = f" because of {several([_reason(reason) for reason in reasons])}" if reasons else ""
        yield f"{row.get('pattern')}: {row.get('count')} requests got through{why}."
    for row in redirects[:3]:
        yield f"{row.get('pattern')}: {row.get('count')} redirects ({percent(row.get('share'))} of the requests)."
    for sibling in fleet.seen("varnish"):
        hit = sibling.number("judged.hit_ratio_true")
        if sibling.host != one.host and hit is not None and fleet.bad(sibling, *FAULTS) is None:
            yield f"Its sibling {sibling.host} is well, with {percent(hit)}: compare their VCL."
            break
    yield from _application(fleet)


def _reason(reason: t.Any) -> str:
    return str(reason.get("reason") or reason.get("name")) if isinstance(reason, dict) else str(reason)


def _application(fleet: Fleet) -> t.Iterator[str]:
    busy = [one.number("utilisation") for one in fleet.seen("uwsgi")]
    known = [value for value in busy if value is not None]
    if known:
        yield f"The application's workers are busy for {percent(sum(known) / len(known))} of the time on average."


def _fix(one: Seen, young: bool, finding: t.Mapping[str, t.Any], patterns: list[str], moved: list[str]) -> str:
    if finding["check"] == "varnish_child_crashed":
        return "Save `varnishadm panic.show`, keep Varnish running and let the cache warm up; limit traffic to the cold pages if you can."
    if young:
        return (
            "Keep it running. Fetch the pages that are visited most once each before you let everybody in again. To change the VCL, "
            "load and use it (varnishadm vcl.load, vcl.use): that keeps the cache, a restart empties it."
        )
    steps = []
    if moved:
        steps.append(
            f"Cache the permanent redirects for a year ({several(moved)}): in vcl_backend_response, "
            "`if (beresp.status == 301 || beresp.status == 308) { set beresp.ttl = 365d; unset beresp.http.Set-Cookie; }`"
        )
    if patterns:
        steps.append(
            f"let Varnish store what is the same for everybody ({several(patterns)}): unset the cookie for these URLs in vcl_recv, "
            "do not pass them"
        )
    active = one.facts.get("active_vcl")
    steps.append(f"compare the active VCL{f' ({active})' if active else ''} with the last one that worked, and go back to it if in doubt")
    text = "; then ".join(steps)
    return text[0].upper() + text[1:] + "."


def bypassed(fleet: Fleet) -> t.Iterator[Cause]:
    """More requests reach the workers than the accelerators send: somebody goes around."""
    for view in fleet.seen("accelerator_bypass"):
        finding = fleet.bad(view, "accelerator_bypass", least="warn")
        rows = view.rows("applications")
        if finding is None or not rows:
            continue
        yield Cause(
            cause="accelerator_bypassed",
            tier="varnish",
            hosts=sorted({str(row.get("host")) for row in rows}),
            statement=(
                "Traffic reaches the application around the accelerator: the workers take "
                f"{view.number('application_per_second') or 0:.0f} requests per second, but Varnish sends them only "
                f"{view.number('accelerator_per_second') or 0:.0f}."
            ),
            evidence=[f"{row.get('host')}: {row.get('requests_per_second') or 0:.1f} requests per second." for row in rows[:5]],
            first_fix=str(finding.get("advice")),
            avoid="Do not tune the cache: these requests never see it.",
            look=str(finding.get("look")),
            rows=rows,
            at=view,
        )
