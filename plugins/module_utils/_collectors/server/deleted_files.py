# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that were deleted while a process has them open: they fill a disk, and nothing that walks its folders finds them."""

from __future__ import annotations

import os
import stat
import typing as t

from ..._collect.facts import Facts, measured
from ..._texts.redact import clean
from .process_table import Row

#: What is worth a word; and how many descriptors are looked at.
LARGE_BYTES, MOST_DESCRIPTORS = 100 << 20, 20_000
#: A filesystem this full is the occasion to look.
OCCASION = 0.8
_MARK = " (deleted)"
#: What has a name there takes memory, and no disk.
_NO_DISK = ("/memfd:", "/dev/", "/SYSV", "/proc/", "/sys/", "/anon_hugepage", "/[")


class Held(t.NamedTuple):
    row: Row
    path: str
    size: int


def is_occasion(filesystems: t.Iterable[t.Mapping[str, t.Any]]) -> bool:
    return any(each["used_bytes"] >= OCCASION * (each["used_bytes"] + each["available_bytes"]) > 0 for each in filesystems)


def read(rows: t.Iterable[Row], root: str = "") -> list[Held]:
    """The large ones, largest first, each once: by the process that was begun first of those that have it."""
    found: dict[tuple[int, int], Held] = {}
    left = MOST_DESCRIPTORS
    for row in sorted(rows, key=lambda row: (row.created, row.pid)):
        folder = f"{root}/proc/{row.pid}/fd"
        try:
            names = os.listdir(folder)[:left]
        except OSError:
            continue
        left -= len(names)
        for name in names:
            try:
                path = os.readlink(f"{folder}/{name}")
                if not path.endswith(_MARK) or path.startswith(_NO_DISK):
                    continue
                about = os.stat(f"{folder}/{name}")
            except OSError:
                continue
            size = about.st_blocks * 512
            if stat.S_ISREG(about.st_mode) and about.st_nlink == 0 and size >= LARGE_BYTES:
                found.setdefault((about.st_dev, about.st_ino), Held(row, path[: -len(_MARK)], size))
    return sorted(found.values(), key=lambda held: -held.size)


def put(facts: Facts, held: t.Sequence[Held], top: int) -> None:
    rows: list[dict[str, t.Any]] = [
        {
            "name": clean(each.path, 120),
            "pid": each.row.pid,
            "kind": clean(each.row.kind, 60),
            "service": measured(each.row.service, "it belongs to none of the services that are known"),
            "size_bytes": each.size,
        }
        for each in held
    ]
    facts.rows("deleted_files", rows, top)
    facts.put("deleted_files_bytes", sum(each.size for each in held))
