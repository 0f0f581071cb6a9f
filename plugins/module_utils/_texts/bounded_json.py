# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""JSON of others: parsed one document at a time, and only when what it makes fits into our memory.

A megabyte of `[[],[],[],...` becomes forty of lists. NaN and infinities, which are no JSON, are null.
"""

from __future__ import annotations

import json
import math
import threading
import typing as t

#: Values of all kinds that a document may hold: some hundred bytes of memory each.
MOST_VALUES = 300_000
_ONE_AT_A_TIME = threading.Lock()


class TooMuch(ValueError):
    """More values than any answer of a service has."""


def load(data: bytes, most: int = MOST_VALUES) -> t.Any:
    """The document; foreign bytes and control characters inside texts are let through. ValueError when it is none."""
    if data.count(b",") + data.count(b"[") + data.count(b"{") > most:
        raise TooMuch(f"more than {most} values")
    try:
        with _ONE_AT_A_TIME:
            return json.loads(data.decode("utf-8", "replace"), strict=False, parse_constant=lambda _name: None, parse_float=_finite)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _finite(text: str) -> t.Optional[float]:
    value = float(text)
    return value if math.isfinite(value) else None
