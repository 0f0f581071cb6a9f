# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tasks of Django that wait in a table of MySQL or MariaDB, and what is said where that cannot be known."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.facts import Facts, Maybe, Unknown
from ansible_collections.warroom.launch.plugins.module_utils._collectors.mysql import task_tables
from ansible_collections.warroom.launch.plugins.module_utils._collectors.mysql.indexes import Dictionary
from ansible_collections.warroom.launch.plugins.module_utils._collectors.mysql.session import Refused
from ansible_collections.warroom.launch.plugins.module_utils._sql import task_tables as shape
from ansible_collections.warroom.launch.plugins.module_utils._sql.sessions import Manner
from tests.support import mysql_rows

TABLE = {"table_id": 7, "name": "shop/django_tasks_database_dbtaskresult", "matching": 4}
DENIED = Refused("denied", "SELECT command denied to user 'mon'@'127.0.0.1'", 1142)
NO_PROCESS = Refused("denied", "Access denied; you need (at least one of) the PROCESS privilege(s)", 1227)
NOT_READ: Maybe[Dictionary] = Unknown("it was not read")


def queue(name: str, total: int, age: float, youngest: float = 0.0) -> dict[str, t.Any]:
    return {"name": name, "total": total, "since": 5000.0 - age, "last": 5000.0 - youngest, "now": 5000.0}


def facts(
    tables: t.Any, rows: t.Any = (), dictionary: Maybe[Dictionary] = NOT_READ, version: str = "8.4.2", name: str = "shop"
) -> dict[str, t.Any]:
    dialect = "sys_" if "MariaDB" in version else ""
    reader = mysql_rows.reader({f"innodb_{dialect}tables": tables, name: rows}, version)
    found = Facts()
    shape.put(found, [task_tables.read(reader, dictionary)], "", Manner(top=10))
    return found.done()


@pytest.mark.parametrize("version", ["8.4.2", "10.11.6-MariaDB"])
def test_what_waits_longest_first(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    table = {**TABLE, "schema_name": "shop", "table_name": "django_tasks_database_dbtaskresult"} if "MariaDB" in version else TABLE
    monkeypatch.setattr(mysql_rows, "subject", _by_table)
    found = facts([table], [queue("mail", 3, 90.0), queue("default", 40, 5.0)], version=version)
    assert [(row["name"], row["waiting"], row["oldest_seconds"]) for row in found["task_queues"]] == [
        ("default", 40, 5.0),
        ("mail", 3, 90.0),
    ]
    assert (found["task_queue_waiting"], found["task_queue_oldest_seconds"]) == (43, 90.0)
    assert found["task_queue_tables"] == ["shop: shop.django_tasks_database_dbtaskresult"]


def _by_table(sql: str) -> str:
    """The subject of a question; of the table of tasks, whose name stands in backticks, its schema."""
    return "shop" if "FROM `shop`." in sql else _SUBJECT(sql)


_SUBJECT = mysql_rows.subject


def test_no_such_table_is_nothing_that_waits() -> None:
    found = facts([])
    assert (found["task_queue_tables"], found["task_queue_waiting"], found["task_queue_oldest_seconds"]) == ([], 0, 0)


def test_partitions_are_one_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mysql_rows, "subject", _by_table)
    parts = [{**TABLE, "table_id": 7 + part, "name": f"shop/task_results#p#p{part}"} for part in (0, 1)]
    assert facts(parts, [queue("default", 2, 9.0)])["task_queue_waiting"] == 2


def test_what_may_not_be_read_says_what_to_grant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mysql_rows, "subject", _by_table)
    found = facts([TABLE], DENIED)
    assert found["task_queues"] is None and found["task_queue_oldest_seconds"] is None
    assert found["unknown"]["task_queue_waiting"].endswith(
        "GRANT SELECT (status, queue_name, enqueued_at, run_after) ON `shop`.`django_tasks_database_dbtaskresult` TO 'mon'@'127.0.0.1';"
    )
    hidden = facts(NO_PROCESS)
    assert hidden["task_queue_tables"] is None and "GRANT PROCESS ON *.* TO 'mon'@'127.0.0.1';" in hidden["unknown"]["task_queue_waiting"]


def test_local_times_tell_no_age(monkeypatch: pytest.MonkeyPatch) -> None:
    """Written by Django with USE_TZ = False east of Greenwich: the youngest task would come in two hours."""
    monkeypatch.setattr(mysql_rows, "subject", _by_table)
    found = facts([TABLE], [queue("default", 4, -6800.0, -7200.0)])
    assert found["task_queue_waiting"] == 4 and found["task_queue_oldest_seconds"] is None
    assert "USE_TZ" in found["unknown"]["task_queue_oldest_seconds"]
    assert facts([TABLE], [queue("default", 4, 8.0, -1.5)])["task_queue_oldest_seconds"] == 8.0, "two clocks differ a little"


@pytest.mark.parametrize(
    ("rows", "columns", "is_read"),
    [(900_000, ("id",), False), (900_000, ("status", "id"), True), (400_000, ("id",), True)],
    ids=["large", "large with an index", "small"],
)
def test_a_large_table_is_read_by_an_index_only(
    rows: int, columns: tuple[str, ...], is_read: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mysql_rows, "subject", _by_table)
    fields = [{"index_id": 1, "name": name, "pos": place} for place, name in enumerate(columns)]
    dictionary = Dictionary(
        [TABLE], [{"index_id": 1, "name": "PRIMARY", "table_id": 7, "type": 3}], fields, (), [{**TABLE, "num_rows": rows}]
    )
    found = facts([TABLE], [queue("default", 1, 70.0)], dictionary)
    assert (found["task_queue_waiting"] == 1) is is_read
    if not is_read:
        assert "prune_db_task_results" in found["unknown"]["task_queue_waiting"] and found["task_queue_oldest_seconds"] is None


def test_rows_that_lack_a_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mysql_rows, "subject", _by_table)
    torn = facts([TABLE], [{"name": "default", "total": "text", "since": None, "last": None, "now": 5000.0}])
    assert torn["task_queue_waiting"] is None and torn["task_queues"][0]["oldest_seconds"] is None
