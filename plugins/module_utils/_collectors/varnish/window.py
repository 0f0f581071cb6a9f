# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two samples of Varnish's counters as one window."""

from __future__ import annotations

import typing as t

from ..._collect import derived
from ..._collect.facts import Maybe
from ..._collect.sampling import RESTARTED, Number
from .parse import Counters

CHILD_RESTARTED = "the child of varnishd was restarted within the window, so its counters began again at zero: ask again"


class Window(derived.Window):
    """A name without a dot is a MAIN counter. A child that restarted in between began to count at zero again.

    `replaced`: the manager is another process than before, whatever the counters look like.
    """

    def __init__(self, first: Counters, second: t.Optional[Counters], seconds: t.Optional[float], replaced: bool = False) -> None:
        self.restarted = replaced or (second is not None and began_anew(first, second))
        super().__init__(first, second, seconds, _lacking, self._broken(replaced))

    def _broken(self, replaced: bool) -> t.Optional[str]:
        """Why the samples cannot be compared."""
        return RESTARTED if replaced else CHILD_RESTARTED if self.restarted else None

    def now(self, name: str) -> Maybe[Number]:
        return super().now(full(name))

    def moved(self, name: str) -> Maybe[Number]:
        return super().moved(full(name))

    def before(self, name: str) -> Maybe[Number]:
        """The counter at the beginning of the window."""
        return derived.Window(self.first, None, None, _lacking).now(full(name))

    def sum(self, *names: str) -> Maybe[Number]:
        return super().sum(*map(full, names))

    def sum_now(self, *names: str) -> Maybe[Number]:
        """The sum of the counters as they are, of those that this version has."""
        names = tuple(map(full, names))
        return derived.total(self.now(name) for name in [name for name in names if name in self.latest] or names[:1])


def began_anew(first: Counters, second: Counters) -> bool:
    """Whether the second sample is of another process than the first."""
    return any(_fell(first, second, name) for name in ("MAIN.uptime", "MGT.uptime", "MAIN.cache_hit"))


def full(name: str) -> str:
    return name if "." in name else "MAIN." + name


def _lacking(name: str) -> str:
    if name.startswith("MGT."):
        return "varnishstat shows no counters of the management process"
    return f"this version of Varnish has no counter {name.split('.', 1)[-1]}"


def _fell(first: Counters, second: Counters, name: str) -> bool:
    return name in first and name in second and second[name] < first[name]
