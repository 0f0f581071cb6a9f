# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Visits of named URLs, from here and from accelerators' hosts, as measures of visitors and in the verdict."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._checks.expected_urls import with_visits
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.services import GATHERED
from ansible_collections.warroom.launch.plugins.plugin_utils._judge.pipeline import Asked, Beside, judge
from tests.support.check_cases import catalogue
from tests.support.visitors import Facts, accelerator, log, workers

SHOP = "https://shop.example.com/"


def visit(status: t.Optional[int] = 200, url: str = SHOP, **more: t.Any) -> Facts:
    known = {"first_byte_seconds": 0.1, "total_seconds": 0.2} if status else {"first_byte_seconds": None, "total_seconds": None}
    return {"url": url, "status": status, **known, "location": None, "problem": None if status else "the certificate has expired", **more}


def judged(here: t.Sequence[Facts] = (), there: t.Sequence[Facts] = (), stack: bool = True) -> tuple[Facts, dict[str, Facts], str]:
    hosts: dict[str, Facts] = {"db1": {"launch_postgresql": {"instances": [{"name": "main", "state": "down", "problem": "x"}]}}}
    if stack:
        front = {"launch_varnish": {**accelerator(), "visits": list(there)}, "launch_varnish_traffic": log()}
        hosts = {"web1": {key: {"instances": [facts]} for key, facts in front.items()}}
        hosts["app1"] = {"launch_uwsgi": {"instances": [workers(0.05)]}}
    report = judge([Asked(name, facts) for name, facts in hosts.items()], catalogue(), beside=Beside(None, here))
    site = report["fleet"]["launch_visitors"]["instances"][0]
    return site, {row["check"]: dict(row) for row in report["findings"] if row["service"] == "visitors"}, report["verdict"]


@pytest.mark.parametrize(
    ("here", "there", "status", "counts"),
    [
        ([visit()], [visit()], "ok", (1, 0, 0)),
        ([visit(301, location="https://www.example.com/")], [], "ok", (1, 0, 0)),
        ([visit(None)], [visit(None)], "fail", (1, 1, 1)),
        ([visit(503)], [], "fail", (1, 1, 1)),
        ([visit()], [visit(None)], "warn", (1, 0, 1)),
        ([], [visit(404, SHOP + "old/"), visit()], "fail", (2, 1, 1)),
        ([visit("200")], [], "fail", (1, 1, 1)),
    ],
)
def test_a_url_that_nobody_gets_is_no_go(here: list[Facts], there: list[Facts], status: str, counts: tuple[int, int, int]) -> None:
    site, found, verdict = judged(here, there)
    assert found["visitors_probes"]["status"] == status
    assert (site["probes_total"], site["probes_failed"], site["probes_failing"]) == counts
    assert (verdict == "no-go") >= (status == "fail")


def test_what_failed_comes_first_with_its_place_and_reason() -> None:
    site, found, _verdict = judged([visit()], [visit(None)])
    assert [(row["visited_from"], row["failed"], row["why"]) for row in site["probes"]] == [
        ("web1", True, "the certificate has expired"),
        ("the control node", False, None),
    ]
    assert "web1 (the certificate has expired)" in str(found["visitors_probes"]["finding"])


def test_without_urls_nothing_is_visited_and_one_line_says_how() -> None:
    site, found, _verdict = judged()
    assert site["probes"] == [] and "launch_check_probes" in site["unknown"]["probes_slowest_seconds"]
    assert found["visitors_probes"]["status"] == "skipped" and "launch_check_probes" in str(found["visitors_probes"]["reason"])


def test_a_fleet_of_which_nothing_else_tells_what_visitors_get_has_their_tier_by_its_visits() -> None:
    site, found, _verdict = judged([visit(None)], stack=False)
    assert (site["source"], site["probes_failed"]) == ("none", 1) and found["visitors_probes"]["status"] == "fail"


def test_the_accelerators_hosts_are_told_what_to_visit() -> None:
    assert with_visits("auto", []) == "auto"
    assert with_visits("auto", [SHOP]) == {**dict.fromkeys(GATHERED, "auto"), "varnish": {"visits": [SHOP]}}
    assert with_visits({"uwsgi": "auto"}, [SHOP]) == {"uwsgi": "auto"}
    assert with_visits({"varnish": [{"instance": "edge"}]}, [SHOP]) == {"varnish": [{"visits": [SHOP], "instance": "edge"}]}
