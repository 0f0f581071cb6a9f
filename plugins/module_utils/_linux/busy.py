# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A busy worker as its service tells it: what of it is looked at is for others, which are sent to the hosts that have workers only."""

from __future__ import annotations

import typing as t


class Busy(t.NamedTuple):
    """A worker with requests in it: how many of its threads may have one, how many have, and what it works on (a page, a task).

    `master`: the process that hands it work over a pipe, so that one who reads from that is free.
    """

    pid: int
    threads: int
    requests: int
    label: str
    master: t.Optional[int] = None
