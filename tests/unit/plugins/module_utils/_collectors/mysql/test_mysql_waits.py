# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who waits for whom, from what each flavour tells."""

from __future__ import annotations

import typing as t

from ansible_collections.warroom.launch.plugins.module_utils._collectors.mysql import activity
from ansible_collections.warroom.launch.plugins.module_utils._collectors.mysql.waits import waits
from ansible_collections.warroom.launch.plugins.module_utils._sql.locks import Trees, advice_line

METADATA = "Waiting for table metadata lock"


def session(pid: int, state: str = "", command: str = "Query", seconds: float = 5, info: str = "select 1") -> dict[str, t.Any]:
    return {"id": str(pid), "user": "app", "command": command, "state": state, "time": str(seconds), "info": info}


def trx(pid: int, seconds: float = 9, wait: t.Optional[float] = None) -> dict[str, t.Any]:
    state = "RUNNING" if wait is None else "LOCK WAIT"
    row = {"trx_id": f"t{pid}", "trx_mysql_thread_id": str(pid), "trx_state": state, "trx_seconds": str(seconds)}
    return {**row, "trx_wait_seconds": None if wait is None else str(wait)}


def of(
    rows: list[dict[str, t.Any]],
    transactions: t.Sequence[dict[str, t.Any]] = (),
    pairs: t.Sequence[tuple[int, int]] = (),
    locks: t.Any = (),
    lockers: t.Sequence[int] = (),
) -> t.Any:
    opened = activity.transactions(transactions)
    row_locks = [{"waiting_trx": f"t{one}", "blocking_trx": f"t{other}"} for one, other in pairs]
    return waits(activity.sessions(rows, opened, {}, None), opened, row_locks, locks, lockers)


def mdl(pid: int, lock: str, status: str = "GRANTED", name: str = "orders") -> dict[str, t.Any]:
    row = {"object_type": "TABLE", "object_schema": "shop", "object_name": name}
    return {**row, "lock_type": lock, "lock_status": status, "pid": str(pid)}


def test_row_waits_and_how_long() -> None:
    found = of([session(1, command="Sleep"), session(2), session(3)], [trx(1), trx(2, wait=4), trx(3, wait=2)], [(2, 1), (3, 2), (3, 1)])
    assert found.blocked_by == {2: [1], 3: [2, 1]}
    assert (found.detail[2]["since"], found.detail[2]["lock"]) == (-4, "row lock")
    assert Trees(found.blocked_by).root_of == {2: 1, 3: 1}


def test_a_deadlock_that_is_about_to_be_broken_does_not_hang_us() -> None:
    found = of([session(1), session(2)], [trx(1, wait=1), trx(2, wait=1)], [(1, 2), (2, 1)])
    assert Trees(found.blocked_by).root_of == {1: 1, 2: 1}


def test_a_prepared_transaction_holds_its_rows_without_a_session() -> None:
    """https://github.com/actiontech/dble/issues/1084: after XA PREPARE the client was gone, and its locks stayed; two of them here"""
    left = [{**trx(0, seconds=900), "trx_id": "left"}, {**trx(0), "trx_id": "later"}]
    opened = activity.transactions([*left, trx(2, wait=4)])
    held = [{"waiting_trx": "t2", "blocking_trx": "later"}]
    found = waits(activity.sessions([session(2)], opened, {}, None), opened, held, (), ())
    assert found.blocked_by == {2: [0]} and Trees(found.blocked_by).root_of == {2: 0}
    assert advice_line({"pid": 0}, "mysql").startswith("XA RECOVER; ") and "KILL 0" not in advice_line({"pid": 0}, "mysql")


def test_a_wait_whose_transaction_is_gone_is_left_out() -> None:
    assert of([session(2)], [trx(2, wait=1)], [(2, 77)]).blocked_by == {}


def test_readers_behind_an_alter_wait_for_the_alter_and_not_for_each_other() -> None:
    locks = [
        mdl(1, "SHARED_READ"),
        mdl(2, "SHARED_UPGRADABLE"),
        mdl(2, "EXCLUSIVE", "PENDING"),
        mdl(3, "SHARED_READ", "PENDING"),
        mdl(4, "SHARED_READ", "PENDING"),
    ]
    rows = [session(1, command="Sleep"), session(2, METADATA), session(3, METADATA), session(4, METADATA)]
    found = of(rows, [trx(1)], locks=locks)
    assert found.blocked_by == {2: [1], 3: [2], 4: [2]}
    assert (found.detail[2]["relation"], found.detail[2]["mode"]) == ("shop.orders", "EXCLUSIVE")
    assert found.guessed == set()


def test_a_reader_behind_a_granted_exclusive_lock() -> None:
    locks = [mdl(2, "EXCLUSIVE"), mdl(3, "SHARED_READ", "PENDING"), mdl(5, "SHARED_READ", name="other")]
    assert of([session(2), session(3, METADATA)], locks=locks).blocked_by == {3: [2]}


def test_without_lock_tables_the_oldest_open_transaction_before_the_wait() -> None:
    rows = [
        session(1, command="Sleep"),
        session(2, METADATA, seconds=5, info="alter table orders add c int"),
        session(4, command="Sleep"),
        session(5, seconds=60, info="select * from unrelated"),
    ]
    found = of(rows, [trx(1, seconds=30), trx(4, seconds=2)])
    assert found.blocked_by == {2: [1]}
    assert found.guessed == {2}


def test_without_lock_tables_a_long_statement_on_the_same_table() -> None:
    rows = [
        session(1, seconds=60, info="select sum(x) from orders"),
        session(2, METADATA, seconds=5, info="alter table orders add c int"),
        session(3, seconds=80, info="select * from customers"),
    ]
    assert of(rows).blocked_by == {2: [1]}


def test_without_anybody_older_nobody_is_blamed() -> None:
    found = of([session(1, seconds=1, info="select * from orders"), session(2, METADATA, seconds=9, info="alter table orders add c int")])
    assert found.blocked_by == {}
    assert found.detail[2]["lock"] == "metadata lock"


def test_other_locks_are_named() -> None:
    states = (
        "Waiting for table flush",
        "Waiting for backup lock",
        "Waiting for table level lock",
        "User lock",
        "Sending data",
        "User sleep",
    )
    rows = activity.sessions([session(number, state) for number, state in enumerate(states)], {}, {}, None)
    assert [row["wait_event_type"] for row in rows] == ["Lock", "Lock", "Lock", "Lock", None, "Timeout"]
    assert [row["wait_event"] for row in rows][:4] == ["table flush", "global lock", "table lock", "user lock"]


def test_where_metadata_locks_are_not_told_who_locked_tables_by_name_holds_them() -> None:
    rows = [session(1, "User sleep", info="select sleep(9)"), session(2, METADATA, seconds=3), session(3, command="Sleep", seconds=90)]
    assert of(rows).blocked_by == {}, "what shares no table is nobody's reason"
    assert of(rows, lockers=[1]).blocked_by == {2: [1]} and of(rows, lockers=[2, 3]).blocked_by == {2: [3]}
    assert of(rows, locks=[mdl(1, "SHARED_NO_READ_WRITE"), mdl(2, "SHARED_READ", "PENDING")], lockers=[3]).blocked_by == {2: [1]}
