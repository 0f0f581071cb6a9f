# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values that were written over others: where many clients miss one key, each of them computes its value and writes it."""

from __future__ import annotations

import typing as t

from ..._collect.derived import Window, negative, total
from ..._collect.facts import Maybe, Unknown, measured
from ..._collect.sampling import Number
from . import commands, parse
from .samples import Sample

#: What writes a whole value, what takes keys away, and what takes all.
WRITES, REMOVES, EMPTIES = ("set", "setex", "psetex"), ("del", "unlink", "getdel"), ("flushall", "flushdb")


def overwrites(first: Sample, latest: Sample, window: Window) -> Maybe[Number]:
    """Of all values that were written those that added no key: keys came by the others, or went meanwhile.

    A command that takes several keys away counts as one; keys that other commands add count as if these had.
    """
    why = latest.refused.get("INFO commandstats") or window.reason or (latest.why_not("INFO commandstats") if not latest.commands else None)
    if why:
        return Unknown(why)
    if _calls(first, latest, EMPTIES) not in (0, None):
        return Unknown("it was emptied in the window")
    lost = total([window.moved("expired_keys"), window.moved("evicted_keys"), _calls(first, latest, REMOVES)])
    added = total([_keys(latest), negative(_keys(first)), lost])
    again = total([_calls(first, latest, WRITES), negative(added)])
    return again if isinstance(again, Unknown) else max(0, again)


def _calls(first: Sample, latest: Sample, names: t.Iterable[str]) -> Maybe[Number]:
    return total(
        commands.moved_of(first.commands.get(name, {}), latest.commands.get(name, {"calls": "0"}), "calls", name) for name in names
    )


def _keys(sample: Sample) -> Maybe[Number]:
    sizes = parse.databases(sample.info).values()
    return total(measured(parse.count(size, "keys"), "INFO does not report the keys of a database") for size in sizes)
