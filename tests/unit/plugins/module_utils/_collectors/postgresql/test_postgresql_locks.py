# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lock trees: the session at the root, all that wait behind it, the line that frees them."""

from __future__ import annotations

from ansible_collections.warroom.launch.plugins.module_utils._sql import locks
from ansible_collections.warroom.launch.plugins.module_utils._sql.sessions import Activity, Manner
from tests.support.postgresql_rows import session
from tests.support.tools import measures_of


def chain():
    waiting = {"wait_event_type": "Lock", "query_start": 960.0}
    return [session(1, "idle in transaction", state_change=950.0), session(2, **waiting), session(3, **waiting), session(4, **waiting)]


def test_a_chain_of_three_leads_to_the_root():
    trees = locks.Trees({2: [1], 3: [2], 4: [3]})
    assert trees.root_of == {2: 1, 3: 1, 4: 1}
    assert trees.waiting_for() == {1: {2, 3, 4}, 2: {3, 4}, 3: {4}}
    found = measures_of(locks.put, Activity(chain(), Manner()), trees, {2: {"since": 970.0, "lock": "transactionid", "mode": "ShareLock"}})
    (root,) = found["blockers"]
    assert (root["pid"], root["blocks_direct"], root["blocks_total"], root["longest_wait_seconds"]) == (1, 1, 3, 40.0)
    assert [row["pid"] for row in root["waiters"]] == [3, 4, 2] and root["waiters"][2]["wait_seconds"] == 30.0
    assert found["lock_wait_longest_seconds"] == 40.0 and found["blockers_total"] == 1


def test_the_line_ends_a_running_query_or_an_idle_session():
    assert locks.advice_line({"pid": 7, "state": "active"}) == "SELECT pg_cancel_backend(7)"
    assert locks.advice_line({"pid": 7, "state": "idle in transaction"}).startswith("SELECT pg_terminate_backend(7)")


def test_a_prepared_transaction_can_be_the_root():
    found = measures_of(locks.put, Activity([session(2, wait_event_type="Lock")], Manner()), locks.Trees({2: [0]}), {})
    assert found["blockers"][0]["pid"] == 0 and "pg_prepared_xacts" in found["blockers"][0]["frees_the_others"]


def test_a_circle_ends():
    trees = locks.Trees({1: [2], 2: [1], 3: [2]})
    assert trees.root_of == {1: 1, 2: 1, 3: 1}
    assert trees.waiting_for()[2] == {1, 3}


def test_nobody_waits():
    found = measures_of(locks.put, Activity([session(1)], Manner()), locks.Trees({}), {})
    assert (found["blockers"], found["blockers_total"], found["lock_wait_longest_seconds"]) == ([], 0, 0.0)


def test_the_longest_wait_of_the_window_is_shown_and_whether_it_lasts():
    waiter = session(2, wait_event_type="Lock", query_start=998.0)
    seen = locks.Moment(Activity([session(1), waiter], Manner()), locks.Trees({2: [1]}), {})
    over = measures_of(locks.put, Activity([session(1), session(2)], Manner()), locks.Trees({}), {}, [seen])
    assert over["lock_wait_longest_seconds"] == 2.0 and over["blockers_total"] == 1
    assert [(row["pid"], row["still_blocks"], row["longest_wait_seconds"]) for row in over["blockers"]] == [(1, False, 2.0)]
    later = Activity([session(1), session(2, wait_event_type="Lock", query_start=999.5)], Manner())
    lasts = measures_of(locks.put, later, locks.Trees({2: [1]}), {}, [seen])
    assert [(row["pid"], row["still_blocks"], row["longest_wait_seconds"]) for row in lasts["blockers"]] == [(1, True, 2.0)]


def test_who_blocks_is_read_for_waits_that_last_and_more_and_more_seldom():
    streak = locks.Streak()
    assert not streak.is_due([5]) and not streak.is_due([]) and not streak.is_due([6]), "waits of one look"
    due = [streak.is_due([6, number]) for number in range(10, 20)]
    assert [place + 1 for place, is_due in enumerate(due) if is_due] == [1, 2, 4, 8]


def test_an_idle_session_of_mysql_keeps_tables_that_it_locked():
    assert locks.advice_line({"pid": 7, "state": "idle"}, "mysql").startswith("KILL 7;")
    assert locks.advice_line({"pid": 7, "state": "active"}, "mysql") == "KILL QUERY 7;"
