# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The limits of a process, from /proc: open to every user."""

from __future__ import annotations

import typing as t

from .processes import PROC


def descriptors(pid: int) -> t.Optional[int]:
    """How many files and sockets it may have open; None when that is not told, or has no limit."""
    return _soft(pid, "Max open files")


def address_space(pid: int) -> t.Optional[int]:
    """Bytes of memory that it may map; None when that is not told, or has no limit."""
    return _soft(pid, "Max address space")


def _soft(pid: int, name: str) -> t.Optional[int]:
    try:
        with open(f"{PROC}/{pid}/limits", encoding="ascii", errors="replace") as handle:
            text = handle.read(1 << 14)
    except OSError:
        return None
    line = next((line for line in text.splitlines() if line.startswith(name)), "")
    words = line[len(name) :].split()
    return int(words[0]) if words and words[0].isdigit() else None
