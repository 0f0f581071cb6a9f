# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Evidence from the Python stacks of the longest requests, where they were asked for."""

from __future__ import annotations

import typing as t

from .._checks.units import numbered
from .._fleet.observed import Instance
from .._fleet.stacks import spots

#: Instances whose stacks are told, and places of each.
MOST, PLACES = 4, 2


def stack_lines(instances: t.Iterable[Instance]) -> t.Iterator[str]:
    for workers in list(instances)[:MOST]:
        for spot in spots(workers)[:PLACES]:
            work = f" in {spot.work}" if spot.work else ""
            called = f", called by {spot.own}" if spot.own not in (None, spot.at) else ""
            yield f"{workers}: {numbered(spot.workers, 'worker is/workers are')}{work} at {spot.at}{called}."
