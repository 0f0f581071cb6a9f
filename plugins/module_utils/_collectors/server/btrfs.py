# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Metadata of btrfs, which has chunks of its own: when they are full and none can be added, writes fail while df shows space."""

from __future__ import annotations

import os
import typing as t

from ..._collect.derived import share
from ..._collect.facts import Maybe, Unknown
from ..._collect.sampling import count

NOT_BTRFS = "only btrfs has space of its own for metadata"
UNTOLD = "the kernel does not report how much of it is in use"
MIXED = "its data and metadata share their space"
_ALL = "/sys/fs/btrfs"
_SECTOR = 512
_KINDS = ("data", "metadata", "system")


def metadata_ratio(root: str, source: str) -> Maybe[float]:
    """What the metadata of the filesystem on this device takes of the space that it has and may still get, with the kernel's reserve."""
    folder = _folder(root, source)
    if folder is None:
        return Unknown(UNTOLD)
    allocation = f"{folder}/allocation"
    if os.path.isdir(f"{allocation}/mixed"):
        return Unknown(MIXED)
    used, reserve, whole, disk = (
        _number(f"{allocation}/{name}")
        for name in ("metadata/bytes_used", "global_rsv_size", "metadata/total_bytes", "metadata/disk_total")
    )
    taken = [_number(f"{allocation}/{kind}/disk_total") for kind in _KINDS]
    sizes = [_number(f"{folder}/devices/{name}/size") for name in _names(f"{folder}/devices")]
    if used is None or reserve is None or not whole or not disk or not sizes or None in (*taken, *sizes):
        return Unknown(UNTOLD)
    free = max(0, sum(size or 0 for size in sizes) * _SECTOR - sum(part or 0 for part in taken))
    # with copies (DUP, RAID1) a byte takes as many of the disks
    return share(min(used + reserve, whole + free), whole + free * whole / disk, UNTOLD, slack=1.0)


def _folder(root: str, source: str) -> t.Optional[str]:
    """Its folder in sysfs, by the device that it was mounted from."""
    device = os.path.basename(os.path.realpath(root + source))
    every = [f"{root}{_ALL}/{name}" for name in _names(root + _ALL)]
    return next((folder for folder in every if device in _names(f"{folder}/devices")), None)


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def _number(path: str) -> t.Optional[int]:
    try:
        with open(path, encoding="ascii", errors="replace") as handle:
            return count(handle.read(64).strip())
    except OSError:
        return None
