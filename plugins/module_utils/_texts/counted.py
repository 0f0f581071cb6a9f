# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A number with its words, which agree with it."""

from __future__ import annotations

import typing as t


def counted(number: t.Any, single: str, several: str) -> str:
    """`counted(1, "line is", "lines are")` → `1 line is`."""
    return f"{number} {single if number == 1 else several}"
