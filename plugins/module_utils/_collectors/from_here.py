# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is read on the control node itself, where no module runs: sites from outside, and what people have ticked."""

from __future__ import annotations

import typing as t

from .._collect.base import Collector
from .._collect.command import NoCommands
from .._collect.host_tools import HostTools
from .._collect.options import instances_of
from .._collect.run import gather
from .registry import collector

#: service → its instances, as options of its module.
Wishes = t.Mapping[str, t.Sequence[t.Mapping[str, t.Any]]]


def checked(wishes: Wishes) -> list[tuple[Collector, dict[str, t.Any]]]:
    """What to read, as the modules take it. Raises WrongOption."""
    return [
        (collector(service), options)
        for service, instances in wishes.items()
        for options in instances_of(collector(service), instances, {}) or []
    ]


def read(wishes: Wishes, seconds: float = 5.0) -> dict[str, t.Any]:
    """Facts by key, in the form that the modules give them; nothing where nothing is wished for."""
    wanted = checked(wishes)
    return gather(wanted, 0, HostTools(NoCommands(), timeout=seconds)) if wanted else {}
