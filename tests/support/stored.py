# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stored reports: what launch.json held, to be compared with what it holds now.

After an intended change run the test with `UPDATE_STORED_REPORTS=1`, then read the difference. A key that disappears or changes its
type needs a higher `SCHEMA`.
"""

from __future__ import annotations

import json
import os
import pathlib
import typing as t

RENEW = "if this change is intended: run the test with UPDATE_STORED_REPORTS=1, then read the difference"
STORED = pathlib.Path(__file__).resolve().parents[1] / "unit/fixtures/reports"


def stored(name: str, made: t.Any) -> t.Any:
    """What is stored under this name; with UPDATE_STORED_REPORTS, what was made just now."""
    path = STORED / f"{name}.json"
    if os.environ.get("UPDATE_STORED_REPORTS"):
        path.write_text(json.dumps(made, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
    return json.loads(path.read_text(encoding="utf-8"))


def required(kind: t.Any) -> set[str]:
    """The keys that a declared record must have; annotations are texts, so `__required_keys__` does not say."""
    return {name for name, annotation in kind.__annotations__.items() if "NotRequired" not in str(annotation)}
