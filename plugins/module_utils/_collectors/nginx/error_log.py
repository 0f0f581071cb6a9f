# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The error log's lines of the window, counted by what they say and by the upstream server that they name."""

from __future__ import annotations

import re
import typing as t

from ..._texts.redact import clean
from .settings import unix_place

#: How a line begins: `2026/11/30 18:00:00 [error] 31#31: *7 `. What follows is nginx's own until the first quote.
_BEGINS = re.compile(r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[\w{1,9}\] \d{1,10}#\d{1,10}: (?:\*\d{1,20} )?", re.ASCII)
#: What a message begins with → the measure that counts it.
KINDS: tuple[tuple[str, str], ...] = (
    ("limiting requests, excess", "limited_requests"),  # and not `limiting requests, dry run`
    ("limiting connections by", "limited_connections"),
    ("could not allocate node in ", "zones_exhausted"),  # and not of the sessions of TLS, without which it works, only slower
    ("upstream timed out", "upstream_timeouts"),
    ("no live upstreams", "no_live_upstream"),
    ("upstream prematurely closed", "upstream_closed"),
    ("upstream sent too big header", "upstream_header_too_big"),
    ("upstream SSL certificate", "upstream_handshakes_failed"),
    ("upstream sent ", "upstream_not_understood"),
    ("no resolver defined to resolve ", "upstream_unresolved"),
)
_CONNECTIONS = re.compile(r"\d{1,9} worker_connections are not enough", re.ASCII)
_UNRESOLVED = re.compile(r"[^\s\"]{1,255} could not be resolved \(\d{1,4}: ", re.ASCII)
#: The peer's end of a handshake: of an upstream server it stands in the log as an error, of a visitor as information.
_LEFT_HANDSHAKE = re.compile(r"peer closed connection in SSL handshake(?: \([^()]{1,80}\))? while SSL handshaking to upstream")
_CRASHED = re.compile(r"(?:worker|cache manager|cache loader) process \d{1,10} exited on signal (?!(?:2|3|15)\b)", re.ASCII)
#: A system call that failed: `connect() to 10.0.0.7:80 failed (99: …) while connecting to upstream`, `open() "/x" failed (24: …)`.
_FAILED = re.compile(
    r'(?P<call>\w{1,30})\(\)(?: (?:to )?(?:"[^"]{0,4096}"|[^\s"]{1,200}))? failed \((?:(?P<number>\d{1,4}): |SSL: )', re.ASCII
)
#: By its number, whatever was called; of a connection to an upstream server: a full queue, no right to (SELinux), no port of our own.
_BY_NUMBER = {"23": "descriptors_exhausted", "24": "descriptors_exhausted", "28": "disk_full"}
_OF_CONNECT = {"11": "upstream_queue_full", "1": "upstream_forbidden", "13": "upstream_forbidden", "99": "local_ports_exhausted"}
_TRANSFERS = ("recv", "readv", "send", "writev", "sendfile", "SSL_read", "SSL_write")
_LIMITS = (
    *("limited_requests", "limited_connections", "connections_exhausted", "descriptors_exhausted", "local_ports_exhausted"),
    "zones_exhausted",
)
_ABOUT_UPSTREAM = (
    *("upstream_timeouts", "no_live_upstream", "upstream_refused", "upstream_queue_full", "upstream_forbidden", "upstream_closed"),
    *("upstream_header_too_big", "upstream_handshakes_failed", "upstream_not_understood", "upstream_unresolved"),
)
MEASURES = (*_LIMITS, *_ABOUT_UPSTREAM, "disk_full", "handshakes_failed", "workers_crashed")
_UPSTREAM = re.compile(r', upstream: "(?:[a-z]{1,10}://)?(unix:/[^:"]{1,110}|[0-9.]{7,15}:[0-9]{1,5}|\[[0-9a-f:.]{2,45}\]:[0-9]{1,5})')
#: Longer ones are cut before they are searched; more servers than these are not told apart.
MOST_LINE, MOST_SERVERS = 4096, 100


def kind_of(line: str) -> t.Optional[str]:
    """The measure that counts a line. What a visitor sent stands in quotes (a path), or after `, client: `: it can pass for nothing."""
    begin = _BEGINS.match(line)
    if begin is None:
        return None
    said = line[begin.end() :].partition(", client: ")[0]
    for words, measure in KINDS:
        if said.startswith(words):
            return measure
    if _CONNECTIONS.match(said):
        return "connections_exhausted"
    if _CRASHED.match(said):
        return "workers_crashed"
    if _UNRESOLVED.match(said):
        return "upstream_unresolved"
    if _LEFT_HANDSHAKE.match(said):
        return "upstream_handshakes_failed"
    failed = _FAILED.match(said)
    # a path with a quote in it may go on as if the call had failed otherwise
    if failed is None or ('"' in failed[0] and line.count('" failed (') > 1):
        return None
    return _of_call(failed["call"], failed["number"] or "", "upstream" in said[failed.end() :].partition(" while ")[2])


def _of_call(call: str, number: str, behind: bool) -> t.Optional[str]:
    """`behind`: it was about an upstream server, and no visitor who went."""
    if number in _BY_NUMBER:
        return _BY_NUMBER[number]
    if call == "SSL_do_handshake":
        return "upstream_handshakes_failed" if behind else "handshakes_failed"
    if not behind:
        return None
    if call == "connect":
        return _OF_CONNECT.get(number, "upstream_refused")
    return "upstream_closed" if call in _TRANSFERS else None


class Messages:
    """Counts of the window."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = dict.fromkeys(MEASURES, 0)
        #: (measure, server) → lines
        self.by_server: dict[tuple[str, str], int] = {}

    def count(self, lines: t.Iterable[str]) -> None:
        for line in lines:
            line = line[:MOST_LINE]
            measure = kind_of(line)
            if measure is not None:
                self.counts[measure] += 1
                self._server(measure, line)

    def _server(self, measure: str, line: str) -> None:
        if measure not in _ABOUT_UPSTREAM:
            return
        named = set(_UPSTREAM.findall(line))  # a request or a referrer may claim another one
        if len(named) == 1:
            place = named.pop()
            key = (measure, clean(unix_place(place) if place.startswith("unix:") else place, 120))
            if key in self.by_server or len(self.by_server) < MOST_SERVERS:
                self.by_server[key] = self.by_server.get(key, 0) + 1
