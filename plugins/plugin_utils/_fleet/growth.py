# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a measure grew over the stored rounds of a watch."""

from __future__ import annotations

import typing as t

from .nodes import Key


class Growth(t.NamedTuple):
    """From its value in the oldest of these rounds to that of the newest, and the pace of the line through all of them."""

    rounds: int
    seconds: float
    first: float
    last: float
    per_second: float


#: By instance: (host, service, name).
Growths = t.Mapping[Key, Growth]
NO_GROWTHS: Growths = {}
