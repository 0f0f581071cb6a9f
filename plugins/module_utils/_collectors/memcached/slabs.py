# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Slab classes: who evicts, and how much memory the size classes waste."""

from __future__ import annotations

import typing as t

from ..._collect.sampling import Number, delta, ratio, top
from .parse import count

Rows = t.Mapping[int, t.Mapping[str, str]]

#: Which command the measures below rest on.
NEEDS = (
    ("stats items", ("evicting", "evicting_total", "eviction_age_seconds")),
    ("stats slabs", ("wasted_bytes", "wasted_ratio", "slab_classes", "slab_classes_total")),
)


def facts(before: Rows, after: Rows, slabs: Rows, comparable: bool, keep: int) -> dict[str, t.Any]:
    classes = [_evicting(number, before.get(number, {}), row, slabs.get(number, {})) for number, row in after.items()]
    evicting = [row for row in classes if row["evictions"]] if comparable else []
    ages = [row["age_seconds"] for row in evicting if row["age_seconds"] is not None]
    waste = [_waste(number, row, after.get(number, {})) for number, row in slabs.items()]
    known = [row for row in waste if row["wasted_bytes"] is not None]
    used = sum(row["used_bytes"] for row in known)
    return {
        "evicting": top(evicting, "evictions", keep) if comparable else None,
        "evicting_total": len(evicting) if comparable else None,
        # seconds since the last use of what was evicted last: short means that live data is thrown out
        "eviction_age_seconds": min(ages) if ages else None,
        "wasted_bytes": sum(row["wasted_bytes"] for row in known) if known else None,
        "wasted_ratio": ratio(sum(row["wasted_bytes"] for row in known), used),
        "slab_classes": top(known, "wasted_bytes", keep) if known else None,
        "slab_classes_total": len(slabs) or None,
    }


def _evicting(number: int, before: t.Mapping[str, str], after: t.Mapping[str, str], slab: t.Mapping[str, str]) -> dict[str, t.Any]:
    return {
        "slab_class": number,
        "chunk_bytes": count(slab, "chunk_size"),
        "evictions": delta(before.get("evicted", 0), after.get("evicted")),
        "age_seconds": count(after, "evicted_time"),
        "out_of_memory": delta(before.get("outofmemory", 0), after.get("outofmemory")),
    }


def _waste(number: int, slab: t.Mapping[str, str], items: t.Mapping[str, str]) -> dict[str, t.Any]:
    asked: t.Optional[Number] = count(slab, "mem_requested")
    if asked is None:
        asked = count(items, "mem_requested")  # moved to `stats items`
    chunk, chunks = count(slab, "chunk_size"), count(slab, "used_chunks")
    used = None if chunk is None or chunks is None else chunk * chunks
    wasted = None if used is None or asked is None else max(0, used - asked)
    return {
        "slab_class": number,
        "chunk_bytes": chunk,
        "pages": count(slab, "total_pages"),
        "used_bytes": used,
        "wasted_bytes": wasted,
        "wasted_ratio": ratio(wasted, used),
    }
