# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Active probe: fetch named URLs twice through the accelerator, and see whether the second comes from its cache."""

from __future__ import annotations

import re
import time
import typing as t
import urllib.parse

from ..._collect import http_get, silence, stream
from ..._collect.derived import put_total
from ..._collect.facts import Facts, Maybe, Row, Unknown, measured
from ..._collect.problem import Problem
from ..._collect.sampling import number
from ..._texts.redact import clean, url_example
from .tally import Matcher

#: Of a page, and of the headers before it.
_READ, _HEADERS = 256 * 1024, 64 * 1024
_UNCACHEABLE = re.compile(r"private|no-cache|no-store|max-age=0", re.IGNORECASE)


def probe(urls: t.Sequence[str], address: str, expected: t.Sequence[Matcher], seconds: float) -> list[dict[str, t.Any]]:
    """A row per URL. All of them together may take `seconds`; those that are left out say so."""
    deadline = time.monotonic() + seconds
    return [_row(str(url), address, expected, deadline) for url in urls]


def _row(url: str, address: str, expected: t.Sequence[Matcher], deadline: float) -> dict[str, t.Any]:
    row: dict[str, t.Any] = {"name": url_example(url, 80), "host": Unknown("the URL names no host"), "expect": "cached"}
    try:
        parts = urllib.parse.urlsplit(url)
        path = urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))
        row["name"] = url_example(path)
        row["host"] = clean(parts.netloc.rpartition("@")[2], 80) or row["host"]
        row["expect"] = next((want for want, _place, regex in expected if regex.search(path)), "cached")
        first, answer = _fetch(address, parts, path, deadline), _fetch(address, parts, path, deadline)
    except (Problem, ValueError) as error:
        problem = clean(str(error) or type(error).__name__, 160)
        return {**row, **dict.fromkeys(_MEASURED, Unknown(problem)), "reasons": [], "problem": problem}
    judged = _judged(answer)
    cached = judged["cached"]
    ok = cached if isinstance(cached, Unknown) else cached == (row["expect"] == "cached")
    return {**row, **judged, "ok": ok, "first_seconds": first.seconds, "second_seconds": answer.seconds}


#: What only a page that was fetched has.
_MEASURED = ("status", "cached", "ok", "age_seconds", "first_seconds", "second_seconds", "set_cookie", "vary")


def _fetch(address: str, parts: urllib.parse.SplitResult, path: str, deadline: float) -> http_get.Answer:
    left = deadline - time.monotonic()
    if left <= 0:
        raise Problem("not fetched: the time for all probes was up")
    headers = {"Host": parts.netloc.rpartition("@")[2] or address, "User-Agent": "warroom.launch", "Accept-Encoding": "gzip"}
    if parts.scheme == "https":
        headers["X-Forwarded-Proto"] = "https"
    place, what = stream.parse_address(address, 80), "the accelerator"
    try:
        return http_get.get(place, path, headers, left, what=what, limit=_READ + _HEADERS, keep=_READ)
    except Problem as problem:
        raise silence.explained(problem, max(0.1, deadline - time.monotonic())) from None


def _judged(answer: http_get.Answer) -> dict[str, t.Any]:
    """Two numbers in X-Varnish are a hit; without that header (it may be removed) an Age above 0 is one."""
    age = answer.headers.get("Age", "")
    seconds = number(age)
    marks = answer.headers.get("X-Varnish", "").split()
    cached: Maybe[bool] = len(marks) > 1 if marks else seconds > 0 if seconds is not None else Unknown(_NO_SIGN)
    vary = [clean(name.strip(), 40) for name in answer.headers.get("Vary", "").split(",") if name.strip()]
    reasons = []
    if answer.headers.get("Set-Cookie"):
        reasons.append("Set-Cookie")
    if _UNCACHEABLE.search(answer.headers.get("Cache-Control", "")):
        reasons.append("Cache-Control")
    if {name.lower() for name in vary} & {"*", "cookie", "user-agent"}:
        reasons.append("Vary")
    return {
        "status": answer.status,
        "cached": cached,
        "age_seconds": measured(seconds, "the answer has no Age"),
        "set_cookie": bool(answer.headers.get("Set-Cookie")),
        "vary": vary[:10],
        "reasons": reasons,
        "problem": cached.reason if isinstance(cached, Unknown) else Unknown("there was none"),
    }


_NO_SIGN = "the answer has neither X-Varnish nor Age; was it Varnish that answered?"


def put(facts: Facts, rows: t.Sequence[Row], why_none: t.Optional[str], asked: bool) -> None:
    """The rows, and how many are not as they should be; `why_none` when nothing was fetched."""
    failed = [row for row in rows if isinstance(row["ok"], Unknown)]
    if why_none is None and len(failed) == len(rows):
        why_none = f"none of the pages could be judged: {failed[0]['problem']}"
    facts.put("probes", list(rows) if rows or not asked else None, why_none or "")
    facts.put("probes_total", len(rows))
    if why_none is not None:
        facts.put("probes_wrong", None, why_none)
    else:
        put_total(facts, "probes_wrong", [row["ok"] if isinstance(row["ok"], Unknown) else int(row["ok"] is False) for row in rows])
    facts.put("probes_failed", len(failed))
