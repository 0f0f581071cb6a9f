# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much Python does, counted and not timed: the same on any machine."""

from __future__ import annotations

import sys
import typing as t


def work(run: t.Callable[[], t.Any], *within: str) -> int:
    """Calls of functions, and the lines that those in these folders execute: each turn of a loop is one at least."""
    done = 0

    def line(_frame: t.Any, event: str, _argument: t.Any) -> t.Any:
        nonlocal done
        done += event == "line"
        return line

    def call(frame: t.Any, _event: str, _argument: t.Any) -> t.Any:
        nonlocal done
        done += 1
        return line if any(folder in frame.f_code.co_filename for folder in within) else None

    before = sys.gettrace()
    sys.settrace(call)
    try:
        run()
    finally:
        sys.settrace(before)
    return done
