# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the code of the longest requests is, from the stacks of their workers: equal ones together."""

from __future__ import annotations

import collections
import typing as t

from .observed import Instance, Row, rows_in


class Spot(t.NamedTuple):
    """`workers` workers that do the same: where they are, and where the application's own code called that (the same, or unknown)."""

    work: str
    at: str
    own: t.Optional[str]
    workers: int


def spots(instance: Instance) -> list[Spot]:
    """Most workers first; none where no stacks were asked for or could be read."""
    found = [_spot(row) for row in instance.rows("stacks")]
    counted = collections.Counter(spot for spot in found if spot is not None)
    return [Spot(*spot, workers) for spot, workers in counted.most_common()]


def _spot(row: Row) -> t.Optional[tuple[str, str, t.Optional[str]]]:
    frames = rows_in(row.get("frames"))
    if not frames:
        return None
    own = next((frame for frame in frames if frame.get("own") is True), None)
    return row.word("work"), _place(frames[0]), None if own is None else _place(own)


def _place(frame: Row) -> str:
    """`account (shop/views.py:60)`"""
    line = frame.number("line")
    return f"{frame.word('function')} ({frame.word('file')}{'' if line is None else f':{int(line)}'})"
