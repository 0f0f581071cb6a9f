# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A kind of fault or of ordinary work: how it is injected, how bad each severity is, and what is true of it."""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t

from .stack import Stack

Inject = t.Callable[[Stack, t.Any], contextlib.AbstractContextManager[None]]


@dataclasses.dataclass(frozen=True)
class Kind:
    """`knobs`: severity → how bad, as its injector takes it. `missing`: what the stacks lack for it; such a kind is not recorded."""

    name: str
    inject: t.Optional[Inject] = None
    knobs: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    cause: str = ""
    tier: str = ""
    objects: tuple[str, ...] = ()
    #: Checks that find it while it is faint.
    findings: tuple[str, ...] = ()
    effects: tuple[str, ...] = ("visitors",)
    missing: str = ""
    #: Of the practice stack.
    flavour: str = "classic"

    def truth(self) -> dict[str, t.Any]:
        return {
            "cause": self.cause,
            "tier": self.tier,
            "object": list(self.objects),
            "findings": list(self.findings),
            "effects": list(self.effects),
        }


def fault(
    name: str, inject: Inject, faint: t.Any, visible: t.Any, severe: t.Any, cause: str, tier: str, *objects: str, **more: t.Any
) -> Kind:
    return Kind(name, inject, {"faint": faint, "visible": visible, "severe": severe}, cause, tier, objects, **more)


def absent(name: str, cause: str, tier: str, missing: str) -> Kind:
    return Kind(name, cause=cause, tier=tier, missing=missing)


def ordinary(name: str, inject: Inject, knob: t.Any = 1, **more: t.Any) -> Kind:
    """Planned work: nothing is to be named."""
    return Kind(f"no-op-{name}", inject, {"none": knob}, **more)
