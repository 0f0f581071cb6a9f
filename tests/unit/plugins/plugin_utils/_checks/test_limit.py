# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Limits: what they mean, what they refuse, what they cannot know (cases A-05, A-14, F-01)."""

from __future__ import annotations

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._checks.limit import Comparison, Limit, WrongLimit
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.query import Unknowable


@pytest.mark.parametrize(
    "limit, value, holds",
    [
        (">= 0.75", 0.75, True),
        (">= 0.75", 0.7499, False),
        (">0", 1, True),
        ("< 5", 5, False),
        ("<= 5", 5, True),
        ("== 3", 3.0, True),
        ("!= 3", 3, False),
        ("== true", True, True),
        ("== false", True, False),
        ("!= true", False, True),
        ("== 'x'", "x", True),
        ('!= "x"', "y", True),
        ("== ''", "", True),
        (">= -2", -1, True),
        ("> 1e3", 1001, True),
        (">= 5", "7", True),
    ],
)
def test_holds(limit, value, holds):
    assert Comparison.parse(limit).holds(value) is holds


@pytest.mark.parametrize(
    "limit",
    ["", "5", 5, True, None, ">= x", "== up", "=> 5", "> true", "< 'a'", "> nan", "> inf", ">=", [], {"value": "x"}, {}, {"a b": "> 1"}],
)
def test_refuses(limit):
    with pytest.raises(WrongLimit):
        Limit.parse(limit)


@pytest.mark.parametrize(
    "limit, value",
    [
        ("> 5", None),
        ("> 5", float("nan")),
        ("< 5", float("nan")),
        ("> 5", "nan"),
        ("< 5", float("inf")),
        ("> 0", True),
        ("> 0", [1, 2]),
        ("> 0", {"a": 1}),
        ("> 0", "many"),
        ("== true", 1),
        ("== true", "true"),
        ("== 'x'", 1),
        ("> 0", "********"),
        ("== 'x'", "********"),
        ("> 5", "1******0"),
        ("!= 'x'", "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"),
    ],
)
def test_cannot_know(limit, value):
    with pytest.raises(Unknowable):
        Limit.parse(limit).holds({}, value)


def test_mapping_holds_when_every_entry_does():
    limit = Limit.parse({"value": ">= 0.95", "listen_queue": "> 0"})
    assert limit.text == ">= 0.95 and listen queue > 0"
    assert limit.holds({"listen_queue": 1}, 0.99) is True
    assert limit.holds({"listen_queue": 0}, 0.99) is False
    assert limit.holds({"listen_queue": 1}, 0.5) is False


def test_mapping_one_false_entry_decides_whatever_the_others_are():
    limit = Limit.parse({"value": ">= 0.95", "listen_queue": "> 0"})
    assert limit.holds({}, 0.5) is False
    with pytest.raises(Unknowable, match="listen_queue"):
        limit.holds({}, 0.99)


@pytest.mark.parametrize(
    "written, text",
    [
        ({"value": ">= 0.95", "filesystems[0].available_bytes": "< 5368709120"}, ">= 0.95 and available < 5 GiB"),
        ({"value": "> 1", "hit_ratio": "< 0.95"}, "> 1 and hit ratio < 95 %"),
        ({"listen_queue_ratio || `0`": ">= 0.9"}, "listen queue ratio >= 90 %"),
        ({"around_each_per_second": "> 5"}, "around each > 5/s"),
        ({"pool.cause": "== 'hot key'"}, "cause == 'hot key'"),
        ({"length(rows[?a > `1`])": "> 0", "says": "a row has more than one"}, "a row has more than one"),
        ({"value": "> 0", "length(rows[?a > `1`])": "> 0", "says": "a row has more than one"}, "> 0 and a row has more than one"),
    ],
)
def test_a_limit_in_words(written, text):
    assert Limit.parse(written).text == text


@pytest.mark.parametrize("written", [{"says": "nothing"}, {"value": "> 1", "says": 5}])
def test_words_alone_are_no_limit(written):
    with pytest.raises(WrongLimit, match="says"):
        Limit.parse(written)


def test_words_do_not_change_what_the_limit_asks():
    limit = Limit.parse({"value": "> 0", "length(rows)": "> 1", "says": "two rows"})
    assert limit.holds({"rows": [1, 2]}, 1) is True
    assert limit.holds({"rows": [1]}, 1) is False
    assert limit.operands == (0,)
