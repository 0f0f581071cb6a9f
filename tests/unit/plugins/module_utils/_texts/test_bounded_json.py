# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""JSON of others becomes no more memory than we have."""

from __future__ import annotations

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._texts import bounded_json


@pytest.mark.parametrize("data", [b"[" + b"[]," * 400_000 + b"[]]", b"[" + b"0," * 400_000 + b"0]", b"[" + b"{}," * 200_000 + b"{}]"])
def test_more_values_than_any_answer_has(data: bytes) -> None:
    with pytest.raises(bounded_json.TooMuch, match="300000 values"):
        bounded_json.load(data)


@pytest.mark.parametrize("data", [b"", b"{", b"[" * 100_000, b'{"a":' * 100_000, b"\xff"])
def test_what_is_no_json(data: bytes) -> None:
    with pytest.raises(ValueError):
        bounded_json.load(data)


def test_what_is_let_through() -> None:
    read = bounded_json.load(b'{"a\xff": "b\n", "c": NaN, "d": 1e999, "e": [1, 2.5]}')
    assert read == {"a\ufffd": "b\n", "c": None, "d": None, "e": [1, 2.5]}
