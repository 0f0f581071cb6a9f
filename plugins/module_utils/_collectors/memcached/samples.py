# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the sampler read of one server, for shape."""

from __future__ import annotations

import dataclasses
import typing as t

from ..._collect.derived import Window
from ..._collect.sampling import RESTARTED, delta, number
from ..._texts.redact import clean
from . import proxy
from .parse import count

#: Counters that any use of a server moves: when one fell, they were all reset.
_TELLTALES = ("cmd_get", "cmd_set", "total_connections", "total_items", "bytes_read")


@dataclasses.dataclass
class Sample:
    """What one reading gave; `refused` says why a part of it is missing."""

    stats: dict[str, str]
    classes: dict[int, dict[str, str]] = dataclasses.field(default_factory=dict)  # stats items
    slabs: dict[int, dict[str, str]] = dataclasses.field(default_factory=dict)  # stats slabs
    settings: dict[str, str] = dataclasses.field(default_factory=dict)
    clients: t.Optional[dict[str, int]] = None
    refused: dict[str, str] = dataclasses.field(default_factory=dict)
    own_gets: int = 0  # of our probes, all misses: left out of the lifetime values

    def why_not(self, command: str) -> str:
        """Why a sub-command gave nothing."""
        if proxy.kind(self.stats) == "proxy":
            return proxy.NOT_COUNTED
        return self.refused.get(command, f"`{command}` gave nothing")


@dataclasses.dataclass
class Latency:
    """What our own probes measured, in seconds."""

    connect: list[float] = dataclasses.field(default_factory=list)
    gets: list[float] = dataclasses.field(default_factory=list)
    problem: t.Optional[str] = None


def window_of(first: Sample, second: t.Optional[Sample], seconds: t.Optional[float]) -> Window:
    """The counters of `stats` over the window."""
    latest = second or first
    version = clean(latest.stats.get("version") or "of unknown version", 60)

    def lacking(name: str) -> str:
        return proxy.NOT_COUNTED if proxy.kind(latest.stats) == "proxy" else f"memcached {version} has no {name}"

    broken = None if second is None else interruption(first.stats, second.stats)
    return Window(_counts(first), None if second is None else _counts(second), seconds, lacking, broken)


def _counts(sample: Sample) -> dict[str, t.Any]:
    """The counters without those that are no whole numbers, as all but the processor time are."""
    return {name: value for name, value in sample.stats.items() if name.startswith("rusage_") or not isinstance(number(value), float)}


def interruption(first: t.Mapping[str, str], second: t.Mapping[str, str]) -> t.Optional[str]:
    """Why the two samples cannot be compared: a restart, or `stats reset` (uptime goes on: case M-12)."""
    before, after = count(first, "uptime"), count(second, "uptime")
    if first.get("pid") != second.get("pid") or (before is not None and after is not None and after < before):
        return RESTARTED
    if any(delta(first.get(name), second.get(name)) is None for name in _TELLTALES if name in first and name in second):
        return "the counters were reset between the samples (stats reset)"
    return None
