# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Named URLs, fetched as a visitor does who comes for the first time: each on a new connection, all at once, bounded as a whole.

Used on targets and on the control node. A redirect is an answer and is not followed; a certificate is checked.
"""

from __future__ import annotations

import threading
import time
import typing as t

from .._texts import strict_url
from .._texts.redact import clean, url_example
from . import http_get
from .facts import Unknown
from .problem import Problem

if t.TYPE_CHECKING:
    import ssl

#: URLs that are fetched; of more the first.
MOST = 10
#: Seconds until one has been fetched.
PATIENCE = 5.0
#: Of a page, and of the headers before it.
_READ, _HEADERS = 256 * 1024, 64 * 1024
#: What is fetched, and where it is when the URL does not say so.
PORTS = {"http": 80, "https": 443}

Row = dict[str, t.Any]


class Visits:
    """Begun when it is made; `rows` waits for what is not there yet."""

    def __init__(self, urls: t.Sequence[t.Any], seconds: float = PATIENCE) -> None:
        self._urls = [str(url) for url in urls[:MOST]]
        self._seconds = seconds
        self._until = time.monotonic() + seconds + 0.5
        self._rows: dict[int, Row] = {}
        self._threads = [threading.Thread(target=self._visit, args=(place,), daemon=True) for place in range(len(self._urls))]
        for thread in self._threads:
            thread.start()

    def _visit(self, place: int) -> None:
        self._rows[place] = visit(self._urls[place], self._seconds)

    def rows(self) -> list[Row]:
        """A row per URL. What a name server keeps longer than everything else may take is said to be that."""
        for thread in self._threads:
            thread.join(max(0.0, self._until - time.monotonic()))
        late = f"not fetched within {self._seconds:.2g} s: its host's name does not resolve in time"
        return [self._rows.get(place) or _failed(shown(url), late) for place, url in enumerate(self._urls)]


def visit(url: str, seconds: float) -> Row:
    """`{url, status, first_byte_seconds, total_seconds, location, problem}`; whatever answers, one row."""
    begun = time.monotonic()
    try:
        answer = fetched(url, seconds)
    except Problem as problem:
        return _failed(shown(url), clean(str(problem), 200))
    except (OSError, ValueError) as error:  # a name that is none by the rules of IDNA
        return _failed(shown(url), f"it cannot be fetched ({type(error).__name__})")
    total = round(time.monotonic() - begun, 6)
    location = answer.headers.get("Location")
    # until the headers were there, the connection (and TLS) included
    first = round(total - answer.body_seconds, 6)
    return {
        "url": shown(url),
        "status": answer.status,
        "first_byte_seconds": first,
        "total_seconds": total,
        "location": None if location is None else shown(location),
        "problem": None,
    }


def as_facts(rows: t.Sequence[Row]) -> list[Row]:
    """The rows for a module's facts, which have no null without a reason."""
    why = {"location": "it is no redirect", "problem": "there was none"}
    return [{key: Unknown(why.get(key) or str(row["problem"])) if value is None else value for key, value in row.items()} for row in rows]


def fetched(
    url: str,
    seconds: float,
    headers: t.Optional[t.Mapping[str, str]] = None,
    context: t.Optional[ssl.SSLContext] = None,
    via: t.Optional[str] = None,
) -> http_get.Answer:
    """What answers at a URL. `context`: how TLS is checked, as this host does by default. `via`: the host to connect to in its stead."""
    url = strict_url.in_ascii(url)
    parsed = strict_url.parse(url)
    if parsed is None or parsed.scheme not in PORTS or parsed.host is None or parsed.has_login:
        raise Problem("this is no http:// or https:// URL of a host, without a login")
    path = "/" + url.partition("://")[2].partition("/")[2]
    if "/" not in url.partition("://")[2]:
        query = url.partition("?")[2]
        path = f"/?{query}" if query else "/"
    sent = {"Host": parsed.place, "User-Agent": "warroom.launch", "Accept-Encoding": "identity", **(headers or {})}
    port = parsed.port or PORTS[parsed.scheme]
    secure: t.Union[bool, ssl.SSLContext] = parsed.scheme == "https" and (context or True)
    return http_get.get(
        (parsed.host, port),
        path,
        sent,
        seconds,
        what="the site",
        limit=_READ + _HEADERS,
        keep=_READ,
        encrypted=secure,
        via=(via, port) if via else None,
    )


def shown(url: str) -> str:
    """Scheme, host and path; no value of a query, no login, no token."""
    scheme, sign, rest = clean(url, 2000).partition("://")
    if not sign:
        return url_example(url)
    host = rest.partition("/")[0].partition("?")[0].rpartition("@")[2]
    return f"{clean(scheme, 10)}://{clean(host, 80)}{url_example(url)}"


def _failed(shown: str, problem: str) -> Row:
    return {"url": shown, "status": None, "first_byte_seconds": None, "total_seconds": None, "location": None, "problem": problem}
