# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fixed few of the soak's rows: guards that break between plan and act, and acts whose process is killed on its way."""

from __future__ import annotations

from tests.soak import responses


def test_each_way_in_which_a_guard_breaks_is_refused() -> None:
    with responses.Postgres() as server:
        world = responses.Blocked(server)
        rows = [world.row(way, _Only(way)) for way in sorted(responses.BREAKS)]
    assert len(rows) > 5 and not [row for row in rows if not row.passed]


def test_what_is_killed_on_its_way_ends_done_or_as_before() -> None:
    rows = list(responses.rows([f"killed {number}" for number in range(3)], 1))
    assert len(rows) == 3 and not [row for row in rows if not row.passed]


class _Only(responses.random.Random):
    """Draws one and the same way."""

    def __init__(self, way: str) -> None:
        super().__init__()
        self.way = way

    def choice(self, _of: object) -> str:  # type: ignore[override]
        return self.way
