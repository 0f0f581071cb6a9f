# Copyright (c) 2026, the warroom.launch authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A report comes of any facts, and nothing missing in them is taken for well. 10,000 examples: `make soak ARGS="--only any_facts"`."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings

from tests.support import any_facts


@settings(max_examples=150, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
@given(any_facts.examples())
def test_a_report_comes_of_any_facts(example: any_facts.Example) -> None:
    assert any_facts.problems(example) == []
