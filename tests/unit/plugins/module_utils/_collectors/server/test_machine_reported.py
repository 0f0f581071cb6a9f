# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Further failures that people reported of other monitors of machines: clocks, groups, filesystems, swap."""

from __future__ import annotations

import errno
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collectors.server import fetch, parse
from ansible_collections.warroom.launch.plugins.module_utils._linux import cgroup, kernel_text
from tests.support.machine import GIB, FakePsutil, facts

TRACKING = (
    "{source},{name},{stratum},1606821234.12,-0.000041040,-0.000041040,0.000053422,2.286,-0.000,0.012,0.012706812,0.000430042,1029.8,{leap}"
)


@pytest.mark.parametrize(
    ("source", "name", "stratum", "leap", "kept"),
    [
        ("C0A80001", "192.168.0.1", 3, "Normal", True),
        ("C0A80001", "192.168.0.1", 3, "Insert second", True),
        ("7F7F0101", "", 10, "Normal", False),  # it follows its own clock
        ("00000000", "", 0, "Not synchronised", False),
    ],
)
def test_chrony_that_follows_nobody_keeps_no_clock(source: str, name: str, stratum: int, leap: str, kept: bool) -> None:
    """https://github.com/os-autoinst/os-autoinst-distri-opensuse/pull/26465, https://github.com/pingcap/docs/pull/5283"""
    told = parse.chrony_tracking(TRACKING.format(source=source, name=name, stratum=stratum, leap=leap))
    assert told is not None and told[0] is kept
    assert parse.chrony_tracking("506 Cannot talk to daemon") is None


@pytest.mark.parametrize(
    "line",
    [
        "36 25 0:40 / /sys/firmware/efi/efivars rw,nosuid - efivarfs efivarfs rw",  # https://github.com/Icinga/icinga2/issues/10490
        "36 25 0:41 / /run/credentials/systemd-sysusers.service ro,nosuid - ramfs none rw",
        "36 25 0:22 / /sys/kernel/debug/tracing rw - tracefs tracefs rw",  # https://github.com/monitoring-plugins/monitoring-plugins/pull/1609
    ],
)
def test_filesystems_of_the_kernel_are_never_full(line: str) -> None:
    (mount,) = kernel_text.mounts(line)
    assert not fetch._has_space(mount)


def test_the_shared_memory_of_a_container_fills_up() -> None:
    """https://github.com/docker-library/postgres/issues/416: 64 MiB by default, and a parallel query fails with No space left on device"""
    (mount,) = kernel_text.mounts("30 20 0:22 / /dev/shm rw,nosuid,nodev - tmpfs shm rw,size=65536k")
    assert fetch._has_space(mount)


ANONYMOUS = {
    "/proc/1/cgroup": "0::/system.slice/web.service",
    "/sys/fs/cgroup/system.slice/web.service/memory.max": "max",
    "/sys/fs/cgroup/system.slice/web.service/memory.high": "314572800",
    "/sys/fs/cgroup/system.slice/web.service/memory.current": "314400000",
    "/sys/fs/cgroup/system.slice/web.service/memory.stat": "anon 310000000\nfile 20480\ninactive_file 8192\nactive_file 4096\n",
}


@pytest.mark.parametrize(
    ("stat", "full"),
    [
        # https://github.com/FootprintAI/Containarium/issues/1454: it is throttled at MemoryHigh, for ever, and nothing kills it
        (ANONYMOUS["/sys/fs/cgroup/system.slice/web.service/memory.stat"], True),
        # https://github.com/fabriziosalmi/proxmox-lxc-autoscale/pull/52, https://github.com/nearmap/nmaipy/pull/194: pages of files
        ("anon 12000000\nfile 300000000\ninactive_file 200000000\nactive_file 100000000\n", False),
    ],
)
def test_what_a_group_cannot_give_back_counts_against_its_lower_limit(stat: str, full: bool) -> None:
    files = {**ANONYMOUS, "/sys/fs/cgroup/system.slice/web.service/memory.stat": stat}
    limits = cgroup.limits(files.get, kernel_text.mounts("30 1 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw"), 1)
    used = cgroup.memory_in_use(files.get, limits.memory_folder)
    assert limits.memory_bytes == 314572800 and used is not None and (used / limits.memory_bytes > 0.95) is full


@pytest.mark.parametrize(("text", "cores"), [("7,10", 2), ("0-1,7,10", 4), ("0,2", 2), ("\n", None)])
def test_processors_that_are_not_beside_each_other(text: str, cores: t.Optional[int]) -> None:
    """https://github.com/htop-dev/htop/issues/1020, https://github.com/lxc/lxcfs/issues/25"""
    assert cgroup.cpu_list(text) == cores


def test_pressure_that_the_kernel_was_started_without(monkeypatch: pytest.MonkeyPatch) -> None:
    """https://github.com/prometheus/node_exporter/issues/1961: the files are there, and to read them fails (psi=1 is not set)"""

    def refused(*_words: t.Any, **_more: t.Any) -> t.Any:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    host = fetch.Host(FakePsutil())
    monkeypatch.setattr("builtins.open", refused)
    assert host.pressure() == {}
    monkeypatch.undo()
    assert facts()["pressure"] is None and "psi" in facts()["unknown"]["pressure"].lower()


def test_no_swap_is_not_full_swap() -> None:
    """https://github.com/netdata/netdata-cloud/issues/1092: 100 % of 0 bytes"""
    found = facts(state={"meminfo": kernel_text.keyed("SwapTotal: 0 kB\nSwapFree: 0 kB\n")})
    assert (found["swap_used_ratio"], found["swap_total_bytes"]) == (None, 0)


@pytest.mark.parametrize(("missing", "degraded"), [({"md0": 2}, 1), ({"md0": 0, "md1": 0}, 0)])
def test_an_array_that_is_rebuilt_still_misses_its_disks(missing: dict[str, int], degraded: int) -> None:
    """https://github.com/glensc/nagios-plugin-check_raid/issues/43: [6/4] with a recovery under way was told as well;
    https://github.com/centreon/centreon-plugins/issues/18: a monthly check of a whole one is none"""
    assert facts(state={"arrays": missing})["raid_degraded"] == degraded


def test_memory_that_the_kernel_does_not_count_as_available() -> None:
    """https://github.com/prometheus/node_exporter/issues/2249: no MemAvailable, and nothing is made up for it"""
    found = facts(state={"memory": {"total": 8 * GIB}, "meminfo": kernel_text.keyed("MemTotal: 8388608 kB\nMemFree: 1048576 kB\n")})
    assert found["memory_available_bytes"] is None and found["unknown"]["memory_available_bytes"]
