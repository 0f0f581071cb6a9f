# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a watch has stored and told so far, seen from outside."""

from __future__ import annotations

import contextlib
import pathlib
import re
import sqlite3


def stored(report: pathlib.Path) -> list[str]:
    """The verdicts of the rounds in the report's directory, oldest first."""
    if not (report / "rounds.db").exists():
        return []
    with contextlib.closing(sqlite3.connect(report / "rounds.db", timeout=10)) as db:
        try:
            return [verdict for (verdict,) in db.execute("SELECT verdict FROM rounds ORDER BY id")]
        except sqlite3.OperationalError:  # just made, still without tables
            return []


def told(output: pathlib.Path, words: str) -> list[str]:
    """The lines of the watch that are a time of UTC and these words (a regular expression)."""
    return re.findall(rf"^[0-9:]{{8}}Z {words}$", output.read_text(), re.M)
