# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many processes and threads there are, against what the kernel, a container and a service's unit allow (TasksMax, pids.max)."""

from __future__ import annotations

import typing as t

from ..._collect.derived import put_largest, share
from ..._collect.facts import Facts
from ..._collect.sampling import count
from ..._linux import cgroup
from .fetch import Host
from .process_table import Row

MACHINE, CONTAINER = "the machine", "this container"
_CEILINGS = ("threads-max", "pid_max")


class TaskLimit(t.NamedTuple):
    """Whose limit it is, how many there are, and how many may be."""

    name: str
    used: int
    limit: int


def read(host: Host, heads: t.Iterable[Row], container: bool) -> list[TaskLimit]:
    """The machine's own table, or the group of the container, and the groups of services by their first processes."""
    own = _of_group(host, CONTAINER, 1) if container else _of_machine(host)
    found = {} if own is None else {own.name: own}
    for row in heads:
        each = _of_group(host, str(row.service), row.pid)
        if each is not None and (each.name not in found or each.used / each.limit > found[each.name].used / found[each.name].limit):
            found[each.name] = each
    return list(found.values())


def _of_machine(host: Host) -> t.Optional[TaskLimit]:
    """`0.52 0.58 0.59 1/523 4711`: of 523 one runs."""
    words = (host.read("/proc/loadavg") or "").split()
    used = count(words[3].partition("/")[2]) if len(words) > 3 else None
    ceilings = [count((host.read(f"/proc/sys/kernel/{name}") or "").strip()) for name in _CEILINGS]
    limit = min((each for each in ceilings if each), default=None)
    return None if used is None or limit is None else TaskLimit(MACHINE, used, limit)


def _of_group(host: Host, name: str, pid: int) -> t.Optional[TaskLimit]:
    told = cgroup.tasks(host.read, host.mounts, pid)
    return None if told is None else TaskLimit(name, *told)


def put(facts: Facts, limits: t.Sequence[TaskLimit], top: int) -> None:
    rows: list[dict[str, t.Any]] = [{**each._asdict(), "used_ratio": share(each.used, each.limit, "", slack=1.0)} for each in limits]
    rows.sort(key=lambda row: -row["used_ratio"])
    facts.rows("task_limits", rows, top)
    put_largest(facts, "tasks_used_ratio", (row["used_ratio"] for row in rows), "nothing that can be read limits processes here")
