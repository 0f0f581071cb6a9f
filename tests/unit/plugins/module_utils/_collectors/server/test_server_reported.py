# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Failures that people reported of other monitors of machines, as lines of the kernel, and what must be read from them."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collectors.server import clock, fetch, local_ports, parse, task_limits
from ansible_collections.warroom.launch.plugins.module_utils._linux import cgroup, kernel_text
from tests.support.machine import CPU, GIB, KERNEL, VMSTAT, FakePsutil, facts, proc, record, row, sample, table, ticks


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
    assert killed is not None or "control group does not report" in found["unknown"]["oom_kills_last_hour"]


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


@pytest.mark.parametrize(
    ("text", "used"),
    [
        (
            "Filename\tType\tSize\tUsed\tPriority\n/dev/zram0                              partition\t1891324\t1010892\t100\n",
            ["/dev/zram0"],
        ),
        ("Filename Type Size Used Priority\n/dev/zram0 partition 9 4 100\n/swapfile file 99 0 -2\n", ["/dev/zram0"]),
        ("Filename Type Size Used Priority\n/dev/zram0 partition 9 4 100\n/swap\\040file file 99 7 -2\n", ["/dev/zram0", "/swap\\040file"]),
        ("Filename Type Size Used Priority\n", []),
        ("", []),
    ],
)
def test_pages_that_move_to_compressed_memory_are_not_swapped_to_a_disk(text: str, used: list[str]) -> None:
    """https://github.com/vonrobak/fedora-homelab-containers/pull/69, https://github.com/aws/elastic-beanstalk-roadmap/issues/293"""
    assert parse.swaps(text) == used
    counters = [{**VMSTAT, "pswpin": 50.0 * look, "pswpout": 900.0 * look} for look in range(6)]
    moving = ticks(*[{}] * 4, vmstat=counters[1:5])
    found = facts(first=sample(100.0, vmstat=counters[0]), second=sample(105.0, vmstat=counters[5]), ticks=moving, state={"swaps": used})
    assert found["swapping"] is (used != ["/dev/zram0"]) and found["swap_out_bytes_per_second"] > 0
    assert any("zram" in note for note in found["notes"]) is (used == ["/dev/zram0"])


ASLEEP = [row(pid, f"kthread{pid}", ppid=2, status="disk-sleep") for pid in range(40, 49)]


@pytest.mark.parametrize(
    ("first", "last", "blocked", "load", "asleep"),
    [
        (ASLEEP, ASLEEP, 0.0, 9.1, 9),
        (ASLEEP, ASLEEP, 4.0, 9.1, 5),  # some of them wait for disks
        (ASLEEP, [one._replace(cpu=9.0) for one in ASLEEP], 0.0, 9.1, 0),  # they work
        (ASLEEP, [one._replace(status="sleeping") for one in ASLEEP], 0.0, 9.1, 0),
        ([], ASLEEP, 0.0, 9.1, 0),
        ([one._replace(ppid=1) for one in ASLEEP], [one._replace(ppid=1) for one in ASLEEP], 0.0, 9.1, 0),  # a program hangs
        (ASLEEP, ASLEEP, 0.0, 2.0, 9),
    ],
)
def test_threads_of_the_kernel_that_sleep_are_no_load(first: t.Any, last: t.Any, blocked: float, load: float, asleep: int) -> None:
    """https://github.com/jetkvm/kvm/issues/1483, https://github.com/openzfs/zfs/issues/175: a load of 9.1 with 1 of 93 tasks that runs"""
    kernel = {**KERNEL, "procs_blocked": blocked}
    samples = [sample(100.0, kernel=kernel), sample(105.0, kernel=kernel)]
    found = facts(
        first=samples[0],
        second=samples[1],
        state={"load": (load, load, load)},
        table_first=table(100.0, *first),
        table_last=table(105.0, *last),
    )
    assert (found["load_asleep"], found["load_ratio"]) == (asleep, pytest.approx(max(0.0, load - asleep) / 4, abs=0.001))
    assert (found["load1"], any("asleep" in note for note in found["notes"])) == (load, asleep > 0)


V2_MOUNT = "30 1 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup rw\n"


@pytest.mark.parametrize(
    ("files", "told"),
    [
        # the kernel's default of 512 tasks: https://github.com/pritunl/pritunl/issues/316
        ({"system.slice/web.service": ("505", "512")}, [("the machine", 523, 4194304), ("uwsgi", 505, 512)]),
        # https://github.com/ShaneIsrael/fireshare/issues/572: the limit of the group above counts as well
        (
            {"system.slice/web.service": ("2048", "max"), "system.slice": ("2048", "2048")},
            [("the machine", 523, 4194304), ("uwsgi", 2048, 2048)],
        ),
        ({"system.slice/web.service": ("9", "max")}, [("the machine", 523, 4194304)]),
        ({}, [("the machine", 523, 4194304)]),
    ],
)
def test_a_service_that_may_start_no_further_thread(files: t.Any, told: t.Any, tmp_path: pathlib.Path) -> None:
    """https://github.com/DFO-Ocean-Navigator/Ocean-Data-Map-Project/issues/771: can't start new thread, and the site is offline"""
    groups = {f"sys__fs__cgroup__{folder.replace('/', '__')}__pids.{name}": value + "\n" for folder, pair in files.items()
              for name, value in zip(("current", "max"), pair)}  # fmt: skip
    machine = {"proc__loadavg": "0.52 0.58 0.59 1/523 4711\n", "proc__sys__kernel__pid_max": "4194304\n", "proc__self__mountinfo": V2_MOUNT}
    host = fetch.Host(FakePsutil(), proc(tmp_path, proc__70__cgroup="0::/system.slice/web.service\n", **machine, **groups))
    (tmp_path / "proc/sys/kernel/threads-max").unlink(missing_ok=True)
    limits = task_limits.read(host, [row(70, "uwsgi", service="uwsgi")], container=False)
    assert [tuple(each) for each in limits] == told
    found = facts(task_limits=limits)
    assert found["task_limits"][0]["name"] == told[-1][0] and found["tasks_used_ratio"] == pytest.approx(
        told[-1][1] / told[-1][2], abs=1e-5
    )


def test_the_group_of_a_container_and_not_the_machine_below_it(tmp_path: pathlib.Path) -> None:
    host = fetch.Host(
        FakePsutil(),
        proc(
            tmp_path,
            proc__1__cgroup="0::/\n",
            proc__self__mountinfo=V2_MOUNT,
            sys__fs__cgroup__pids_current="",
            **{"sys__fs__cgroup__pids.current": "40\n", "sys__fs__cgroup__pids.max": "64\n"},
        ),
    )
    assert [tuple(each) for each in task_limits.read(host, [], container=True)] == [("this container", 40, 64)]
    assert facts(task_limits=[])["unknown"]["tasks_used_ratio"] == "nothing that can be read limits processes here"


def closed(count: int, peer: str, local: str = "10.0.0.9", state: int = 6) -> list[tuple[int, str, str]]:
    return [(state, f"{local}:{32768 + place}", peer) for place in range(count)]


@pytest.mark.parametrize(
    ("rows", "reuse", "used"),
    [
        # https://github.com/pinterest/pymemcache/issues/621: a connection to memcached for each request
        (closed(28000, "10.0.0.5:11211"), 2, 28000),
        (closed(28000, "10.0.0.5:11211"), 1, 0),
        (closed(28000, "127.0.0.1:6379", "127.0.0.1"), 2, 0),  # the kernel uses these again after a second
        (closed(28000, "127.0.0.1:6379", "127.0.0.1"), 0, 28000),  # https://github.com/predis/predis/issues/597
        (closed(28000, "[::1]:6379", "[::1]"), 2, 0),
        (closed(9000, "10.0.0.5:6379", state=1), 1, 9000),  # a pool that grows without end
        (closed(9000, "10.0.0.5:6379") + closed(9000, "10.0.0.6:6379"), 0, 9000),  # each other end has all ports
        ([(1, "10.0.0.9:50000", f"10.1.0.{place}:40000") for place in range(200)], 0, 1),  # clients of a server on such a port
        ([], 0, 0),
    ],
)
def test_ports_for_connections_that_are_opened_here(rows: t.Any, reuse: int, used: int) -> None:
    counted = local_ports.counted(rows, reuse, 28232)
    found = facts(local_ports=counted)
    assert found["local_ports_used_ratio"] == pytest.approx(used / 28232, abs=1e-5)
    assert (found["local_ports"][0]["used"] if used else len(found["local_ports"])) == used


def test_this_kernel_tells_its_ports() -> None:
    found = local_ports.read(lambda path: pathlib.Path(path).read_text(encoding="ascii"))
    assert isinstance(found, list)
    assert "ip_local_port_range" in local_ports.read({}.get).reason  # type: ignore[union-attr]


def test_the_fullest_of_several_containers_of_a_service() -> None:
    """Two of one service: the small one is nearly empty, and the large one is about to be killed."""
    small, large = (cgroup.Limits(memory_bytes=size, memory_folder=folder) for size, folder in ((512 << 20, "/a"), (GIB, "/b")))
    rows = [row(70, "gunicorn", service="gunicorn"), row(80, "gunicorn", service="gunicorn")]
    found = facts(
        table_last=table(105.0, *rows), service_limits={70: small, 80: large}, group_memory={"/a": 50 << 20, "/b": GIB - (5 << 20)}
    )
    (service,) = found["services"]
    assert (service["memory_limit_bytes"], service["memory_limit_used_ratio"]) == (GIB, pytest.approx(0.995, abs=0.001))
