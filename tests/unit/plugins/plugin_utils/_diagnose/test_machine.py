# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A machine that lacks something is the cause of what suffers from it, and no cause when nothing does."""

from __future__ import annotations

import pytest

from .world import World

SWAPS = {"finding": "swapping: true; 40 MB/s in and 60 MB/s out", "advice": "Add RAM or run fewer processes.", "look": "vmstat 1 5"}


def test_workers_of_machines_that_swap_get_no_advice_to_add_workers() -> None:
    world = World()
    world.workers_exhausted()
    for number in range(1, 5):
        world.bad("server_swapping", f"app{number}", **SWAPS)
    only = world.diagnose()
    assert [(one["cause"], one["hosts"]) for one in only] == [("machine_exhausted", ["app1", "app2", "app3", "app4"])]
    assert only[0]["statement"].startswith("Memory is exhausted on app1, app2, app3 and 1 more: swapping: true")
    assert only[0]["first_fix"] == SWAPS["advice"] and only[0]["look"] == SWAPS["look"]
    assert "Add 4 workers" not in str(only) and any("All workers of" in line for line in only[0]["evidence"])


def test_one_machine_that_swaps_does_not_explain_the_whole_tier() -> None:
    world = World()
    world.workers_exhausted()
    world.bad("server_swapping", "app1", **SWAPS)
    assert world.causes() == ["workers_exhausted"]


def test_everything_that_waits_for_a_database_on_a_machine_without_memory() -> None:
    world = World()
    world.disks_slow()
    world.workers_exhausted()
    world.of("db1", "postgresql")["active"] = 30
    world.bad("server_swapping", "db1", **SWAPS)
    assert world.causes() == ["machine_exhausted"]
    # the workers are not in the database: they wait for something else
    world.of("db1", "postgresql")["active"] = 1
    assert world.causes() == ["machine_exhausted", "workers_exhausted"]


def test_a_database_that_its_full_disk_stopped_and_the_workers_that_wait_for_it() -> None:
    world = World()
    world.database_down()
    world.workers_exhausted()
    world.bad("server_filesystems", "db1", finding="/var is 100 % full, 0 bytes left", advice="Find what grows.", look="du")
    only = world.diagnose()
    assert [one["cause"] for one in only] == ["machine_exhausted"]
    assert only[0]["statement"] == "The disk is full on db1: /var is 100 % full, 0 bytes left."
    assert len(only[0]["evidence"]) == 2 and "PostgreSQL does not respond" in only[0]["evidence"][0]


@pytest.mark.parametrize("check", ["server_filesystems", "server_swapping", "server_memory_available", "server_descriptors"])
def test_a_finding_that_nothing_suffers_from_is_no_cause(check: str) -> None:
    world = World()
    world.bad(check, "db1", finding="short of something")
    assert world.causes() == []
    world.cold_cache()
    assert world.causes() == ["accelerator_fault"]


def test_a_full_disk_does_not_make_workers_busy() -> None:
    world = World()
    world.workers_exhausted()
    for number in range(1, 5):
        world.bad("server_filesystems", f"app{number}", finding="/var is 96 % full")
    assert world.causes() == ["workers_exhausted"]


@pytest.mark.parametrize(("limit", "cause"), [(15, "machine_exhausted"), (1024, "application_errors")])
def test_few_descriptors_under_a_small_limit_are_none_for_the_requests(limit: int, cause: str) -> None:
    """Recorded on game day: a worker has 14 of 15 files open at each look, and a third of its pages fail."""
    world = World()
    opened = limit - 1 if limit < 100 else round(0.93 * limit)
    world.of("app1", "server")["open_files"] = [{"pid": 7, "kind": "uwsgi worker", "open": opened, "limit": limit}]
    world.bad("server_descriptors", "app1", status="warn", finding=f"uwsgi worker (pid 7) has {opened} of {limit} files open")
    world.bad("uwsgi_exceptions", "app1", finding="18 exceptions in 91 requests (19.8 %)")
    assert world.causes() == [cause]


@pytest.mark.parametrize(("service", "cause"), [(None, "machine_exhausted"), ("celery", "workers_exhausted")])
def test_a_strange_program_that_takes_the_cpu(service: str, cause: str) -> None:
    world = World()
    world.workers_exhausted()
    for number in range(1, 5):
        machine = world.of(f"app{number}", "server")
        machine.update(cpu_busy_ratio=1.0, processes_by_cpu=[{"pid": 41, "kind": "gzip", "service": service, "cpu_cores": 3.1}])
        world.bad("server_cpu_busy", f"app{number}", finding="CPU 100 % busy")
    only = world.diagnose()
    assert [one["cause"] for one in only] == [cause]
    assert ("gzip (pid 41) takes the CPU" in only[0]["statement"]) == (service is None)


def test_an_odd_one_among_waiting_workers_is_not_a_cause_beside() -> None:
    world = World()
    world.missing_index()
    world.of("db1", "postgresql")["active"] = 30
    world.workers_exhausted()
    world.one_unlike("app3")
    assert world.causes() == ["missing_index"]


STOLEN = {
    "finding": "89 % of the CPU time went to other guests of this hypervisor",
    "advice": "Take a type with guaranteed CPU.",
    "look": "vmstat",
}


def test_workers_and_a_database_without_the_cpu_that_the_hypervisor_took() -> None:
    """https://github.com/markmhendrickson/neotoma/pull/2150: 40 minutes at 89 % steal, and every page looked like a slow database;
    spent credits: https://github.com/web-platform-tests/results-collection/issues/605"""
    world = World()
    world.disks_slow()
    world.workers_exhausted()
    world.of("db1", "postgresql")["active"] = 30
    world.bad("server_steal", "db1", **STOLEN)
    (only,) = world.diagnose()
    assert (only["cause"], only["statement"].split(":")[0]) == ("machine_exhausted", "The hypervisor takes the CPU away on db1")
    assert only["first_fix"] == STOLEN["advice"] and "do not tune" in only["avoid"]


def test_an_application_that_computes_on_stolen_cpus_is_not_told_to_compute_less() -> None:
    world = World()
    world.cpu_full()
    for number in range(1, 5):
        world.bad("server_steal", f"app{number}", **STOLEN)
    assert world.causes() == ["machine_exhausted"]


@pytest.mark.parametrize(
    ("facts", "cause"),
    [
        ({"services": [{"name": "uwsgi", "throttled_ratio": 0.6}]}, "machine_exhausted"),
        ({"throttled_ratio": 0.6}, "machine_exhausted"),  # the container's own
        ({"services": [{"name": "exporter", "throttled_ratio": 0.6}, {"name": "uwsgi", "throttled_ratio": 0.02}]}, "workers_exhausted"),
        ({"services": [{"name": "uwsgi", "throttled_ratio": None}]}, "workers_exhausted"),
    ],
)
def test_workers_that_a_quota_holds_back(facts: dict[str, object], cause: str) -> None:
    """https://github.com/devantler-tech/platform/pull/1727, https://github.com/lbedner/aegis-stack/issues/1219: idle, and slow"""
    world = World()
    world.workers_exhausted()
    for number in range(1, 5):
        world.of(f"app{number}", "server").update(facts)
        world.bad("server_throttled", f"app{number}", finding="throttled in 60 % of the periods", advice="Raise the quota.")
    (only,) = world.diagnose()
    assert only["cause"] == cause and (cause == "workers_exhausted" or only["first_fix"] == "Raise the quota.")


@pytest.mark.parametrize(
    ("check", "finding", "words"),
    [
        # https://github.com/DFO-Ocean-Navigator/Ocean-Data-Map-Project/issues/771: can't start new thread
        (
            "server_tasks_left",
            "this container has 2,048 of 2,048 processes and threads (100 %)",
            "No further process or thread can be started",
        ),
        # https://github.com/pinterest/pymemcache/issues/621: Cannot assign requested address
        ("server_local_ports", "28,232 of 28,232 local ports are in use for connections to 10.0.0.5:11211", "Local ports are exhausted"),
    ],
)
def test_pages_that_fail_where_nothing_more_can_be_started_or_opened(check: str, finding: str, words: str) -> None:
    world = World()
    world.bad("uwsgi_exceptions", "app1", finding="180 exceptions in 910 requests (19.8 %)")
    world.bad(check, "app1", finding=finding, advice="Mend that.")
    (only,) = world.diagnose()
    assert (only["cause"], only["statement"]) == ("machine_exhausted", f"{words} on app1: {finding}.")
    assert only["first_fix"] == "Mend that."
