# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Causes, found by what they may explain: to ask about every pair of causes would grow with the square of a fleet in trouble."""

from __future__ import annotations

import bisect
import typing as t

from .cause import Cause
from .causes import CAUSES, OF_EVERY_CAUSE
from .extent import extent_of
from .fleet_view import Fleet
from .nearby import Nearby, Rank, in_order

#: Cause → what may explain it: a cause, its variants (none: any), and what both must have in common for that (None: nothing).
_ASKED: dict[str, dict[tuple[str, tuple[str, ...], t.Any], None]] = {}
for _deep in CAUSES:
    for _entry in (*_deep.explains, OF_EVERY_CAUSE):
        for _shallow in _entry.causes:
            _ASKED.setdefault(_shallow, {})[_deep.name, _entry.variants, _entry.relation.shares] = None
_SHARES = {shares for asked in _ASKED.values() for _name, _variants, shares in asked if shares is not None}


class Explainers:
    """Where this fails for a cause, all others are asked about it."""

    def __init__(self, fleet: Fleet, blame: t.Callable[[str, Exception], None]) -> None:
        self._fleet, self._blame = fleet, blame
        self._causes: dict[Rank, Cause] = {}
        #: By name and variant.
        self._near: dict[str, dict[str, Nearby[Cause]]] = {}
        self._sharing: dict[tuple[str, str, t.Any, t.Any], list[Rank]] = {}
        self._anywhere: list[Rank] = []

    def add(self, cause: Cause, group: int = 0) -> None:
        rank = (group, len(self._causes))
        self._causes[rank] = cause
        try:
            where = extent_of(cause, self._fleet)
            common = [(shares, each) for shares in _SHARES for each in set(shares(cause, self._fleet))]
        except Exception as error:  # pylint: disable=broad-exception-caught # facts of a form that was not foreseen
            self._blame(cause.cause, error)
            bisect.insort(self._anywhere, rank)
            return
        self._near.setdefault(cause.cause, {}).setdefault(cause.variant, Nearby(self._fleet)).add(where, cause, rank)
        for place in common:
            bisect.insort(self._sharing.setdefault((cause.cause, cause.variant, *place), []), rank)

    def of(self, shallow: Cause) -> t.Iterator[tuple[int, Cause]]:
        """Those that may explain it, group by group, each with its group."""
        try:
            ranks = [each for asked in _ASKED.get(shallow.cause, ()) for each in self._ranks(*asked, shallow)]
        except Exception as error:  # pylint: disable=broad-exception-caught # as above
            self._blame(shallow.cause, error)
            ranks = [sorted(self._causes)]
        return ((rank[0], self._causes[rank]) for rank in in_order([*ranks, self._anywhere]))

    def _ranks(self, name: str, variants: tuple[str, ...], shares: t.Any, shallow: Cause) -> t.Iterator[list[Rank]]:
        common = set(shares(shallow, self._fleet)) if shares is not None else set()
        for variant, near in self._near.get(name, {}).items():
            if variants and variant not in variants:
                continue
            if common:
                yield from (self._sharing[place] for each in common if (place := (name, variant, shares, each)) in self._sharing)
            else:
                yield from near.ranks(extent_of(shallow, self._fleet))
