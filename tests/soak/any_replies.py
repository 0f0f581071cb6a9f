# Copyright (c) 2026, the warroom.launch authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Spoiled replies of every service, and every figure of their recordings lost once. A fixed few of both are in the units."""

from __future__ import annotations

import typing as t

from tests.support import any_replies

from . import drawn

NAME = "any_replies"
#: Rows of random examples per service; rows over which a service's lost figures are divided.
SPOILED, EXAMPLES, LOST = 5, 40, 5


def cases() -> list[str]:
    """The names of all rows."""
    spoiled = [f"{NAME} {service} spoiled {number}" for service in any_replies.SERVICES for number in range(SPOILED)]
    return [*spoiled, *(f"{NAME} {service} lost {number}" for service in any_replies.LOSING for number in range(LOST))]


def rows(names: t.Sequence[str], seed: int) -> t.Iterator[drawn.Row]:
    for place, name in enumerate(names):
        _part, service, kind, number = name.split()
        if kind == "spoiled":
            yield drawn.row(name, seed * 1000 + place, EXAMPLES, any_replies.examples((service,)), any_replies.problems)
        else:
            yield _lost(name, service, int(number), seed)


def _lost(name: str, service: str, number: int, seed: int) -> drawn.Row:
    """A share of the figures by the seed: of large recordings not all of them, so that a run ends."""
    losses = any_replies.losses(service)
    step = max(LOST, len(losses) // 40)
    tried = losses[(number + seed * LOST) % step :: step]
    for loss in tried:
        try:
            found = any_replies.made_up(loss)
        except Exception as error:  # what the table is for
            found = [f"{type(error).__name__}: {error}"]
        if found:
            return drawn.Row(name, False, f"{found[0]} from {any_replies.sources()[loss.number].name} {loss}"[:600])
    return drawn.Row(name, True, f"{len(tried)} lost figures")
