# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Texts of the kernel that several collectors read, as plain values. What a line lacks is absent, never 0."""

from __future__ import annotations

import re
import typing as t

from .._collect.sampling import amount, number

Counters = dict[str, float]


def keyed(text: t.Optional[str]) -> Counters:
    """Lines of `name value` (vmstat, cpu.stat, memory.stat, memory.events) or `Name:   value kB` (meminfo, smaps_rollup).

    Values in kB are given in bytes.
    """
    found: Counters = {}
    for line in (text or "").splitlines():
        words = line.split()
        if len(words) < 2:
            continue
        value = amount(words[1])
        if value is not None:
            found[words[0].rstrip(":")] = value * 1024 if words[2:3] == ["kB"] else value
    return found


def first_numbers(text: t.Optional[str]) -> list[float]:
    """The numbers of a one-line file; none when one is below 0, where none can be."""
    values = [number(word) for word in (text or "").split()]
    return [] if any(value is not None and value < 0 for value in values) else [value for value in values if value is not None]


class Mount(t.NamedTuple):
    """A line of mountinfo."""

    root: str
    point: str
    kind: str
    source: str
    options: frozenset[str]
    super_options: frozenset[str]
    device: str


def _unescaped(word: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda code: chr(int(code.group(1), 8)), word)


def mounts(text: t.Optional[str]) -> list[Mount]:
    """/proc/self/mountinfo."""
    found = []
    for line in (text or "").splitlines():
        left, _dash, right = line.partition(" - ")
        head, tail = left.split(), right.split()
        if len(head) < 6 or len(tail) < 3:
            continue
        own, whole = frozenset(head[5].split(",")), frozenset(tail[2].split(","))
        found.append(Mount(_unescaped(head[3]), _unescaped(head[4]), tail[0], _unescaped(tail[1]), own, whole, head[2]))
    return found
