# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why an instance gave nothing: raised by the fetch and parse layers, turned into facts by `gather`."""

from __future__ import annotations

import os


class Problem(Exception):
    """One sentence: what is wrong and what to do about it. It never holds a secret and never a traceback.

    A plain Problem means that something is there and could not be read (no permission, a library missing,
    an answer that is not what the service sends): the instance is `unreadable` and its checks are unknown.
    """

    state = "unreadable"


def fault(error: BaseException) -> str:
    """An error that nobody foresaw, by its kind and place. Never by its text, which may hold what it stumbled over."""
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    place = f" in {os.path.basename(at.tb_frame.f_code.co_filename)}, line {at.tb_lineno}" if at is not None else ""
    return f"{type(error).__name__}{place}; please report this"


class Down(Problem):
    """Nothing answers where the service should be, or the service itself says that it is stopped."""

    state = "down"
