# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fixed few of the soak's rows: guards that break between plan and act, and a run that is killed after it acted."""

from __future__ import annotations

import pytest

from tests.soak import responses
from tests.support.full_store import LIMIT, FullStore


def test_each_way_in_which_a_guard_breaks_is_refused() -> None:
    with responses.Postgres() as server:
        world = responses.Blocked(server)
        rows = [world.row(way, _Only(way)) for way in sorted(responses.BREAKS)]
    assert len(rows) > 5 and not [row for row in rows if not row.passed]


@pytest.mark.timeout(400)
def test_what_a_killed_run_did_is_taken_back_by_its_timer() -> None:
    with FullStore(revert_seconds=4) as store:
        passed, said = store.killed_after(0.0, "acted")
        assert passed and store.limit() == LIMIT, said


class _Only(responses.random.Random):
    """Draws one and the same way."""

    def __init__(self, way: str) -> None:
        super().__init__()
        self.way = way

    def choice(self, _of: object) -> str:  # type: ignore[override]
        return self.way
