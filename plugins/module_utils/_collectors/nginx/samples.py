# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the sampler read of one nginx, for shape."""

from __future__ import annotations

import dataclasses
import typing as t

from ..._collect.facts import Maybe, Unknown
from ..._linux.backlog import Backlog
from .access_log import Tally
from .error_log import Messages
from .settings import Settings
from .status import Status

NOT_READ = "it was not read"


@dataclasses.dataclass(frozen=True)
class Worker:
    """None of a number that may not be read."""

    pid: int
    sockets: t.Optional[int] = None
    descriptors: t.Optional[int] = None
    descriptor_limit: t.Optional[int] = None


@dataclasses.dataclass
class LogRead:
    """The lines of the window. `why`: the reason when no log of this kind could be read; `part`: how much of what was added was read."""

    why: t.Optional[str] = None
    part: float = 1.0
    notes: list[str] = dataclasses.field(default_factory=list)
    paths: tuple[str, ...] = ()


@dataclasses.dataclass
class History:
    """One instance over one window; `window` is None with one sample."""

    settings: Maybe[Settings] = dataclasses.field(default_factory=lambda: Unknown(NOT_READ))
    first: Maybe[Status] = dataclasses.field(default_factory=lambda: Unknown(NOT_READ))
    second: t.Optional[Maybe[Status]] = None
    window: t.Optional[float] = None
    pid: t.Optional[int] = None
    version: str = ""
    status_url: Maybe[str] = dataclasses.field(default_factory=lambda: Unknown(NOT_READ))
    uptime: t.Optional[float] = None
    restarted: bool = False
    workers: Maybe[tuple[Worker, ...]] = dataclasses.field(default_factory=lambda: Unknown(NOT_READ))
    workers_born: t.Optional[int] = None
    workers_leaving: int = 0
    listeners: Maybe[tuple[Backlog, ...]] = dataclasses.field(default_factory=lambda: Unknown(NOT_READ))
    tally: Tally = dataclasses.field(default_factory=Tally)
    access: LogRead = dataclasses.field(default_factory=LogRead)
    messages: Messages = dataclasses.field(default_factory=Messages)
    errors: LogRead = dataclasses.field(default_factory=LogRead)
    notes: list[str] = dataclasses.field(default_factory=list)
    top: int = 10
