# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one builder of facts: a measure is known, or null with its reason. Every collector's `shape` fills one.

The reason is given where the reading failed: functions that may fail return `Unknown(reason)` in place of the value, and
`put` turns it into null and a line of `unknown`. A bare None is accepted only together with a reason.
"""

from __future__ import annotations

import dataclasses
import math
import typing as t

from .._texts.plain import plain

#: What a null without a reason says of itself. No test may ever see it.
UNEXPLAINED = "not known, and nothing says why: please report this"


@dataclasses.dataclass(frozen=True)
class Unknown:
    """In place of a value: why it is not known, and what makes it known."""

    reason: str

    def __bool__(self) -> bool:
        raise TypeError("what is not known is neither true nor false: use known()")


#: What a measure may hold.
Value = t.Union[str, int, float, Unknown, t.Sequence["Value"], t.Mapping[str, "Value"]]
#: A row of a list.
Row = t.Mapping[str, Value]
Known = t.TypeVar("Known", bound=t.Union[str, int, float, t.Sequence[t.Any], t.Mapping[str, t.Any]])
T = t.TypeVar("T")
#: A value, or why there is none.
Maybe = t.Union[T, Unknown]


def measured(value: t.Optional[T], reason: str) -> Maybe[T]:
    """`value`, or that it is unknown for this reason."""
    return Unknown(reason) if value is None else value


def known(value: Maybe[T]) -> t.Optional[T]:
    """`value`, None when it is unknown: for arithmetic whose outcome gets its own reason."""
    return None if isinstance(value, Unknown) else value


def row(values: t.Mapping[str, t.Any], reasons: t.Mapping[str, str]) -> dict[str, Value]:
    """A row of a list: in place of each None, why this column is unknown (a reason for each column that may be)."""
    return {name: Unknown(reasons.get(name, UNEXPLAINED)) if value is None else value for name, value in values.items()}


class Facts:
    """Measures by dotted name, with, for each that is null, why; and notes: sentences worth knowing that are no measures."""

    def __init__(self) -> None:
        self._values: dict[str, t.Any] = {}
        self.unknown: dict[str, str] = {}
        self.at_least: dict[str, t.Any] = {}
        self.notes: list[str] = []

    @t.overload
    def put(self, name: str, value: Unknown) -> None: ...
    @t.overload
    def put(self, name: str, value: Known) -> Known: ...
    @t.overload
    def put(self, name: str, value: t.Union[Known, Unknown]) -> t.Optional[Known]: ...
    @t.overload
    def put(self, name: str, value: t.Union[Known, Unknown, None], reason: str) -> t.Optional[Known]: ...

    def put(self, name: str, value: t.Any, reason: str = "") -> t.Any:
        """Record a measure (a dotted name nests) and return it, None when it is unknown.

        `Unknown` counts inside of lists and dicts as well. In a list its reason stands under `<list>[].<column>`.
        """
        if value is None or (isinstance(value, float) and not math.isfinite(value)):
            value = Unknown(reason or UNEXPLAINED)
        self._forget(name)
        place = self._values
        *outer, inner = name.split(".")
        for part in outer:
            place = place.setdefault(part, {})
        place[inner] = self._settled(name, value)
        return place[inner]

    def update(self, measures: t.Mapping[str, Value]) -> None:
        """`put` each of them."""
        for name, value in measures.items():
            self.put(name, value)

    def rows(self, name: str, rows: Maybe[t.Sequence[Row]], keep: int, total: t.Optional[int] = None) -> None:
        """The first `keep` rows, worst first, and beside them how many there are: `<name>_total`."""
        if isinstance(rows, Unknown):
            self.put(name, rows)
            self.put(f"{name}_total", rows)
        else:
            self.put(name, list(rows[:keep]))
            self.put(f"{name}_total", len(rows) if total is None else total)

    def bound(self, name: str, value: t.Any, reason: str) -> None:
        """A measure of which only a part is known: null, with its minimum. A limit that the minimum exceeds is exceeded."""
        self.put(name, Unknown(reason))
        self.at_least[name] = value

    def note(self, sentence: str) -> None:
        if sentence not in self.notes:
            self.notes.append(sentence)

    def say_instead(self, reason: str, better: str) -> None:
        """Give what is unknown for the one reason another: where what happened is known better than by who read it."""
        self.unknown = {name: said.replace(reason, better) for name, said in self.unknown.items()}

    def merge(self, other: Facts, under: str = "") -> None:
        """Take over what another builder holds, below the name `under`."""
        prefix = f"{under}." if under else ""
        for name, value in other._values.items():
            self.put(prefix + name, value, UNEXPLAINED)
        self.unknown.update({prefix + name: reason for name, reason in other.unknown.items()})
        self.at_least.update({prefix + name: value for name, value in other.at_least.items()})
        for sentence in other.notes:
            self.note(sentence)

    def get(self, name: str) -> t.Any:
        """What was put under a dotted name; None when it is unknown. A name that was never put is a KeyError."""
        place: t.Any = self._values
        for part in name.split("."):
            place = place[part]
        return place

    def value(self, name: str) -> t.Any:
        """As `get`, but what is unknown comes with its reason, to be handed on to what is derived from it."""
        found = self.get(name)
        return Unknown(self._reason(name) or UNEXPLAINED) if found is None else found

    def done(self) -> dict[str, t.Any]:
        """Plain data: the measures, `unknown`, `notes`, and `at_least` where there is any."""
        values = plain(self._values)
        unknown = dict(self.unknown)
        unknown.update({path: UNEXPLAINED for path in _nulls("", values) if self._reason(path) is None})
        bounds = {"at_least": plain(self.at_least)} if self.at_least else {}
        return {**values, **bounds, "unknown": unknown, "notes": list(self.notes)}

    def _settled(self, path: str, value: t.Any) -> t.Any:
        """`value` with None for what is unknown, whose reasons are kept."""
        if isinstance(value, Unknown):
            self._explain(path, value.reason or UNEXPLAINED)
            return None
        if isinstance(value, t.Mapping):
            return {key: self._settled(f"{path}.{key}", item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._settled(f"{path}[]", item) for item in value]
        return value

    def _explain(self, path: str, reason: str) -> None:
        """Rows may lack the same column for different reasons: each is said once."""
        said = self.unknown.get(path, "")
        if not said or "[]" not in path:
            self.unknown[path] = reason
        elif reason not in said and len(said) < _MOST_SAID:
            self.unknown[path] = f"{said}; {reason}"

    def _forget(self, name: str) -> None:
        """A measure that is put again has only its new reasons."""
        below = (f"{name}.", f"{name}[]")
        for path in [path for path in self.unknown if path == name or path.startswith(below)]:
            del self.unknown[path]
        self.at_least.pop(name, None)

    def _reason(self, path: str) -> t.Optional[str]:
        """Why `path`, or what it is a part of, is unknown."""
        while path:
            if path in self.unknown:
                return self.unknown[path]
            path = path[:-2] if path.endswith("[]") else path.rpartition(".")[0]
        return None


#: At most this many characters of reasons per column of a list.
_MOST_SAID = 300


def _nulls(path: str, value: t.Any) -> t.Iterator[str]:
    """The paths of all nulls in plain data."""
    if value is None:
        yield path
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _nulls(f"{path}.{key}" if path else key, item)
    elif isinstance(value, list):
        for item in value:
            yield from _nulls(f"{path}[]", item)
