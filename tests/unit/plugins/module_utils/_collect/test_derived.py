# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What rests on an unknown part is unknown; what cannot be is implausible."""

from __future__ import annotations

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect import derived
from ansible_collections.warroom.launch.plugins.module_utils._collect.derived import Window
from ansible_collections.warroom.launch.plugins.module_utils._collect.facts import Facts, Unknown
from ansible_collections.warroom.launch.plugins.module_utils._collect.sampling import ONE_SAMPLE

HIDDEN = Unknown("hidden from this user")


def lacking(name):
    return f"this version has no {name}"


def test_a_window_gives_movements_rates_and_sums():
    window = Window({"a": 10, "b": 1}, {"a": 30, "b": 2}, 5.0, lacking)
    assert (window.moved("a"), window.rate("a"), window.sum("a", "b", "c"), window.now("a")) == (20, 4.0, 21, 30)


def test_a_window_says_why_it_knows_nothing():
    assert Window({"a": 1}, None, None, lacking).moved("a") == Unknown(ONE_SAMPLE)
    assert Window({"a": 1}, {"a": 2}, 5.0, lacking, "restarted").rate("a") == Unknown("restarted")
    window = Window({"a": 10}, {"a": 3}, 5.0, lacking)
    assert "a ran backwards" in window.moved("a").reason and "a ran backwards" in window.rate("a").reason
    assert window.moved("b") == window.now("b") == window.sum("b", "c") == Unknown("this version has no b")


def test_a_counter_below_zero_is_implausible():
    assert Window({"a": -3}, None, None, lacking).now("a").reason.startswith("implausible")


@pytest.mark.parametrize(
    ("part", "whole", "slack", "right"),
    [(1, 4, 0.0, 0.25), (0, 4, 0.0, 0.0), (4, 4, 0.0, 1.0), (41, 40, 0.05, 1.0), (0, 0, 0.0, "no gets"), (HIDDEN, 4, 0.0, "hidden")],
)
def test_shares(part, whole, slack, right):
    value = derived.share(part, whole, "no gets", slack)
    assert value == right if isinstance(right, float) else right in value.reason


@pytest.mark.parametrize(("part", "whole"), [(5, 4), (-1, 4), (41, 40)])
def test_a_share_outside_of_a_whole_is_implausible(part, whole):
    assert derived.share(part, whole, "").reason == f"implausible: {part} of {whole}"


def test_more_than_time_and_cores_allow_is_implausible():
    assert derived.at_most(3.0, 4, "cores used") == 3.0 and derived.at_most(4.1, 4, "cores used", 0.05) == 4.1
    assert derived.at_most(9.0, 4, "cores used").reason == "implausible: cores used: 9 where 4 is the most there can be"
    assert derived.at_most(9.0, None, "cores used") == 9.0


def test_two_counters_that_must_differ():
    assert derived.must_differ(3, 4, "x") == 3 and derived.must_differ(0, 0, "x") == 0
    assert derived.must_differ(4, 4, "every connection was rejected").reason == "implausible: every connection was rejected"


def test_a_whole_of_which_a_part_is_unknown():
    assert derived.total([1, 2]) == 3 and derived.total([1, HIDDEN]) == HIDDEN and derived.total([]) == 0
    assert derived.largest([0.2, HIDDEN], "none") == HIDDEN and derived.largest([1.0, HIDDEN], "none", ceiling=1.0) == 1.0
    assert derived.largest([1, 3], "none") == 3 and derived.largest([], "none") == Unknown("none")
    assert derived.smallest([0, HIDDEN], "none", floor=0) == 0 and derived.smallest([2, HIDDEN], "none", floor=0) == HIDDEN
    assert derived.any_of([True, HIDDEN]) is True and derived.any_of([False, HIDDEN]) == HIDDEN and derived.any_of([False]) is False
    assert derived.all_of([False, HIDDEN]) is False and derived.all_of([True, HIDDEN]) == HIDDEN and derived.all_of([True]) is True
    assert derived.count_of([True, False]) == 1 and derived.count_of([True, HIDDEN]) == HIDDEN and derived.count_of([]) == 0


def test_what_the_known_parts_are_at_least_goes_with_an_unknown_whole():
    facts = Facts()
    derived.put_largest(facts, "oldest_seconds", [3.0, HIDDEN, 900.0], "no task runs")
    derived.put_total(facts, "waiting", [4, HIDDEN])
    derived.put_largest(facts, "none_seconds", [], "no task runs")
    derived.put_total(facts, "all", [1, 2])
    done = facts.done()
    assert done["at_least"] == {"oldest_seconds": 900.0, "waiting": 4} and done["all"] == 3
    assert done["unknown"] == {"oldest_seconds": HIDDEN.reason, "waiting": HIDDEN.reason, "none_seconds": "no task runs"}


@pytest.mark.parametrize("first, second", [(5, 2**64 - 3), (2**64 - 3, 2**64 - 1), (-4, 5), (-4, -1), (3, -1)])
def test_a_counter_below_nothing_moved_by_no_number(first: int, second: int) -> None:
    """https://github.com/unbit/uwsgi/issues/1489: 18446744073709524 ms; https://github.com/prometheus/node_exporter/issues/1849"""
    change = derived.moved(first, second, "it is not told", "x")
    assert isinstance(change, Unknown) and change.reason.startswith("implausible")


@pytest.mark.parametrize("value", [-1, "-1", -1.0, b"-1"])
def test_what_is_told_as_minus_one_is_not_told(value: object) -> None:
    """https://github.com/dragonflydb/dragonfly/blob/main/src/server/server_family.cc: rejected_connections:-1, for ever"""
    window = derived.Window({"x": value}, {"x": value}, 5.0, lambda name: f"this server does not tell {name}")
    for told in (window.now("x"), window.before("x"), window.moved("x"), window.rate("x"), window.sum("x")):
        assert told == Unknown("this server does not tell x (it says -1, and does not count it)")
