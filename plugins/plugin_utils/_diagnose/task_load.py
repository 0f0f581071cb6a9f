# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which task of Celery loads a database: half or more of the sessions at work are those of its runs."""

from __future__ import annotations

import collections
import typing as t

from .._fleet.observed import Instance, Row
from .._fleet.waiting import waits_of
from .fleet_view import Fleet
from .waits import active_sessions

#: The part of the sessions at work, and of the running tasks, from which one task is what loads the database.
MOSTLY = 0.5


def loading_task(database: Instance, fleet: Fleet) -> t.Optional[Row]:
    """`task`, the `host` and `application` that run it, its sessions at work and all of them; None where no task loads it that much.

    Only where the processes of the pool were seen waiting for this database: of a task that runs for long it is not known otherwise.
    """
    at_work = active_sessions(database)
    if not at_work:
        return None
    # several hosts that run workers of one broker each report the tasks of all of them
    loads = [(*_in_it(celery, database, fleet), celery) for celery in fleet.instances("celery")]
    sessions, task, celery = max(loads, key=lambda load: load[0], default=(0.0, "", database))
    if not task or sessions < MOSTLY * at_work:
        return None
    return Row(
        task=task,
        host=celery.host,
        application=celery.name,
        task_sessions=round(min(sessions, at_work)),
        sessions_at_work=round(at_work),
    )


def _in_it(celery: Instance, database: Instance, fleet: Fleet) -> tuple[float, str]:
    """How many sessions the task has at work in the database, on average of the looks at its processes; and its name."""
    waits = waits_of(celery, fleet.graph)
    if waits is None:
        return 0.0, ""
    shares: dict[str, float] = collections.defaultdict(float)
    for row in Instance(celery.host, celery.service, {"rows": celery.part("waits").get("edges")}).rows("rows"):
        targets = fleet.graph.ends_at(celery.key, row.word("address"))
        if targets and (targets[0] == database.key or database.key in fleet.graph.behind(targets[0])):
            shares[row.word("work")] += row.amount("share_ratio")
    task, share = max(shares.items(), key=lambda each: each[1], default=("", 0.0))
    running = [row.word("name") for row in celery.rows("running")]
    # the name at an address is that of the task seen there most often, which may be one of many
    if not task or running.count(task) < MOSTLY * len(running):
        return 0.0, ""
    return (celery.number("active") or 0.0) * share, task


def told(row: Row) -> str:
    return (
        f"{row.word('task')}: {row['task_sessions']} of {row['sessions_at_work']} sessions at work are of this task of Celery "
        f"({row.word('application')} on {row.word('host')})."
    )
