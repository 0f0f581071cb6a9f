# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One cleaner for everything that leaves a module or a filter (cases A-02, A-03, A-14, P-11)."""

from __future__ import annotations

import datetime
import decimal
import enum
import json

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._texts.plain import plain


class Colour(str, enum.Enum):
    RED = "red"


@pytest.mark.parametrize(
    "value, expected",
    [
        (decimal.Decimal("1.5"), 1.5),
        (decimal.Decimal("10"), 10),
        (decimal.Decimal("NaN"), None),
        (float("inf"), None),
        (-0.0, 0.0),
        (datetime.timedelta(0), 0.0),
        (datetime.timedelta(seconds=90), 90.0),
        (datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc), "2026-01-02T03:04:05.000Z"),
        (b"caf\xe9", "caf\ufffd"),
        ("caf\udce9", "caf\ufffd"),
        ("a\0b", "ab"),
        ({"b", "a"}, ["a", "b"]),
        ({(1, 2): 3, None: 1}, {"1,2": 3, "None": 1}),
        ((1, [2.0, {"x": True}]), [1, [2.0, {"x": True}]]),
        (Colour.RED, "red"),
        (2**64 - 1, 18446744073709551615),
    ],
)
def test_kinds(value: object, expected: object) -> None:
    got = plain(value)
    assert got == expected and str(got) == str(expected) and type(got) in (str, int, float, bool, type(None), list, dict)
    json.dumps(got, allow_nan=False).encode("utf-8")


def test_cyclic_value_ends() -> None:
    value: list[object] = []
    value.append(value)
    json.dumps(plain(value))
