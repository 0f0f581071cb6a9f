# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Failures that people reported of other monitors of machines, as lines of the kernel, and what must be read from them."""

from __future__ import annotations

import pathlib

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collectors.server import fetch
from ansible_collections.warroom.launch.plugins.module_utils._linux import cgroup, kernel_text
from tests.support.machine import FakePsutil, facts, proc, record


@pytest.mark.parametrize(
    ("line", "stopped"),
    [
        ("36 25 8:17 / /srv/data rw,relatime shared:1 - ext4 /dev/sdb1 ro,errors=remount-ro", True),
        ("36 25 8:17 / /srv/data rw,relatime shared:1 - ext4 /dev/sdb1 rw,emergency_ro", True),  # Linux 6.14 and later
        ("36 25 8:17 / /srv/data rw,relatime shared:1 - ext4 /dev/sdb1 rw,errors=remount-ro", False),
        ("36 25 8:17 / /srv/data ro,relatime shared:1 - ext4 /dev/sdb1 ro", False),  # mounted so by a person
        ("36 25 8:17 /www /srv/www ro,relatime shared:1 - ext4 /dev/sdb1 rw", False),  # a bind mount
        ("36 25 7:3 / /snap/core/6130 ro,nodev,relatime shared:1 - squashfs /dev/loop3 ro", False),
        ("36 25 7:3 / /snap/core/6130 rw,nodev,relatime shared:1 - squashfs /dev/loop3 ro", False),
        ("36 25 0:50 / / rw,relatime - overlay overlay ro,lowerdir=/l/A:/l/B", False),
    ],
)
def test_a_filesystem_that_became_read_only(line: str, stopped: bool) -> None:
    """https://github.com/prometheus/node_exporter/issues/591; squashfs: https://github.com/toolkits/nux/issues/25"""
    (mount,) = kernel_text.mounts(line)
    assert fetch._stopped_writing(mount) is stopped


@pytest.mark.parametrize("kind", ["ceph", "fuse.ceph-fuse", "fuse.glusterfs", "vfat", "btrfs", "zfs"])
def test_filesystems_without_a_number_of_inodes_cannot_run_out_of_them(kind: str) -> None:
    """https://github.com/ceph/ceph-csi/issues/3713, https://github.com/gluster/glusterfs/issues/4347,
    https://github.com/samber/awesome-prometheus-alerts/issues/398"""
    mount = {"name": "/data", "kind": kind, "device": "x", "size_bytes": 100, "used_bytes": 40, "available_bytes": 60}
    found = facts(state={"filesystems": [{**mount, "inodes": 512, "inodes_free": 0}]})
    assert (found["filesystems"][0]["inodes_used_ratio"], found["filesystem_inodes_used_ratio"]) == (None, None)


def test_few_inodes_of_a_large_filesystem_run_out() -> None:
    """https://github.com/MagnaCapax/PMSS/issues/584"""
    mount = {"name": "/home", "kind": "ext4", "device": "x", "size_bytes": 37, "used_bytes": 4, "available_bytes": 33}
    assert facts(state={"filesystems": [{**mount, "inodes": 9538464, "inodes_free": 11}]})["filesystem_inodes_used_ratio"] > 0.99


def test_a_container_whose_memory_is_told_as_nothing_or_less() -> None:
    """https://github.com/lxc/lxcfs/issues/389: MemTotal 0, MemAvailable below 0"""
    told = fetch.fields(record(total=0, available=-784650240), fetch.MEMORY_FIELDS)
    found = facts(state={"memory": told, "meminfo": kernel_text.keyed("MemTotal: 0 kB\nMemFree: -766260 kB\nMemAvailable: -766260 kB")})
    assert (found["memory_total_bytes"], found["memory_available_bytes"], found["memory_available_ratio"]) == (None, None, None)


def test_a_limit_of_the_group_above_counts() -> None:
    """https://github.com/lxc/lxcfs/issues/688, https://github.com/lxc/lxcfs/issues/44"""
    files = {
        "/proc/1/cgroup": "0::/lxc/web/init.scope",
        "/sys/fs/cgroup/lxc/web/cpu.max": "200000 100000",
        "/sys/fs/cgroup/lxc/web/init.scope/cpu.max": "max 100000",
        "/sys/fs/cgroup/lxc/web/memory.max": "500000000",
        "/sys/fs/cgroup/lxc/web/init.scope/memory.max": "max",
    }
    mounts = kernel_text.mounts("30 1 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw")
    limits = cgroup.limits(files.get, mounts, 1)
    assert (limits.cpu_cores, limits.memory_bytes, limits.memory_folder) == (2.0, 500000000, "/sys/fs/cgroup/lxc/web")


def test_an_array_that_misses_a_disk(tmp_path: pathlib.Path) -> None:
    """https://github.com/prometheus/node_exporter/issues/261, https://github.com/samber/awesome-prometheus-alerts/issues/76;
    level 0 cannot be degraded: https://github.com/thaum-xyz/ankhmorpork/pull/135"""
    for name, missing in (("md5", "1"), ("md1", "0"), ("md127", "odd"), ("md0", None), ("sda", None)):
        (tmp_path / "sys/block" / name / "md").mkdir(parents=True)
        if missing is not None:
            (tmp_path / "sys/block" / name / "md/degraded").write_text(missing + "\n")
    arrays = fetch.Host(FakePsutil(), proc(tmp_path))._arrays()
    assert arrays == {"md5": 1, "md1": 0, "md127": None}
    found = facts(state={"arrays": {"md5": 1, "md1": 0}})
    assert (found["raid_total"], found["raid_degraded"]) == (2, 1)
    assert facts(state={"arrays": arrays})["raid_degraded"] is None
