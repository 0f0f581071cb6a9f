# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modern flavour of the practice stack: ordinary traffic, and the stories that only it can play. `make soak` plays all of them.

Runs before the tests of the classic stack, which then has the machine alone.
"""

from __future__ import annotations

import shutil
import typing as t

import pytest

from tests.soak import before_faults, practice_stories
from tests.support.practice import Practice
from tests.support.printed import Printed, of_report

SERVICES = {"server", "nginx", "wsgi", "redis", "celery", "pgbouncer", "postgresql"}
#: In the order in which they are played on one stack.
STORIES = ("healthy", "pool_too_small", "broker_full")


@pytest.fixture(scope="module")
def modern() -> t.Iterator[Practice]:
    practice = Practice("modern")
    try:
        yield practice
    finally:
        stopped = practice.stop()
        shutil.rmtree(practice.report, ignore_errors=True)
        assert stopped.rc == 0 and list(practice.processes()) == [] and not practice.dir.exists()


@pytest.mark.timeout(400)
@pytest.mark.parametrize("story", STORIES)
def test_a_story_has_its_cause_and_no_other(modern: Practice, story: str) -> None:
    found = practice_stories.row(modern, f"modern: {story}")
    assert found.passed, found.said
    if story == "healthy":
        assert 0 not in modern.owners()
        before = before_faults.healthy(modern, story)
        assert before.passed, before.said


def test_every_tier_is_judged_and_its_commands_run(modern: Practice, printed: Printed) -> None:
    """Of the last story."""
    _rc, report = modern.check()
    facts = report["hosts"]["practice"]["facts"]
    assert {f"launch_{service}" for service in SERVICES} <= set(facts)
    assert {each["service"] for each in report["topology"]["nodes"]} >= SERVICES - {"server"}
    assert printed.not_well(of_report(report)) == {}
