# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A check of some services: what was not asked for is not judged, not missed, and not compared."""

from __future__ import annotations

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._checks import only
from ansible_collections.warroom.launch.plugins.plugin_utils._judge.pipeline import Asked, judge
from ansible_collections.warroom.launch.plugins.plugin_utils._report.model import model
from ansible_collections.warroom.launch.plugins.plugin_utils._store.before_after import compare_lines
from ansible_collections.warroom.launch.plugins.plugin_utils._store.changes import changed, subjects
from tests.support.report import CATALOGUE, host


@pytest.mark.parametrize(
    "services, asked",
    [
        ("auto", {"uwsgi": "auto"}),
        (None, {"uwsgi": "auto"}),
        ({"server": "auto", "uwsgi": [{"stats": "a:1"}]}, {"uwsgi": [{"stats": "a:1"}]}),
        ({"server": "auto"}, {}),
    ],
)
def test_what_is_gathered(services, asked):
    assert only.asked_of(services, ["uwsgi"]) == asked
    assert only.asked_of(services, []) == services


@pytest.mark.parametrize("phase, gathered", [("before", ["server", "django"]), ("during", ["server"])])
def test_what_does_not_change_while_visitors_come_is_read_before_only(phase, gathered):
    assert list(only.in_phase({"server": "auto", "django": [{"chdir": "/srv/shop"}]}, phase)) == gathered
    assert only.in_phase("auto", phase) == "auto"


def test_a_misspelt_service():
    assert only.problems(["postgres", "server"]) == ["launch_check_only: there is no service postgres; did you mean postgresql?"]


def test_only_what_was_asked_for_is_judged_and_the_verdict_says_so():
    report = judge([host("web1", load=9), Asked("db1")], CATALOGUE, only=["uwsgi"])
    assert {finding["service"] for finding in report["findings"]} == {"uwsgi"} and report["only"] == ["uwsgi"]
    shown = model(report)
    assert shown["headline"].startswith("GO (only uwsgi): ") and shown["about"].startswith("only: uwsgi; ")


def test_a_configured_service_that_was_not_asked_for_is_not_missed():
    report = judge([host("web1", services=["uwsgi", "postgresql"])], CATALOGUE, only=["uwsgi"])
    assert report["verdict"] == "go"


def test_an_unreachable_host_is_unknown_all_the_same():
    assert judge([host("web1"), Asked("b", problem="not reachable: off")], CATALOGUE, only=["uwsgi"])["verdict"] == "unknown"


def test_a_service_that_no_host_runs_is_no_go():
    report = judge([host("web1")], CATALOGUE, only=["mysql"])
    assert report["verdict"] == "unknown" and "No host runs MySQL" in report["findings"][0]["finding"]


def test_what_was_not_asked_for_is_neither_gone_nor_new():
    whole, part = judge([host("web1", 1.0, load=9)], CATALOGUE), judge([host("web1", 1.0)], CATALOGUE, only=["uwsgi"])
    assert compare_lines(whole, part) == ["verdict: no-go → no-go"]
    assert compare_lines(part, whole) == ["verdict: no-go → no-go"]


def test_a_watch_of_some_services_announces_no_end_of_the_others():
    whole, part = judge([host("web1", 1.0, load=9)], CATALOGUE), judge([host("web1", 1.0)], CATALOGUE, only=["uwsgi"])
    _changes, states = changed({}, subjects(whole), 1.0)
    for at in (2.0, 3.0):
        changes, states = changed(states, subjects(part), at, part["only"])
        assert not changes
    assert any("server_load" in subject for subject in states), "it is remembered for the next whole round"
