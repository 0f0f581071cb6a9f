# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stampede on one key: it expires, and every worker that misses it computes the same value at the same time.

No counter names the key. What tells is that three agree: the misses of a cache, the values that were written over one that another
worker had just written, and the calls of one expensive statement, which most requests do without.
"""

from __future__ import annotations

import typing as t

from .._fleet.observed import Instance, Row
from .cause import Cause, percent, several
from .database import LABEL, TOOLS
from .dependencies import SLOW
from .extent import grouped, users_among
from .fleet_view import Fleet
from .query_counts import is_in_it
from .waits import pages_of

#: Workers that computed the same, at least, and for each item that expired.
HERD = 3.0
#: What is computed: a read that takes this long, and this share of the database's time.
EXPENSIVE_MILLISECONDS, SHARE = 50.0, 0.5
#: Its calls and the misses agree within this factor; and of so many requests at most one runs it: else it is not what is cached.
AGREE, REQUESTS = 2.0, 3.0
NAMES = {"memcached": "memcached", "redis": "Redis"}


class Herd(t.NamedTuple):
    """What a cache saw of it: misses whose value another had written meanwhile, and items that expired."""

    cache: Instance
    size: float
    expired: float


def cache_stampede(fleet: Fleet) -> t.Iterator[Cause]:
    herds = [herd for service in NAMES for cache in fleet.instances(service) if (herd := _herd(cache)) is not None]
    if not herds:
        return
    troubled = fleet.troubled_workers(*SLOW, least="warn")
    for database in fleet.databases():
        for slow in grouped(users_among(troubled, database, fleet), fleet):
            named = next((pair for herd in herds if (pair := _computed(fleet, database, slow, herd)) is not None), None)
            if named is not None and any(is_in_it(workers, database, fleet) for workers in slow):
                yield _cause(fleet, database, slow, *named)


def _herd(cache: Instance) -> t.Optional[Herd]:
    """None where the misses have other reasons, or where it is not known what they are."""
    expired, misses = cache.number("misses.expired"), cache.number("misses.count")
    if cache.service == "redis":
        expired, misses = cache.number("expired"), cache.number("misses")
    again, flushes, evictions = cache.number("overwrites"), cache.number("flushes") or 0, cache.number("evictions")
    if not expired or misses is None or again is None or flushes or evictions != 0:
        return None
    # the first of them finds no value to write over
    size = min(misses, again + expired)
    return Herd(cache, size, expired) if again >= HERD - 1 and size >= HERD * expired else None


def _computed(fleet: Fleet, database: Instance, slow: list[Instance], herd: Herd) -> t.Optional[tuple[Herd, Row]]:
    """The statement that as many workers ran as missed."""
    if all(fleet.graph.depends(workers.key, herd.cache.key) is False for workers in slow):
        return None
    requests = [workers.number("requests") for workers in slow]
    if not requests or None in requests:
        return None
    for row in database.rows("statements"):
        calls, mean = row.amount("calls"), row.number("mean_milliseconds")
        is_it = row.word("kind") == "read" and calls >= HERD and mean is not None and mean >= EXPENSIVE_MILLISECONDS
        rare = calls * REQUESTS <= sum(served or 0.0 for served in requests)
        if is_it and rare and row.amount("share_ratio") >= SHARE and herd.size / AGREE <= calls <= herd.size * AGREE:
            return herd, row
    return None


def _pages(fleet: Fleet, workers: Instance, database: Instance) -> t.Iterator[str]:
    """What they waited for the database with; where nobody could look, what they were in."""
    edges = Instance(workers.host, workers.service, {"rows": workers.part("waits").get("edges")}).rows("rows")
    seen = [row.word("work") for row in edges if database.key in fleet.graph.ends_at(workers.key, row.word("address")) and row.get("work")]
    yield from seen or pages_of(workers, fleet)


def _cause(fleet: Fleet, database: Instance, slow: list[Instance], herd: Herd, row: Row) -> Cause:
    pages = list(dict.fromkeys(page for workers in slow for page in _pages(fleet, workers, database)))
    cache = f"{NAMES[herd.cache.service]} {herd.cache}"
    calls, mean = row.amount("calls"), row.amount("mean_milliseconds")
    return Cause(
        hosts=sorted({workers.host for workers in slow}),
        tier=slow[0].service,
        statement=(
            f"Many workers of {several([str(workers) for workers in slow])} compute the same value at once when it expires in {cache}: "
            f"{herd.size:.0f} misses for {herd.expired:.0f} expired, and {calls:.0f} calls of one statement on "
            f"{LABEL[database.service]} {database}: {row.word('text')}."
        ),
        evidence=[
            f"{calls:.0f} calls of {mean:.0f} ms each, {percent(row.number('share_ratio'))} of the server's time, for "
            f"{sum(workers.number('requests') or 0.0 for workers in slow):.0f} requests.",
            f"{cache}: {herd.cache.number('overwrites') or 0:.0f} values were written over one that had just been written.",
            *([f"The busy workers are in {several(pages)}."] if pages else []),
        ],
        first_fix=(
            "Keep the value longer than the rush lasts, and compute it before it expires (a task, or a command now). "
            "Then let one worker compute it while the others get the old value: a second, longer key for that, and a lock by cache.add()."
        ),
        avoid="Do not flush or restart the cache, and do not add workers: each of them would compute the same value again.",
        look=fleet.command(database, *TOOLS[database.service]),
        rows=[row],
        at=database,
        of=tuple(workers.key for workers in slow),
    )
