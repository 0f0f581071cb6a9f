# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measures derived from others: what rests on an unknown part is unknown for its reason, and what cannot be is implausible."""

from __future__ import annotations

import typing as t

from .facts import Facts, Maybe, T, Unknown, known, measured
from .sampling import ONE_SAMPLE, Number, number

#: A counter of 64 bits that was decremented below 0 reads as more than this.
WRAPPED = 2**63

#: What servers say in place of a figure that they do not count: a compatible server that has its name only.
NOT_TOLD = -1

_N = t.TypeVar("_N", int, float)


def implausible(what: str) -> Unknown:
    """A reading that cannot be: a fault of the counters, so that nothing may be concluded from it."""
    return Unknown(f"implausible: {what}")


def first_unknown(*parts: t.Any) -> t.Optional[Unknown]:
    """The first of the parts that is unknown, with its reason."""
    return next((part for part in parts if isinstance(part, Unknown)), None)


class Window:
    """Two samples of the same counters, and why they cannot be compared, if so.

    `broken`: the reason when the samples do not belong together (a restart, a reset); `lacking(name)`: the reason when a
    counter is not among them ("Varnish 6.0 does not count it").
    """

    def __init__(
        self,
        first: t.Mapping[str, t.Any],
        second: t.Optional[t.Mapping[str, t.Any]],
        seconds: t.Optional[float],
        lacking: t.Callable[[str], str],
        broken: t.Optional[str] = None,
    ) -> None:
        self.first, self.second = first, second
        self.latest = first if second is None else second
        self.seconds = seconds
        self.lacking = lacking
        self.broken = broken

    @property
    def reason(self) -> t.Optional[str]:
        """Why nothing is known over the window; None when the samples can be compared."""
        if self.second is None or not self.seconds or self.seconds <= 0:
            return ONE_SAMPLE
        return self.broken

    def now(self, name: str) -> Maybe[Number]:
        """The counter, or gauge, as it was read last."""
        return self._read(self.latest, name)

    def before(self, name: str) -> Maybe[Number]:
        """The gauge, as it was read first."""
        return Unknown(self.reason) if self.reason is not None else self._read(self.first, name)

    def _read(self, sample: t.Mapping[str, t.Any], name: str) -> Maybe[Number]:
        return possible(number(sample.get(name)), self.lacking(name), name)

    def moved(self, name: str) -> Maybe[Number]:
        """How far the counter moved in the window."""
        if self.reason is not None:
            return Unknown(self.reason)
        return moved(self.first.get(name), (self.second or {}).get(name), self.lacking(name), name)

    def rate(self, name: str) -> Maybe[float]:
        return rate(self.moved(name), self.seconds)

    def sum(self, *names: str) -> Maybe[Number]:
        """How far the counters moved together, of those that this version has."""
        there = [name for name in names if name in self.latest] or names[:1]
        return total(self.moved(name) for name in there)


def possible(value: t.Optional[Number], lacking: str, name: str) -> Maybe[Number]:
    """A counter or gauge as it was read, unless it is below 0, or was and wrapped."""
    if value is not None and value >= WRAPPED:
        return implausible(f"{name} is {value}: it fell below 0 and wrapped")
    if value == NOT_TOLD:
        return Unknown(f"{lacking} (it says {NOT_TOLD}, and does not count it)")
    return never_negative(measured(value, lacking), name)


def moved(first: t.Any, second: t.Any, lacking: str, name: str) -> Maybe[Number]:
    """How far a counter moved. One that fell was reset, or wrapped: what happened in between is not known."""
    if NOT_TOLD in (number(first), number(second)) and number(first) != number(second):
        return implausible(f"{name} is {NOT_TOLD} in one sample only")
    before, after = (possible(number(value), lacking, name) for value in (first, second))
    if isinstance(before, Unknown) or isinstance(after, Unknown):
        return before if isinstance(before, Unknown) else after
    if after < before:
        return implausible(f"the counter {name} ran backwards between the samples (it was reset, or it wrapped)")
    return after - before


#: How far two clocks may disagree before an age below 0 means that one of them is wrong.
JITTER_SECONDS = 5.0


def age(now: t.Any, then: t.Any, missing: str, ahead: str) -> Maybe[float]:
    """Seconds from `then` to `now`; a little below 0 is 0. `missing`: the reason without a `then`; `ahead`: that of one in the future."""
    begin, end = number(then), number(now)
    if begin is None or end is None:
        return Unknown(missing)
    seconds = round(float(end) - float(begin), 3)
    return Unknown(ahead) if seconds < -JITTER_SECONDS else max(seconds, 0.0) + 0.0


def rate(change: Maybe[Number], seconds: t.Optional[float]) -> Maybe[float]:
    """Change per second."""
    if isinstance(change, Unknown):
        return change
    if not seconds or seconds <= 0:
        return Unknown(ONE_SAMPLE)
    return round(change / seconds, 6)


def per(part: Maybe[Number], whole: Maybe[Number], nothing: str) -> Maybe[float]:
    """part / whole; of nothing (whole 0) it is unknown: `nothing` says of what there was none."""
    unknown = first_unknown(part, whole)
    if unknown is not None:
        return unknown
    value, of = t.cast(Number, part), t.cast(Number, whole)
    return round(value / of, 6) if of else Unknown(nothing)


def share(part: Maybe[Number], whole: Maybe[Number], nothing: str, slack: float = 0.0) -> Maybe[float]:
    """As `per` for a part of a whole: from 0 to 1, anything else is implausible. A value above 1 by at most `slack` counts as 1."""
    value = per(part, whole, nothing)
    if isinstance(value, Unknown) or 0 <= value <= 1:
        return value
    if 1 < value <= 1 + slack:
        return 1.0
    return implausible(f"{part} of {whole}")


def never_negative(value: Maybe[Number], name: str) -> Maybe[Number]:
    """`value`, unless it is below 0 where nothing below 0 can be."""
    return implausible(f"{name} is {value}") if not isinstance(value, Unknown) and value < 0 else value


def at_most(value: Maybe[_N], most: t.Optional[Number], what: str, slack: float = 0.0) -> Maybe[_N]:
    """`value`, unless it exceeds what time, cores or another limit allow (by more than the part `slack` of it)."""
    if isinstance(value, Unknown) or most is None or value <= most * (1 + slack):
        return value
    return implausible(f"{what}: {value:g} where {most:g} is the most there can be")


def must_differ(value: Maybe[_N], other: Maybe[t.Any], what: str) -> Maybe[_N]:
    """`value`, unless it equals another one that it cannot be equal to: then one of the two is a fault of the counters."""
    if isinstance(value, Unknown) or isinstance(other, Unknown) or not value or value != other:
        return value
    return implausible(what)


def negative(value: Maybe[Number]) -> Maybe[Number]:
    """For what a total leaves out."""
    return value if isinstance(value, Unknown) else -value


def total(parts: t.Iterable[Maybe[Number]]) -> Maybe[Number]:
    """The sum; unknown when any part is: a sum of what happens to be known is a wrong number."""
    result: Number = 0
    for part in parts:
        if isinstance(part, Unknown):
            return part
        result += part
    return result


def largest(parts: t.Iterable[Maybe[_N]], none: str, ceiling: t.Optional[Number] = None) -> Maybe[_N]:
    """The maximum; with an unknown part unknown, unless a known one is at the ceiling. `none`: the reason when there are no parts."""
    return _extreme(list(parts), max, none, lambda value: ceiling is not None and value >= ceiling)


def smallest(parts: t.Iterable[Maybe[_N]], none: str, floor: t.Optional[Number] = None) -> Maybe[_N]:
    """The minimum; with an unknown part unknown, unless a known one is at the floor."""
    return _extreme(list(parts), min, none, lambda value: floor is not None and value <= floor)


def _extreme(parts: list[Maybe[_N]], choose: t.Callable[[list[_N]], _N], none: str, decides: t.Callable[[_N], bool]) -> Maybe[_N]:
    values = [part for part in parts if not isinstance(part, Unknown)]
    missing = first_unknown(*parts)
    if values and (missing is None or decides(choose(values))):
        return choose(values)
    return Unknown(none) if missing is None else missing


def any_of(parts: t.Iterable[Maybe[bool]]) -> Maybe[bool]:
    """Whether one holds: one known is enough; none is certain only when all are known."""
    listed = list(parts)
    return True if True in listed else _unless_unknown(listed, False)


def all_of(parts: t.Iterable[Maybe[bool]]) -> Maybe[bool]:
    """Whether all hold: one known that does not is enough."""
    listed = list(parts)
    return False if False in listed else _unless_unknown(listed, True)


def count_of(parts: t.Iterable[Maybe[bool]]) -> Maybe[int]:
    """How many hold; unknown when it is unknown of any."""
    listed = list(parts)
    return _unless_unknown(listed, sum(part is True for part in listed))


def _unless_unknown(parts: t.Sequence[Maybe[bool]], value: T) -> Maybe[T]:
    missing = first_unknown(*parts)
    return value if missing is None else missing


def put_largest(facts: Facts, name: str, parts: t.Iterable[Maybe[_N]], none: str) -> None:
    """`largest` as a measure. With unknown parts, what it is at least goes with it: a limit that this exceeds is exceeded."""
    listed = list(parts)
    outcome = largest(listed, none)
    values = [part for part in listed if not isinstance(part, Unknown)]
    if isinstance(outcome, Unknown) and values:
        facts.bound(name, max(values), outcome.reason)
    else:
        facts.put(name, t.cast(t.Any, outcome))


def put_total(facts: Facts, name: str, parts: t.Iterable[Maybe[Number]]) -> None:
    """`total` of parts that are never negative as a measure, with what it is at least when some are unknown."""
    listed = list(parts)
    outcome = total(listed)
    values = [value for value in map(known, listed) if value is not None]
    if isinstance(outcome, Unknown) and values:
        facts.bound(name, sum(values), outcome.reason)
    else:
        facts.put(name, t.cast(t.Any, outcome))
