# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Errors that the application itself gave, as counted in front of it: by Varnish's or nginx's log, or else by HAProxy's counters."""

from __future__ import annotations

import typing as t

from .._checks.finding import Finding
from .._checks.services import in_tiers
from .._checks.units import numbered
from .._fleet.nodes import Key
from .._fleet.observed import Instance, Row
from .edge import server_name
from .extent import Extent, extent, may_concern
from .fleet_view import Fleet, accelerator_of
from .nearby import Nearby

#: Statuses that a server in between gives for an application that did not respond.
FROM_BETWEEN = (502, 503, 504)
#: A server that answered so many requests and gave no error is well.
ENOUGH = 20

Bad = tuple[Instance, Finding]


class Counted(t.NamedTuple):
    """`rows`: the pages or servers that had them; `lines`: the same in words; `servers`: the instances that gave them, where known."""

    front: Instance
    finding: Finding
    rows: list[Row]
    lines: list[str]
    servers: tuple[Key, ...] = ()


def counted(fleet: Fleet) -> list[Counted]:
    """By every server in front that suffers from them."""
    return [*_by_accelerators(fleet), *_by_logs(fleet), *_by_counters(fleet)]


def _by_accelerators(fleet: Fleet) -> t.Iterator[Counted]:
    for log, finding in _felt(fleet, "varnish_traffic", "accelerators"):
        rows = log.rows("errors")
        own = [row for row in rows if row.get("status") not in FROM_BETWEEN]
        if own and _are_most(sum(row.amount("count") for row in own), sum(row.amount("count") for row in rows)):
            yield Counted(accelerator_of(log), finding, own, _pages(own))


def _by_logs(fleet: Fleet) -> t.Iterator[Counted]:
    """By nginx's log: what it answers itself, because no server did or a limit of its own refuses, is none of the application's."""
    for nginx, finding in _felt(fleet, "nginx", "edges"):
        errors, unanswered, given = (nginx.number(name) for name in ("errors", "unanswered_requests", "errors_of_servers"))
        if given is None and errors is not None and unanswered is not None:
            given = errors - unanswered  # facts of an earlier version
        if errors is not None and given is not None and _are_most(given, errors):
            pages = [row for row in nginx.rows("pages") if row.amount("errors") > 0]
            rows = [Row({**row, "count": row["errors"], "status": "5xx"}) for row in pages]
            yield Counted(nginx, finding, rows, _pages(rows))


def _pages(rows: list[Row]) -> list[str]:
    return [f"{row.word('pattern')}: {row.get('count')} responses with status {row.get('status')}." for row in rows[:3]]


def _by_counters(fleet: Fleet) -> t.Iterator[Counted]:
    """By HAProxy: what its servers gave. Its own 503 and 504 are counted with its frontends only. It counts no pages: logs come first."""
    for haproxy, finding in _felt(fleet, "haproxy", "edges"):
        errors, given = haproxy.number("errors"), haproxy.number("errors_of_servers")
        if errors is None or given is None or not _are_most(min(given, errors), errors):
            continue
        if _has_better(haproxy, fleet) or _asks_another(haproxy, fleet):
            continue
        rows = sorted((row for row in haproxy.rows("servers") if row.amount("errors") > 0), key=lambda row: -row.amount("errors"))
        keys = [key for row in rows for key in fleet.graph.ends_at(haproxy.key, row.word("address")) if row.word("address")]
        yield Counted(haproxy, finding, rows, [*map(_server, rows[:3]), *_well(haproxy, rows)], tuple(dict.fromkeys(keys)))


def _has_better(haproxy: Instance, fleet: Fleet) -> bool:
    """Whether a log of its site counts errors as well, and tells their pages."""
    return may_concern(extent([haproxy.key], (), fleet), fleet.once(_logs), fleet)


def _logs(fleet: Fleet) -> Extent:
    logs = [accelerator_of(log) for log in fleet.instances("varnish_traffic") if log.rows("errors")]
    logs += [nginx for nginx in fleet.instances("nginx") if nginx.number("errors") and nginx.number("unanswered_requests") is not None]
    return extent((log.key for log in logs), (), fleet)


def _asks_another(haproxy: Instance, fleet: Fleet) -> bool:
    """Whether its servers are, or may be, others that give errors themselves for an application that does not answer."""
    graph, between = fleet.graph, in_tiers("edge", "accelerator")
    if any(edge.target[1] in between for edge in graph.edges_of(haproxy.key)):
        return True
    return haproxy.key in graph.unknown and may_concern(extent([haproxy.key], (), fleet), fleet.once(_between), fleet)


def _between(fleet: Fleet) -> Extent:
    """What else is in front of applications."""
    services = [service for service in in_tiers("edge", "accelerator") if service != "haproxy"]
    return extent((other.key for service in services for other in fleet.instances(service)), (), fleet)


def _server(row: Row) -> str:
    broken = row.amount("response_errors") + row.amount("connection_errors")
    lost = f", {numbered(int(broken), 'more was/more were')} without an answer" if broken else ""
    requests = numbered(int(row.amount("requests")), "request/requests")
    return f"{server_name(row)}: {numbered(int(row.amount('errors')), 'response/responses')} of 500 and above in {requests}{lost}."


def _well(haproxy: Instance, failing: list[Row]) -> t.Iterator[str]:
    """Servers of the same backends that give none: what differs there is the way in."""
    backends = {row.word("backend") for row in failing}
    well = [
        row
        for row in haproxy.rows("servers")
        if row.word("backend") in backends and row.number("errors") == 0 and row.amount("requests") >= ENOUGH
    ]
    if well:
        yield f"No error from {', '.join(map(server_name, well[:3]))}: compare the release and its settings."


def _felt(fleet: Fleet, service: str, fronts: str) -> t.Iterator[Bad]:
    """Counts that hold errors: too many, or so many that the site's visitors suffer. `fronts`: where the visitors' view names its hosts."""
    bad = fleet.each_bad("visitors", "visitors_errors")
    suffering = {host for view, _finding in bad for host in view.facts.get(fronts) or ()}
    for log, finding in fleet.each_bad(service, f"{service}_errors", least="warn"):
        if finding["status"] == "fail" or log.host in suffering:
            yield log, finding


def _are_most(part: float, whole: float) -> bool:
    return part > 0 and part * 2 >= whole


def by_front(fleet: Fleet, errors: list[Counted]) -> Nearby[Counted]:
    """Those that may be the errors of workers are near these."""
    found: Nearby[Counted] = Nearby(fleet)
    for each in errors:
        found.add(extent([each.front.key], (), fleet), each)
    return found
