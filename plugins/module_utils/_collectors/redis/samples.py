# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the sampler read of one server, for shape."""

from __future__ import annotations

import dataclasses
import typing as t

from ..._collect.derived import Window
from ..._collect.facts import Maybe, measured
from ..._collect.sampling import RESTARTED, delta
from ..._texts.redact import clean
from . import parse

#: Counters that any use of a server moves: when one fell, they were all reset.
_TELLTALES = ("total_connections_received", "total_commands_processed", "total_net_input_bytes")
NO_DATA = "a sentinel holds no data"


@dataclasses.dataclass
class Sample:
    """What one reading gave; `refused` says why a part of it is missing."""

    info: dict[str, str]
    commands: dict[str, dict[str, str]] = dataclasses.field(default_factory=dict)
    slow: t.Optional[list[parse.Slow]] = None
    latency: t.Optional[list[parse.Event]] = None
    config: dict[str, str] = dataclasses.field(default_factory=dict)
    clients: t.Optional[list[dict[str, str]]] = None
    cluster: dict[str, str] = dataclasses.field(default_factory=dict)
    #: Names of a few keys, by database. They never become facts.
    keys: t.Optional[dict[int, list[str]]] = None
    refused: dict[str, str] = dataclasses.field(default_factory=dict)
    own_commands: int = 0  # ours when INFO was read

    @property
    def is_sentinel(self) -> bool:
        return self.mode == "sentinel"

    @property
    def mode(self) -> t.Optional[str]:
        """`standalone`, `cluster` or `sentinel`; Valkey has a name of its own for it."""
        return self.info.get("server_mode") or self.info.get("redis_mode")

    @property
    def product(self) -> str:
        if "dragonfly_version" in self.info:
            return "dragonfly"
        return "valkey" if "valkey_version" in self.info or self.info.get("server_name") == "valkey" else "redis"

    @property
    def version(self) -> t.Optional[str]:
        # in place of redis_version others name the one that they are compatible with
        own = self.info.get("valkey_version") or self.info.get("dragonfly_version", "").partition("-v")[2]
        found = own or self.info.get("redis_version")
        return None if found is None else clean(found, 60)

    def why_not(self, command: str) -> str:
        """Why a command gave nothing."""
        if self.is_sentinel and command not in ("INFO",):
            return NO_DATA
        return self.refused.get(command, f"{command} gave nothing")

    def setting(self, name: str) -> Maybe[str]:
        return measured(self.config.get(name), self.why_not(f"CONFIG GET {name}"))


@dataclasses.dataclass
class Pings:
    """What our own PINGs took, in seconds."""

    connect: float = 0.0
    taken: list[float] = dataclasses.field(default_factory=list)


def window_of(first: Sample, second: t.Optional[Sample], seconds: t.Optional[float]) -> Window:
    """The counters of INFO over the window."""
    latest = second or first

    def lacking(name: str) -> str:
        if latest.is_sentinel:
            return NO_DATA
        return f"{latest.product} {latest.version or 'of unknown version'} does not report {name}"

    broken = None if second is None else _interruption(first.info, second.info)
    return Window(parse.figures(first.info), None if second is None else parse.figures(second.info), seconds, lacking, broken)


def _interruption(first: t.Mapping[str, str], second: t.Mapping[str, str]) -> t.Optional[str]:
    """Why the two samples cannot be compared: a restart, or CONFIG RESETSTAT (uptime goes on)."""
    before, after = parse.count(first, "uptime_in_seconds"), parse.count(second, "uptime_in_seconds")
    if first.get("run_id") != second.get("run_id") or (before is not None and after is not None and after < before):
        return RESTARTED
    if any(delta(first.get(name), second.get(name)) is None for name in _TELLTALES if name in first and name in second):
        return "the counters were reset between the samples (CONFIG RESETSTAT)"
    return None
