# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A log_format as a reader of its lines: from left to right, once, whatever a line holds."""

from __future__ import annotations

import re
import typing as t

COMBINED = "combined"
COMBINED_FORMAT = '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"'
#: What is read of a line. Nothing else is kept.
WANTED = frozenset({
    "status", "request", "request_uri", "uri", "request_time", "upstream_addr", "upstream_response_time", "upstream_status",
    "upstream_cache_status",
})  # fmt: skip

#: Without these the log does not tell what visitors get, and how each server behind answers.
NEEDED = frozenset({"status", "request_time"})
NEEDED_OF_PROXIES = frozenset({"upstream_addr", "upstream_status", "upstream_response_time"})

_VARIABLE = re.compile(r"\$(?:([a-zA-Z_]\w*)|\{([a-zA-Z_]\w*)\})", re.ASCII)
#: Several attempts are separated by commas, several groups by colons.
_ATTEMPTS = re.compile(r'[^\s,"]+(?:(?:, ?| : )[^\s,"]+)*|')
_NUMBER = re.compile(r"\d{1,12}(?:\.\d{1,6})?|-|")
_FORMS: dict[str, re.Pattern[str]] = {
    "status": re.compile(r"\d{3}"),
    "request_time": _NUMBER,
    **dict.fromkeys(("upstream_addr", "upstream_response_time", "upstream_status"), _ATTEMPTS),
}
_SEPARATORS = re.compile(r", ?| : ")


def variables(log_format: str) -> list[str]:
    return [found[1] or found[2] for found in _VARIABLE.finditer(log_format)]


class LineReader:
    """Reads lines of one format."""

    def __init__(self, log_format: str) -> None:
        self.variables = variables(log_format)
        pieces = _VARIABLE.split(log_format)
        self._begins = pieces[0]
        #: (variable, the text after it)
        self._parts = [(pieces[place] or pieces[place + 1], pieces[place + 2]) for place in range(1, len(pieces) - 2, 3)]

    def read(self, line: str) -> t.Optional[dict[str, str]]:
        """The wanted variables of a line; None of one that has another form."""
        if not line.startswith(self._begins):
            return None
        place, values = len(self._begins), {}
        for name, after in self._parts:
            end = self._end(line, place, name, after)
            if end is None:
                return None
            if name in WANTED:
                values[name] = line[place:end]
            place = end + len(after)
        return values

    def _end(self, line: str, place: int, name: str, after: str) -> t.Optional[int]:
        form = _FORMS.get(name)
        if form is not None:
            found = form.match(line, place)
            end = -1 if found is None else found.end()
            return end if end >= 0 and line.startswith(after, end) else None
        end = line.find(after, place) if after else len(line)
        return end if end >= 0 else None


def attempts(value: str) -> list[str]:
    """Of a variable that has a value for each server that was tried."""
    return _SEPARATORS.split(value) if value and value != "-" else []
