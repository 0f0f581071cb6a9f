# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Caches that are emptied, members that left, pools and slots that are held: their objects, their first steps, what looks alike."""

from __future__ import annotations

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._respond import subjects

from .world import World


@pytest.mark.parametrize(("flushes", "causes"), [(4, ["cache_flushed"]), (1, ["cache_flushed", "database_overload"])])
def test_a_cache_that_is_emptied_again_and_again_explains_the_load_behind_it(flushes: int, causes: list[str]) -> None:
    world = World()
    world.cache_cleared()
    world.of("app1", "memcached")["flushes"] = flushes
    world.disks_slow()
    assert world.causes() == causes


def test_slots_that_are_held_get_no_more_workers() -> None:
    world = World()
    world.slots_held()
    [cause] = world.diagnose()
    assert "most are shop.sync, the oldest for 95 s" in cause["statement"]
    assert "time_limit for shop.sync" in cause["first_fix"] and "concurrency" not in cause["first_fix"]


@pytest.mark.parametrize(
    "measures",
    [{"accepted_per_second": 0.2}, {"accepted_per_second": None}, {"running_total": 3}, {"running_total": None}, {"running": []}],
)
def test_slots_that_are_only_too_few_are_a_queue_that_grows(measures: dict[str, object]) -> None:
    world = World()
    world.slots_held()
    world.shared["launch_celery_queue"]["instances"][0].update(measures)
    assert world.causes() == ["queue_growth"]


def test_a_task_that_was_begun_just_now_holds_nothing() -> None:
    world = World()
    world.slots_held()
    world.shared["launch_celery_queue"]["instances"][0]["running"][3]["age_seconds"] = 1.0
    assert world.causes() == ["queue_growth"]


def test_a_pool_that_waits_for_a_blocked_database_is_its_consequence() -> None:
    world = World()
    world.pool_small()
    world.lock_chain()
    [cause] = world.diagnose()
    assert cause["cause"] == "lock_chain" and any("The pool shop (shop) of PgBouncer" in line for line in cause["evidence"])


def test_a_pool_that_waits_for_a_database_that_is_down_is_its_consequence() -> None:
    world = World()
    world.pool_small()
    world.database_down()
    [cause] = world.diagnose()
    assert cause["cause"] == "service_down" and any("The pool shop (shop) of PgBouncer" in line for line in cause["evidence"])


@pytest.mark.parametrize(
    ("size", "limited", "small"),
    [
        (15, None, False),
        (None, None, True),
        (2, "pool_size", True),
        (3, "reserve_pool_timeout", True),
    ],
)
def test_a_pool_that_may_open_more_waits_for_its_server(size: object, limited: object, small: bool) -> None:
    world = World()
    world.pool_small()
    world.of("db1", "pgbouncer")["pools"][0].update(pool_size=size, limited_by=limited)
    assert world.causes() == (["pool_too_small"] if small else [])


def test_a_pool_with_idle_connections_is_not_too_small() -> None:
    """Its clients wait for a login or a new connection."""
    world = World()
    world.pool_small()
    world.of("db1", "pgbouncer")["pools"][0]["servers_idle"] = 3
    assert world.causes() == []


@pytest.mark.parametrize(
    ("row", "causes"),
    [({"clients_waiting": 0, "longest_wait_seconds": 0.0, "used_ratio": 1.0}, ["pool_too_small"]), ({"clients_waiting": 0}, [])],
    ids=["all of them are busy", "not all of them are"],
)
def test_a_pool_is_too_small_on_average_as_well(row: dict[str, object], causes: list[str]) -> None:
    world = World()
    world.pool_small()
    world.findings[-1]["check"] = "pgbouncer_mean_wait"
    world.findings[-1]["status"] = "warn"
    world.of("db1", "pgbouncer")["pools"][0].update(row)
    assert world.causes() == causes


def test_a_pool_is_told_from_a_full_database() -> None:
    world = World()
    world.pool_small()
    [cause] = world.diagnose()
    assert "Raise default_pool_size (now 2) to about 4" in cause["first_fix"] and "2400 ms for a connection" in cause["evidence"][0]
    world.connections_spent()
    assert world.causes() == ["connection_budget"]


def test_a_node_that_left_explains_the_errors_and_names_who_still_serves() -> None:
    world = World()
    world.node_lost()
    world.facts["db2"] = {"launch_mysql": {"schema": 1, "instances": [{"name": "3306", "state": "up", "galera": {"serves": True}}]}}
    world.bad_release()
    [cause] = world.diagnose()
    assert cause["cause"] == "cluster_member_out" and cause["evidence"][0] == "Still in the cluster: db2 (3306)."
    assert any("Its consequence: The application" in line for line in cause["evidence"])


@pytest.mark.parametrize(
    ("state", "words"), [("ONLINE", "has lost the majority of its replication group"), ("ERROR", "left its replication group")]
)
def test_a_member_of_a_group_explains_the_workers_that_wait_for_its_writes(state: str, words: str) -> None:
    """https://github.com/gites/k8s-mysql-group-replication/issues/8: reads work, and every write waits"""
    world = World()
    group = {"member": True, "serves": False, "state": state, "size": 3, "reachable": 1}
    world.facts["db1"]["launch_mysql"] = {"schema": 1, "instances": [{"name": "3306", "state": "up", "group": group}]}
    world.facts["db2"] = {"launch_mysql": {"schema": 1, "instances": [{"name": "3306", "state": "up", "group": {"serves": True}}]}}
    world.bad("mysql_group_serves", "db1", finding="It reaches 1 of 3 members", advice="Take it out.", look="mysql")
    world.bad_release()
    [cause] = world.diagnose()
    assert cause["cause"] == "cluster_member_out" and words in cause["statement"] and "a second group" in cause["avoid"]
    assert cause["evidence"][0] == "Still in the group: db2 (3306)."


def test_a_replica_that_stopped_explains_no_errors() -> None:
    world = World()
    row = {"source": "db9", "error": "Duplicate entry '7' for key 'PRIMARY'"}
    world.facts["db1"]["launch_mysql"] = {"schema": 1, "instances": [{"name": "3306", "state": "up", "replication": [row]}]}
    world.bad("mysql_replication_runs", "db1", finding="1 replication channel is stopped", advice="Take it out of the read pool.")
    world.bad_release()
    assert world.causes() == ["cluster_member_out", "application_errors"]
    assert "no longer follows its source" in world.diagnose()[0]["statement"]


def test_a_full_broker_explains_the_pages_that_cannot_send_tasks() -> None:
    world = World()
    world.broker_spent()
    world.bad_release()
    [cause] = world.diagnose()
    assert cause["cause"] == "broker_full" and cause["evidence"][0] == "celery: 5000 messages wait."


@pytest.mark.parametrize(("limited", "words"), [("max_db_connections", "of shop"), ("max_user_connections", "of app"), ("pool_size", "")])
def test_a_pool_at_a_limit_of_all_pools_together(limited: str, words: str) -> None:
    """https://github.com/pgbouncer/pgbouncer/issues/511: a larger pool would change nothing"""
    world = World()
    world.pool_small()
    world.of("db1", "pgbouncer")["pools"][0].update(database="shop", user="app", limited_by=limited)
    (found,) = world.diagnose()
    together = limited != "pool_size"
    assert found["first_fix"].startswith(f"Raise {limited} {words}" if together else "Raise default_pool_size")
    assert (subjects.pool_size(found, {"pool_size": 20}, {}) is None) is together
