# Copyright (c) 2026, the warroom.launch authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rows of the soak's tables that are made of random examples."""

from __future__ import annotations

import typing as t

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st


class Row(t.NamedTuple):
    name: str
    passed: bool
    said: str


def row(name: str, seed: int, count: int, examples: st.SearchStrategy[t.Any], problems: t.Callable[[t.Any], list[str]]) -> Row:
    """So many examples, random by the seed: the row fails with the first problem of one."""
    tried = 0

    @hypothesis.seed(seed)
    @settings(
        max_examples=count, database=None, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate, Phase.shrink]
    )
    @given(examples)
    def holds(example: t.Any) -> None:
        nonlocal tried
        tried += 1
        found = problems(example)
        assert not found, f"{found[0]} from {example}"

    try:
        holds()
    except Exception as error:  # what the table is for
        return Row(name, False, f"{type(error).__name__}: {error}"[:600])
    return Row(name, True, f"{tried} examples")
