# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every story shows its own cause and no other, and prints commands that run; the next start heals it."""

from __future__ import annotations

import re
import time
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._texts import moments
from tests.support.practice import Practice
from tests.support.printed import Printed, of_report

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
#: From two time zones and languages. Their causes are told by ages.
CHECKED_TWICE = ("idle_in_transaction", "table_lock")


@pytest.mark.parametrize("story", STORIES)
def test_a_story_has_its_cause_and_no_other(stack: Practice, printed: Printed, story: str, travels: t.Iterator[dict[str, str]]) -> None:
    """From a control node in another time zone and language each."""
    began = time.time()
    started = stack.start(story)
    assert started.rc == 0, started.output
    rc, report = stack.check(next(travels))
    assert [one["cause"] for one in report["diagnoses"]] == [STORIES[story]]
    assert (rc, report["verdict"]) == (2, "no-go")
    assert began <= moments.read(report["started_at"]) + 1 <= time.time() + 1
    assert not [age for age in ages(report["hosts"], "") if not 0 <= age[1] < 3 * 3600]
    if story in CHECKED_TWICE:
        assert same(report) == same(stack.check(next(travels))[1])
    # what the report says to run next runs as it is printed, while the story lasts
    assert printed.not_well(of_report(report)) == {}


def ages(part: t.Any, name: str) -> t.Iterator[tuple[str, float]]:
    """Every age in facts of services that were started for the tests: in a wrong zone they are hours, or below zero."""
    if isinstance(part, dict):
        for key, value in part.items():
            if key != "launch_server":
                yield from ages(value, key)
    elif isinstance(part, list):
        for value in part:
            yield from ages(value, name)
    elif isinstance(part, (int, float)) and re.search(r"(^|_)(age|oldest|transaction|running|waiting|idle|uptime)_seconds$", name):
        yield name, part


def same(report: dict[str, t.Any]) -> t.Any:
    """What has to be the same of two checks: everything but numbers."""
    causes = [
        (one["cause"], one["tier"], one["hosts"], one["avoid"], re.sub(r"[\d.,]+", "#", one["first_fix"])) for one in report["diagnoses"]
    ]
    return report["verdict"], causes, sorted((row["check"], row["host"], str(row["instance"])) for row in report["findings"])


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
