# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A session that blocks others: what is said and advised while it does, and when it did so within the window only."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._respond import subjects

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


CHANGE = {"pid": 2471695, "user": "shop", "application": "migrate", "address": "app1", "query": "ALTER TABLE user_profiles …"}


def with_change(**blocker: t.Any) -> World:
    world = World()
    world.lock_chain()
    change = {**CHANGE, "blocks_total": 7, "frees_the_others": "SELECT pg_cancel_backend(2471695)"}
    dump = {
        "pid": 2459692,
        "application": "pg_dump",
        "query": "COPY public.jobs TO STDOUT",
        "blocks_total": 8,
        "longest_wait_seconds": 900.0,
    }
    freed = {"frees_the_others": "SELECT pg_cancel_backend(2459692)", "still_blocks": True}
    world.of("db1", "postgresql")["blockers"] = [{**dump, "user": "backup", "state": "active", **freed, "schema_change": change, **blocker}]
    return world


def test_a_migration_behind_a_dump_is_stopped_and_not_the_dump() -> None:
    """https://github.com/strelov1/freehire/pull/1284: the reads of visitors waited behind an ALTER TABLE that waited for a backup"""
    (found,) = with_change().diagnose()
    assert (
        found["cause"] == "lock_chain"
        and "A schema change waits for it, and 7 others wait behind that: shop (migrate)" in found["statement"]
    )
    assert "pg_cancel_backend(2471695)" in found["first_fix"] and "2459692" not in found["first_fix"]
    assert "lock_timeout" in found["first_fix"] and "backup (pg_dump)" in found["first_fix"]
    named = subjects.root_blocker(found, {}, {})
    assert named is not None and named[0] == {"pid": 2471695}


@pytest.mark.parametrize("change", [None, "with"])
def test_a_vacuum_against_wraparound_is_let_to_end(change: t.Optional[str]) -> None:
    """https://github.com/pganalyze/pganalyze-docs/pull/117: it is cancelled in vain, it begins again"""
    vacuum = {"backend": "autovacuum worker", "user": None, "application": None, "address": "local"}
    (found,) = with_change(**vacuum, **({"schema_change": None} if change is None else {})).diagnose()
    assert "autovacuum, to prevent wraparound" in found["statement"] and "begins again at once" in found["avoid"]
    assert "2459692" not in found["first_fix"] and ("2471695" in found["first_fix"]) is (change is not None)


def test_a_prepared_transaction_is_named_as_what_it_is() -> None:
    (found,) = with_change(pid=0, user=None, application=None, schema_change=None).diagnose()
    assert "a prepared transaction, which has no session" in found["statement"]


def test_an_idle_transaction_says_that_a_migration_waits_for_it() -> None:
    """https://github.com/un-fao/GeoID/issues/1233: an ALTER TABLE at the start of the application, behind a reader that was left idle"""
    world = with_change(state="idle in transaction")
    idle = {"pid": 2459692, "user": "shop", "application": "web", "age_seconds": 900.0, "blocks_total": 8}
    world.of("db1", "postgresql")["idle_in_transaction"] = [idle]
    world.bad("postgresql_idle_in_transaction", "db1")
    (found,) = world.diagnose()
    assert found["cause"] == "idle_in_transaction" and any("7 others wait behind that" in line for line in found["evidence"])


def test_what_is_over_needs_no_stop() -> None:
    (found,) = with_change(still_blocks=False).diagnose()
    assert found["first_fix"].startswith("Keep backup (pg_dump)")
