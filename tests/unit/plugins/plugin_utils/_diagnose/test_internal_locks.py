# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A database whose sessions crowd at one lock of its own memory: the lock is named, with what wants it."""

from __future__ import annotations

import pytest

from .world import World


def _world(name: str, sessions: int, active: int = 40) -> World:
    world = World()
    world.workers_exhausted("/orders/")
    world.of("db1", "postgresql").update({"internal_locks": [{"name": name, "sessions": sessions}], "active": active})
    return world


@pytest.mark.parametrize(
    ("lock", "says", "first"),
    [
        # https://github.com/odoo/odoo/pull/71395, https://github.com/reorg/pg_repack/issues/457, https://github.com/OPMDG/check_pgactivity/issues/453
        ("SubtransSLRU", "more than 64 savepoints", "End the oldest transaction"),
        ("SubtransControlLock", "more than 64 savepoints", "savepoint=False"),  # before 13
        ("SubtransBuffer", "more than 64 savepoints", "savepoint=False"),
        ("LockManager", "partitions and indexes", "drop indexes"),
        ("lock_manager", "partitions and indexes", "drop indexes"),
        ("MultiXactMemberSLRU", "many transactions lock at once", "fewer, shorter transactions"),
        ("WALWrite", "wait for the WAL", "bulk_create"),
        ("ProcArray", "take snapshots", "pooler"),
        ("BufferMapping", "internal lock BufferMapping.", "Start with the statement"),
    ],
)
def test_what_crowds_at_the_lock_is_named(lock: str, says: str, first: str) -> None:
    [cause] = [cause for cause in _world(lock, 31).diagnose() if cause["cause"] == "database_overload"]
    assert f"31 sessions wait for its internal lock {lock}" in cause["statement"] and says in cause["statement"]
    assert first in cause["first_fix"]


@pytest.mark.parametrize(("sessions", "active"), [(9, 10), (12, 40)])
def test_a_few_that_wait_are_everyday_life(sessions: int, active: int) -> None:
    assert "database_overload" not in _world("WALWrite", sessions, active).causes()
