# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The error log's lines of the window, counted by what they say and by the upstream server that they name."""

from __future__ import annotations

import re
import typing as t

from ..._texts.redact import clean

#: What a line says → the measure that counts it. The first that holds counts.
KINDS: tuple[tuple[str, str], ...] = (
    ("limiting requests", "limited_requests"),
    ("limiting connections", "limited_connections"),
    ("upstream timed out", "upstream_timeouts"),
    ("no live upstreams", "no_live_upstream"),
    ("worker_connections are not enough", "connections_exhausted"),
    ("failed (24: ", "descriptors_exhausted"),
    ("connect() failed", "upstream_refused"),
    ("connect() to unix:", "upstream_refused"),
    ("upstream prematurely closed", "upstream_closed"),
    ("upstream sent too big header", "upstream_header_too_big"),
    ("recv() failed", "upstream_closed"),
    ("No space left on device", "disk_full"),
    ("SSL_do_handshake() failed", "handshakes_failed"),
)
MEASURES = tuple(dict.fromkeys(measure for _words, measure in KINDS))
_ABOUT_UPSTREAM = ("upstream_timeouts", "no_live_upstream", "upstream_refused", "upstream_closed", "upstream_header_too_big")
_UPSTREAM = re.compile(r'upstream: "(?:[a-z]{1,10}://)?(unix:/[^:"]{1,110}|[0-9.]{7,15}:[0-9]{1,5}|\[[0-9a-f:.]{2,45}\]:[0-9]{1,5})')
#: Longer ones are cut before they are searched; more servers than these are not told apart.
MOST_LINE, MOST_SERVERS = 4096, 100


class Messages:
    """Counts of the window."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = dict.fromkeys(MEASURES, 0)
        #: (measure, server) → lines
        self.by_server: dict[tuple[str, str], int] = {}

    def count(self, lines: t.Iterable[str]) -> None:
        for line in lines:
            line = line[:MOST_LINE]
            # what a visitor sent comes after these, so that it cannot pass for a message
            said = line.partition(", client: ")[0]
            measure = next((name for words, name in KINDS if words in said), None)
            if measure is not None:
                self.counts[measure] += 1
                self._server(measure, line)

    def _server(self, measure: str, line: str) -> None:
        if measure not in _ABOUT_UPSTREAM:
            return
        found = _UPSTREAM.search(line)
        if found is not None:
            key = (measure, clean(found[1], 120))
            if key in self.by_server or len(self.by_server) < MOST_SERVERS:
                self.by_server[key] = self.by_server.get(key, 0) + 1
