# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A database that is overloaded by the runs of one task: the task is named where it is known, and only there."""

from __future__ import annotations

import typing as t

import pytest

from .several import Site, at
from .world import waits

DATABASE = f"{at(1, 30)}:5432"
REINDEX = [{"name": "shop.reindex", "worker": "w1@app1", "age_seconds": 2.0}] * 6


def overloaded(seen: t.Any, at_work: t.Any = 8, running: t.Any = None) -> t.Any:
    site = Site()
    site.disks_slow()
    for row in seen.get("edges") or []:
        row["work"] = "shop.reindex"
    site.of("app1", "celery").update(waits=seen, active=6, running=REINDEX if running is None else running)
    site.of("db1", "postgresql")["active"] = at_work
    site.connect()
    (cause,) = site.diagnose()
    assert cause["cause"] == "database_overload"
    return cause


def test_the_task_whose_runs_are_most_of_the_sessions_at_work_is_named() -> None:
    cause = overloaded(waits((DATABASE, 0.9, 0.0002)))
    assert cause["evidence"][0] == "shop.reindex: 5 of 8 sessions at work are of this task of Celery (shop on app1)."
    assert cause["first_fix"].startswith("Let the workers begin the task shop.reindex less often")
    assert cause["rows"][-1] == {
        "task": "shop.reindex",
        "host": "app1",
        "application": "shop",
        "task_sessions": 5,
        "sessions_at_work": 8,
    }


@pytest.mark.parametrize(
    ("seen", "at_work", "running"),
    [
        (waits((DATABASE, 0.9, 0.0002)), 20, None),
        (waits((DATABASE, 0.4, 0.0002)), 8, None),
        (waits(("203.0.113.9:443", 0.9, 0.0002)), 8, None),
        (waits((DATABASE, 0.9, 0.0002), samples=4), 8, None),
        (waits((DATABASE, 0.9, 0.0002)), 8, [*REINDEX[:2], *({"name": f"mail{at}"} for at in range(4))]),
        (waits((DATABASE, 0.9, 0.0002)), 0, None),
        ({}, 8, None),
    ],
    ids=["others' sessions", "it mostly computes", "elsewhere", "too few looks", "one of many tasks", "at rest", "not seen"],
)
def test_a_task_that_is_not_what_loads_it_is_not_named(seen: t.Any, at_work: t.Any, running: t.Any) -> None:
    cause = overloaded(seen, at_work, running)
    assert "reindex" not in str(cause["evidence"]) + cause["first_fix"] and not any("task" in row for row in cause["rows"])
