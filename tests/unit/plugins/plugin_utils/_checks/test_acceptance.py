# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Known gaps: for which hosts, until when, and what is wrong with the setting."""

from __future__ import annotations

import datetime

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._texts import moments
from ansible_collections.warroom.launch.plugins.plugin_utils._checks import acceptance
from ansible_collections.warroom.launch.plugins.plugin_utils._judge.pipeline import judge, notes
from tests.support.report import CATALOGUE, host

DAY = datetime.date(2026, 12, 31)
NEXT = DAY + datetime.timedelta(days=1)


@pytest.mark.parametrize(
    "given, name, today, reason",
    [
        ("small", "db1", DAY, "small"),
        ({"reason": "small"}, "db1", DAY, "small"),
        ({"reason": "small", "hosts": ["db1"]}, "db1", DAY, "small"),
        ({"reason": "small", "hosts": ["db2"]}, "db1", DAY, None),
        ({"reason": "small", "hosts": "db1"}, "db1", DAY, "small"),
        ({"reason": "small", "hosts": ["replicas"]}, "db1", DAY, "small"),
        ({"reason": "small", "until": "2026-12-31"}, "db1", DAY, "small"),
        ({"reason": "small", "until": DAY}, "db1", DAY, "small"),
        ({"reason": "small", "until": "2026-12-31"}, "db1", NEXT, None),
        ([{"reason": "a", "hosts": ["db9"]}, {"reason": "b", "hosts": ["db1"]}], "db1", DAY, "b"),
        ([{"reason": "a", "until": "2026-12-30"}, {"reason": "b"}], "db1", DAY, "b"),
        ({"reason": "small", "hosts": ["db1"]}, "fleet", DAY, None),
        ({"reason": "small", "hosts": ["fleet"]}, "fleet", DAY, "small"),
    ],
)
def test_for_whom_and_until_when(given, name, today, reason):
    groups = ["replicas"] if name == "db1" else []
    assert acceptance.accepted({"check": given}, name, groups, today).valid.get("check") == reason


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "America/New_York", "UTC"])
def test_a_day_is_one_of_utc(zone, monkeypatch):
    monkeypatch.setenv("TZ", zone)
    last_second = moments.read("2026-12-31T23:59:59Z")
    assert moments.today(last_second) == DAY and moments.today(last_second + 1) == NEXT


def test_a_gap_whose_day_has_passed_counts_again_and_says_so():
    ended = judge([host("a", 1.0, accept={"uwsgi_busy": {"reason": "new machine comes", "until": "2020-01-31"}})], CATALOGUE)
    (finding,) = [each for each in ended["findings"] if each["check"] == "uwsgi_busy"]
    assert ended["verdict"] == "no-go" and finding["accepted"] is None
    assert finding["finding"].endswith("; it was accepted until 2020-01-31 (new machine comes)")


def test_one_of_two_hosts():
    gap = {"uwsgi_busy": {"reason": "small", "hosts": ["a"], "until": "2999-01-01"}}
    report = judge([host("a", 1.0, accept=gap), host("b", 1.0, accept=gap)], CATALOGUE)
    assert {each["host"]: each["accepted"] for each in report["findings"] if each["check"] == "uwsgi_busy"} == {"a": "small", "b": None}


@pytest.mark.parametrize(
    "accept, said",
    [
        (["x"], "must be a mapping"),
        ({"chek": "x"}, "there is no check chek; did you mean check?"),
        ({"check": ""}, "needs its reason"),
        ({"check": 5}, "needs its reason"),
        ({"check": {"hosts": ["a"]}}, "needs its reason"),
        ({"check": {"reason": "x", "host": ["a"]}}, "has no key host; did you mean hosts?"),
        ({"check": {"reason": "x", "hosts": []}}, "needs hosts as a list"),
        ({"check": {"reason": "x", "hosts": [1]}}, "needs hosts as a list"),
        ({"check": {"reason": "x", "hosts": {"a": 1}}}, "needs hosts as a list"),
        ({"check": {"reason": "x", "until": "Friday"}}, "needs until as a date such as 2026-12-31, not 'Friday'"),
        ({"check": {"reason": "x", "until": "2026-02-30"}}, "needs until as a date"),
        ({"check": [{"reason": "x"}, "", {"reason": "y", "until": 5}]}, "needs until as a date"),
    ],
)
def test_what_is_wrong_is_said(accept, said):
    assert said in "\n".join(acceptance.problems(accept, {"check"}))


def test_what_is_right_is_not():
    assert not list(acceptance.problems({"check": [{"reason": "x", "hosts": ["a"], "until": DAY}, "y"]}, {"check"}))


def test_a_host_that_the_inventory_lacks_is_noted():
    asked = [host("web1", accept={"uwsgi_busy": {"reason": "x", "hosts": ["webb1", "app", "fleet"]}})]
    assert notes(asked, {"groups": {"app": ["web1"]}, "addresses": {"web1": []}}) == [
        "launch_check_accept: check uwsgi_busy: the inventory has no host or group webb1; did you mean web1?"
    ]
