# Copyright (c) 2026, the warroom.launch authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""10,000 spoiled facts: a report comes of each, and nothing missing is taken for well. A hundred of them are in the units."""

from __future__ import annotations

import typing as t

from tests.support import any_facts

from . import drawn

NAME = "any_facts"
ROWS, EXAMPLES = 100, 100


def cases() -> list[str]:
    """The names of all rows."""
    return [f"{NAME} {number:03}" for number in range(ROWS)]


def rows(names: t.Sequence[str], seed: int) -> t.Iterator[drawn.Row]:
    """A hundred examples each, random by the seed and the row."""
    for name in names:
        yield drawn.row(name, seed * ROWS + int(name.split()[-1]), EXAMPLES, any_facts.examples(), any_facts.problems)
