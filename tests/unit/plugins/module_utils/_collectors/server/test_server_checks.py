# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checks of the server over facts that its collector really makes: each limit, and what must not be alarmed."""

from __future__ import annotations

import copy
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._checks.evaluate import evaluate
from tests.support.check_cases import checks_of
from tests.support.machine import CPU, GIB, MIB, facts, row, sample, table, ticks

CHECKS = checks_of("server")


def judge(instance: dict[str, t.Any], phase: str = "during") -> dict[str, dict[str, t.Any]]:
    found = evaluate("web1", {"launch_server": {"instances": [instance]}}, CHECKS, phase)
    for one in found:
        for words in (one["finding"], one["advice"], one["look"]):
            assert "{" not in (words or "").replace("accept: {", ""), one
        if one["status"] in ("warn", "fail"):
            assert one["advice"] and "unknown" not in one["finding"] + one["advice"], one
    return {one["check"].replace("server_", ""): one for one in found}


def cpu(**moved: float) -> dict[str, t.Any]:
    """A second sample in which so many percent of the CPU time (20 s of 4 cores) went where it is said, the rest idle."""
    after = {name: CPU[name] + moved.get(name, 0.0) / 5 for name in CPU}
    after["idle"] += 20.0 - sum(moved.values()) / 5
    disk = {"read_count": 0, "write_count": 0, "read_time": 0, "write_time": 0, "busy_time": 0}
    used = {"read_count": 100, "write_count": 100, "read_time": 4000, "write_time": 4000, "busy_time": 4900}
    return {"first": sample(100.0, disks={"vda": disk}), "second": sample(105.0, cpu=after, cpus=[after], disks={"vda": used})}


def with_process(one: t.Any, **changes: t.Any) -> dict[str, t.Any]:
    return {"table_first": table(100.0, row(1, "init"), one._replace(cpu=0.0)), "table_last": table(105.0, row(1, "init"), one), **changes}


BUSY = with_process(row(10, "uwsgi", service="uwsgi", kind="uwsgi worker", cpu=15.0))


def test_a_calm_machine_is_ok():
    found = judge(facts())
    assert {name for name, one in found.items() if one["status"] not in ("ok", "skipped")} == {
        "network_errors",
        "retransmits",
    }  # no interface
    skipped = {name for name, one in found.items() if one["status"] == "skipped"}
    assert skipped == {
        "iowait_database", "throttled", "memory_put_to_use", "conntrack", "memory_limit", "python_memory", "swap_full",
        "pressure_cpu", "pressure_memory", "pressure_io", "raid",
        "disk_growth", "filesystem_metadata", "kernel_tables", "logs_rotated", "monitoring_tools", "tasks_left",
    }  # fmt: skip
    assert "PSI" in found["pressure_io"]["reason"]


@pytest.mark.parametrize(
    ("load", "status"),
    [((4.0, 4.0, 4.0), "ok"), ((5.0, 4.0, 4.0), "warn"), ((5.0, 6.0, 8.0), "ok"), ((8.5, 9.0, 9.0), "fail"), ((0.0, 0.0, 0.0), "ok")],
)
def test_load(load, status):
    assert judge(facts(state={"load": load}, **BUSY))["load"]["status"] == status


@pytest.mark.parametrize(
    ("moved", "words"),
    [
        ({"iowait": 20.0}, "disk vda"),
        ({"steal": 20.0}, "hypervisor"),
        ({"user": 90.0}, "It is CPU. uwsgi worker (pid 10)"),
        ({}, "Neither CPU nor disk"),
    ],
)
def test_load_says_cpu_or_disk(moved, words):
    found = judge(facts(state={"load": (9.0, 9.0, 9.0)}, **BUSY, **cpu(**moved)))["load"]
    assert words in found["advice"]
    assert found["evidence"][0]["name"] == "uwsgi"


@pytest.mark.parametrize(
    ("moved", "check", "status"),
    [
        ({"user": 70.0}, "cpu_busy", "ok"),
        ({"user": 85.0}, "cpu_busy", "warn"),
        ({"system": 97.0}, "cpu_busy", "fail"),
        ({"steal": 4.0}, "steal", "ok"),
        ({"steal": 6.0}, "steal", "warn"),
        ({"steal": 16.0}, "steal", "fail"),
        ({"iowait": 8.0}, "iowait", "ok"),
        ({"iowait": 12.0}, "iowait", "warn"),
        ({"iowait": 25.0}, "iowait", "fail"),
    ],
)
def test_where_the_time_goes(moved, check, status):
    assert judge(facts(**cpu(**moved)))[check]["status"] == status


@pytest.mark.parametrize(("iowait", "status"), [(4.0, "ok"), (8.0, "warn"), (25.0, "fail")])
def test_a_database_should_wait_less(iowait, status):
    database = with_process(row(5, "postgres", service="postgresql", kind="postgresql"))
    found = judge(facts(**database, **cpu(iowait=iowait)))
    assert found["iowait_database"]["status"] == status
    assert found["iowait"]["status"] == "skipped"


def test_s10_iowait_that_is_not_measured_is_unknown():
    before, after = {"user": 1.0, "system": 1.0, "idle": 8.0}, {"user": 2.0, "system": 1.0, "idle": 9.0}
    assert judge(facts(first=sample(100.0, cpu=before), second=sample(105.0, cpu=after)))["iowait"]["status"] == "unknown"


@pytest.mark.parametrize(
    ("service", "kind", "words"),
    [
        ("uwsgi", "uwsgi worker", "processes ="),
        ("celery", "celery worker", "--concurrency"),
        ("varnish", "varnish cache", "ban list"),
        ("postgresql", "postgresql backend", "pg_stat_activity"),
        (None, "convert", "Split its work"),
    ],
)
def test_a_pinned_core_names_the_process_and_how_to_split_it(service, kind, words):
    one = row(10, "x", service=service, kind=kind)
    found = judge(facts(**with_process(one), ticks=ticks(*[{10: {10: 100 * look}} for look in range(5)])))["pinned_core"]
    assert found["status"] == "warn"
    assert f"{kind} (pid 10" in found["finding"] and words in found["advice"]


def swap(pages: float, memory_pressure: t.Optional[float]) -> dict[str, t.Any]:
    looks = [{"pswpin": pages * look, "pswpout": 0.0, "pgmajfault": 0.0, "oom_kill": 0.0} for look in range(5)]
    pressure = {} if memory_pressure is None else {"memory": {"some": {"avg10": memory_pressure, "avg60": 0.0}}}
    return {
        "first": sample(100.0, vmstat=looks[0]),
        "ticks": ticks({}, {}, {}, vmstat=looks[1:4]),
        "second": sample(105.0, vmstat=looks[4]),
        "state": {"pressure": pressure, "meminfo": {"SwapTotal": GIB, "SwapFree": 0}},
    }


@pytest.mark.parametrize(
    ("pages", "pressure", "status"), [(0, 0.0, "ok"), (10, 50.0, "warn"), (1000, 5.0, "warn"), (1000, 15.0, "fail"), (10, None, "warn")]
)
def test_swapping(pages, pressure, status):
    grown = with_process(row(10, "uwsgi", service="uwsgi", kind="uwsgi worker", memory=90 * MIB))
    assert judge(facts(**grown, **swap(pages, pressure)))["swapping"]["status"] == status


@pytest.mark.parametrize(("available", "status"), [(0.16, "ok"), (0.14, "warn"), (0.04, "fail")])
def test_memory(available, status):
    assert judge(facts(state={"memory": {"total": 16 * GIB, "available": available * 16 * GIB}}))["memory_available"]["status"] == status


@pytest.mark.parametrize(
    ("resource", "share", "status"),
    [
        ("cpu", 20, "ok"),
        ("cpu", 30, "warn"),
        ("cpu", 70, "fail"),
        ("memory", 6, "warn"),
        ("memory", 25, "fail"),
        ("io", 21, "warn"),
        ("io", 51, "fail"),
    ],
)
def test_pressure(resource, share, status):
    line = {"avg10": share, "avg60": share, "avg300": share, "total": 0.0}
    instance = facts(state={"pressure": {resource: {"some": line, "full": line}}}, **BUSY, **cpu())
    instance["pressure"][resource]["some_ratio"] = 0.1
    assert judge(instance)[f"pressure_{resource}"]["status"] == status


@pytest.mark.parametrize(
    ("service", "size", "status", "words"),
    [
        (None, 290_000_000, "ok", ""),
        (None, 320_000_000, "warn", "Profile"),
        ("uwsgi", 640_000_000, "fail", "reload-on-rss"),
        ("celery", 320_000_000, "warn", "max_tasks_per_child"),
    ],
)
def test_python_processes(service, size, status, words):
    found = judge(facts(**with_process(row(10, "python3", service=service, kind=service or "python", memory=size))))["python_memory"]
    assert found["status"] == status and words in (found["advice"] or "")


def test_out_of_memory():
    log = ["3,1,9990000000,-;Out of memory: Killed process 4 (uwsgi) total"]
    found = judge(facts(state={"vmstat": {"oom_kill": 1.0}}, kernel_log=log))["out_of_memory"]
    assert found["status"] == "fail" and "uwsgi was killed 10 s ago" in found["advice"]
    assert judge(facts(state={"vmstat": {"oom_kill": 1.0}}))["out_of_memory"]["status"] == "unknown"


@pytest.mark.parametrize(("overflows", "status"), [(0, "ok"), (5, "warn"), (30, "fail")])
def test_accept_queues(overflows, status):
    tcp = {"ListenOverflows": float(overflows), "ListenDrops": 0.0, "TCPReqQFullDrop": 0.0}
    assert judge(facts(second=sample(105.0, tcp=tcp)))["accept_queue"]["status"] == status


@pytest.mark.parametrize(("share", "status"), [(0.7, "ok"), (0.85, "warn"), (0.96, "fail")])
def test_descriptors(share, status):
    found = judge(facts(files=([(row(10, "nginx", service="nginx", kind="nginx worker"), int(1000 * share), 1000)], 0)))["descriptors"]
    assert found["status"] == status
    assert judge(facts(state={"file_handles": [90.0, 0.0, 100.0]}))["descriptors"]["status"] == "warn"


@pytest.mark.parametrize(
    ("service", "size", "status", "words"),
    [
        ("memcached", 8 * GIB, "ok", ""),
        ("memcached", GIB, "warn", "-m"),
        ("varnish", GIB, "warn", "-s malloc"),
        ("postgresql", GIB, "warn", "shared_buffers"),
        ("mysql", GIB, "warn", "innodb_buffer_pool_size"),
        ("redis", GIB, "skipped", ""),
        ("uwsgi", GIB, "skipped", ""),
    ],
)
def test_memory_is_put_to_use(service, size, status, words):
    found = judge(facts(**with_process(row(10, service, service=service, kind=service, memory=size, shared=0))))["memory_put_to_use"]
    assert found["status"] == status and words in (found["advice"] or "")


@pytest.mark.parametrize(
    ("size", "used", "status"), [(100, 0.8, "ok"), (100, 0.86, "warn"), (100, 0.96, "fail"), (10_000, 0.9, "ok"), (1000, 0.985, "warn")]
)
def test_filesystems(size, used, status):
    row_ = {**facts_filesystem(), "size_bytes": size * GIB, "used_bytes": round(used * size * GIB)}
    row_["available_bytes"] = row_["size_bytes"] - row_["used_bytes"]
    assert judge(facts(state={"filesystems": [row_]}))["filesystems"]["status"] == status


def facts_filesystem() -> dict[str, t.Any]:
    return {"name": "/", "kind": "ext4", "device": "/dev/vda", "inodes": 1000, "inodes_free": 900}


@pytest.mark.parametrize(("free", "status"), [(900, "ok"), (50, "warn"), (10, "fail")])
def test_inodes(free, status):
    row_ = {**facts_filesystem(), "size_bytes": 100, "used_bytes": 1, "available_bytes": 99, "inodes_free": free}
    assert judge(facts(state={"filesystems": [row_]}))["inodes"]["status"] == status


def test_the_rest_of_the_machine():
    instance = copy.deepcopy(facts(state={"conntrack": (97.0, 100.0), "silent_mounts": ["/mnt/gone"]}))
    instance.update(zombies=30, zombie_processes=[{"parent": "python3", "parent_pid": 5}], quota_holds=True, throttled_worst_ratio=0.3)
    instance.update(
        network_packets=1000,
        network_errors=5,
        network_errors_ratio=0.005,
        tcp_segments=1000,
        tcp_retransmits=50,
        tcp_retransmit_ratio=0.05,
        clock_synchronised=False,
    )
    instance["services"] = [{"name": "uwsgi", "memory_limit_used_ratio": 0.98, "memory_limit_bytes": GIB, "cpu_quota_cores": 1.0}]
    expected = {
        "conntrack": "fail", "filesystem_answers": "fail", "zombies": "warn", "throttled": "fail", "network_errors": "warn",
        "retransmits": "warn", "clock": "warn", "memory_limit": "fail",
    }  # fmt: skip
    found = judge(instance)
    assert {name: found[name]["status"] for name in expected} == expected


def test_one_sample_leaves_rates_unknown_and_alarms_nobody():
    found = judge(facts(second=None, ticks=[]))
    assert {one["status"] for one in found.values()} == {"ok", "skipped", "unknown"}
    assert found["swapping"]["status"] == found["pinned_core"]["status"] == "unknown"


def test_s03_hidden_processes_are_unknown_not_missing():
    mine = table(105.0, row(77, "bash"), filtered=True)
    found = judge(facts(table_first=mine, table_last=mine))
    for name in ("pinned_core", "python_memory", "zombies"):
        assert found[name]["status"] == "unknown" and "hidepid" in found[name]["reason"], name
    assert {one["status"] for one in found.values()} == {"ok", "skipped", "unknown"}
