# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From what a look at a site gave to facts. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from ..._collect import derived
from ..._collect.facts import Facts, Maybe, Unknown, known, measured
from ..._collect.http_get import Answer
from ..._collect.problem import Down, Problem
from ..._collect.visit import shown
from ..._texts.redact import clean
from . import parse
from .fetch import Shake, Trail
from .name_server import Records

#: Below this a page is sent as it is: compressing it would not pay.
_SMALL = 1400

Row = dict[str, t.Any]
Got = t.Union[Answer, Problem]


@dataclasses.dataclass
class Look:
    """What was asked and what came of it, each an answer or its Problem."""

    url: str = ""
    hosts: list[str] = dataclasses.field(default_factory=list)
    names: dict[str, t.Union[Records, Problem]] = dataclasses.field(default_factory=dict)
    shakes: dict[str, t.Union[Shake, Problem]] = dataclasses.field(default_factory=dict)
    #: `page`, `robots`, `sitemap`, `missing`, `health`, `way <url>`, `pages <url>`, `static <url>`, `error_pages <url>`.
    pages: dict[str, t.Any] = dataclasses.field(default_factory=dict)

    def of(self, kind: str) -> list[tuple[str, t.Any]]:
        """(URL, what came of it) of one kind."""
        return [(name.partition(" ")[2], got) for name, got in self.pages.items() if name.startswith(f"{kind} ")]


def shape(look: Look, now: float, top: int) -> Facts:
    """The measures of one site."""
    facts = Facts()
    facts.put("url", shown(look.url))
    _names(facts, look, now, top)
    _ways(facts, look, top)
    _page(facts, look)
    _for_crawlers(facts, look)
    _errors(facts, look, top)
    _kept(facts, look, top)
    return facts


def _why(got: t.Any) -> str:
    return clean(str(got), 200)


def _names(facts: Facts, look: Look, now: float, top: int) -> None:
    rows = [_name(host, look.names.get(host), look.shakes.get(host), now) for host in look.hosts]
    rows.sort(key=lambda row: (known(row["resolves"]) is not False, known(row["trusted"]) is not False))
    facts.rows("names", rows, max(top, len(rows)))
    named = [row for row in rows if row["host"] in look.names]
    encrypted = [row for row in rows if row["host"] in look.shakes]
    facts.put("named", bool(named))
    facts.put("encrypted", bool(encrypted))
    derived.put_total(facts, "names_unresolved_total", [_is(row["resolves"], False) for row in named])
    derived.put_total(facts, "names_untrusted_total", [_is(row["trusted"], False) for row in encrypted])
    facts.put("certificate_days_left", derived.smallest([row["days_left"] for row in encrypted], "the site is not asked for over https://"))
    derived.put_largest(facts, "dns_ttl_seconds", [row["ttl_seconds"] for row in named], "the site has no name, it is an address")


def _is(value: Maybe[bool], wanted: bool) -> Maybe[int]:
    return value if isinstance(value, Unknown) else int(value is wanted)


def _name(host: str, records: t.Any, shake: t.Any, now: float) -> Row:
    plain = Unknown("no https:// URL of this name was asked for")
    no_name = Unknown("it is an address and no name")
    row: Row = {"host": host, "resolves": no_name, "addresses": no_name, "ttl_seconds": no_name, "trusted": plain, "days_left": plain}
    whys = []
    if isinstance(records, Records):
        row.update(resolves=True, addresses=records.addresses[:5], ttl_seconds=records.ttl_seconds)
    elif records is not None:
        unresolved = Unknown(_why(records))
        row.update(resolves=False if isinstance(records, Down) else unresolved, addresses=unresolved, ttl_seconds=unresolved)
        whys.append(_why(records))
    if isinstance(shake, Shake):
        ends = shake.not_after
        days = Unknown(ends.reason) if isinstance(ends, Unknown) else measured(parse.days_left(ends, now), "its end is no time")
        row.update(trusted=not shake.untrusted, days_left=days)
        whys += [shake.untrusted] if shake.untrusted else []
    elif shake is not None:
        row.update(trusted=Unknown(_why(shake)), days_left=Unknown(_why(shake)))
        whys.append(_why(shake))
    return {**row, "why": "; ".join(whys)}


def _ways(facts: Facts, look: Look, top: int) -> None:
    """URLs that are to lead to the site."""
    rows = [_way(url, got, parse.origin(look.url)) for url, got in look.of("way")]
    rows.sort(key=lambda row: (row["right"], -(known(row["hops"]) or 0)))
    facts.rows("redirects", rows, max(top, len(rows)))
    facts.put("redirects_wrong_total", sum(not row["right"] for row in rows))
    derived.put_largest(facts, "redirects_longest_hops", [row["hops"] for row in rows], "no other way to the site is named")
    facts.put("redirects_temporary_total", sum(known(row["permanent"]) is False for row in rows))


def _way(url: str, got: t.Any, origin: tuple[str, str, int]) -> Row:
    if not isinstance(got, Trail):
        unknown = Unknown(_why(got))
        return {"url": shown(url), "right": False, "hops": unknown, "ends_at": unknown, "permanent": unknown, "why": _why(got)}
    right = not got.why and parse.origin(got.ends_at) == origin
    why = got.why or ("" if right else "it does not lead to the site")
    permanent: Maybe[bool] = all(status in parse.PERMANENT for status in got.statuses) if got.statuses else Unknown("it is no redirect")
    return {
        **{"url": shown(url), "right": right, "hops": len(got.statuses), "ends_at": shown(got.ends_at)},
        **{"permanent": permanent, "why": why},
    }


def _page(facts: Facts, look: Look) -> None:
    page: Answer = look.pages["page"]
    text = parse.text(page.body, page.headers)
    shake = look.shakes.get(parse.host_of(look.url))
    plain = "the site is not asked for over https://"
    encrypted = look.url.startswith("https:")
    facts.put("page.status", page.status)
    facts.put("page.hsts_seconds", parse.hsts_seconds(page.headers) if encrypted else Unknown(plain))
    small = len(page.body) < _SMALL and not page.headers.get("Content-Encoding")
    packed = (page.headers.get("Content-Encoding") or "identity").strip().lower() != "identity"
    facts.put("page.compressed", Unknown("the page is so small that compressing it would not pay") if small else packed)
    facts.put("page.small", small)
    facts.put("page.http2", shake.http2 if isinstance(shake, Shake) else Unknown(_why(shake) if shake else plain))
    facts.put("page.http3", parse.offers_http3(page.headers))
    facts.put("page.hidden_from_search", parse.hidden_from_search(page.headers, text))


def _for_crawlers(facts: Facts, look: Look) -> None:
    robots, sitemap = look.pages.get("robots"), look.pages.get("sitemap")
    lines = parse.text(robots.body, robots.headers) if isinstance(robots, Answer) and robots.status == 200 else ""
    unread = Unknown(_why(robots))
    facts.put("robots.present", robots.status == 200 if isinstance(robots, Answer) else unread)
    facts.put("robots.blocks_all", parse.blocks_all(lines) if isinstance(robots, Answer) else unread)
    listed = parse.sitemaps(lines)
    hosts = [parse.host_of(url) for url in listed]
    present: Maybe[bool] = Unknown(_why(sitemap))
    if isinstance(sitemap, Answer):
        if sitemap.status == 200:
            hosts += parse.hosts_listed(parse.text(sitemap.body, sitemap.headers))
        present = sitemap.status == 200 or bool(listed)
    foreign = sorted({clean(host, 80) for host in hosts if host and host not in look.hosts})
    facts.put("sitemap.present", present)
    facts.put("sitemap.urls_total", len(hosts))
    facts.put("sitemap.foreign", foreign[:5])
    facts.put("sitemap.foreign_total", len(foreign) if isinstance(sitemap, Answer) else present)


def _errors(facts: Facts, look: Look, top: int) -> None:
    missing = look.pages.get("missing")
    unread = Unknown(_why(missing))
    debug = parse.is_debug_page(parse.text(missing.body, missing.headers)) if isinstance(missing, Answer) else unread
    facts.put("not_found.status", missing.status if isinstance(missing, Answer) else unread)
    facts.put("not_found.kept_seconds", parse.kept_seconds(missing.headers) if isinstance(missing, Answer) else unread)
    facts.put("not_found.bytes", len(missing.body) if isinstance(missing, Answer) else unread)
    facts.put("not_found.debug", debug)
    rows = [_row(url, got) for url, got in look.of("error_pages")]
    for row, (_url, got) in zip(rows, look.of("error_pages")):
        row["shown"] = isinstance(got, Answer) and got.status != 404 and bool(got.body.strip())
    rows.sort(key=lambda row: row["shown"])
    facts.rows("error_pages", rows, max(top, len(rows)))
    facts.put("error_pages_absent_total", sum(not row["shown"] for row in rows))
    derived.put_largest(facts, "error_pages_kept_seconds", [row["kept_seconds"] for row in rows], "no error pages are named (error_pages)")
    health = look.pages.get("health")
    none = Unknown("no health probe is named (health)" if health is None else _why(health))
    facts.put("health.named", health is not None)
    facts.put("health.failed", health is not None and not (isinstance(health, Answer) and health.status < 400))
    facts.put("health.status", health.status if isinstance(health, Answer) else none)
    facts.put("health.kept_seconds", parse.kept_seconds(health.headers) if isinstance(health, Answer) else none)
    facts.put("health.why", _why(health) if isinstance(health, Problem) else "")


def _kept(facts: Facts, look: Look, top: int) -> None:
    """What browsers may keep, and what a cache that visitors share."""
    static = [_row(url, got, shared=False) for url, got in look.of("static")]
    static.sort(key=lambda row: known(row["kept_seconds"]) or 0)
    facts.rows("static", static, max(top, len(static)))
    facts.put("static_failed_total", sum(row["failed"] for row in static))
    facts.put("static_kept_seconds", derived.smallest([row["kept_seconds"] for row in static], "no static files are named (static)"))
    pages = [{**_row(url, got), "shared": _shared(got)} for url, got in look.of("pages")]
    pages.sort(key=lambda row: known(row["shared"]) is True)
    facts.rows("pages", pages, max(top, len(pages)))
    facts.put("pages_failed_total", sum(row["failed"] for row in pages))
    derived.put_total(facts, "pages_unshared_total", [_is(row["shared"], False) for row in pages])


def _shared(got: Got) -> Maybe[bool]:
    return parse.may_be_shared(got.headers) if isinstance(got, Answer) else Unknown(_why(got))


def _row(url: str, got: Got, shared: bool = True) -> Row:
    if not isinstance(got, Answer):
        unknown = Unknown(_why(got))
        return {"url": shown(url), "failed": True, "status": unknown, "kept_seconds": unknown, "cookie": unknown, "why": _why(got)}
    failed = got.status >= 400
    return {
        **{"url": shown(url), "failed": failed, "status": got.status, "kept_seconds": parse.kept_seconds(got.headers, shared)},
        **{"cookie": bool(got.headers.get("Set-Cookie")), "why": f"status {got.status}" if failed else ""},
    }
