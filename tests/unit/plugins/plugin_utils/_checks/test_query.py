# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""JMESPath with errors for people, and the reasons that instances give (cases F-01, F-06, F-09)."""

from __future__ import annotations

import json
import sys

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._checks import query
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.query import Query, Unknowable, WrongQuery, reason_in


def test_case_F_01_a_missing_key_is_unknown_and_named(case):
    data = json.loads(case("F-01.json"))
    with pytest.raises(Unknowable, match="varnish.hit_ratio"):
        Query(data["rule"]["expr"]).known(data)


def test_case_F_06_each_form_works_or_is_refused(case):
    for entry in json.loads(case("F-06.json")):
        refused = entry["today"] in ("LexerError", "ParseError") or '== "' in entry["expr"]
        if refused:
            with pytest.raises(WrongQuery):
                Query(entry["expr"])
        else:
            assert Query(entry["expr"])(entry["data"]) == entry["today"]


@pytest.mark.parametrize("text", ["", "  ", "a >", "a[", 'l[?s == "active"]', 'l[?"x" != s]', "my-key", "i > 3", None, 5])
def test_refuses(text):
    with pytest.raises(WrongQuery):
        Query(text)


def test_a_quoted_text_may_hold_a_comparison_with_double_quotes():
    assert Query("""l[?q == 'a == "b"']""")({"l": [{"q": 'a == "b"'}]}) == [{"q": 'a == "b"'}]


def test_bare_number_gets_its_hint():
    with pytest.raises(WrongQuery, match="backticks"):
        Query("i > 3")


def test_what_cannot_be_computed_is_unknown():
    with pytest.raises(Unknowable, match="length"):
        Query("length(missing)")({})
    with pytest.raises(Unknowable, match="events are off"):
        Query("length(tasks.failed)")({"unknown": {"tasks": "events are off"}})


@pytest.mark.parametrize(
    "expression, reason",
    [
        ("a", "A"),
        ("b.c.d", "BC"),
        ("b.x", "B"),
        ("z", None),
        ("ab", None),
        ("max_by(b.c, &d)", "BC"),
        ("z[?x=='a']", None),
        ('"a"', "A"),
    ],
)
def test_reason_by_the_longest_prefix(expression, reason):
    assert reason_in({"unknown": {"a": "A", "b": "B", "b.c": "BC"}}, expression) == reason


@pytest.mark.parametrize("data", [None, [], {"unknown": None}, {"unknown": "no"}, {}])
def test_no_reasons_to_give(data):
    assert reason_in(data, "a") is None


def test_case_F_09_missing_library_is_said_with_interpreter_and_side(monkeypatch):
    monkeypatch.setattr(query, "jmespath", None)
    with pytest.raises(WrongQuery) as raised:
        Query("a")
    assert all(word in str(raised.value) for word in ("jmespath", "controller", sys.executable))
