# Copyright (c) 2026, the warroom.launch authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever a service answers, its collector gives facts that can be, of the documented types, or one sentence of our own."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.warroom.launch.plugins.module_utils._collectors.postgresql import typed_rows
from tests.support import any_replies, postgresql_rows

SETTINGS = {"derandomize": True, "database": None, "deadline": None, "suppress_health_check": list(HealthCheck)}


@pytest.mark.parametrize("service", any_replies.SERVICES)
def test_facts_come_of_any_replies(service: str) -> None:
    @settings(max_examples=10, **SETTINGS)
    @given(any_replies.examples((service,)))
    def come(example: any_replies.Example) -> None:
        assert any_replies.problems(example) == []

    come()


@pytest.mark.parametrize("service", any_replies.LOSING)
def test_no_figure_that_is_lost_counts_as_nothing(service: str) -> None:
    """A fixed few of each service's; all of them in the soak."""
    losses = any_replies.losses(service)
    assert [said for loss in losses[:: max(1, len(losses) // 5)] for said in any_replies.made_up(loss)] == []


def test_the_columns_of_every_question_have_their_kind() -> None:
    asked = {name for rows in postgresql_rows.sources()[0].document.values() for row in rows for name in row}
    assert asked - typed_rows.KNOWN == set()


@pytest.mark.parametrize("name", any_replies.PROC)
def test_no_text_of_proc_is_an_error(name: str) -> None:
    @settings(max_examples=60, **SETTINGS)
    @given(st.integers(0, 5000), st.integers(0, 60), st.sampled_from(["", "-1", "nan", "text", "\n", " ", "9" * 30, "\ud800"]))
    def come(at: int, length: int, put: str) -> None:
        any_replies.PROC[name](any_replies.spoiled_text(any_replies.proc_text(name), at, length, put))

    come()
