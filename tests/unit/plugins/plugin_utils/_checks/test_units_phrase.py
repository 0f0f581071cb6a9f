# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Numbers and sentences as people read them."""

from __future__ import annotations

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._checks.phrase import Phrase
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.query import WrongQuery
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.units import shown, shown_beside


@pytest.mark.parametrize(
    "value, unit, text",
    [
        (None, "ratio", "unknown"),
        (0, "ratio", "0 %"),
        (0.94, "ratio", "94 %"),
        (0.9999, "ratio", "100 %"),
        (0.0034, "ratio", "0.34 %"),
        (1, "ratio", "100 %"),
        (0, "seconds", "0 s"),
        (0.0000021, "seconds", "2.1 µs"),
        (0.0021, "seconds", "2.1 ms"),
        (0.9994, "seconds", "999 ms"),
        (1.25, "seconds", "1.25 s"),
        (75, "seconds", "75 s"),
        (125, "seconds", "2 min 5 s"),
        (7200, "seconds", "2 h"),
        (7500, "seconds", "2 h 5 min"),
        (100000, "seconds", "1 d 3 h"),
        (2.5, "milliseconds", "2.5 ms"),
        (900, "bytes", "900 B"),
        (1536, "bytes", "1.5 KiB"),
        (5 * 2**30, "bytes", "5 GiB"),
        (3 * 2**50, "bytes", "3,072 TiB"),
        (10**400, "bytes", "more than 10^18"),
        (1e308, "ratio", "more than 10^18"),
        (2**20, "bytes_per_second", "1 MiB/s"),
        (12.34, "per_second", "12.3/s"),
        (1234567, "count", "1,234,567"),
        (0.123456, "count", "0.123"),
        (-3.5, "count", "-3.5"),
        (0.0, "count", "0"),
        (1e-9, "count", "< 0.0001"),
        (True, "boolean", "yes"),
        (float("nan"), "count", "unknown"),
        ([], None, "none"),
        ([1, 2], None, "1, 2"),
        (list(range(9)), None, "0, 1, 2, 3, 4 and 4 more"),
        ({"a": 1}, None, "a 1"),
    ],
)
def test_shown(value, unit, text):
    assert shown(value, unit) == text


@pytest.mark.parametrize(
    "text, rendered",
    [
        ("{workers.busy} of {workers.total}", "3 of 8"),
        ("{hit:ratio} hits", "94 % hits"),
        ("{missing} here", "unknown here"),
        ("{rows[?n=='b'].v | [0]}", "2"),
        ("{rows[0].{n: n, v: v}}", "n b, v 2"),
        ("sub vcl_recv {{ return (pass); }}", "sub vcl_recv { return (pass); }"),
        ("{join(', ', rows[].n)}", "b, c"),
        ("{value}", "50 %"),
        ("{value:count}", "0.5"),
        ("{length(missing)}", "unknown"),
        ("{workers.busy:worker/workers} {workers.busy:/is/are} busy", "3 workers are busy"),
        ("{workers.one:worker/workers} {workers.one:/is/are} busy", "1 worker is busy"),
        ("{missing:worker/workers}", "unknown workers"),
        ("{length(rows):missing index/missing indexes}", "2 missing indexes"),
        ("{'a:b/c'}", "a:b/c"),
        ("plain", "plain"),
        ("two\nlines  ", "two\nlines"),
    ],
)
def test_phrase(text, rendered):
    data = {"workers": {"busy": 3, "total": 8, "one": 1}, "hit": 0.94, "rows": [{"n": "b", "v": 2}, {"n": "c", "v": 3}], "value": 0.5}
    assert Phrase(text).render(data, "ratio") == rendered


@pytest.mark.parametrize("text", ["{", "a } b", "{a", "{}", "{a >}", "{a:ratio", "{'a}"])
def test_phrase_refuses(text):
    with pytest.raises(WrongQuery):
        Phrase(text)


def test_foreign_text_is_one_clean_line_and_never_parsed_again():
    hostile = "\x1b[2J{name}{{ 7*7 }}\n<script>\u202e"
    assert Phrase("{name}!").render({"name": hostile}) == "[2J{name}{{ 7*7 }} <script>!"


def test_a_very_long_text_is_cut():
    assert len(Phrase("{name}").render({"name": "x" * 100_000})) <= 300


@pytest.mark.parametrize(
    "value, unit, limits, text",
    [
        (0.8996, "ratio", [0.9], "just under 90 %"),
        (0.9004, "ratio", [0.9], "just over 90 %"),
        (0.9, "ratio", [0.9], "90 %"),
        (0.85, "ratio", [0.9, 0.75], "85 %"),
        (1.0001, "seconds", [1, 3], "just over 1 s"),
        (2**30 - 1, "bytes", [2**30], "just under 1 GiB"),
        (None, "ratio", [0.9], "unknown"),
        (True, "boolean", [True, 1], "yes"),
        ("a", "text", ["b"], "a"),
    ],
)
def test_a_value_that_only_rounds_to_its_limit_is_told_apart_from_it(value, unit, limits, text):
    assert shown_beside(value, unit, limits) == text


@pytest.mark.parametrize(
    ("template", "name", "text"),
    [
        ("ANALYZE {name:sql};", 'Order"; DROP TABLE x; --', 'ANALYZE "Order""; DROP TABLE x; --";'),
        ("-Q {name:shell}", "a;touch x", "-Q 'a;touch x'"),
        ("-Q {name:shell}", "mail", "-Q mail"),
        ("-Q {name:shell}", "x" * 400, "-Q " + "x" * 400),
        ("-Q {name:shell}", None, "-Q …"),
    ],
)
def test_a_name_in_what_may_be_pasted_is_quoted_for_its_language(template, name, text):
    assert Phrase(template).render({"name": name}) == text
