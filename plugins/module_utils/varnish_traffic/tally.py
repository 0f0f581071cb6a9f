# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tally: each line of the log into counters. The hot loop; bounded in memory whatever strangers send.

Nothing is converted or decoded per line that can be done once per different value.
"""

from __future__ import annotations

import re
import typing as t

from ..floor.redact import url_pattern
from . import agents, reasons
from .log import FIELD, GROUP
from .times import Times

_GROUP, _FIELD = GROUP.encode(), FIELD.encode()
_MOST_KINDS, _MOST_ROWS, _MOST_URLS, _MOST_HOSTS, _MOST_AGENTS = 1_000, 20_000, 4_096, 2_000, 5_000
OTHER = "(other URLs)"

# handling → (outcome, where its special case shows among the details, the special outcome)
_OUTCOMES = {
    b"hit": ("hit", 2, "grace_hit"),  # the time that is left is negative: delivered after its time
    b"miss": ("miss", 0, "hit_for_miss"),
    b"pass": ("pass", 1, "hit_for_pass"),
    b"hitmiss": ("hit_for_miss", None, None),  # the words of 7.7 and later
    b"hitpass": ("hit_for_pass", None, None),
    b"pipe": ("pipe", None, None),
    b"synth": ("synth", None, None),
}
OUTCOMES = ("hit", "grace_hit", "miss", "hit_for_miss", "pass", "hit_for_pass", "pipe", "synth")
_FETCHES = {b"fetch": "fetch", b"bgfetch": "background", b"pass": "pass", b"retry": "fetch"}

# [count, bytes, microseconds, reasons {name: count} or None, an example URL, its host]
Row = list[t.Any]
#: A regular expression that URLs were expected to match: (what is expected of them, its place, compiled).
Matcher = tuple[str, int, t.Pattern[str]]


class Bin:
    """Requests with the same fate: rows by URL pattern."""

    def __init__(self, tally: Tally, side: str, outcome: str, status: bytes, method: bytes) -> None:
        self._tally = tally
        self.side = side  # client | backend
        self.outcome = outcome
        self.status = int(status) if status.isdigit() and len(status) == 3 else 0
        self.method = method
        self.urls: dict[bytes, Row] = {}
        self.rows: dict[tuple[str, tuple[int, ...]], Row] = {}

    def new(self, url: bytes, host: bytes) -> Row:
        """The row of a URL that is not (or no longer) among the recent ones."""
        key = self._tally.key(url)
        row = self.rows.get(key)
        if row is None:
            if self._tally.rows >= _MOST_ROWS:
                key = (OTHER, ())
                self._tally.dropped += 1
                row = self.rows.get(key)
            if row is None:
                row = self.rows[key] = [0, 0, 0, None, url[:1000], host[:200]]
                self._tally.rows += 1
        if len(self.urls) >= _MOST_URLS:
            self.urls.clear()
        self.urls[url] = row
        return row


class _Client:
    """Lines of one kind from the client side."""

    def __init__(self, tally: Tally, handling: bytes, status: bytes, method: bytes) -> None:
        outcome, self._mark, special = _OUTCOMES[handling]
        self.bins = [Bin(tally, "client", name, status, method) for name in (outcome, special) if name]
        self._hit = handling == b"hit"
        self._times = tally.times_of(outcome).printed
        self._tally = tally

    def take(self, detail: bytes, host: bytes, agent: bytes, url: bytes, numbers: bytes) -> None:
        size, text, first, _start = numbers.split(_FIELD)
        sent, spent = 0 if size == b"-" else int(size), int(text)  # before anything is counted: a bad line counts as nothing
        kept = self.bins[0]
        if self._mark is not None:
            mark = detail.split(_FIELD, 3)[self._mark]
            if mark != b"-" and (not self._hit or mark[:1] == b"-"):
                kept = self.bins[1]
        try:
            row = kept.urls[url]
        except KeyError:
            row = kept.new(url, host)
        row[0] += 1
        row[1] += sent
        row[2] += spent
        times = self._times
        times[first] = times.get(first, 0) + 1
        self._tally.visitor(host, agent)


class _Backend:
    """Lines of one kind from the backend side, with the reasons why they had to be asked for."""

    def __init__(self, tally: Tally, kind: str, status: bytes, method: bytes, storage: bytes) -> None:
        self.bins = [Bin(tally, "backend", kind, status, method)]
        self._kind, self._status, self._method = kind, status, method
        self._kept = storage not in (b"Transient", b"-")
        self._times = tally.times_of("backend").printed
        self._counts = tally.reasons[kind]

    def take(self, detail: bytes, host: bytes, agent: bytes, url: bytes, numbers: bytes) -> None:
        size, text, first, _start = numbers.split(_FIELD)
        sent, spent = 0 if size == b"-" else int(size), int(text)
        _miss, _pass, _hit, source, ttl, cookie, authorization, set_cookie, control, vary = detail.split(_FIELD)
        if self._kind == "pass":
            why = reasons.of_pass(self._method, source, cookie, authorization)
        elif self._kept:
            why = reasons.of_variants(vary) if vary != b"-" else ()
        else:
            why = reasons.of_not_stored(self._status, ttl, set_cookie, control, vary)
        try:
            row = self.bins[0].urls[url]
        except KeyError:
            row = self.bins[0].new(url, host)
        row[0] += 1
        row[1] += sent
        row[2] += spent
        times = self._times
        times[first] = times.get(first, 0) + 1
        if why:
            if row[3] is None:
                row[3] = {}
            for name in why:
                row[3][name] = row[3].get(name, 0) + 1
                self._counts[name] = self._counts.get(name, 0) + 1


class _Left:
    """Lines that are counted and nothing else: malformed requests, and the backend's half of a pipe."""

    bins: t.Sequence[Bin] = ()

    def __init__(self) -> None:
        self.count = 0

    def take(self, detail: bytes, host: bytes, agent: bytes, url: bytes, numbers: bytes) -> None:
        self.count += 1


class Tally:
    """All counters of one pass."""

    def __init__(self, matchers: t.Sequence[Matcher] = ()) -> None:
        self._matchers = matchers
        self._kinds: dict[bytes, t.Any] = {}
        self._named: dict[tuple[t.Any, ...], t.Any] = {}
        self._keys: dict[bytes, tuple[str, tuple[int, ...]]] = {}
        self._agents: dict[bytes, list[int]] = {}
        self.families: dict[tuple[str, str], list[int]] = {}
        self.hosts: dict[bytes, int] = {}
        self.times: dict[str, Times] = {name: Times() for name in ("hit", "miss", "pass", "backend", "other")}
        self.reasons: dict[str, dict[str, int]] = {name: {} for name in ("pass", "fetch", "background")}
        self.malformed, self.piped = _Left(), _Left()
        self.lines = self.unparsed = self.rows = self.dropped = 0
        self.first = self.last = 0.0

    def times_of(self, outcome: str) -> Times:
        return self.times.get(outcome, self.times["other"])

    def feed(self, lines: list[bytes]) -> None:
        """Count whole lines. A line that is not of the form asked for counts as unparsed, and as nothing else."""
        kinds = self._kinds
        self.lines += len(lines)
        for line in lines:
            try:
                kind, detail, host, agent, url, numbers = line.split(_GROUP)
                (kinds.get(kind) or self._kind(kind)).take(detail, host, agent, url, numbers)
            except (ValueError, KeyError, IndexError):
                self.unparsed += 1
        self._clock(lines[0])
        self._clock(lines[-1])
        for times in self.times.values():
            times.fold()

    def _clock(self, line: bytes) -> None:
        try:
            at = float(line.rpartition(_FIELD)[2])
        except ValueError:
            return
        if 0 < at < 1e11:
            self.first = min(self.first or at, at)
            self.last = max(self.last, at)

    def _kind(self, text: bytes) -> t.Any:
        """The counters for lines of this kind. Raises ValueError or KeyError for what is none."""
        side, handling, status, method, begin, storage = text.split(_FIELD)
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
        if len(self._kinds) < _MOST_KINDS:
            self._kinds[text] = kind
        return kind

    def _made(self, name: tuple[t.Any, ...]) -> t.Any:
        if name[0] == b"c":
            return _Client(self, *name[1:]) if name[1] in _OUTCOMES else self.malformed
        if name[1] not in _FETCHES:
            return self.piped
        return _Backend(self, _FETCHES[name[1]], *name[2:])

    def visitor(self, host: bytes, agent: bytes) -> None:
        try:
            self.hosts[host] += 1
        except KeyError:
            host = host if len(self.hosts) < _MOST_HOSTS else b""
            self.hosts[host] = self.hosts.get(host, 0) + 1
        try:
            self._agents[agent][0] += 1
        except KeyError:
            if len(self._agents) >= _MOST_AGENTS:
                self._agents.clear()
            cell = self._agents[agent] = self.families.setdefault(agents.family(agent), [0])
            cell[0] += 1

    def key(self, url: bytes) -> tuple[str, tuple[int, ...]]:
        """(pattern, the expectations that it matches) of a URL."""
        short = url if self._matchers or b"=" not in url else _VALUES.sub(b"=", url)
        key = self._keys.get(short)
        if key is None:
            if len(self._keys) >= 4 * _MOST_URLS:
                self._keys.clear()
            raw = unescaped(url)
            text = raw.decode("utf-8", "replace")
            key = self._keys[short] = (url_pattern(raw), tuple(place for _want, place, regex in self._matchers if regex.search(text)))
        return key

    def bins(self) -> t.Iterator[Bin]:
        for kind in self._named.values():
            yield from kind.bins


_VALUES = re.compile(rb"=[^&;]*")
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
