# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""btrfs whose metadata is full, as the kernel tells it below /sys/fs/btrfs: df shows space, and every write fails."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect.facts import Unknown
from ansible_collections.warroom.launch.plugins.module_utils._collectors.server import btrfs
from tests.support.machine import GIB, MIB, facts


def kernel(root: pathlib.Path, files: t.Mapping[str, float], sizes: t.Mapping[str, float], uuid: str = "5c0f") -> str:
    folder = root / "sys/fs/btrfs" / uuid
    (root / "sys/fs/btrfs/features").mkdir(parents=True, exist_ok=True)
    for name, value in {**files, **{f"devices/{device}/size": size / 512 for device, size in sizes.items()}}.items():
        place = folder / (name if name.startswith("devices/") else f"allocation/{name}")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(f"{int(value)}\n")
    (root / "dev").mkdir(exist_ok=True)
    for device in sizes:
        (root / "dev" / device).touch()
    return str(root)


def allocation(used: float, whole: float, copies: int, reserve: float, data: float) -> dict[str, float]:
    system = {"system/disk_total": 16 * MIB}
    sums = {"metadata/bytes_used": used, "metadata/total_bytes": whole, "metadata/disk_total": copies * whole, "data/disk_total": data}
    return {**sums, **system, "global_rsv_size": reserve}


#: `btrfs filesystem usage` of the report: 512 GiB, of which 1 MiB is in no chunk; df shows 86 GiB.
FULL = allocation(5.49 * GIB, 5.99 * GIB, 2, 512 * MIB, 500.01 * GIB)


@pytest.mark.parametrize(
    ("files", "sizes", "ratio"),
    [
        (FULL, {"vdb1": 512 * GIB}, 1.0),  # https://github.com/Zygo/bees/issues/292
        (FULL, {"vdb1": 1024 * GIB}, 0.023),  # with room for further chunks the same chunks are no trouble
        # https://github.com/netdata/netdata/issues/3095: everything is in chunks, and what metadata has is enough
        (allocation(177 * MIB, 559 * MIB, 2, 16 * MIB, 7.31 * GIB), {"vda2": 8.42 * GIB}, 0.345),
        (allocation(4 * GIB, 5 * GIB, 2, 512 * MIB, 90 * GIB), {"sda1": 50 * GIB, "sdb1": 50 * GIB}, 0.9),  # RAID1
    ],
)
def test_what_metadata_has_and_may_still_get(files: t.Any, sizes: t.Any, ratio: float, tmp_path: pathlib.Path) -> None:
    root = kernel(tmp_path, files, sizes)
    assert btrfs.metadata_ratio(root, f"/dev/{next(iter(sizes))}") == pytest.approx(ratio, abs=0.003)


def test_the_device_is_found_behind_the_names_that_people_mount(tmp_path: pathlib.Path) -> None:
    root = kernel(tmp_path, FULL, {"dm-3": 512 * GIB})
    kernel(tmp_path, allocation(1, GIB, 1, 0, GIB), {"vda1": 100 * GIB}, "99aa")
    (tmp_path / "dev/mapper").mkdir()
    (tmp_path / "dev/mapper/vg-srv").symlink_to("../dm-3")
    assert btrfs.metadata_ratio(root, "/dev/mapper/vg-srv") == pytest.approx(1.0, abs=0.003)


@pytest.mark.parametrize("gone", ["metadata/bytes_used", "global_rsv_size", "data/disk_total", "devices/vdb1/size"])
def test_what_the_kernel_does_not_report_is_unknown(gone: str, tmp_path: pathlib.Path) -> None:
    root = kernel(tmp_path, FULL, {"vdb1": 512 * GIB})
    folder = tmp_path / "sys/fs/btrfs/5c0f"
    (folder / gone if gone.startswith("devices/") else folder / "allocation" / gone).write_text("odd\n")
    assert btrfs.metadata_ratio(root, "/dev/vdb1") == Unknown(btrfs.UNTOLD) == btrfs.metadata_ratio(root, "/dev/elsewhere")


def test_small_filesystems_share_one_kind_of_chunk(tmp_path: pathlib.Path) -> None:
    root = kernel(tmp_path, {"mixed/disk_total": GIB}, {"vdb1": GIB})
    assert btrfs.metadata_ratio(root, "/dev/vdb1") == Unknown(btrfs.MIXED)


def test_the_fullest_of_the_machine_and_none_elsewhere() -> None:
    row = {
        "name": "/srv",
        "kind": "btrfs",
        "device": "x",
        "size_bytes": 100,
        "used_bytes": 84,
        "available_bytes": 16,
        "inodes": 0,
        "inodes_free": 0,
    }
    found = facts(state={"filesystems": [{**row, "metadata": 1.0}, {**row, "name": "/var", "metadata": 0.2}]})
    assert (found["filesystem_metadata_used_ratio"], found["filesystems_btrfs"]) == (1.0, 2)
    assert found["filesystems"][0]["metadata_used_ratio"] == 1.0
    assert (facts()["filesystem_metadata_used_ratio"], facts()["filesystems_btrfs"]) == (None, 0)
