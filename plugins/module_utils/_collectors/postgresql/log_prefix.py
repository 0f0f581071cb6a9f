# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The setting log_line_prefix as a reader of lines: from left to right, once. Who a line is about, as far as the prefix says it."""

from __future__ import annotations

import re
import typing as t

#: What is read, by its escape. A session is told by its number, or by its start and number.
_READ = {"d": "database", "u": "user", "a": "application", "h": "address", "r": "address", "p": "session", "c": "session"}
_ESCAPE = re.compile(r"%-?[0-9]{0,3}([A-Za-z%])")
#: Timestamps hold blanks; what else has a form of its own is checked.
_TIME = re.compile(r"\A\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{3})? [A-Za-z0-9+:-]{1,10}")
_FORMS = {"t": _TIME, "m": _TIME, "s": _TIME, "p": re.compile(r"\A\d{1,10}"), "r": re.compile(r"\A[^\s()]{1,64}(?:\(\d{1,5}\))?")}
#: What comes after the prefix of a line of any kind: its label.
LABEL = ":  "
MOST = 600


class LinePrefix:
    """Reads lines that begin with this prefix."""

    def __init__(self, setting: str) -> None:
        pieces = _ESCAPE.split(setting)
        parts = [(pieces[place], pieces[place + 1]) for place in range(1, len(pieces) - 1, 2)]
        self._begins = pieces[0]
        #: (escape, the text after it), where two that touch cannot be told apart
        self._parts: list[tuple[str, str]] = []
        for escape, after in parts:
            if escape in ("q", "%"):
                literal = ("%" if escape == "%" else "") + after
                if self._parts:
                    self._parts[-1] = (self._parts[-1][0], self._parts[-1][1] + literal)
                else:
                    self._begins += literal
            else:
                self._parts.append((escape, after))
        #: How often it holds what looks like the end of a label.
        self.labels = self._begins.count(LABEL) + sum(after.count(LABEL) for _escape, after in self._parts)

    def read(self, line: str) -> dict[str, str]:
        """What the line tells of the session; nothing when it has another form."""
        line = line[:MOST]
        if not line.startswith(self._begins):
            return {}
        place, values = len(self._begins), {}
        for escape, after in self._parts:
            end = self._end(line, place, escape, after)
            if end is None:
                return {}
            if escape in _READ:
                values[_READ[escape]] = _value(escape, line[place:end].strip())
            place = end + len(after)
        return values

    @staticmethod
    def _end(line: str, place: int, escape: str, after: str) -> t.Optional[int]:
        form = _FORMS.get(escape)
        if form is not None:
            # one that is padded has blanks before or after it
            place += len(line) - place - len(line[place:].lstrip(" "))
            found = form.match(line[place:])
            end = place + found.end() if found else len(line)
            ends = (end, len(line) - len(line[end:].lstrip(" "))) if found else ()
            return next((each for each in ends if line.startswith(after, each)), None)
        end = line.find(after, place) if after else -1
        return end if end >= 0 else None


def _value(escape: str, value: str) -> str:
    value = value.partition("(")[0] if escape == "r" else value
    # "[unknown]" in the server's language
    return "" if value.startswith("[") and value != "[local]" else value
