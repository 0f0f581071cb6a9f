# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sentences with measures in them: `{workers.busy} of {workers.active} workers busy, {hit_ratio:ratio}`.

`{expression}` is JMESPath over the instance, `{expression:unit}` formats it, `{missing:index/indexes}` is "1 index" or "3 indexes" and
`{missing:/is/are}` the word alone; `{table:sql}` is a name as a language writes it (sql, mysql, url, vcl, shell), for what may be pasted;
`{{` and `}}` are braces.
"""

from __future__ import annotations

import functools
import re
import typing as t

from ...module_utils._texts.redact import clean
from .._reach.quoting import LANGUAGES, LONGEST, Untypable, word
from .query import Query, Unknowable, WrongQuery, compiled
from .units import UNITS, numbered, shown_beside

LIMIT = 1200
# singular and plural of what is counted
_FORMS = re.compile(r"^/?[A-Za-z][A-Za-z -]*/[A-Za-z][A-Za-z -]*$")

#: How names are written in what a sentence offers to be pasted.
_QUOTINGS: dict[str, t.Callable[[t.Any], str]] = {**LANGUAGES, "shell": word}
#: In place of a name that cannot be written.
_NAMELESS = "…"

Part = t.Union[str, tuple[Query, t.Optional[str]]]


class Phrase:
    """One sentence, parsed once."""

    def __init__(self, text: str) -> None:
        self.parts: list[Part] = list(_parts(text))

    def render(
        self,
        data: t.Mapping[str, t.Any],
        unit: t.Optional[str] = None,
        limits: t.Sequence[t.Any] = (),
        own_limits: t.Optional[t.Mapping[str, t.Sequence[t.Any]]] = None,
    ) -> str:
        """The sentence over `data`. `unit` is that of `{value}`. Foreign text is cleaned; it is never parsed again.

        `limits`: numbers that the value is read beside, so that it must not look equal to them when it is not. `own_limits`: those of
        other expressions.
        """
        words = []
        for part in self.parts:
            if isinstance(part, str):
                words.append(part)
                continue
            query, own = part
            try:
                found = query(data)
            except Unknowable:
                found = None
            written = own or (unit if query.text == "value" else None)
            # 0 bytes is not "just under" a limit of 15 %
            beside = [*(limits if (written or "count") == (unit or "count") else ()), *(own_limits or {}).get(query.text, ())]
            words.append(_written(found, written, beside))
        return _tidy("".join(words))


@functools.lru_cache(maxsize=4096)
def phrase(text: str) -> Phrase:
    return Phrase(text)


def _written(found: t.Any, unit: t.Optional[str], limits: t.Sequence[t.Any]) -> str:
    if unit in _QUOTINGS:
        try:
            return clean(_QUOTINGS[unit](found), 2 * LONGEST)  # a cut could take the closing quote away
        except Untypable:
            return _NAMELESS
    return clean(numbered(found, unit) if unit and "/" in unit else shown_beside(found, unit, limits), 300)


def _tidy(text: str) -> str:
    # lines are kept: advice may hold a snippet of configuration
    if text.isprintable():
        return text.strip()[:LIMIT]
    lines = [line.rstrip() for line in text.strip().splitlines()]
    return "\n".join(lines)[:LIMIT]


def _parts(text: str) -> t.Iterator[Part]:
    literal, at = "", 0
    while at < len(text):
        char = text[at]
        if text[at : at + 2] in ("{{", "}}"):
            literal, at = literal + char, at + 2
        elif char == "{":
            end = closing_brace(text, at)
            if literal:
                yield literal
            yield _expression(text[at + 1 : end])
            literal, at = "", end + 1
        elif char == "}":
            raise WrongQuery(f"a closing brace without its opening one in {text[:60]!r}; write }}}} for a brace")
        else:
            literal, at = literal + char, at + 1
    if literal:
        yield literal


def closing_brace(text: str, start: int) -> int:
    """Where the brace that opens at `start` closes, passing over braces and quotes inside the expression."""
    depth, quote = 0, ""
    for at in range(start, len(text)):
        char = text[at]
        if quote:
            quote = "" if char == quote else quote
        elif char in "'`\"":
            quote = char
        elif char == "{":
            depth += 1
        elif char == "}":
            depth -= 1
            if depth == 0:
                return at
    raise WrongQuery(f"a brace is not closed in {text[start : start + 60]!r}; write {{{{ for a brace")


def _expression(inside: str) -> tuple[Query, t.Optional[str]]:
    expression, colon, unit = inside.rpartition(":")
    if colon and (unit.strip() in UNITS or unit.strip() in _QUOTINGS or _FORMS.match(unit.strip())):
        return compiled(expression.strip()), unit.strip()
    return compiled(inside.strip()), None
