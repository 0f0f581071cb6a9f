# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tasks of Django that wait in a table: how many, for how long, and what is said where that cannot be known."""

from __future__ import annotations

import typing as t

from ansible_collections.warroom.launch.plugins.module_utils._collect.facts import Facts, Maybe, Unknown
from ansible_collections.warroom.launch.plugins.module_utils._collectors.postgresql import task_tables
from ansible_collections.warroom.launch.plugins.module_utils._sql import task_tables as shape
from ansible_collections.warroom.launch.plugins.module_utils._sql.sessions import Manner
from ansible_collections.warroom.launch.plugins.module_utils._sql.task_tables import Queues

TABLE = {"id": 7, "schema": "public", "name": "shop_task", "quoted": "public.shop_task"}
DENIED = Unknown("database shop: permission denied for table shop_task")


def queue(name: str, total: int, age: float = 5.0) -> dict[str, t.Any]:
    return {"name": name, "total": total, "since": 1000.0 - age, "now": 1000.0}


def facts(*read: Maybe[list[Queues]]) -> dict[str, t.Any]:
    found = Facts()
    shape.put(found, read, "no database could be read", Manner(top=10))
    return found.done()


def shop(rows: Maybe[list[dict[str, t.Any]]]) -> list[Queues]:
    return [Queues("shop", "public.shop_task", rows)]


def test_what_waits_longest_first() -> None:
    found = facts(shop([queue("mail", 3, 90.0), queue("default", 40)]), [])
    assert [(row["name"], row["waiting"], row["oldest_seconds"]) for row in found["task_queues"]] == [
        ("default", 40, 5.0),
        ("mail", 3, 90.0),
    ]
    assert (found["task_queue_waiting"], found["task_queue_oldest_seconds"]) == (43, 90.0)
    assert found["task_queue_tables"] == ["shop: public.shop_task"]


def test_no_such_table_is_nothing_that_waits() -> None:
    found = facts([])
    assert (found["task_queue_tables"], found["task_queues"], found["task_queue_waiting"], found["task_queue_oldest_seconds"]) == (
        [],
        [],
        0,
        0,
    )


def test_more_than_are_counted_are_at_least_so_many() -> None:
    found = facts(shop([queue("default", shape.MOST_ROWS, 400.0)]))
    assert found["task_queue_waiting"] is None and "is counted" in found["unknown"]["task_queue_waiting"]
    assert found["at_least"] == {"task_queue_waiting": shape.MOST_ROWS} and found["task_queue_oldest_seconds"] == 400.0


def test_what_may_not_be_read_says_what_to_grant() -> None:
    answers: dict[str, t.Any] = {task_tables.TABLES: [TABLE], task_tables.waiting("public.shop_task"): DENIED}
    read = task_tables.read(answers.__getitem__, "shop", '"launch"')
    found = facts(read)
    why = found["unknown"]["task_queue_oldest_seconds"]
    assert why.endswith('GRANT SELECT (status, queue_name, enqueued_at, run_after) ON public.shop_task TO "launch"')
    assert found["task_queues"] is None and found["task_queue_tables"] == ["shop: public.shop_task"]


def test_a_database_that_cannot_be_asked_leaves_it_unknown() -> None:
    assert task_tables.read(lambda _sql: DENIED, "shop", "launch") == DENIED
    for found in (facts(DENIED), facts()):
        assert found["task_queue_tables"] is None and found["task_queue_waiting"] is None


def test_a_moment_in_the_future_of_the_server_is_no_negative_age() -> None:
    assert facts(shop([queue("default", 1, -9.0)]))["task_queue_oldest_seconds"] == 0.0
    torn = facts(shop([{"name": "default", "total": None, "since": None, "now": 1000.0}]))
    assert torn["task_queue_waiting"] is None and torn["task_queues"][0]["oldest_seconds"] is None
