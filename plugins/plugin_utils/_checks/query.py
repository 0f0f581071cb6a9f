# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""JMESPath on the control node: compiled once, with errors that a person can act on."""

from __future__ import annotations

import collections
import dataclasses
import functools
import re
import sys
import typing as t

from .interpreter import NULL, Interpreter
from .units import numbered

try:
    import jmespath
    from jmespath.exceptions import JMESPathError
except ImportError:  # said by `require`, at the start of a run and in words
    jmespath = None
    JMESPathError = ValueError


class WrongQuery(ValueError):
    """An expression that cannot be right."""


class Unknowable(Exception):
    """A question that these facts cannot answer; its text is the reason."""


_TEXT_AS_IDENTIFIER = re.compile(r'[=!]=\s*"|"\s*[=!]=')
_QUOTED = re.compile(r"'(?:\\.|[^'\\])*'|`(?:\\.|[^`\\])*`")
_PATH = re.compile(r'(?:[A-Za-z_]\w*|"[^"]+")(?:\.(?:[A-Za-z_]\w*|"[^"]+"))*(?!\s*\()')


def require() -> None:
    """Raise when the library is not here, naming it, this interpreter and the side that needs it (case F-09)."""
    if jmespath is None:
        raise WrongQuery(
            f"the Python library jmespath is missing on the controller, where the checks are judged, for {sys.executable}: "
            f"install it there (pip install jmespath, or the package python3-jmespath)"
        )


@dataclasses.dataclass(frozen=True)
class Reading:
    """What an expression finds: at least, and at most if every comparison that cannot be made would hold (case F-05)."""

    least: t.Any
    most: t.Any
    doubt: t.Optional[str]
    #: Whether all that could not be compared was null, which in a condition says "not here" rather than "odd".
    only_null: bool = True
    #: How many values could not be compared.
    odd: int = 0

    @property
    def decided(self) -> bool:
        return self.doubt is None or self.least == self.most

    def candidates(self) -> tuple[t.Any, ...]:
        return (self.least,) if self.doubt is None else (self.least, self.most)


class Query:
    """One expression over one instance."""

    def __init__(self, text: str) -> None:
        require()
        if not isinstance(text, str) or not text.strip():
            raise WrongQuery("an expression must be a text that is not empty")
        self.text = text.strip()
        if _TEXT_AS_IDENTIFIER.search(_QUOTED.sub("", self.text)):
            raise WrongQuery(f"{self.text}: in JMESPath double quotes name a key, this holds for nothing; write text in single quotes")
        try:
            self._compiled = jmespath.compile(self.text)
        except JMESPathError as error:
            hint = "; numbers are written in backticks, text in single quotes" if re.search(r"[<>=]\s*\d", self.text) else ""
            raise WrongQuery(f"{self.text} is not JMESPath ({_first_line(error)}){hint}") from None
        #: The names of a plain path, as most expressions are: looked up without the interpreter.
        self._path = _plain_path(self._compiled.parsed)

    @property
    def parsed(self) -> t.Mapping[str, t.Any]:
        """The syntax tree."""
        tree: t.Mapping[str, t.Any] = self._compiled.parsed
        return tree

    def read(self, data: t.Any) -> Reading:
        """What the expression finds. Raises Unknowable when it cannot be computed, whatever the library raises."""
        if self._path:
            found = _found(self._path, data)
            return Reading(found, found, None)
        least, incomparable = self._search(data, assume=False)
        if not incomparable:
            return Reading(least, least, None)
        most, _the_same = self._search(data, assume=True)
        only_null = all(kind.endswith(NULL) for kind in incomparable)
        return Reading(least, most, reason_in(data, self.text) or _doubt(self.text, incomparable), only_null, len(incomparable))

    def _search(self, data: t.Any, assume: bool) -> tuple[t.Any, list[str]]:
        interpreter = Interpreter(assume)
        try:
            return interpreter.visit(self._compiled.parsed, data), interpreter.incomparable
        except Exception as error:  # not only JMESPathError: the library lets TypeError and others of Python's own through
            reason = reason_in(data, self.text) or f"{self.text} cannot be computed from these facts ({_first_line(error)})"
            raise Unknowable(reason) from None

    def __call__(self, data: t.Any) -> t.Any:
        """What the expression surely finds, None when it finds nothing; for words and rows, not for a judgement."""
        return self.read(data).least

    def certain(self, data: t.Any) -> t.Any:
        """As a call, but raises Unknowable when what cannot be compared could change the result."""
        reading = self.read(data)
        if not reading.decided:
            raise Unknowable(reading.doubt or "")
        return reading.least

    def known(self, data: t.Any) -> t.Any:
        """As `certain`, but null raises Unknowable with its reason: nothing is never under a limit (case F-01)."""
        found = self.certain(data)
        if found is None:
            raise Unknowable(self.missing(data))
        return found

    def lacking(self, data: t.Any) -> t.Optional[str]:
        """Why a condition that does not hold is not decided: it compares a measure that is not there with a value.

        In `kind == 'app'` a null is no kind at all, rather than another one. (Where null means "not here", the condition says so itself.)
        """
        return None if _decided(self.parsed, data) else self.missing(data)

    def missing(self, data: t.Any) -> str:
        """Why the expression finds nothing here."""
        return reason_in(data, self.text) or f"the facts have no value for {self.text}"


@functools.lru_cache(maxsize=4096)
def compiled(text: str) -> Query:
    return Query(text)


def _decided(node: t.Mapping[str, t.Any], data: t.Any) -> bool:
    """Whether the nulls that a condition compares with values cannot change its outcome. (`!=` takes a null for another value.)"""
    children = node.get("children", ())
    if node["type"] in ("and_expression", "or_expression"):
        deciding = node["type"] == "or_expression"  # one that holds decides an `or`, one that does not an `and`
        decisive = [child for child in children if _holds(child, data) is deciding]
        return any(_decided(child, data) for child in decisive) if decisive else all(_decided(child, data) for child in children)
    if node["type"] == "not_expression":
        return _decided(children[0], data)
    literal = any(side["type"] == "literal" and side["value"] is not None for side in children)
    if node["type"] != "comparator" or node["value"] == "ne" or not literal:
        return True
    return all(_found(path, data) is not None for side in children if (path := _plain_path(side)))


def _holds(node: t.Mapping[str, t.Any], data: t.Any) -> bool:
    return Interpreter(False).visit(node, data) not in (None, False, 0, "", [], {})


def _plain_path(node: t.Mapping[str, t.Any]) -> tuple[str, ...]:
    if node["type"] == "field":
        return (str(node["value"]),)
    if node["type"] == "subexpression" and all(child["type"] in ("field", "subexpression") for child in node["children"]):
        return tuple(name for child in node["children"] for name in _plain_path(child))
    return ()


def _found(path: tuple[str, ...], data: t.Any) -> t.Any:
    for name in path:
        data = data.get(name) if isinstance(data, dict) else None
    return data


def reason_in(data: t.Any, expression: str) -> t.Optional[str]:
    """The reason that the instance itself gives (in `unknown`, by dotted path) for what the expression reads."""
    reasons = data.get("unknown") if isinstance(data, dict) else None
    if not isinstance(reasons, dict) or not reasons:
        return None
    for path in _PATH.findall(_QUOTED.sub("", expression)):
        parts = path.replace('"', "").split(".")
        for length in range(len(parts), 0, -1):
            reason = reasons.get(".".join(parts[:length]))
            if reason:
                return str(reason)
    return None


def _doubt(text: str, incomparable: list[str]) -> str:
    kinds = ", ".join(kind for kind, _count in collections.Counter(incomparable).most_common(2))
    return f"{numbered(len(incomparable), 'value/values')} in {text} cannot be compared ({kinds})"


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
