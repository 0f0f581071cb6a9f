# Copyright (c) 2026, the warroom.launch authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""10,000 spoiled facts: a report comes of each, and nothing missing is taken for well. A hundred of them are in the units."""

from __future__ import annotations

import typing as t

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings

from tests.support import any_facts

NAME = "any_facts"
ROWS, EXAMPLES = 100, 100


class Row(t.NamedTuple):
    name: str
    passed: bool
    said: str


def cases() -> list[str]:
    """The names of all rows."""
    return [f"{NAME} {number:03}" for number in range(ROWS)]


def rows(names: t.Sequence[str], seed: int) -> t.Iterator[Row]:
    """A hundred examples each, random by the seed and the row."""
    for name in names:
        yield _row(name, seed * ROWS + int(name.split()[-1]))


def _row(name: str, seed: int) -> Row:
    tried = 0

    @hypothesis.seed(seed)
    @settings(
        max_examples=EXAMPLES, database=None, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate, Phase.shrink]
    )
    @given(any_facts.examples())
    def comes(example: any_facts.Example) -> None:
        nonlocal tried
        tried += 1
        problems = any_facts.problems(example)
        assert not problems, f"{problems[0]} from {example}"

    try:
        comes()
    except Exception as error:  # what the table is for
        return Row(name, False, f"{type(error).__name__}: {error}"[:600])
    return Row(name, True, f"{tried} examples")
