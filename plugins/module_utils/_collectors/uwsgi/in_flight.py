# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: what the workers are doing right now, by kind of page, and who asked."""

from __future__ import annotations

import collections
import ipaddress
import typing as t

from ..._collect.derived import age, largest, share
from ..._collect.facts import Facts, Maybe, known
from .document import Request
from .samples import History

UNREADABLE = "uWSGI does not say what the running requests are"
ONLY_STREAMS = "only WebSockets and server-sent events are in flight; they last for as long as their visitor looks"
AHEAD = "its time lies in the future: the clock of the machine that uWSGI runs on is ahead of that of the one that was asked"
UNDATED = "uWSGI does not say when the requests began"


def put(facts: Facts, history: History) -> None:
    """In-flight requests of the last sample, grouped; the clients and pages of all samples."""
    look = history.last
    running = [core.request for worker in look.stats.workers for core in worker.cores or () if core.busy]
    readable = [request for request in running if request is not None]
    rows = _rows(readable, look.clock, facts.get("cores_active"))[: history.top]
    facts.put("in_flight", rows if rows or not running else None, UNREADABLE)
    facts.put("in_flight_total", facts.get("cores_busy"))
    streams = sum(request.streams for request in readable)
    facts.put("in_flight_streams", streams)
    dated = [request for request in readable if request.started and not request.streams]
    oldest = min(dated, key=lambda request: request.started or 0.0, default=None)
    why = "no request is in flight" if not running else ONLY_STREAMS if streams == len(running) else UNDATED
    facts.put("in_flight_oldest_seconds", None if oldest is None else _age(oldest, look.clock), why)
    facts.put("in_flight_oldest_pattern", None if oldest is None else f"{oldest.method} {oldest.pattern}".strip(), why)
    if dated and not history.local:
        facts.note("the ages of running requests rest on two hosts' clocks: uWSGI's and that of the host that was asked")
    _clients(facts, history)
    _pages(facts, history)
    if look.stats.repaired:
        facts.note(look.stats.repaired)


def _age(request: Request, clock: float) -> Maybe[float]:
    # request_start is in whole seconds: an age below a second may come out as slightly negative
    return age(clock, request.started, UNDATED, AHEAD)


def _rows(requests: list[Request], clock: float, cores: int) -> list[dict[str, t.Any]]:
    groups: dict[tuple[str, str, str], list[Request]] = collections.defaultdict(list)
    for request in requests:
        groups[(request.pattern, request.method, request.host)].append(request)
    rows = []
    for (pattern, method, host), members in groups.items():
        ages = [_age(request, clock) for request in members if request.started]
        rows.append(
            {
                "pattern": pattern,
                "method": method,
                "host": host,
                "count": len(members),
                "share_ratio": share(min(len(members), cores), cores, "no worker can take requests"),
                "oldest_seconds": largest(ages, UNDATED),
            }
        )
    return sorted(rows, key=lambda row: (-row["count"], -(known(row["oldest_seconds"]) or 0)))


def _clients(facts: Facts, history: History) -> None:
    """Who connected for the requests that were running in any sample: accelerators, or browsers around them."""
    seen = collections.Counter(client for glance in history.glances for client in glance.clients)
    rows = [{"address": address, "kind": _kind(address), "count": count} for address, count in seen.most_common()]
    facts.put("remote_addresses", rows[: history.top])
    facts.put("remote_addresses_total", len(rows))


def _pages(facts: Facts, history: History) -> None:
    """What the workers did in all samples: the last one may be a moment in which none of them had a request."""
    seen = collections.Counter(page for glance in history.glances for page in glance.pages)
    whole = sum(seen.values())
    rows = [{"pattern": page, "samples": count, "share_ratio": round(count / whole, 6)} for page, count in seen.most_common()]
    facts.put("pages_seen", rows[: history.top])
    facts.put("pages_seen_total", len(rows))


def _kind(address: str) -> str:
    found = ipaddress.ip_address(address)
    if found.is_loopback:
        return "loopback"
    return "private" if found.is_private else "public"
