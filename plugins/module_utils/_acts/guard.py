# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Guards as data: what must hold for an act, judged when it is planned and again in the session that acts."""

from __future__ import annotations

import operator
import typing as t

_OPERATORS: dict[str, t.Callable[[t.Any, t.Any], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "=": operator.eq,
}


class Guard(t.NamedTuple):
    """A predicate over a value that the act reads. `says`: what must be true, as a sentence without its full stop."""

    name: str
    says: str
    operator: str
    limit: t.Any

    def holds(self, value: t.Any, limit: t.Any) -> bool:
        """A value that is not known, or is of another type than the limit, never holds."""
        if value is None or isinstance(value, bool) is not isinstance(limit, bool):
            return False
        try:
            return bool(_OPERATORS[self.operator](value, limit))
        except TypeError:
            return False

    def sql(self, expression: str, limit: t.Any) -> str:
        """The same predicate for a statement; NULL does not hold there either. Limits are numbers, truth values or None."""
        if isinstance(limit, bool):
            return f"({expression}) IS {'TRUE' if limit else 'FALSE'}"
        if not isinstance(limit, (int, float)):
            return "FALSE"
        return f"({expression}) {self.operator} {limit!r}"


class Judged(t.NamedTuple):
    """A guard with what was read for it."""

    guard: Guard
    value: t.Any
    limit: t.Any
    holds: bool

    def as_dict(self) -> dict[str, t.Any]:
        return {
            "name": self.guard.name,
            "says": self.guard.says,
            "operator": self.guard.operator,
            "value": self.value,
            "limit": self.limit,
            "holds": self.holds,
        }

    @property
    def words(self) -> str:
        """Why it is broken."""
        if self.value is None:
            return f"{self.guard.says} (not known)"
        if isinstance(self.limit, bool):
            return self.guard.says
        return f"{self.guard.says} (it is {self.value}, and must be {self.guard.operator} {self.limit})"


def judged(guards: t.Iterable[Guard], values: t.Mapping[str, t.Any], limits: t.Mapping[str, t.Any]) -> list[Judged]:
    """Every guard with its value. `limits`: those of the plan, which win over those of the table."""
    rows = []
    for guard in guards:
        limit, value = limits.get(guard.name, guard.limit), values.get(guard.name)
        rows.append(Judged(guard, value, limit, guard.holds(value, limit)))
    return rows


def broken(rows: t.Iterable[Judged]) -> list[str]:
    return [row.words for row in rows if not row.holds]


def limits_of(guards: t.Iterable[Guard]) -> dict[str, t.Any]:
    return {guard.name: guard.limit for guard in guards}
