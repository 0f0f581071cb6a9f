# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two samples of a machine as facts: what is right, what is null with a reason, and what never goes below zero."""

from __future__ import annotations

import json

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collectors.server import fetch, parse
from ansible_collections.warroom.launch.plugins.module_utils._collectors.server.clock import Clock
from ansible_collections.warroom.launch.plugins.module_utils._linux.cgroup import Limits
from ansible_collections.warroom.launch.plugins.module_utils._linux.usage import Memory
from tests.support.machine import CPU, GIB, KERNEL, MIB, TCP, VMSTAT, FakePsutil, facts, proc, record, row, sample, table, ticks


def test_a_calm_machine_has_no_gaps_but_what_it_lacks():
    found = facts()
    assert {name for name in found["unknown"] if "[]" not in name and "." not in name} == {
        "pressure", "cpu_quota_cores", "cpu_quota_busy_ratio", "throttled_ratio", "throttled_worst_ratio", "services_throttled_ratio",
        "disks", "python_largest_bytes", "network", "network_packets", "network_errors", "network_errors_ratio",
        "tcp_segments", "tcp_retransmits", "tcp_retransmit_ratio", "conntrack",
        "memory_limit_bytes", "memory_zfs_cache_bytes", "memory_dirty_bytes", "swap_used_ratio", "tcp_max_syn_backlog",
        "packages_changed_at", "processes_by_disk", "tasks_used_ratio", "kernel_tables_used_ratio", "filesystem_metadata_used_ratio",
    }  # fmt: skip
    for path in found["unknown"]:
        assert "[]" in path or "." in path or found[path] is None, path
    assert found["cpu_busy_ratio"] == 0.1 and found["headroom"]["cpu_cores"] == 3.6
    assert found["headroom"]["ram_bytes"] == int(12 * GIB - 1.6 * GIB)


def test_the_time_of_the_last_package_is_told():
    assert facts(state={"packages_changed": 1_000_000.0})["packages_changed_at"] == "1970-01-12T13:46:40Z"


@pytest.mark.parametrize(("load", "logical", "ratio"), [(1.01, 2, 0.505), (40.0, 64, 0.625), (1.01, None, None)])
def test_s05_load_per_logical_core(load, logical, ratio):
    """Physical cores are never asked for."""
    found = facts(state={"load": (load, load, load), "cores_online": logical, "affinity": None})
    assert found["load_ratio"] == ratio


def test_s05_the_host_asks_for_logical_cores(tmp_path, monkeypatch):
    class Two(FakePsutil):
        def cpu_count(self, logical=True):
            return 2 if logical else None

    assert fetch.Host(Two(), str(tmp_path)).state(1).cores_online == 2


@pytest.mark.parametrize(
    ("state", "limits", "cores", "by"),
    [
        ({}, Limits(), 4, "online"),
        ({"affinity": frozenset({0, 1, 7})}, Limits(), 3, "affinity"),
        ({}, Limits(cpuset_cores=2), 2, "cpuset"),
        ({}, Limits(cpu_cores=2.5, cpu_folder="/g", cpuset_cores=3), 2.5, "quota"),
        ({"cores_online": None, "affinity": None}, Limits(), None, None),
    ],
)
def test_effective_cores(state, limits, cores, by):
    found = facts(state=state, limits=limits)
    assert (found["cores_effective"], found["cores_limited_by"]) == (cores, by)


def test_load_in_a_container_is_the_machines():
    within = {"load": (8.0, 8.0, 8.0), "cores_online": 16, "affinity": frozenset(range(16)), "container": True}
    quota = Limits(cpu_cores=2.0, cpu_folder="/g")
    found = facts(state=within, limits=quota)
    assert found["cores_effective"] == 2 and found["load_ratio"] == 0.5
    assert "machine below" in found["load_scope"] and found["notes"]
    assert facts(state={**within, "lxcfs": True}, limits=quota)["load_ratio"] == 4.0


@pytest.mark.parametrize(("load", "direction"), [((2, 1, 1), "rising"), ((1, 1, 2), "falling"), ((1, 1, 1), "steady"), ((1, 0, 0), None)])
def test_trend(load, direction):
    found = facts(state={"load": tuple(map(float, load))})
    assert found["load_direction"] == direction
    assert (found["load_trend"] is None) == (direction is None)


def test_s06_all_zero_is_not_no_idle_time(case):
    zeros = json.loads(case("S-06.json"))["first_cpu_times_percent"]
    still = fetch.fields(record(**zeros), fetch.CPU_FIELDS)
    found = facts(first=sample(100.0, cpu=still), second=sample(105.0, cpu=still))
    for name in ("cpu_busy_ratio", "iowait_ratio", "steal_ratio"):
        assert found[name] is None and "longer window" in found["unknown"][name]
    assert found["headroom"]["cpu_cores"] is None and found["unknown"]["headroom.cpu_cores"]


def test_cpu_split_leaves_waiting_out_of_busy():
    after = {**CPU, "user": 106.0, "system": 52.0, "iowait": 12.0, "steal": 2.0, "idle": 808.0}
    found = facts(second=sample(105.0, cpu=after, cpus=[after]))
    assert found["cpu_busy_ratio"] == 0.5  # user, system and steal of 20 s
    assert (found["cpu_user_ratio"], found["iowait_ratio"], found["steal_ratio"]) == (0.3, 0.1, 0.1)


def test_only_the_processors_that_may_be_used_count():
    idle, busy = {**CPU, "idle": 805.0}, {**CPU, "user": 104.5, "idle": 800.5}
    cpus = {
        "first": sample(100.0, cpus=[CPU] * 4),
        "second": sample(105.0, cpu={**CPU, "user": 104.5, "idle": 815.5}, cpus=[busy, idle, idle, idle]),
    }
    found = facts(state={"affinity": frozenset({0})}, **cpus)
    assert (found["cores_effective"], found["cpu_busy_ratio"], found["headroom"]["cpu_cores"]) == (1, 0.9, 0.1)
    assert facts(**cpus)["cpu_busy_ratio"] == 0.225
    assert facts(state={"affinity": frozenset({70})}, **cpus)["cpu_busy_ratio"] == 0.225


def test_s09_idle_time_that_runs_backwards_is_no_verdict(case):
    before, after = (fetch.fields(record(**case_), fetch.CPU_FIELDS) for case_ in json.loads(case("S-09.json")).values())
    found = facts(first=sample(100.0, cpu=before, cpus=[before]), second=sample(105.0, cpu=after, cpus=[after]))
    for name in ("cpu_busy_ratio", "cpu_used_ratio", "iowait_ratio", "steal_ratio", "cpu_busiest_core_ratio"):
        assert found[name] is None and found["unknown"][name].startswith("implausible") and "ran backwards" in found["unknown"][name]
    assert found["headroom"]["cpu_cores"] is None


def test_more_processor_time_than_there_is_is_implausible():
    after = {**CPU, "user": 200.0}  # 100 s of 4 cores in 5 s
    found = facts(second=sample(105.0, cpu=after, cpus=[after]))
    assert found["cpu_busy_ratio"] is None and "most there can be" in found["unknown"]["cpu_busy_ratio"]


@pytest.mark.parametrize(("place", "ratio", "why"), [(0, None, "no swap is configured"), (1, None, "does not report"), (2, 1.0, None)])
def test_s08_swap(case, place, ratio, why):
    told = json.loads(case("S-08.json"))[place]
    info = {} if told["total"] is None else {"SwapTotal": float(told["total"]), "SwapFree": float(told["free"])}
    found = facts(state={"meminfo": info})
    assert found["swap_used_ratio"] == ratio
    assert why is None or why in found["unknown"]["swap_used_ratio"]


def test_n17_the_cache_of_zfs_can_be_had(case, tmp_path):
    told = json.loads(case("N-17-zfs-arc.json"))
    arc = parse.kstat(told["arcstats"])
    found = facts(state={"memory": told["memory"], "meminfo": {}, "arc": arc})
    assert found["memory_available_bytes"] == 3 * GIB + 38 * GIB
    assert found["memory_zfs_cache_bytes"] == 40 * GIB
    inside = facts(state={"memory": told["memory"], "meminfo": {}, "arc": arc, "container": True})
    assert inside["memory_available_bytes"] == 3 * GIB, "a container sees the cache of the machine below it"
    root = proc(tmp_path, proc__spl__kstat__zfs__arcstats=told["arcstats"])
    assert fetch.Host(FakePsutil(), root).state(1).arc["c_min"] == 2 * GIB


def test_n18_btrfs_has_no_inodes(case):
    told = json.loads(case("N-18-btrfs.json"))
    found = facts(state={"filesystems": [{"device": "/dev/vda", **row_} for row_ in told["filesystems"]]})
    assert (found["filesystems"][0]["used_ratio"], found["filesystems"][0]["inodes_used_ratio"]) == (0.4, None)
    assert found["filesystem_inodes_used_ratio"] is None and "inodes" in found["unknown"]["filesystem_inodes_used_ratio"]


def test_iowait_that_runs_backwards_is_no_time():
    after = {**CPU, "iowait": 9.0, "user": 110.0}
    assert facts(second=sample(105.0, cpu=after))["iowait_ratio"] == 0.0


def test_s10_no_iowait_here():
    before = {"user": 1.0, "system": 1.0, "idle": 8.0}
    found = facts(first=sample(100.0, cpu=before), second=sample(105.0, cpu={"user": 2.0, "system": 1.0, "idle": 11.0}))
    assert found["iowait_ratio"] is None and "iowait" in found["unknown"]["iowait_ratio"]
    assert found["cpu_busy_ratio"] == 0.25


def test_quota_use_and_throttling():
    limits = Limits(cpu_cores=0.5, cpu_folder="/g")
    first = sample(100.0, groups={"/g": {"usage_seconds": 1.0, "nr_periods": 10, "nr_throttled": 2}})
    second = sample(105.0, groups={"/g": {"usage_seconds": 3.0, "nr_periods": 60, "nr_throttled": 27}}, cpu={**CPU, "idle": 820.0})
    found = facts(limits=limits, first=first, second=second)
    assert found["cpu_quota_busy_ratio"] == 0.8
    assert found["throttled_ratio"] == found["throttled_worst_ratio"] == 0.5
    assert found["headroom"]["cpu_cores"] == 0.1
    assert found["quota_holds"] is True
    assert (found["cpu_busy_ratio"], found["cpu_used_ratio"]) == (0.0, 0.8)  # the machine idles, the quota is used


def test_a_quota_that_was_saved_up_may_be_exceeded():
    limits = Limits(cpu_cores=0.5, cpu_folder="/g")
    first, second = (sample(at, groups={"/g": {"usage_seconds": used}}) for at, used in ((100.0, 1.0), (105.0, 3.8)))
    assert facts(limits=limits, first=first, second=second)["cpu_quota_busy_ratio"] == 1.0


def test_memory_of_a_service_of_which_a_part_is_hidden_is_unknown():
    rows = [row(pid, "uwsgi", service="uwsgi", kind="uwsgi worker", memory=memory) for pid, memory in ((10, 400 * MIB), (11, None))]
    service = facts(table_last=table(105.0, row(1, "init"), *rows))["services"][0]
    assert (service["rss_bytes"], service["memory_bytes"]) == (None, None)


def test_one_sample_says_so():
    found = facts(second=None, ticks=[])
    for name in ("cpu_busy_ratio", "swapping", "sustained_threads", "listen_overflows_per_second", "disks", "network", "oom_kills"):
        assert found[name] is None and "one sample" in found["unknown"][name], name
    assert found["load_ratio"] == 0.25 and found["memory_available_ratio"] == 0.75


def swapped(*counters):
    looks = [{**VMSTAT, "pswpin": float(value)} for value in counters]
    return {"first": sample(100.0, vmstat=looks[0]), "ticks": ticks(*[{}] * (len(looks) - 2), vmstat=looks[1:-1]),
            "second": sample(105.0, vmstat=looks[-1])}  # fmt: skip


def test_swapping_is_traffic_in_every_look():
    found = facts(**swapped(0, 10, 20, 30, 40), state={"meminfo": {"SwapTotal": GIB, "SwapFree": 0.0}})
    assert found["swapping"] is True
    assert found["swap_in_bytes_per_second"] == 40 * 4096 / 5 == found["swap_bytes_per_second"]


def test_a_burst_or_used_swap_is_not_swapping():
    found = facts(**swapped(0, 10, 10, 10, 400), state={"meminfo": {"SwapTotal": float(GIB), "SwapFree": 0.0}})
    assert found["swapping"] is False
    assert found["swap_used_bytes"] == GIB


def test_too_few_looks_do_not_tell_swapping():
    assert facts(**swapped(0, 10, 20))["swapping"] is None


def test_memory_of_a_control_group():
    limits = Limits(memory_bytes=2 * GIB, memory_folder="/m")
    found = facts(limits=limits, group_memory={"/m": GIB})
    assert (found["memory_total_bytes"], found["memory_available_bytes"], found["memory_limit_bytes"]) == (2 * GIB, GIB, 2 * GIB)
    assert facts(limits=limits, group_memory={"/m": 3 * GIB})["memory_available_ratio"] == 0.0
    assert facts(limits=limits)["memory_available_ratio"] is None
    assert facts(limits=Limits(memory_bytes=64 * GIB, memory_folder="/m"))["memory_limit_bytes"] is None


def test_pressure_as_ratios():
    lines = {"some": {"avg10": 12.5, "avg60": 25.0, "avg300": 1.0, "total": 1_000_000.0}}
    later = {"some": {**lines["some"], "total": 2_000_000.0}}
    found = facts(
        state={"pressure": {"cpu": later}}, first=sample(100.0, pressure={"cpu": lines}), second=sample(105.0, pressure={"cpu": later})
    )
    assert found["pressure"]["cpu"] == {"some_10s_ratio": 0.125, "some_60s_ratio": 0.25, "some_300s_ratio": 0.01, "some_ratio": 0.2}


def test_counters_that_were_reset_give_no_negative_rate():
    high = {name: 100.0 for name in (*VMSTAT, *TCP, *KERNEL)}
    found = facts(first=sample(100.0, vmstat=high, tcp=high, kernel=high), second=sample(105.0))
    for name in ("swap_in_bytes_per_second", "listen_overflows_per_second", "context_switches_per_second", "oom_kills"):
        assert found[name] is None and found["unknown"][name]


def test_out_of_memory():
    log = ["3,1,9000000000,-;Out of memory: Killed process 4 (uwsgi) total", "3,1,100000000,-;Out of memory: Killed process 5 (old) total"]
    found = facts(state={"vmstat": {"oom_kill": 2.0}}, kernel_log=log)
    assert found["oom_kills_last_hour"] == 1 and found["lifetime_oom_kills"] == 2
    assert found["oom_killed"] == [{"name": "uwsgi", "age_seconds": 1000.0}]
    denied = facts(state={"vmstat": {"oom_kill": 2.0}})
    assert denied["oom_kills_last_hour"] is None and "become" in denied["unknown"]["oom_kills_last_hour"]


def test_disks_in_the_window():
    before = {"read_count": 10, "write_count": 10, "read_time": 100, "write_time": 100, "busy_time": 50, "read_bytes": 0, "write_bytes": 0}
    after = {"read_count": 20, "write_count": 30, "read_time": 150, "write_time": 250, "busy_time": 4550, "read_bytes": 5, "write_bytes": 0}
    found = facts(first=sample(100.0, disks={"vda": before}), second=sample(105.0, disks={"vda": after, "new": after}))
    assert found["disks_total"] == 1
    disk = found["disks"][0]
    assert (disk["util_ratio"], disk["await_milliseconds"], disk["queue_depth"], disk["operations_per_second"]) == (0.9, 6.667, 0.04, 6.0)


def test_a_disk_without_traffic_has_no_waiting_time():
    same = {"read_count": 10, "write_count": 10, "read_time": 100, "write_time": 100, "busy_time": 50}
    disk = facts(first=sample(100.0, disks={"vda": same}), second=sample(105.0, disks={"vda": same}))["disks"][0]
    assert disk["await_milliseconds"] is None and disk["util_ratio"] == 0.0


def test_network_errors_are_a_share_and_a_count_of_the_worst_interface():
    before = {name: 0.0 for name in fetch.NIC_FIELDS}
    calm = {**before, "packets_recv": 100.0, "errin": 3.0}
    busy = {**before, "packets_recv": 1000.0, "errin": 10.0, "bytes_recv": 5000.0}
    first = sample(100.0, nics={"eth0": before, "eth1": before, "lo": before})
    found = facts(first=first, second=sample(105.0, nics={"eth0": calm, "eth1": busy, "lo": busy}))
    assert (found["network_errors_ratio"], found["network_errors"]) == (0.03, 10)
    assert [(row["name"], row["errors"], row["errors_ratio"]) for row in found["network"]] == [("eth1", 10, 0.01), ("eth0", 3, 0.03)]
    idle = facts(first=first, second=sample(105.0, nics={"eth0": before}))
    assert idle["network_errors_ratio"] is None and idle["network_errors"] is None and idle["network_packets"] == 0


@pytest.mark.parametrize(
    ("clock", "running", "synchronised"),
    [
        (Clock(True, 0.5, "kernel"), "sleep", True),
        (Clock(False, None, "kernel"), "sleep", False),
        (Clock(False, None, "kernel"), "vmtoolsd", None),
        (Clock(False, None, "chrony"), "chronyd", False),
        (Clock(None, None, "kernel"), "sleep", None),
    ],
)
def test_clock(clock, running, synchronised):
    found = facts(clock=clock, table_last=table(105.0, row(1, "init"), row(2, running)))
    assert found["clock_synchronised"] is synchronised
    assert ("clock_synchronised" in found["unknown"]) == (synchronised is None)


def test_the_fullest_table_of_descriptors():
    assert facts()["descriptors_used_ratio"] == 0.01
    assert facts(files=([(row(5, "nginx"), 900, 1000)], 0))["descriptors_used_ratio"] == 0.9
    assert facts(state={"file_handles": []})["files"] is None
    hidden = facts(files=([(row(5, "nginx"), 970, 1000)], 2))
    assert (hidden["descriptors_used_ratio"], hidden["at_least"]["descriptors_used_ratio"]) == (None, 0.97)
    assert "open files of 2 service processes" in hidden["unknown"]["descriptors_used_ratio"]


def test_space_as_df_counts_it():
    filesystem = facts()["filesystems"][0]
    assert (filesystem["used_ratio"], filesystem["inodes_used_ratio"]) == (0.4, 0.1)


def test_exact_memory_is_used_where_it_is_known():
    uwsgi = [row(pid, "uwsgi", service="uwsgi", kind="uwsgi worker", memory=400 * MIB, shared=100 * MIB) for pid in (10, 11)]
    rows = table(105.0, row(1, "init"), *uwsgi)
    exact = {pid: Memory(400 * MIB, 200 * MIB, 150 * MIB) for pid in (10, 11)}
    found = facts(table_last=rows, exact=exact)
    assert found["python_largest_bytes"] == 200 * MIB
    service = found["services"][0]
    assert (service["memory_bytes"], service["memory_basis"], service["rss_bytes"]) == (400 * MIB, "pss", 800 * MIB)
    guessed = facts(table_last=rows)["services"][0]
    assert (guessed["memory_bytes"], guessed["memory_basis"]) == (700 * MIB, "estimate")
