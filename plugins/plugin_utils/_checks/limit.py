# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Limits as data: `'>= 0.75'`, `== true`, `!= 'x'`, or a mapping of which every entry must hold; its `says` is the limit in words."""

from __future__ import annotations

import dataclasses
import math
import operator
import re
import typing as t

from .query import Query, Unknowable, WrongQuery, compiled
from .units import UNITS, shown

_OPERATORS: dict[str, t.Callable[[t.Any, t.Any], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
}
_LIMIT = re.compile(r"^\s*(>=|<=|==|!=|>|<)\s*(.+?)\s*$", re.S)
_TEXT = re.compile(r"^'([^']*)'$|^\"([^\"]*)\"$")
# What Ansible prints in place of a secret, and with it of every number that looks like one (case A-05).
MASKED = re.compile(r"VALUE_SPECIFIED_IN_NO_LOG_PARAMETER|\*{3,}")

# the last name of a plain path, perhaps with a value for null after it
_PLAIN_PATH = re.compile(r"^(?:[A-Za-z_]\w*(?:\[-?\d+\])?\.)*([A-Za-z_]\w*)(?:\s*\|\|\s*`[^`]*`)?$")
_ENDINGS = {"_bytes_per_second": "bytes_per_second", **{f"_{unit}": unit for unit in UNITS if unit not in ("count", "text", "boolean")}}
#: The key of a limit's mapping that says in words what its expressions ask.
SAYS = "says"

Operand = t.Union[int, float, bool, str]


class WrongLimit(ValueError):
    """A limit that cannot be right."""


@dataclasses.dataclass(frozen=True)
class Comparison:
    """One value against one operand."""

    sign: str
    operand: Operand

    @classmethod
    def parse(cls, text: t.Any) -> Comparison:
        match = _LIMIT.match(text) if isinstance(text, str) else None
        if match is None:
            raise WrongLimit(f"{text!r} is not a limit; write >= > <= < == or != and then a number, true, false or 'text', all in quotes")
        sign, written = match.groups()
        operand = _operand(written)
        if isinstance(operand, (str, bool)) and sign not in ("==", "!="):
            raise WrongLimit(f"{text!r}: {written} can only be compared with == or !=")
        return cls(sign, operand)

    def holds(self, value: t.Any) -> bool:
        return _OPERATORS[self.sign](comparable(value, self.operand), self.operand)

    def implies(self, other: Comparison) -> bool:
        """Whether every value that this one holds for is one that the other holds for too."""
        if self == other:
            return True
        direction = self.sign[0]
        if direction not in "<>" or other.sign[0] != direction or isinstance(self.operand, str) or isinstance(other.operand, str):
            return False
        if self.operand == other.operand:
            return len(other.sign) >= len(self.sign)  # > implies >=, not the other way round
        return (self.operand > other.operand) == (direction == ">")


def _operand(written: str) -> Operand:
    if written in ("true", "false"):
        return written == "true"
    text = _TEXT.match(written)
    if text:
        return next(group for group in text.groups() if group is not None)
    try:
        number = float(written)
    except ValueError:
        raise WrongLimit(f"{written!r} is neither a number nor true, false or 'text' in quotes") from None
    if not math.isfinite(number):
        raise WrongLimit(f"{written} is no limit that anything can be held against")
    return int(number) if number.is_integer() and re.fullmatch(r"[+-]?\d+", written) else number


def unmasked(value: t.Any) -> t.Any:
    """The value, or Unknowable when Ansible's masking of secrets has put something else in its place."""
    if isinstance(value, str) and MASKED.search(value):
        raise Unknowable("the value was masked as a secret on its way here; take secrets out of the options that measured it")
    return value


def usable(value: t.Any, operands: t.Iterable[Operand]) -> None:
    """Raise Unknowable for a value that can be held against none of its limits, whatever else they ask: it was not measured."""
    if isinstance(value, float) and not math.isfinite(value):
        raise Unknowable("the value is not a finite number")
    for operand in operands:
        comparable(value, operand)


def comparable(value: t.Any, operand: Operand) -> t.Any:
    """The value in the operand's kind; raises Unknowable when it is of another kind, or no number at all."""
    if type(value) is int and type(operand) in (int, float):  # pylint: disable=unidiomatic-typecheck
        return value
    unmasked(value)
    if isinstance(operand, bool):
        return _kind(value, bool, isinstance(value, bool), "true or false")
    if isinstance(operand, str):
        return _kind(value, str, isinstance(value, str), "text")
    if isinstance(value, str):
        value = _number_in(value)
    number = _kind(value, float, isinstance(value, (int, float)) and not isinstance(value, bool), "a number")
    if isinstance(number, float) and not math.isfinite(number):
        raise Unknowable("the value is not a finite number")
    return number


def _kind(value: t.Any, _kind_wanted: type, right: bool, wanted: str) -> t.Any:
    if not right:
        raise Unknowable(f"the value is {_described(value)} where {wanted} is needed")
    return value


def _number_in(value: str) -> t.Any:
    try:
        return float(value)
    except ValueError:
        return value


def _described(value: t.Any) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, bool):
        return "true" if value else "false"
    return "unknown" if value is None else f"the {'text' if isinstance(value, str) else 'value'} {str(value)[:40]!r}"


def worded(expression: str, comparison: Comparison) -> str:
    """A term for people: `filesystems[0].available_bytes < 5368709120` is "available < 5 GiB"."""
    name = _PLAIN_PATH.sub(r"\1", expression)
    unit = next((unit for ending, unit in _ENDINGS.items() if name.endswith(ending)), None)
    if unit is not None and unit != "ratio":
        name = name.removesuffix("_" + unit) or name
    return f"{name.replace('_', ' ')} {comparison.sign} {_operand_shown(comparison.operand, unit)}"


def _operand_shown(operand: Operand, unit: t.Optional[str]) -> str:
    if isinstance(operand, bool):
        return "true" if operand else "false"
    return f"'{operand}'" if isinstance(operand, str) else shown(operand, unit)


@dataclasses.dataclass(frozen=True)
class Limit:
    """One comparison of the check's own value, or several of which every one must hold."""

    terms: tuple[tuple[t.Optional[Query], Comparison], ...]
    text: str

    @classmethod
    def parse(cls, written: t.Any) -> Limit:
        if not isinstance(written, dict):
            return cls(((None, Comparison.parse(written)),), written.strip() if isinstance(written, str) else "")
        if not written:
            raise WrongLimit("an empty mapping is no limit")
        said = written.get(SAYS)
        terms, words = [], []
        for expression, limit in written.items():
            if expression == SAYS:
                continue
            own = expression == "value"
            try:
                terms.append((None if own else compiled(expression), Comparison.parse(limit)))
            except (WrongLimit, WrongQuery) as error:
                raise WrongLimit(f"{expression}: {error}") from None
            if own or said is None:
                words.append(limit.strip() if own else worded(expression, terms[-1][1]))
        if not terms or (said is not None and not isinstance(said, str)):
            raise WrongLimit(f"`{SAYS}` is the limit in words (a text) beside at least one expression: limit")
        return cls(tuple(terms), " and ".join([*words, said.strip()] if said else words))

    @property
    def operands(self) -> tuple[Operand, ...]:
        """What the check's own value is compared with."""
        return tuple(comparison.operand for query, comparison in self.terms if query is None)

    def holds(self, data: t.Any, value: t.Any = None) -> bool:
        """Whether every term holds. One that surely does not decides; else one that cannot be known raises Unknowable."""
        unknown: t.Optional[str] = None  # not the error: it holds this very frame, and only the collector could free such a ring
        for query, comparison in self.terms:
            try:
                if not (comparison.holds(value) if query is None else _term_holds(query, comparison, data)):
                    return False
            except Unknowable as reason:
                unknown = str(reason) if unknown is None else unknown
        if unknown is not None:
            raise Unknowable(unknown)
        return True

    def beyond(self, other: Limit) -> bool:
        """Whether this limit is reached only after the other one: as a warning before that failure it could never be given."""
        implied = [
            (own, comparison)
            for query, comparison in other.terms
            for own_query, own in self.terms
            if _text(own_query) == _text(query) and own.implies(comparison)
        ]
        return len(implied) == len(other.terms) and any(own != comparison for own, comparison in implied)


def _text(query: t.Optional[Query]) -> t.Optional[str]:
    return None if query is None else query.text


def _term_holds(query: Query, comparison: Comparison, data: t.Any) -> bool:
    """Whether the comparison holds for all that the expression may find here; Unknowable when that is not decided."""
    reading = query.read(data)
    if reading.least is None and reading.most is None:
        raise Unknowable(query.missing(data))
    results = {comparison.holds(found) for found in reading.candidates()}
    if len(results) > 1:
        raise Unknowable(reading.doubt or "")
    return results.pop()
