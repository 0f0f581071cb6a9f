# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every story shows its own cause and no other; the next start heals it."""

from __future__ import annotations

import pytest

from tests.support.practice import Practice

STORIES = {
    "cold_cache": "accelerator_fault",
    "missing_index": "missing_index",
    "rogue_client": "unknown_client",
    "workers_exhausted": "workers_exhausted",
    "queue_backlog": "queue_growth",
    "idle_in_transaction": "idle_in_transaction",
    "unbalanced_cache": "unbalanced_pool",
    "table_lock": "lock_chain",
    "bad_release": "application_errors",
}


@pytest.mark.parametrize("story", STORIES)
def test_a_story_has_its_cause_and_no_other(stack: Practice, story: str) -> None:
    started = stack.start(story)
    assert started.rc == 0, started.output
    rc, report = stack.check()
    assert [one["cause"] for one in report["diagnoses"]] == [STORIES[story]]
    assert (rc, report["verdict"]) == (2, "no-go")


def test_a_page_that_must_pass_is_no_fault_of_the_accelerator(stack: Practice) -> None:
    """Almost nothing gets through but what holds the workers: their page is not what the accelerator lets through by mistake."""
    assert stack.start("workers_exhausted", "cold_cache").rc == 0
    assert {one["cause"] for one in stack.check()[1]["diagnoses"]} == {"workers_exhausted", "accelerator_fault"}


def test_healthy_heals_all_of_them_and_two_can_be_played_at_once(stack: Practice) -> None:
    assert stack.start("rogue_client", "queue_backlog").rc == 0
    both = stack.check()[1]
    assert {one["cause"] for one in both["diagnoses"]} == {"unknown_client", "queue_growth"}
    assert stack.start().rc == 0
    rc, healed = stack.check()
    assert (rc, healed["diagnoses"]) == (0, [])
