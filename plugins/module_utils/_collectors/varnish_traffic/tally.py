# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tally: each line of the log into counters. The hot loop; bounded in memory whatever clients send.

Nothing is converted or decoded per line that can be done once per different value.
"""

from __future__ import annotations

import re
import typing as t

from ..._collect.times import Times
from ..._texts.redact import url_pattern
from . import agents, reasons
from .log import FIELD, GROUP

_GROUP, _FIELD = GROUP.encode(), FIELD.encode()
_MOST_HEADS, _MOST_ROWS, _MOST_URLS, _MOST_HOSTS = 20_000, 20_000, 4_096, 2_000
OTHER = "(other URLs)"

# How the mark of a line (the records HitMiss, HitPass and the time left of Hit, `-` where there is none) is read:
_NEVER, _ANY_RECORD, _TIME_LEFT_NEGATIVE = 0, 1, 2
_NO_RECORD = b"---"
# handling → (outcome, when it is the special case, the special outcome)
_OUTCOMES = {
    b"hit": ("hit", _TIME_LEFT_NEGATIVE, "grace_hit"),
    b"miss": ("miss", _ANY_RECORD, "hit_for_miss"),
    b"pass": ("pass", _ANY_RECORD, "hit_for_pass"),
    b"hitmiss": ("hit_for_miss", _NEVER, "hit_for_miss"),  # the words of 7.7 and later
    b"hitpass": ("hit_for_pass", _NEVER, "hit_for_pass"),
    b"pipe": ("pipe", _NEVER, "pipe"),
    b"synth": ("synth", _NEVER, "synth"),
}
OUTCOMES = ("hit", "grace_hit", "miss", "hit_for_miss", "pass", "hit_for_pass", "pipe", "synth")
_FETCHES = {b"fetch": "fetch", b"bgfetch": "background", b"pass": "pass", b"retry": "fetch"}

# [count, bytes, microseconds, reasons {name: count} or None, an example URL, its host]
Row = list[t.Any]
#: A regular expression that URLs were expected to match: (what is expected of them, its place, compiled).
Matcher = tuple[str, int, t.Pattern[str]]


def _nothing(printed: bytes) -> int:
    """`-` is nothing; a size below 0 is none."""
    if printed != b"-":
        raise ValueError(printed)
    return 0


def _time(printed: bytes) -> int:
    took = int(printed)
    if took < 0:
        raise ValueError(printed)
    return took


class Bin:
    """Requests with the same fate: rows by URL pattern."""

    def __init__(self, tally: Tally, side: str, outcome: str, status: bytes, method: bytes, stored: bool = False) -> None:
        self._tally = tally
        self.side = side  # client | backend
        self.outcome = outcome
        self.stored = stored  # whether the response became an object of the cache
        self.status = int(status) if status.isdigit() and len(status) == 3 else 0
        self.method = method
        self.urls: dict[bytes, Row] = {}
        self.rows: dict[tuple[str, tuple[int, ...]], Row] = {}

    def new(self, url: bytes, head: bytes) -> Row:
        """The row of a URL that is not (or no longer) among the recent ones."""
        key = self._tally.key(url)
        row = self.rows.get(key)
        if row is None:
            if self._tally.rows >= _MOST_ROWS:
                key = (OTHER, ())
                self._tally.dropped += 1
                row = self.rows.get(key)
            if row is None:
                row = self.rows[key] = [0, 0, 0, None, url[:1000], head.split(_FIELD)[6][:200]]
                self._tally.rows += 1
        if len(self.urls) >= _MOST_URLS:
            self.urls.clear()
        self.urls[url] = row
        return row


class _Kind:
    """Lines of one kind. What the hot loop does not do itself is left to `take`."""

    inline = False
    visits = False  # counts for hosts and user agents
    bins: t.Sequence[Bin] = ()

    def take(self, head: bytes, url: bytes, sent: int, spent: bytes, first: bytes, detail: bytes) -> None:
        raise NotImplementedError


class _Client(_Kind):
    """The client side. The hot loop counts these lines itself: they are the most."""

    inline = visits = True

    def __init__(self, tally: Tally, handling: bytes, status: bytes, method: bytes) -> None:
        outcome, self.rule, special = _OUTCOMES[handling]
        self.usual = Bin(tally, "client", outcome, status, method)
        self.special = Bin(tally, "client", special, status, method) if self.rule else self.usual
        self.bins = [self.usual, self.special] if self.rule else [self.usual]
        self.times = tally.times_of(outcome).printed


class _Backend(_Kind):
    """The backend side, with the reasons for the fetch."""

    def __init__(self, tally: Tally, kind: str, status: bytes, method: bytes, storage: bytes) -> None:
        self._stored = kind != "pass" and storage not in (b"Transient", b"-")
        self._kept = Bin(tally, "backend", kind, status, method, self._stored)
        self.bins = [self._kept]
        self._kind, self._status, self._method = kind, status, method
        self._times = tally.times_of("backend").printed
        self._counts = tally.reasons[kind]

    def take(self, head: bytes, url: bytes, sent: int, spent: bytes, first: bytes, detail: bytes) -> None:
        took = _time(spent)
        source, ttl, cookie, authorization, set_cookie, control, vary = detail.split(_FIELD)
        if self._kind == "pass":
            why = reasons.of_pass(self._method, source, cookie, authorization)
        elif self._stored:
            why = reasons.of_variants(vary) if vary != b"-" else ()
        else:
            why = reasons.of_not_stored(self._status, ttl, set_cookie, control, vary)
        row = self._kept.urls.get(url) or self._kept.new(url, head)
        row[0] += 1
        row[1] += sent
        row[2] += took
        self._times[first] = self._times.get(first, 0) + 1
        for name in why:
            self._counts[name] = self._counts.get(name, 0) + 1
        why = (*why, *reasons.marks(self._status, control, vary, authorization, self._stored))
        if why:
            if row[3] is None:
                row[3] = {}
            for name in why:
                row[3][name] = row[3].get(name, 0) + 1


class _Left(_Kind):
    """Lines that are counted and nothing else: malformed requests, and the backend's half of a pipe."""

    def __init__(self) -> None:
        self.count = 0

    def take(self, head: bytes, url: bytes, sent: int, spent: bytes, first: bytes, detail: bytes) -> None:
        self.count += 1


# [kind, how many lines]
_Cell = list[t.Any]


class Tally:
    """All counters of one pass."""

    def __init__(self, matchers: t.Sequence[Matcher] = ()) -> None:
        self._matchers = matchers
        #: place → what is expected of the URLs that match there
        self.wants = {place: want for want, place, _regex in matchers}
        self._heads: dict[bytes, _Cell] = {}
        self._named: dict[tuple[t.Any, ...], _Kind] = {}
        self._patterns: dict[bytes, str] = {}
        self.families: dict[tuple[str, str], int] = {}
        self.hosts: dict[bytes, int] = {}
        self.times: dict[str, Times] = {name: Times() for name in ("hit", "miss", "pass", "backend", "other")}
        self.reasons: dict[str, dict[str, int]] = {name: {} for name in ("pass", "fetch", "background")}
        self.malformed, self.piped = _Left(), _Left()
        self.lines = self.unparsed = self.rows = self.dropped = 0
        self.first = self.last = 0.0

    def times_of(self, outcome: str) -> Times:
        return self.times.get(outcome, self.times["other"])

    def feed(self, lines: list[bytes]) -> None:
        """Count whole lines. A line in another format counts as unparsed, and as nothing else."""
        heads = self._heads
        self.lines += len(lines)
        for line in lines:
            try:
                head, mark, url, size, spent, first, _start, detail = line.split(_GROUP)
                sent = int(size) if size[:1] != b"-" else _nothing(size)
                cell = heads.get(head) or self._head(head)
                kind = cell[0]
                if not kind.inline:
                    kind.take(head, url, sent, spent, first, detail)
                    continue
                rule, kept = kind.rule, kind.usual
                if rule == _TIME_LEFT_NEGATIVE:  # a hit: its time is in the histogram, and adds up to nothing
                    took = 0
                    if mark[2] == 45 and len(mark) > 3:
                        kept = kind.special
                else:
                    took = _time(spent)
                    if mark != _NO_RECORD:
                        kept = kind.special
                row = kept.urls.get(url) or kept.new(url, head)
                row[0] += 1
                row[1] += sent
                row[2] += took
                times = kind.times
                times[first] = times.get(first, 0) + 1
                cell[1] += 1
            except (ValueError, KeyError, IndexError):
                self.unparsed += 1
        if not self.first:
            self.first = next(filter(None, map(self._began, lines)), 0.0)
        self.last = max(self.last, *map(self._began, lines[-20:]))
        for times in self.times.values():
            times.fold()

    def _began(self, line: bytes) -> float:
        """When the transaction began; 0 when that is not to be had."""
        try:
            at = float(line.split(_GROUP)[6])
        except (ValueError, IndexError):
            return 0.0
        return at if 0 < at < 1e11 else 0.0

    def _head(self, head: bytes) -> _Cell:
        """The cell for lines that begin so. Raises ValueError or KeyError for what is no such beginning."""
        side, handling, status, method, begin, storage, _host, _agent = head.split(_FIELD)
        method = method if method in reasons.METHODS else b"other"
        if side == b"c":
            name: tuple[t.Any, ...] = (side, handling, status, method)
        elif side == b"b":
            name = (side, begin, status, method, storage)
        else:
            raise ValueError(side)
        kind = self._named.get(name)
        if kind is None:
            kind = self._named[name] = self._made(name)
        if len(self._heads) >= _MOST_HEADS:
            self.fold()
        cell = self._heads[head] = [kind, 0]
        return cell

    def _made(self, name: tuple[t.Any, ...]) -> _Kind:
        if name[0] == b"c":
            return _Client(self, *name[1:]) if name[1] in _OUTCOMES else self.malformed
        if name[1] not in _FETCHES:
            return self.piped
        return _Backend(self, _FETCHES[name[1]], *name[2:])

    def fold(self) -> None:
        """Count hosts and families of user agents from the beginnings of lines seen so far, and forget these."""
        for head, (kind, count) in self._heads.items():
            if kind.visits and count:
                host, agent = head.split(_FIELD)[6:]
                if host not in self.hosts and len(self.hosts) >= _MOST_HOSTS:
                    host = b""
                self.hosts[host] = self.hosts.get(host, 0) + count
                family = agents.family(agent)
                self.families[family] = self.families.get(family, 0) + count
        self._heads.clear()

    def key(self, url: bytes) -> tuple[str, tuple[int, ...]]:
        """(pattern, the expectations that it matches) of a URL."""
        short = _shortened(url)
        pattern = self._patterns.get(short)
        if pattern is None:
            if len(self._patterns) >= 4 * _MOST_URLS:
                self._patterns.clear()
            pattern = self._patterns[short] = url_pattern(unescaped(url))
        if not self._matchers:
            return pattern, ()
        text = unescaped(url).decode("utf-8", "replace")
        return pattern, tuple(place for _want, place, regex in self._matchers if regex.search(text))

    def bins(self) -> t.Iterator[Bin]:
        for kind in self._named.values():
            yield from kind.bins


_VALUES = re.compile(rb"=[^&;]*")
_NUMBERS = re.compile(rb"/\d+(?=[/?]|$)")


def _shortened(url: bytes) -> bytes:
    """The URL without what its pattern leaves out anyway: a cheap key, so that few patterns have to be made."""
    if b"=" in url:
        url = _VALUES.sub(b"=", url)
    return _NUMBERS.sub(b"/0", url)


_ESCAPE = re.compile(rb"\\(x[0-9a-fA-F]{2}|[0-7]{3}|.)")
_SIMPLE = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"v": b"\v", b"f": b"\f", b"b": b"\b", b"a": b"\a"}


def unescaped(value: bytes) -> bytes:
    r"""The bytes that varnishncsa wrote as `\xe9`, `\"` or `\\`."""
    return _ESCAPE.sub(_plain_byte, value) if b"\\" in value else value


def _plain_byte(match: t.Match[bytes]) -> bytes:
    mark = match.group(1)
    if len(mark) == 3:
        return bytes([int(mark[1:], 16) if mark[:1] == b"x" else int(mark, 8) & 255])
    return _SIMPLE.get(mark, mark)
