# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Slab classes: who evicts, and how much memory the size classes waste."""

from __future__ import annotations

import typing as t

from ..._collect.derived import Window, moved, per, share, smallest, total
from ..._collect.facts import Facts, Maybe, Unknown, known, measured
from ..._collect.sampling import Number
from .parse import count
from .samples import Sample

NO_EVICTION = "nothing was evicted in the window"
EMPTY = "the cache is empty"

Row = t.Mapping[str, str]


def put(facts: Facts, first: Sample, latest: Sample, window: Window, keep: int) -> None:
    """Which size classes evict in the window, and what all of them waste."""
    _evicting(facts, first, latest, window, keep)
    _waste(facts, latest, keep)


def _evicting(facts: Facts, first: Sample, latest: Sample, window: Window, keep: int) -> None:
    why = latest.refused.get("stats items") or window.reason
    if why:
        facts.rows("evicting", Unknown(why), keep)
        facts.put("eviction_age_seconds", Unknown(why))
        return
    classes = [_class(number, first.classes.get(number, {}), row, latest.slabs.get(number, {})) for number, row in latest.classes.items()]
    rows = sorted((row for row in classes if known(row["evictions"])), key=lambda row: -row["evictions"])
    facts.rows("evicting", rows, keep)
    # seconds since the last use of what was evicted last: short means that live data is thrown out
    facts.put("eviction_age_seconds", smallest((row["age_seconds"] for row in rows), NO_EVICTION, floor=0))


def _class(number: int, before: Row, after: Row, slab: Row) -> dict[str, t.Any]:
    return {
        "slab_class": number,
        "chunk_bytes": _told(slab, "chunk_size"),
        "evictions": _moved(before, after, "evicted"),
        "age_seconds": _told(after, "evicted_time"),
        "out_of_memory": _moved(before, after, "outofmemory"),
    }


def _told(row: Row, name: str) -> Maybe[Number]:
    return measured(count(row, name), f"this version has no {name} of a size class")


def _moved(before: Row, after: Row, name: str) -> Maybe[Number]:
    return moved(before.get(name, 0), after.get(name), f"this version has no {name} of a size class", name)


def _waste(facts: Facts, latest: Sample, keep: int) -> None:
    rows = [_row(number, row, latest.classes.get(number, {})) for number, row in latest.slabs.items()]
    empty = known(measured(count(latest.stats, "curr_items"), "")) == 0
    if not rows:
        why = Unknown(EMPTY if empty and "stats slabs" not in latest.refused else latest.why_not("stats slabs"))
        facts.put("wasted_bytes", why)
        facts.put("wasted_ratio", why)
        facts.rows("slab_classes", why, keep)
        return
    wasted = total(row["wasted_bytes"] for row in rows)
    facts.put("wasted_bytes", wasted)
    facts.put("wasted_ratio", share(wasted, total(row["used_bytes"] for row in rows), EMPTY))
    rows.sort(key=lambda row: -(known(row["wasted_bytes"]) or 0))
    facts.rows("slab_classes", rows, keep)


def _row(number: int, slab: Row, items: Row) -> dict[str, t.Any]:
    asked = count(slab, "mem_requested")
    if asked is None:
        asked = count(items, "mem_requested")  # moved to `stats items`
    chunk, chunks = _told(slab, "chunk_size"), _told(slab, "used_chunks")
    used: Maybe[Number] = chunk if isinstance(chunk, Unknown) else chunks if isinstance(chunks, Unknown) else chunk * chunks
    if asked is None and used == 0:
        asked = 0  # `stats items` has no row of an empty class
    requested = measured(asked, "this version has no mem_requested of a size class")
    unknown = next((part for part in (used, requested) if isinstance(part, Unknown)), None)
    wasted: Maybe[Number] = unknown if unknown is not None else max(0, t.cast(Number, used) - t.cast(Number, requested))
    return {
        "slab_class": number,
        "chunk_bytes": chunk,
        "pages": _told(slab, "total_pages"),
        "used_bytes": used,
        "wasted_bytes": wasted,
        "wasted_ratio": per(wasted, used, "the class is empty"),
    }
