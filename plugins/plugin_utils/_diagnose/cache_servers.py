# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cache servers: a pool out of balance, a server that is too small or refuses its clients."""

from __future__ import annotations

import typing as t

from .._checks.units import numbered
from . import brokers
from .cause import Cause, look, percent, said
from .fleet_view import Fleet

TOO_SMALL = ("memcached_no_memory", "memcached_evictions")
#: Emptied once it fills again by itself; emptied again and again it never does.
AGAIN = "again"
REFUSES = ("memcached_rejected", "memcached_connections")


def unbalanced_pool(fleet: Fleet) -> t.Iterator[Cause]:
    for pool, finding in fleet.each_bad("memcached_pool", "memcached_pool_balance"):
        words, why = said(finding), str(pool.facts.get("cause") or "")
        reason = f" ({why})" if why and why not in words else ""
        servers = pool.rows("servers")
        yield Cause(
            hosts=sorted({str(row.get("host")) for row in servers if row.get("host")}) or [pool.host],
            statement=f"The cache pool {pool.name} is unbalanced{reason}{f': {words}' if words else ''}.",
            evidence=[f"{row.word('name')}: {percent(row.number('share_ratio'))} of the pool's operations." for row in servers[:8]],
            first_fix=str(finding.get("advice") or "Give every client the same list of servers with the same weights."),
            avoid="Do not restart or flush the servers: an empty pool sends everything to the database.",
            look=look(finding),
            rows=servers[:10],
            at=pool,
        )


def cache_exhausted(fleet: Fleet) -> t.Iterator[Cause]:
    """A memcached that evicts what is still needed, or refuses clients: the database gets the work."""
    for server, finding in fleet.each_bad("memcached", *TOO_SMALL, *REFUSES):
        what = "is too small for its traffic" if finding["check"] in TOO_SMALL else "refuses clients"
        yield Cause(
            hosts=[server.host],
            statement=f"The cache on {server} {what}: {said(finding)}.",
            evidence=[],
            first_fix=str(finding.get("advice") or ""),
            avoid="Do not flush it: an empty cache sends everything to the database.",
            look=look(finding),
            rows=server.rows("evicting")[:10],
            at=server,
        )


def cache_flushed(fleet: Fleet) -> t.Iterator[Cause]:
    """A memcached that is emptied by flush_all: what it held is computed again."""
    for server, finding in fleet.each_bad("memcached", "memcached_flushed", least="warn"):
        flushes, hits = int(server.number("flushes") or 0), server.number("hit_ratio")
        since = server.number("lifetime_flushes")
        yield Cause(
            hosts=[server.host],
            statement=(
                f"The cache on {server} was emptied {numbered(flushes, 'time/times')} (flush_all) in the window"
                + (f", {since:.0f} since its start." if since is not None and since > flushes else ".")
            ),
            evidence=[] if hits is None else [f"{percent(hits)} of the reads found something."],
            first_fix=(
                f"Stop what empties {server}: `cache.clear()` in a signal or a view, a deploy hook or a cron job that clears the "
                "cache. Where it "
                "is not found at once, start memcached with -F, which refuses flush_all (the restart empties it once more)."
            ),
            avoid="Do not give it more memory, and do not tune the database first: what is cached does not stay.",
            look=look(finding),
            at=server,
            variant=AGAIN if flushes > 1 else "",
        )
    yield from brokers.emptied(fleet, AGAIN)
