# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Everything that is asked of a site: names, handshakes and pages, a few at a time, bounded as a whole."""

from __future__ import annotations

import functools
import queue
import ssl
import threading
import time
import typing as t

from ..._collect import http_get, stream, tls, visit
from ..._collect.facts import Maybe, measured
from ..._collect.problem import Problem, Untrusted
from ..._texts.redact import clean
from . import parse

T = t.TypeVar("T")
#: Requests that are under way at once: a look at a site is no load.
_AT_ONCE = 4
#: Redirects that are followed.
MOST_HOPS = 5
_TRUST = "let the server send the whole chain of a certificate for this name"
_PLAIN = "the site does not speak TLS there"


class Shake(t.NamedTuple):
    """A TLS handshake: when the certificate ends, and whether HTTP/2 was agreed on."""

    not_after: Maybe[str]
    http2: bool
    #: Why the certificate is not trusted; empty when it is.
    untrusted: str


class Trail(t.NamedTuple):
    """A URL and where its redirects lead."""

    url: str
    statuses: list[int]
    ends_at: str
    #: Why the trail ends nowhere; empty when it does.
    why: str


def side_by_side(jobs: t.Mapping[str, t.Callable[[], T]], seconds: float) -> dict[str, t.Union[T, Problem]]:
    """What each job gives, or its Problem. What is not done in time is left behind, and said to be late."""
    waiting: queue.SimpleQueue[t.Optional[str]] = queue.SimpleQueue()
    done: dict[str, t.Union[T, Problem]] = {}

    def work() -> None:
        while True:
            name = waiting.get()
            if name is None:
                return
            try:
                done[name] = jobs[name]()
            except Problem as problem:
                done[name] = problem
            except (OSError, ValueError) as error:
                done[name] = Problem(f"it cannot be fetched ({type(error).__name__})")

    threads = [threading.Thread(target=work, daemon=True) for _one in range(min(_AT_ONCE, len(jobs)))]
    for name in [*jobs, *(None for _thread in threads)]:
        waiting.put(name)
    until = time.monotonic() + seconds
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    late = Problem(f"not read within {seconds:.2g} s: the site answers too slowly")
    return {name: done.get(name, late) for name in jobs}


class Client:
    """Fetches of one site. `via`: the address of it, in place of what its names resolve to; `names`: the hosts that are it."""

    def __init__(self, names: t.Collection[str], via: t.Optional[str], ca_cert: t.Optional[str], seconds: float) -> None:
        self.names = set(names)
        self._via = via
        self._ca_cert = ca_cert
        self._seconds = seconds
        #: Hosts whose certificate was found wanting: that is said once, and their pages are read all the same.
        self.untrusted: set[str] = set()

    def _place(self, host: str) -> t.Optional[str]:
        return self._via if host in self.names else None

    @functools.cached_property
    def _checked(self) -> ssl.SSLContext:
        """Made once, and only for who speaks TLS: to read all authorities of a host takes a third of a second."""
        return tls.trusted(self._ca_cert)

    def shake(self, host: str, port: int) -> Shake:
        """Raises Problem when no handshake comes about for another reason than the certificate."""
        try:
            return self._shaken(host, port, tls.trusted(self._ca_cert))
        except Untrusted as untrusted:
            return self._shaken(host, port, tls.unchecked())._replace(untrusted=clean(untrusted.why, 120) or "it is not trusted")

    def _shaken(self, host: str, port: int, context: ssl.SSLContext) -> Shake:
        context.set_alpn_protocols(["h2", "http/1.1"])
        with stream.connect((self._place(host) or host, port), self._seconds) as conn:
            wrapped: t.Any = tls.wrapped(conn, (host, port), context, _TRUST, _PLAIN)
            with wrapped:
                ends = (wrapped.getpeercert() or {}).get("notAfter")
                return Shake(
                    measured(ends, "the end of a certificate that is not trusted is not read"), wrapped.selected_alpn_protocol() == "h2", ""
                )

    def get(self, url: str, compressed: bool = False) -> http_get.Answer:
        host = parse.host_of(url)
        context: t.Optional[ssl.SSLContext] = None
        if url.startswith("https:"):
            context = tls.unchecked() if host in self.untrusted else self._checked
        headers = {"Accept-Encoding": "gzip"} if compressed else {}
        return visit.fetched(url, self._seconds, headers, context, self._place(host))

    def follow(self, url: str) -> Trail:
        """The redirects of a URL, as far as they lead to names of the site."""
        trail = [url]
        statuses: list[int] = []
        while True:
            answer = self.get(trail[-1])
            location = answer.headers.get("Location")
            if answer.status not in parse.REDIRECTS or not location:
                return Trail(url, statuses, trail[-1], "")
            statuses.append(answer.status)
            to = parse.next_url(trail[-1], location)
            if to in trail:
                return Trail(url, statuses, to, "its redirects lead round in a circle")
            if parse.host_of(to) not in self.names:
                return Trail(url, statuses, to, "it leads to a name that is not the site's")
            if len(statuses) > MOST_HOPS:
                return Trail(url, statuses, to, f"it has more than {MOST_HOPS} redirects")
            trail.append(to)
