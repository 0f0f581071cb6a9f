# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sites as they look from the control node, where no module runs."""

from __future__ import annotations

import typing as t

from ..._collect.command import NoCommands
from ..._collect.host_tools import HostTools
from ..._collect.options import instances_of
from ..._collect.run import gather
from .collector import COLLECTOR

Sites = t.Sequence[t.Mapping[str, t.Any]]


def checked(sites: Sites) -> list[dict[str, t.Any]]:
    """Their options, as the module takes them. Raises WrongOption."""
    return instances_of(COLLECTOR, sites, {}) or []


def looked_at(sites: Sites, seconds: float = 5.0) -> dict[str, t.Any]:
    """The facts of these sites, in the form that a module gives them; nothing without any site."""
    wanted = [(COLLECTOR, options) for options in checked(sites)]
    return gather(wanted, 0, HostTools(NoCommands(), timeout=seconds)) if wanted else {}
