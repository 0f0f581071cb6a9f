# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page before the launch: grouped as it is read out, with what was not looked at, and absent once the doors are open."""

from __future__ import annotations

import typing as t

from ansible_collections.warroom.launch.plugins.module_utils._collectors import from_here
from ansible_collections.warroom.launch.plugins.module_utils._collectors.registry import ROWS
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.catalogue import load
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.services import TITLES
from ansible_collections.warroom.launch.plugins.plugin_utils._judge.pipeline import Asked, Beside, judge
from ansible_collections.warroom.launch.plugins.plugin_utils._report.launch_list import TOPICS, launch_list
from ansible_collections.warroom.launch.plugins.plugin_utils._report.page import index_html
from tests.support.check_cases import catalogue
from tests.support.report import EVERY_TIER

LINES = ({"item": "The way back was rehearsed", "by": "Ada", "day": "2026-11-28"}, {"item": "Support <b>knows</b> the day"})


def report(phase: str = "before", items: t.Sequence[t.Mapping[str, t.Any]] = LINES, hosts: bool = True) -> t.Any:
    gathered = from_here.read({"checklist": [{"name": "launch", "items": list(items), "on_call": ["Ada"]}]})
    asked = [Asked("web1", EVERY_TIER)] if hosts else []
    return judge(asked, catalogue(), phase, beside=Beside(gathered=gathered if phase == "before" else {}))


def test_every_tier_has_its_topic() -> None:
    tiers = [tier for topic in TOPICS for tier in topic.tiers]
    assert len(tiers) == len(set(tiers)) and {row.tier for row in ROWS} <= set(tiers)
    assert {check for topic in TOPICS for check in topic.checks} <= {entry["id"] for entry in load()}
    assert {topic.named for topic in TOPICS if topic.named} <= set(TITLES)


def test_what_is_open_stands_first_and_what_was_not_named_is_said() -> None:
    groups = {group["title"]: group for group in launch_list(report())}
    hand = groups["Ticked by hand"]
    assert (hand["status"], hand["not_named"]) == ("fail", "")
    assert hand["lines"][0]["question"] == "Is every item of the checklist ticked off?"
    assert "1 of 2 lines open" in hand["lines"][0]["said"]
    outside = groups["The site from outside"]
    assert "name it in launch_check_sites" in outside["not_named"] and outside["status"] == "skipped"
    assert "launch_check_services" in groups["Safety nets"]["not_named"]
    every = [finding for finding in report()["findings"] if finding["status"] != "skipped"]
    assert sum(group["fine"] + len(group["lines"]) + group["left"] for group in groups.values()) == len(every)


def test_a_list_without_lines_is_not_named() -> None:
    groups = {group["title"]: group for group in launch_list(report(items=[]))}
    assert "launch_check_by_hand" in groups["Ticked by hand"]["not_named"]


def test_the_page_has_it_before_the_launch_only() -> None:
    page = index_html(report())
    assert 'id="doors"' in page and "Before the doors open" in page and "<b>knows</b>" not in page
    assert 'id="doors"' not in index_html(report("during"))


def test_a_list_alone_is_no_check_of_a_fleet() -> None:
    without = report(hosts=False)
    assert without["verdict"] == "unknown" and [finding["check"] for finding in without["findings"]] == ["hosts_asked"]
