# Copyright: (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parse: the stats server's bytes as a dict."""

from __future__ import annotations

import json
import typing as t

from ..floor.problem import Problem
from ..floor.redact import clean


def stats(data: bytes) -> dict[str, t.Any]:
    """The document; foreign bytes and control characters inside its strings are let through (case U-04)."""
    try:
        document = json.loads(data.decode("utf-8", "replace"), strict=False)
    except ValueError:
        raise Problem(f"stats not complete JSON: {len(data)} bytes, beginning with {clean(data[:40])!r}") from None
    if not isinstance(document, dict):
        raise Problem(f"stats are not a JSON object: {clean(data[:40])!r}")
    return document
