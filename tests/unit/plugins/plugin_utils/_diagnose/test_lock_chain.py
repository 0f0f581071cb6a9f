# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A session that blocks others: what is said and advised while it does, and when it did so within the window only."""

from __future__ import annotations

import typing as t

import pytest

from .world import World


@pytest.mark.parametrize(
    ("row", "says", "first"),
    [
        ({"still_blocks": True}, "blocks 6 others while it works", "cancel it"),
        ({}, "blocks 6 others while it works", "cancel it"),  # facts of an older version
        ({"still_blocks": False}, "blocked 6 others while it worked (it no longer does)", "Keep "),
        ({"still_blocks": True, "state": "idle"}, "by tables that it locked and is idle with", "cancel it"),
    ],
)
def test_what_is_over_is_not_to_be_cancelled(row: dict[str, t.Any], says: str, first: str) -> None:
    world = World()
    world.lock_chain()
    blocker = world.of("db1", "postgresql")["blockers"][0]
    blocker.update({"blocks_total": 6, "frees_the_others": "SELECT pg_cancel_backend(9)", **row})
    (found,) = world.diagnose()
    assert says in found["statement"] and first in found["first_fix"]
    assert ("pg_cancel_backend" in found["first_fix"]) is (row.get("still_blocks") is not False)


def test_an_idle_transaction_is_left_to_its_own_cause() -> None:
    world = World()
    world.lock_chain()
    world.of("db1", "postgresql")["blockers"][0]["state"] = "idle in transaction"
    assert "lock_chain" not in world.causes()
