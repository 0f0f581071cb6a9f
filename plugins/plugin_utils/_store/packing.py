# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A round's statuses and values as a few kilobytes: one byte and one float per finding, compressed.

A day of ten-second rounds over fifty hosts is 26 million findings; as rows they would be gigabytes.
"""

from __future__ import annotations

import array
import math
import sys
import typing as t
import zlib

#: The place of a status in this list is its byte; "" means that the finding was not there in that round.
STATUSES = ("", "ok", "warn", "fail", "unknown", "skipped")
_CODE = {status: code for code, status in enumerate(STATUSES)}


def pack(row: t.Mapping[int, tuple[str, t.Optional[float]]]) -> bytes:
    """Findings by key number (from 1) as bytes: {key: (status, value)}."""
    size = max(row, default=0)
    statuses = bytearray(size)
    values = array.array("f", [math.nan]) * size
    for key, (status, value) in row.items():
        statuses[key - 1] = _CODE[status]
        if value is not None:
            values[key - 1] = value
    if sys.byteorder == "big":
        values.byteswap()
    return zlib.compress(bytes(statuses) + values.tobytes(), 6)


def unpacked(data: bytes, most: int) -> bytes:
    """What was compressed, up to `most` bytes: a damaged text may pretend to be gigabytes."""
    reader = zlib.decompressobj()
    raw = reader.decompress(data, most)
    if not reader.eof:
        raise ValueError("a compressed text that has no end")
    return raw


class Row:
    """An unpacked round: status and value of a key in constant time."""

    def __init__(self, data: bytes) -> None:
        raw = unpacked(data, 64 * 1024 * 1024)
        size = len(raw) // 5
        if len(raw) != 5 * size or any(code >= len(STATUSES) for code in raw[:size]):
            raise ValueError("a row that nobody packed")
        self._statuses = raw[:size]
        self._values = array.array("f")
        self._values.frombytes(raw[size:])
        if sys.byteorder == "big":
            self._values.byteswap()

    def status(self, key: int) -> str:
        return STATUSES[self._statuses[key - 1]] if 0 < key <= len(self._statuses) else ""

    def value(self, key: int) -> t.Optional[float]:
        if not 0 < key <= len(self._values):
            return None
        value = self._values[key - 1]
        return float(f"{value:.7g}") if math.isfinite(value) else None  # back from single precision without its noise
