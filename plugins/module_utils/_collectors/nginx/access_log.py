# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The access log's lines of the window, counted: by status, by upstream server and by page. No line is kept."""

from __future__ import annotations

import dataclasses
import typing as t

from ..._collect.sampling import number
from ..._collect.times import Times
from ..._texts.redact import clean, url_pattern
from .log_format import LineReader, attempts
from .settings import unix_place

#: Longer lines are no request's; more servers and pages than these are counted together.
MOST_LINE, MOST_SERVERS, MOST_PAGES = 16_384, 200, 1000
OTHERS = "others"
NO_STATUS = "-"
#: The status of a request whose visitor did not wait for the answer.
GONE = "499"
#: The cache's status of a request that the configuration keeps from it (proxy_cache_bypass), such as one with a session: it asked nothing.
BYPASSED = "BYPASS"
#: The time of a connection that became a WebSocket is how long it was open.
UPGRADED = "101"
#: What a server of an upstream group gives when it does not answer.
_FAILED = ("502", "504", NO_STATUS)


@dataclasses.dataclass
class Tried:
    """What one upstream server was asked, and how it answered."""

    attempts: int = 0
    answered: int = 0
    errors: int = 0
    failed: int = 0
    times: Times = dataclasses.field(default_factory=Times)


@dataclasses.dataclass
class Page:
    requests: int = 0
    errors: int = 0
    timed: int = 0
    seconds: float = 0.0


class Tally:
    """Lines of any number of logs. `held`: the variables that all their formats have."""

    def __init__(self) -> None:
        self.held: t.Optional[set[str]] = None
        self.lines = self.strange = 0
        self.statuses: dict[str, int] = {}
        self.times = Times()
        self.servers: dict[str, Tried] = {}
        self.pages: dict[str, Page] = {}
        self.cache: dict[str, int] = {}
        self.retried = self.unanswered = self.proxied = self.given = 0
        self._patterns: dict[str, str] = {}

    def count(self, lines: t.Iterable[str], log_format: str, own_paths: t.Collection[str]) -> None:
        """Count the lines of one log; requests for the status page are ours."""
        reader = LineReader(log_format)
        held = set(reader.variables)
        if "request" in held:
            held.add("request_uri")
        self.held = held if self.held is None else self.held & held
        for line in lines:
            values = reader.read(line) if len(line) <= MOST_LINE else None
            if values is None:
                self.strange += 1
                continue
            path = _path(values)
            if path is None or path.partition("?")[0] not in own_paths:
                self._count(values, path)
        self.times.fold()

    def _count(self, values: t.Mapping[str, str], path: t.Optional[str]) -> None:
        self.lines += 1
        status = values.get("status", "")
        self.statuses[status] = self.statuses.get(status, 0) + 1
        seconds = "" if status == UPGRADED else values.get("request_time", "")
        if seconds:
            self._time(self.times, seconds)
        cached = values.get("upstream_cache_status", "-")
        if cached not in ("-", "", BYPASSED):
            kind = clean(cached, 12)
            self.cache[kind] = self.cache.get(kind, 0) + 1
        self._upstream(values, status)
        if path is not None:
            self._page(path, status, seconds)

    def _page(self, path: str, status: str, seconds: str) -> None:
        if path not in self._patterns and len(self._patterns) < MOST_PAGES:
            self._patterns[path] = url_pattern(path)
        pattern = self._patterns.get(path, OTHERS)
        page = self.pages.setdefault(pattern, Page())
        page.requests += 1
        page.errors += status.startswith("5")
        took = number(seconds)
        if took is not None:
            page.timed += 1
            page.seconds += took

    def _upstream(self, values: t.Mapping[str, str], status: str) -> None:
        tried = attempts(values.get("upstream_addr", ""))
        if not tried:
            return
        self.proxied += 1
        # a colon stands before the server of another group, where an answer sent the request on (X-Accel-Redirect, error_page)
        self.retried += "," in values["upstream_addr"]
        codes, times = attempts(values.get("upstream_status", "")), attempts(values.get("upstream_response_time", ""))
        # where the format has no status of the attempts, the last one's is the response's
        codes = codes if len(codes) == len(tried) else [*[NO_STATUS] * (len(tried) - 1), status]
        times = times if len(times) == len(tried) else [NO_STATUS] * len(tried)
        if status == GONE:
            # the visitor went, which says nothing of the server that had not answered yet
            codes = [*codes[:-1], status]
        self.unanswered += codes[-1] in _FAILED
        self.given += status.startswith("5") and codes[-1].startswith("5") and codes[-1] not in _FAILED
        for place, code, seconds in zip(tried, codes, times):
            self._attempt(place, code, seconds)

    def _attempt(self, place: str, code: str, seconds: str) -> None:
        name = clean(unix_place(place) if place.startswith("unix:") else place, 120)
        if name not in self.servers and len(self.servers) >= MOST_SERVERS:
            name = OTHERS
        server = self.servers.setdefault(name, Tried())
        server.attempts += 1
        if code in _FAILED:
            server.failed += 1
        else:
            server.answered += 1
            server.errors += code.startswith("5")
        if code != UPGRADED:
            self._time(server.times, seconds)

    @staticmethod
    def _time(times: Times, seconds: str) -> None:
        printed = seconds.encode("ascii", "replace")
        times.printed[printed] = times.printed.get(printed, 0) + 1


def _path(values: t.Mapping[str, str]) -> t.Optional[str]:
    """The request's path and query; None where the format does not hold it, or the request was none."""
    if "request" in values:
        words = values["request"].split(" ")
        return words[1] if len(words) == 3 else None
    return values.get("request_uri", values.get("uri"))
