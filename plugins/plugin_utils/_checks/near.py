# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was probably meant by a misspelt name."""

from __future__ import annotations

import difflib
import typing as t


def near(name: t.Any, known: t.Iterable[t.Any]) -> str:
    """`; did you mean …?`, or nothing when no name is close."""
    close = difflib.get_close_matches(str(name), [each for each in known if isinstance(each, str)], 1)
    return f"; did you mean {close[0]}?" if close else ""
