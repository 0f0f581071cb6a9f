# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two sites in one inventory, each with its own recorded fault: each keeps its causes, and none is of both."""

from __future__ import annotations

import dataclasses

import pytest

from tests.gameday.cells import CELLS, Cell, cells
from tests.gameday.sites import one_site, two_sites

#: Enough for causes of every tier to stand beside others; each costs half a second.
MOST = 4


def pairs() -> list[tuple[Cell, Cell]]:
    """Each kind's first clear cell beside that of the kind half a list away."""
    first: dict[str, Cell] = {}
    for cell in cells(CELLS):
        if cell.severity == "visible" and len(cell.truths) == 1:
            first.setdefault(cell.kind, dataclasses.replace(cell, windows=cell.windows[1:6:4]))
    kinds = list(first.values())
    half = len(kinds) // 2
    return list(zip(kinds[:half], kinds[half:]))[:: max(1, half // MOST)]


@pytest.mark.parametrize(("first", "second"), pairs(), ids=lambda cell: cell.kind)
def test_each_site_keeps_its_own_causes(first: Cell, second: Cell) -> None:
    together = list(two_sites(first, second))
    alone = [one | other for one, other in zip(one_site(first, "first"), one_site(second, "second"))]
    assert together == alone


def test_a_site_whose_workers_hang_keeps_its_caches() -> None:
    recorded = {cell.kind: dataclasses.replace(cell, windows=cell.windows[1:2]) for cell in cells(CELLS)}
    assert not any("both" in named for named in two_sites(recorded["broker_down"], recorded["postgresql_frozen"]))
