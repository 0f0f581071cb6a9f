# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Differences and ratios: nothing negative, nothing out of nothing."""

from __future__ import annotations

import datetime
import decimal

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect import sampling


@pytest.mark.parametrize(
    "first, second, expected",
    [(5, 8, 3), ("5", "8", 3), (8, 5, None), (None, 5, None), (5, None, None), ("x", 5, None), (True, 5, None), (2**64 - 2, 2**64 - 1, 1)],
)
def test_delta(first: object, second: object, expected: object) -> None:
    assert sampling.delta(first, second) == expected


@pytest.mark.parametrize(
    "value, expected",
    [
        ("12", 12), (b" 12 ", 12), ("-3", -3), ("1.5", 1.5), ("1e3", 1000.0), (".5", 0.5), (2**64 - 1, 2**64 - 1), (0, 0),
        (decimal.Decimal("0.95"), 0.95), (decimal.Decimal("7.00"), 7), (decimal.Decimal("NaN"), None), (decimal.Decimal("sNaN"), None),
        ("nan", None), ("inf", None), ("1e999", None), (float("nan"), None), (float("-inf"), None), (10**400, None), ("9" * 5000, None),
        ("\u00b2", None), ("\u0661\u0662", None), ("1_000", None), ("0x10", None), ("", None), (" ", None), ("12 kB", None),
        (b"\xff", None), (True, None), (None, None), ([1], None), (datetime.timedelta(1), None),
    ],
)  # fmt: skip
def test_a_number_is_finite_and_written_in_plain_digits(value: object, expected: object) -> None:
    found = sampling.number(value)
    assert found == expected and type(found) is type(expected)


def test_rate_and_ratio_of_nothing_are_unknown() -> None:
    assert sampling.rate(10, 5.0) == 2.0
    assert sampling.rate(10, 0) is None and sampling.rate(None, 5.0) is None and sampling.rate(10, None) is None
    assert sampling.ratio(0, 0) is None and sampling.ratio(1, None) is None and sampling.ratio(1, 4) == 0.25


def test_percentile_is_nearest_rank() -> None:
    values = [9, 1, 5, 3, 7]
    assert [sampling.percentile(values, share) for share in (0, 0.2, 0.5, 0.95, 1)] == [1, 1, 5, 9, 9]
    assert sampling.percentile([], 0.5) is None


def test_top_puts_unknown_last() -> None:
    rows = [{"n": "a", "v": None}, {"n": "b", "v": 2}, {"n": "c", "v": 9}]
    assert [row["n"] for row in sampling.top(rows, "v", 2)] == ["c", "b"]
