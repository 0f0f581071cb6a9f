# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How often Python looks for objects that only refer to each other.

The facts and findings of a large fleet are millions of objects that all stay: looking through them again and again finds nothing and
takes a fifth of the time. Judging a host leaves no rings behind (a test counts them), so that seldom may be very seldom.
"""

from __future__ import annotations

import contextlib
import gc
import typing as t

#: New objects after which Python looks; it is 700 without us. Ten thousand hosts make five million.
OBJECTS = 10_000_000


@contextlib.contextmanager
def seldom_collected() -> t.Iterator[None]:
    """While it lasts Python looks seldom, as what stays is most of what is made."""
    before = gc.get_threshold()
    if 0 < before[0] < OBJECTS:
        gc.set_threshold(OBJECTS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
