# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which process one is, beyond its pid: pids are given again, and all of them after a restart of the machine."""

from __future__ import annotations

import pathlib
import typing as t

from .processes import PROC


def boot_id() -> str:
    """Another one after each restart of the machine; empty where the kernel does not say."""
    try:
        return pathlib.Path(f"{PROC}/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


def start_of(pid: int) -> t.Optional[str]:
    """When a process was started, in its kernel's ticks: with the pid, who it is. None when it is gone."""
    try:
        text = pathlib.Path(f"{PROC}/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        return text.rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return None


def of(pid: int) -> dict[str, t.Any]:
    """What tells this process from every other one of this machine, as plain data."""
    return {"boot": boot_id(), "pid": pid, "start": start_of(pid)}


def is_there(kept: t.Any) -> bool:
    """Whether the process of `of` runs still."""
    if not isinstance(kept, dict) or not isinstance(kept.get("pid"), int) or kept.get("start") is None:
        return False
    return bool(kept.get("boot") == boot_id() and kept["start"] == start_of(kept["pid"]))
