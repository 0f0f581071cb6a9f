# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A check of some services (`launch_check_only`, its phase): what was not asked for is neither gathered, judged nor missed."""

from __future__ import annotations

import typing as t

from .near import near
from .services import FLEET, GATHERED, fact_key


def problems(only: t.Iterable[str]) -> list[str]:
    """Names that are no services."""
    return [f"launch_check_only: there is no service {name}{near(name, GATHERED)}" for name in only if name not in GATHERED]


def asked_of(services: t.Any, only: t.Sequence[str]) -> t.Any:
    """What to gather from a host: its setting, as far as it was asked for."""
    if not only:
        return services
    if services in (None, "", "auto"):
        return dict.fromkeys(only, "auto")
    return {name: wish for name, wish in services.items() if name in only} if isinstance(services, t.Mapping) else services


def in_phase(services: t.Any, phase: str) -> t.Any:
    """Without the services that are read in another phase only: what costs much and does not change while visitors come."""
    if not isinstance(services, t.Mapping):
        return services
    return {name: wish for name, wish in services.items() if name not in GATHERED or GATHERED[name].phase in (None, phase)}


def facts_in(facts: t.Mapping[str, t.Any], only: t.Collection[str]) -> dict[str, t.Any]:
    """The facts of the services that were asked for."""
    keys = {fact_key(name) for name in only}
    return {key: value for key, value in facts.items() if not only or key in keys}


def in_scope(service: t.Optional[str], only: t.Collection[str]) -> bool:
    """Whether a finding of the service can be in a report about these. What is made of several services may be."""
    return not only or service in only or service in FLEET
