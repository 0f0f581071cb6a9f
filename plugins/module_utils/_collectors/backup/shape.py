# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the files of two looks to facts. Pure."""

from __future__ import annotations

import os
import typing as t

from ..._collect.derived import age
from ..._collect.facts import Facts, Maybe, Unknown
from ..._collect.sampling import ratio
from ..._texts.redact import clean
from .fetch import FUTURE, Copy

NO_SIZE = "it is a folder of which not all may be seen, or with more files than are counted"
MARKED = "a marker tells no size"


def shape(first: t.Sequence[Copy], second: t.Sequence[Copy], now: float, free: t.Optional[int], marked: t.Optional[Maybe[float]]) -> Facts:
    """The measures of one backup. `marked`: the age by its marker, in place of files."""
    facts = Facts()
    growing = bool(first and second and first[0].path == second[0].path and first[0].size != second[0].size)
    rows = list(second or first)
    if growing:
        facts.note(f"{clean(os.path.basename(rows[0].path), 80)} is being written; what is judged is the one before it.")
        rows = rows[1:]
    facts.put("writing", growing)
    facts.put("copies_total", len(rows) if marked is None else Unknown("a marker tells only that a backup was made"))
    newest = rows[0] if rows else None
    none = "the only one is being written" if growing else MARKED
    only = "the only one is being written"
    facts.put("newest_age_seconds", marked if marked is not None else age(now, newest.modified if newest else None, only, FUTURE))
    facts.put("newest_name", clean(os.path.basename(newest.path.rstrip("/")), 120) if newest else None, none)
    size = newest.size if newest else None
    facts.put("newest_bytes", size, NO_SIZE if newest else none)
    before = rows[1].size if len(rows) > 1 else None
    facts.put("previous_bytes", before, NO_SIZE if len(rows) > 1 else "there is no other backup to compare with")
    facts.put("size_factor", ratio(size, before), "there is no size, or no other backup, to compare with")
    facts.put("comparable", marked is None and len(rows) > 1)
    facts.put("free_bytes", free, MARKED if marked is not None else "its filesystem does not say what is free")
    facts.put("room_factor", ratio(free, size), "the size of the newest, or what is free, is not known")
    facts.put("sized", marked is None)
    return facts
