# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every story shows its own cause and no other, and prints commands that run; the next start heals it.

Those that can stand beside each other are played in pairs; `make soak` plays each alone.
"""

from __future__ import annotations

import re
import time
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._texts import moments
from tests.soak import practice_stories
from tests.support.practice import Practice
from tests.support.printed import Printed, of_report

CAUSES = practice_stories.CAUSES["classic"]
#: Beside workers_exhausted almost nothing but its page gets through, which is nothing that the accelerator of cold_cache
#: lets through by mistake.
PLAYED = (
    ("missing_index",),
    ("idle_in_transaction",),
    ("unbalanced_cache",),
    ("table_lock",),
    ("bad_release",),
    ("workers_exhausted", "cold_cache"),
    ("rogue_client", "queue_backlog"),
)
#: From two time zones and languages. Their causes are told by ages.
CHECKED_TWICE = {"idle_in_transaction", "table_lock"}


@pytest.mark.parametrize("stories", PLAYED, ids="+".join)
def test_stories_have_their_causes_and_no_other(
    stack: Practice, printed: Printed, stories: tuple[str, ...], travels: t.Iterator[dict[str, str]]
) -> None:
    """From a control node in another time zone and language each."""
    began = time.time()
    started = stack.start(*stories)
    assert started.rc == 0, started.output
    rc, report = stack.check(next(travels))
    assert sorted(cause["cause"] for cause in report["diagnoses"]) == sorted(str(CAUSES[story]) for story in stories)
    assert (rc, report["verdict"]) == (2, "no-go")
    assert began <= moments.read(report["started_at"]) + 1 <= time.time() + 1
    assert not [age for age in ages(report["hosts"], "") if not 0 <= age[1] < 3 * 3600]
    if CHECKED_TWICE & {*stories}:
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


def test_healthy_heals_all_of_them(stack: Practice) -> None:
    assert stack.start().rc == 0
    rc, healed = stack.check()
    assert (rc, healed["diagnoses"]) == (0, [])
