# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two samples of counters as one window, with the reason for every value that it cannot give."""

from __future__ import annotations

import typing as t

from ..._collect.sampling import Number, delta
from .parse import Counters


class Window:
    """Differences of counters between the samples.

    A child that restarted in between began to count at zero again: its differences are void, not negative.
    """

    def __init__(self, first: Counters, second: t.Optional[Counters], seconds: t.Optional[float]) -> None:
        self.first = first
        self.latest = first if second is None else second
        self.seconds = seconds
        self.restarted = second is not None and any(_fell(first, second, name) for name in ("MAIN.uptime", "MGT.uptime", "MAIN.cache_hit"))
        self._open = second is not None and not self.restarted and bool(seconds)

    @property
    def why_none(self) -> t.Optional[str]:
        """Why there are no differences at all, or None when there are."""
        if self._open:
            return None
        if self.restarted:
            return "the child of varnishd restarted during the sample, so its counters began again at zero; ask again"
        return "only one sample was taken (window is 0), so there is nothing to compare"

    def moved(self, name: str) -> t.Optional[Number]:
        """How far the counter moved in the window; a name without a dot is a MAIN counter."""
        name = name if "." in name else "MAIN." + name
        return delta(self.first.get(name), self.latest.get(name)) if self._open else None

    def since_start(self, name: str) -> t.Optional[int]:
        return self.latest.get(name if "." in name else "MAIN." + name)


def _fell(first: Counters, second: Counters, name: str) -> bool:
    return name in first and name in second and second[name] < first[name]
