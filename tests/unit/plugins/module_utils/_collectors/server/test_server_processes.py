# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Processes over a window: who used what, which thread holds a whole core, and what a host's services are."""

from __future__ import annotations

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._linux.cgroup import Limits
from tests.support.machine import GIB, MIB, facts, row, sample, table, ticks


def before_and_after(*pairs):
    """Tables 5 s apart: (row, CPU seconds before or None when it was not there, CPU seconds after)."""
    first = [one._replace(cpu=cpu) for one, cpu, _after in pairs if cpu is not None]
    last = [one._replace(cpu=after) for one, _cpu, after in pairs if after is not None]
    init = row(1, "init")
    return {"table_first": table(100.0, init, *first), "table_last": table(105.0, init, *last)}


def test_cores_of_processes_and_services():
    found = facts(**before_and_after(
        (row(10, "uwsgi", service="uwsgi", kind="uwsgi worker"), 1.0, 6.0),
        (row(11, "uwsgi", service="uwsgi", kind="uwsgi worker"), 2.0, 4.5),
        (row(12, "postgres", service="postgresql", kind="postgresql backend"), 0.0, 0.5),
        (row(13, "gone"), 1.0, None),
        (row(14, "born"), None, 1.0),
    ))  # fmt: skip
    assert [(one["pid"], one["cpu_cores"]) for one in found["processes_by_cpu"]] == [(10, 1.0), (11, 0.5), (14, 0.2), (12, 0.1)]
    services = {one["name"]: one for one in found["services"]}
    assert (services["uwsgi"]["cpu_cores"], services["uwsgi"]["cpu_ratio"], services["uwsgi"]["processes"]) == (1.5, 0.375, 2)
    assert services["postgresql"]["cpu_cores"] == 0.1


def test_the_same_pid_with_another_start_is_another_process():
    tables = before_and_after((row(10, "old"), 500.0, 1.0))
    tables["table_last"].rows[10] = tables["table_last"].rows[10]._replace(created=5000.0)
    assert facts(**tables)["processes_by_cpu"][0]["cpu_cores"] == 0.2


def test_cpu_time_that_fell_is_not_negative():
    assert facts(**before_and_after((row(10), 9.0, 1.0)))["processes_by_cpu"] == []


def test_growing_processes():
    tables = before_and_after((row(10, "uwsgi"), 1.0, 1.0))
    tables["table_last"].rows[10] = tables["table_last"].rows[10]._replace(memory=40 * MIB)
    assert facts(**tables)["processes_growing"][0]["grown_bytes"] == 30 * MIB


PINNED = row(10, "uwsgi", service="uwsgi", kind="uwsgi worker")
ROWS = {"table_first": table(100.0, row(1, "init"), PINNED), "table_last": table(105.0, row(1, "init"), PINNED)}


def threads(*used):
    """Looks at two threads of process 10; the second is never busy."""
    return ticks(*[{10: {10: one, 20: 5}} for one in used])


def test_a_thread_at_a_whole_core_in_every_look():
    found = facts(**ROWS, ticks=threads(0, 100, 199, 297, 396))
    assert found["sustained_threads_total"] == 1
    thread = found["sustained_threads"][0]
    assert (thread["kind"], thread["thread"], thread["thread_id"], thread["looks"]) == ("uwsgi worker", "python", 10, 4)
    assert (thread["core_ratio"], thread["observed_seconds"]) == (0.99, 4.0)
    assert thread["label"] == "uwsgi worker (pid 10, thread python)"


@pytest.mark.parametrize("used", [(0, 100, 140, 240, 340), (0, 80, 160, 240, 320), (0, 100, 200, 300)])
def test_not_in_every_look_is_not_constant(used):
    looks = threads(*used)
    if len(used) == 4:
        looks[2] = looks[2].__class__(looks[2].at, {}, {}, {10: {}})  # it ended, and its id was taken again
    assert facts(**ROWS, ticks=looks)["sustained_threads_total"] == 0


def test_four_threads_at_a_quarter_are_not_one_core():
    looks = ticks(*[{10: {tid: 25 * look for tid in (10, 11, 12, 13)}} for look in range(5)])
    assert facts(**ROWS, ticks=looks)["sustained_threads_total"] == 0


def test_too_short_to_tell():
    found = facts(**ROWS, ticks=ticks({}, {}, {}, {}, seconds=0.05))
    assert found["sustained_threads"] is None and "two seconds" in found["unknown"]["sustained_threads_total"]
    assert facts(**ROWS, ticks=ticks({}, {}, {}))["sustained_threads"] is None


def test_we_do_not_report_ourselves():
    assert facts(**ROWS, ticks=threads(0, 100, 200, 300), own_pid=10)["sustained_threads_total"] == 0


def test_s03_nothing_seen_in_a_hidden_table_is_not_nothing():
    hidden = {"table_first": table(100.0, PINNED, filtered=True), "table_last": table(105.0, PINNED, filtered=True)}
    assert facts(**hidden, ticks=threads(0, 100, 200, 300))["sustained_threads_total"] == 1
    found = facts(**hidden, ticks=threads(0, 1, 2, 3))
    assert found["sustained_threads_total"] is None and "hidepid" in found["unknown"]["sustained_threads_total"]


def test_s02_zombies():
    dead = row(11, "worker", status="zombie", ppid=10, memory=0)
    found = facts(table_last=table(105.0, row(1, "init"), row(10, "python3"), dead))
    assert found["zombies"] == 1
    assert found["zombie_processes"] == [
        {"pid": 11, "name": "worker", "kind": "worker", "service": None, "parent_pid": 10, "parent": "python3"}
    ]
    assert [one["pid"] for one in found["processes_by_memory"]] == [1, 10]


def store(pid, service, memory):
    return row(pid, service, service=service, kind=service, memory=memory, shared=0)


def test_memory_put_to_use():
    found = facts(table_last=table(105.0, row(1, "init"), store(5, "memcached", 2 * GIB)))["stores"]
    assert found == {
        "names": "memcached", "memory_bytes": 2 * GIB, "page_cache_bytes": 0, "memory_ratio": 0.125, "own_ratio": 0.125, "dedicated": True,
        "database": False,
    }  # fmt: skip


@pytest.mark.parametrize("cached", [0, 1 * GIB, 3 * GIB])
def test_a_databases_own_memory_does_not_depend_on_the_page_cache(cached):
    meminfo = {"Cached": float(cached), "Shmem": 0.0, "SwapTotal": 0.0, "SwapFree": 0.0}
    found = facts(table_last=table(105.0, store(5, "postgresql", 2 * GIB)), state={"meminfo": meminfo})["stores"]
    assert found["own_ratio"] == 0.125 and found["memory_ratio"] == (2 * GIB + cached) / (16 * GIB)


def test_the_page_cache_is_a_databases_memory_too():
    found = facts(table_last=table(105.0, store(5, "postgresql", 4 * GIB)))["stores"]
    assert (found["memory_bytes"], found["page_cache_bytes"], found["database"]) == (5 * GIB, GIB, True)


@pytest.mark.parametrize("others", [["uwsgi"], ["celery", "memcached"], ["redis"], []])
def test_hosts_that_are_not_a_stores_own(others):
    rows = [store(10 + place, name, GIB) for place, name in enumerate(others)]
    extra = [] if others in (["redis"], []) else [store(5, "postgresql", GIB)]
    assert facts(table_last=table(105.0, *rows, *extra))["stores"]["dedicated"] is False


def test_limits_of_a_services_own_group():
    uwsgi = row(10, "uwsgi", service="uwsgi", kind="uwsgi master")
    groups = [{"/g": {"nr_periods": 0.0, "nr_throttled": 0.0}}, {"/g": {"nr_periods": 50.0, "nr_throttled": 20.0}}]
    found = facts(
        table_last=table(105.0, row(1, "init"), uwsgi),
        service_limits={10: Limits(1.5, "/g", None, GIB, "/m")},
        group_memory={"/m": GIB // 2},
        first=sample(100.0, groups=groups[0]),
        second=sample(105.0, groups=groups[1]),
    )
    service = found["services"][0]
    assert (service["cpu_quota_cores"], service["throttled_ratio"], service["memory_limit_used_ratio"]) == (1.5, 0.4, 0.5)
    assert found["throttled_worst_ratio"] == 0.4 and found["throttled_ratio"] is None
    assert found["cores_effective"] == 4  # a service's quota is not the machine's


@pytest.mark.parametrize(
    ("first", "last", "stopped"),
    [("stopped", "stopped", 1), ("tracing-stop", "tracing-stop", 1), ("sleeping", "tracing-stop", 0), ("stopped", "sleeping", 0)],
)
@pytest.mark.parametrize("service", ["uwsgi", "celery", "postgresql", "nginx", None])
def test_one_stopped_process_of_a_service_is_named(first: str, last: str, stopped: int, service: str | None) -> None:
    ends = [table(at, row(7, "x", service=service, status=status)) for at, status in ((100.0, first), (105.0, last))]
    found = facts(table_first=ends[0], table_last=ends[1])
    assert found["stopped_processes_total"] == len(found["stopped_processes"]) == (stopped if service else 0)
