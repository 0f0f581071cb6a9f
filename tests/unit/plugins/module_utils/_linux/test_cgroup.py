# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Control groups: the tightest limit on the way up, in both versions, also as a container sees them."""

from __future__ import annotations

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._linux import cgroup, kernel_text

V2 = "30 20 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
V1 = (
    "31 20 0:27 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
    "32 20 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
    "33 20 0:29 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
)


def limits(files, mounts=V2, pid=1):
    return cgroup.limits(files.get, kernel_text.mounts(mounts), pid)


def test_version_2_takes_the_tightest_on_the_way_up():
    found = limits({
        "/proc/1/cgroup": "0::/a.slice/b.service\n",
        "/sys/fs/cgroup/a.slice/b.service/cpu.max": "max 100000\n",
        "/sys/fs/cgroup/a.slice/cpu.max": "250000 100000\n",
        "/sys/fs/cgroup/a.slice/memory.max": "2147483648\n",
        "/sys/fs/cgroup/a.slice/b.service/memory.high": "1073741824\n",
        "/sys/fs/cgroup/a.slice/b.service/cpuset.cpus.effective": "0-2\n",
    })  # fmt: skip
    assert (found.cpu_cores, found.cpu_folder) == (2.5, "/sys/fs/cgroup/a.slice")
    assert (found.memory_bytes, found.memory_folder) == (1 << 30, "/sys/fs/cgroup/a.slice/b.service")
    assert found.cpuset_cores == 3


def test_version_1():
    found = limits(
        {
            "/proc/1/cgroup": "9:cpuset:/\n3:memory:/docker/x\n2:cpu,cpuacct:/docker/x\n0::/system.slice\n",
            "/sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.cfs_quota_us": "50000\n",
            "/sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.cfs_period_us": "100000\n",
            "/sys/fs/cgroup/cpu,cpuacct/docker/cpu.cfs_quota_us": "-1\n",
            "/sys/fs/cgroup/cpu,cpuacct/docker/cpu.cfs_period_us": "100000\n",
            "/sys/fs/cgroup/memory/docker/x/memory.limit_in_bytes": "9223372036854771712\n",
            "/sys/fs/cgroup/cpuset/cpuset.cpus": "0-7\n",
        },
        V1 + V2.replace("/sys/fs/cgroup", "/sys/fs/cgroup/unified"),
    )
    assert found == cgroup.Limits(0.5, "/sys/fs/cgroup/cpu,cpuacct/docker/x", 8, None, None)


@pytest.mark.parametrize(
    ("above", "limit"),
    [("536870912", 512 << 20), ("9223372036854771712", None), ("18446744073709551615", None), ("4294967296", 4 << 30)],
)
def test_a_limit_above_what_a_container_sees(above, limit):
    """https://github.com/open-telemetry/opentelemetry-collector/issues/4972 and https://github.com/performancecopilot/pcp/issues/85"""
    files = {
        "/proc/1/cgroup": "3:memory:/kubepods/pod1/c\n",
        "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
        "/sys/fs/cgroup/memory/memory.stat": f"cache 4096\nhierarchical_memory_limit {above}\nhierarchical_memsw_limit {1 << 62}\n",
    }
    mounts = "32 20 0:28 /kubepods/pod1/c /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n"
    found = limits(files, mounts)
    assert (found.memory_bytes, found.memory_folder) == (limit, limit and "/sys/fs/cgroup/memory")
    tighter = limits({**files, "/sys/fs/cgroup/memory/memory.limit_in_bytes": "268435456\n"}, mounts)
    assert tighter.memory_bytes == 256 << 20


def test_a_container_sees_the_path_of_the_host():
    mounts = "30 20 0:26 /docker/abc /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
    found = limits({"/proc/1/cgroup": "0::/docker/abc\n", "/sys/fs/cgroup/cpu.max": "100000 100000\n"}, mounts)
    assert (found.cpu_cores, found.cpu_folder) == (1.0, "/sys/fs/cgroup")


def test_a_path_that_the_mount_does_not_show_still_finds_the_top():
    found = limits({"/proc/1/cgroup": "0::/kubepods/pod1/c\n", "/sys/fs/cgroup/cpu.max": "200000 100000\n"})
    assert found.cpu_cores == 2.0


@pytest.mark.parametrize("text", [None, "", "0::/../../other\n", "x", "1:name=systemd:/\n"])
def test_nothing_known_is_no_limit(text):
    assert limits({"/proc/1/cgroup": text}) == cgroup.Limits()


def test_throttling_and_use():
    v2 = {"/g/cpu.stat": "usage_usec 2500000\nnr_periods 10\nnr_throttled 4\nthrottled_usec 9\n"}
    assert cgroup.throttling(v2.get, "/g") == {"nr_periods": 10, "nr_throttled": 4, "usage_seconds": 2.5}
    v1 = {"/c/cpu/x/cpu.stat": "nr_periods 10\nnr_throttled 4\nthrottled_time 9\n", "/c/cpuacct/x/cpuacct.usage": "1500000000\n"}
    assert cgroup.throttling(v1.get, "/c/cpu/x") == {"nr_periods": 10, "nr_throttled": 4, "usage_seconds": 1.5}
    assert cgroup.throttling({}.get, "/g") == {}
    assert cgroup.throttling({}.get, None) == {}


def test_memory_in_use_leaves_out_what_is_given_back():
    """https://github.com/kubernetes/kubernetes/issues/43916: pages of files that were read twice are active, and given back all the same"""
    v2 = {"/g/memory.current": "1000\n", "/g/memory.stat": "anon 5\ninactive_file 400\nactive_file 300\nslab_reclaimable 50\nshmem 9\n"}
    v1 = {"/g/memory.usage_in_bytes": "1000\n", "/g/memory.stat": "inactive_file 1\ntotal_inactive_file 300\ntotal_active_file 250\n"}
    assert cgroup.memory_in_use(v2.get, "/g") == 250
    assert cgroup.memory_in_use(v1.get, "/g") == 450
    assert cgroup.memory_in_use({}.get, "/g") is None
    assert cgroup.memory_in_use({}.get, None) is None


@pytest.mark.parametrize(
    ("text", "cores"),
    [("max 100000", None), ("150000 100000", 1.5), ("-1 100000", None), ("50000 0", None), ("", None), (None, None), ("x y", None)],
)
def test_quota_in_cores(text, cores):
    assert cgroup.cpu_max(text) == cores


@pytest.mark.parametrize(("text", "count"), [("0-3,8", 5), ("0", 1), ("", None), (None, None), ("0-1,4-7\n", 6)])
def test_cpu_lists(text, count):
    assert cgroup.cpu_list(text) == count


@pytest.mark.parametrize(
    ("text", "limit"), [("max\n", None), ("9223372036854771712", None), ("1073741824\n", 1073741824), ("", None), (None, None), ("0", None)]
)
def test_memory_limits(text, limit):
    assert cgroup.memory_limit(text) == limit
