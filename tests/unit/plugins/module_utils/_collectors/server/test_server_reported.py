# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Failures that people reported of other monitors of machines, as lines of the kernel, and what must be read from them."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collectors.server import clock, fetch, parse
from ansible_collections.warroom.launch.plugins.module_utils._linux import cgroup, kernel_text
from tests.support.machine import CPU, GIB, FakePsutil, facts, proc, record, sample


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


def stat_line(name: str, *, in_flight: int = 0, ticks: int = 0, queued: int = 0) -> str:
    return f"   8       0 {name} 10 0 80 5 20 0 160 9 {in_flight} {ticks} {queued} 0 0 0 0 0 0\n"


@pytest.mark.parametrize(
    ("before", "after", "mounted", "ratio"),
    [
        (stat_line("sda"), stat_line("sda"), {}, 0.0),
        (stat_line("sda"), stat_line("sda", ticks=500, queued=400), {}, 0.1),
        (stat_line("sda"), stat_line("sda") + stat_line("nbd0", ticks=9000), {}, 0.25),
        (stat_line("sda"), stat_line("sda", queued=4000), {}, 0.25),  # kernels 5.0 to 5.6 count too few ticks
        (stat_line("sda"), stat_line("sda", in_flight=1), {}, 0.25),  # an operation that hangs is counted when it ends
        (stat_line("sda"), stat_line("sda"), {"remote": ["/srv/media"]}, 0.25),
        (stat_line("sda"), stat_line("sda"), {"mounts_read": False}, 0.25),
        (stat_line("sda", ticks=900), stat_line("sda"), {}, 0.25),
        ("", "", {}, 0.25),
        ("   8 0 sda odd\n", "   8 0 sda odd\n", {}, 0.25),
    ],
)
def test_waiting_by_io_uring_is_no_waiting_for_a_disk(before: str, after: str, mounted: dict[str, t.Any], ratio: float) -> None:
    """https://github.com/axboe/liburing/issues/943, https://github.com/dragonflydb/dragonfly/issues/2181: an idle core"""
    waits = {**CPU, "idle": 815.0, "iowait": 15.0}
    samples = [sample(100.0, disk_work=parse.disk_work(before)), sample(105.0, cpu=waits, cpus=[waits], disk_work=parse.disk_work(after))]
    found = facts(first=samples[0], second=samples[1], state=mounted)
    assert found["iowait_ratio"] == pytest.approx(ratio)
    assert any("io_uring" in note for note in found["notes"]) is (ratio < 0.25)


@pytest.mark.parametrize(("worked", "known"), [(0, False), (4000, True)])
def test_pressure_of_disks_that_did_nothing_is_none(worked: int, known: bool) -> None:
    """The kernel counts the same tasks for both: https://github.com/axboe/liburing/issues/943"""
    stalled = [{"io": {"some": {"avg10": 90.0, "avg60": 90.0, "total": total}}} for total in (0.0, 4_000_000.0)]
    ends = [parse.disk_work(stat_line("sda", ticks=ticks)) for ticks in (0, worked)]
    samples = [sample(100.0 + 5 * place, pressure=stalled[place], disk_work=ends[place]) for place in (0, 1)]
    found = facts(first=samples[0], second=samples[1], state={"pressure": stalled[1]})
    assert (found["pressure"]["io"] is not None) is known
    assert known or "io_uring" in found["unknown"]["pressure.io"]


@pytest.mark.parametrize(
    ("meminfo", "available", "aside", "ratio"),
    [
        ("HugePages_Total: 720\nHugePages_Free: 720\nHugepagesize: 1048576 kB\nHugetlb: 754974720 kB\n", 17, 720, 17 / 35),
        ("HugePages_Total: 720\nHugePages_Free: 0\nHugepagesize: 1048576 kB\n", 17, 720, 17 / 35),  # before Linux 4.17
        ("HugePages_Total: 720\nHugePages_Free: 0\nHugepagesize: 1048576 kB\n", 1, 720, 1 / 35),
        # pages of another size than the default one are in the sum only
        ("HugePages_Total: 0\nHugePages_Free: 0\nHugepagesize: 2048 kB\nHugetlb: 754974720 kB\n", 17, 720, 17 / 35),
        ("HugePages_Total: 0\nHugePages_Free: 0\nHugepagesize: 2048 kB\nHugetlb: 0 kB\n", 17, 0, 17 / 755),
    ],
)
def test_memory_set_aside_for_huge_pages_is_no_pressure(meminfo: str, available: int, aside: int, ratio: float) -> None:
    """https://github.com/vexxhost/atmosphere/issues/3934, https://github.com/netdata/netdata/issues/22867"""
    memory = {"total": 755 * GIB, "available": available * GIB}
    found = facts(state={"memory": memory, "meminfo": kernel_text.keyed(meminfo)})
    assert found["memory_huge_pages_bytes"] == aside * GIB
    assert found["memory_available_ratio"] == pytest.approx(ratio, abs=1e-5)


INNER_PID_SPACE = "pid:[4026532700]"


def container(root: pathlib.Path, **files: str) -> fetch.Host:
    """A container of version 2 whose own group is all that it sees; the machine below it killed nine processes."""
    given = {
        "proc__vmstat": "pswpin 1\noom_kill 9\n",
        "proc__self__cgroup": "0::/\n",
        "proc__self__mountinfo": "30 1 0:26 / /sys/fs/cgroup ro,nosuid - cgroup2 cgroup rw\n",
        **files,
    }
    host = fetch.Host(FakePsutil(), proc(root, **given))
    (root / "proc/self/ns").mkdir(parents=True, exist_ok=True)
    (root / "proc/self/ns/pid").symlink_to(INNER_PID_SPACE)
    return host


@pytest.mark.parametrize(("events", "killed"), [("low 0\noom 4\noom_kill 2\n", 2), ("low 0\noom 0\noom_kill 0\n", 0), ("", None)])
def test_a_container_counts_its_own_killed_processes(events: str, killed: t.Optional[int], tmp_path: pathlib.Path) -> None:
    """https://github.com/vpsfreecz/vpsadminos/issues/65: /proc/vmstat of a container counts those of the machine"""
    host = container(tmp_path, **({"sys__fs__cgroup__memory.events": events} if events else {}))
    assert host.sample().vmstat.get("oom_kill") == host.state(1.0).vmstat.get("oom_kill") == killed
    found = facts(state={"vmstat": {} if killed is None else {"oom_kill": killed}, "container": True})
    assert (found["lifetime_oom_kills"], found["oom_kills_last_hour"]) == (killed, 0 if killed == 0 else None)
    assert killed is not None or "control group does not tell" in found["unknown"]["oom_kills_last_hour"]


def test_the_first_version_of_groups_counts_them_as_well() -> None:
    files = {
        "/proc/self/cgroup": "5:memory:/docker/a\n",
        "/cg/docker/a/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n",
    }
    mounts = kernel_text.mounts("30 1 0:26 / /cg rw - cgroup cgroup rw,memory")
    assert cgroup.oom_kills(files.get, mounts, "self") == 3


@pytest.mark.parametrize(
    "line",
    [
        "36 25 0:45 / /snap/core18/1066 ro,nodev,relatime shared:1 - fuse.snapfuse snapfuse ro,user_id=0,allow_other",
        "36 25 7:3 / /snap/hledger/2 ro,nodev,relatime shared:1 - squashfs /dev/loop13 ro",
        "36 25 0:51 / /home/app/.local/share/containers/storage/overlay/x/merged rw,nodev - fuse.fuse-overlayfs fuse-overlayfs rw",
        "36 25 0:51 / /var/lib/docker/overlay2/x/merged rw - overlay overlay rw,lowerdir=/l/A",
    ],
)
def test_images_that_are_full_by_design_and_what_is_shown_twice(line: str) -> None:
    """https://github.com/rfmoz/grafana-dashboards/pull/56, https://github.com/muesli/duf/issues/97, https://github.com/rcourtman/Pulse/issues/690"""
    (mount,) = kernel_text.mounts(line)
    assert not fetch._has_space(mount)


@pytest.mark.parametrize(
    ("status", "most_wrong", "offset", "expected"),
    [
        (0x2001, 9776, -43_000, (True, -0.000043)),
        (0x0001, 9776, -43, (True, -0.000043)),
        (0x0040, 500_000, 0, (True, None)),  # chrony without rtcsync
        (0x0040, 15_999_999, 0, (True, None)),  # between two polls of systemd-timesyncd
        (0x0040, 16_000_000, 0, (False, None)),
    ],
)
def test_the_clock_is_kept_when_systemd_says_so(status: int, most_wrong: int, offset: int, expected: tuple[bool, t.Any]) -> None:
    """https://github.com/chrissnell/graywolf/pull/366, https://github.com/balena-os/meta-balena/issues/1852: not by its flag alone"""
    kept = clock.told(status, most_wrong, offset)
    assert (kept.synchronised, kept.offset) == (expected[0], pytest.approx(expected[1]))
