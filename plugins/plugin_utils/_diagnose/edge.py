# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The edge: at a limit of its own, or in front of servers that do not answer, are slow, or share its requests unevenly."""

from __future__ import annotations

import typing as t

from .._checks.finding import Finding
from .._checks.services import TITLES, in_tiers
from .._checks.units import numbered, shown
from .._fleet.observed import Instance, Row
from .cause import Cause, look, percent, said
from .fleet_view import Fleet

#: Checks of each service that a limit of its own fails.
LIMITS = {
    "nginx": ("nginx_limits_hit", "nginx_dropped", "nginx_connections", "nginx_descriptors", "nginx_limited"),
    "haproxy": ("haproxy_connections", "haproxy_frontends", "haproxy_idle", "haproxy_rate_limits", "haproxy_memory"),
}
FAILING = {"nginx": ("nginx_unanswered", "nginx_upstream_failing"), "haproxy": ("haproxy_backends_down", "haproxy_server_failing")}
SLOW = {"nginx": "nginx_response_time", "haproxy": "haproxy_response_time"}
BALANCE = {"nginx": "nginx_balance", "haproxy": "haproxy_balance"}
#: From where on the servers behind are what makes the edge slow.
SLOW_SECONDS = 1.0


def _each_bad(fleet: Fleet, checks: t.Mapping[str, t.Sequence[str]], least: str = "fail") -> t.Iterator[tuple[Instance, Finding]]:
    for service in in_tiers("edge"):
        yield from fleet.each_bad(service, *checks.get(service, ()), least=least)


def _called(edge: Instance) -> str:
    return f"{TITLES[edge.service]} on {edge.host}"


def exhausted(fleet: Fleet) -> t.Iterator[Cause]:
    """Visitors are refused, or wait, for a limit of the edge itself."""
    for edge, finding in _each_bad(fleet, LIMITS):
        others = [other for check in LIMITS[edge.service] if (other := fleet.bad(edge, check, least="warn")) and other != finding]
        yield Cause(
            tier=edge.service,
            hosts=[edge.host],
            statement=f"{_called(edge)} is at a limit of its own: {said(finding)}.",
            evidence=[*(f"{said(other)[:1].upper()}{said(other)[1:]}." for other in others[:2]), *_behind_is_slow(edge)],
            first_fix=str(finding.get("advice") or ""),
            avoid="Do not add application servers: what is refused at the edge never reaches them.",
            look=look(finding),
            at=edge,
        )


def _behind_is_slow(edge: Instance) -> t.Iterator[str]:
    seconds = _slowest(edge)[1]
    if seconds is not None and seconds >= SLOW_SECONDS:
        yield f"The servers behind it take {shown(seconds, 'seconds')}, and each of their requests holds a connection."


def upstream_failing(fleet: Fleet) -> t.Iterator[Cause]:
    """A server behind it gives no answer: the visitors who meet it wait for another one, or get 502, 503 or 504."""
    for edge, finding in _each_bad(fleet, FAILING):
        rows = _failing_rows(edge)
        server = server_name(rows[0]) if rows else ""
        told = f"{server} does not answer" if server else "servers behind it do not answer"
        yield Cause(
            tier=edge.service,
            hosts=[edge.host],
            statement=f"Behind {_called(edge)} {told}: {said(finding)}.",
            evidence=[*_why_failing(edge), *(_failed(row) for row in rows[:3])],
            first_fix=str(finding.get("advice") or ""),
            avoid="Do not raise the edge's timeouts: visitors would wait longer for the same error.",
            look=look(finding),
            rows=rows,
            at=edge,
        )


def _failing_rows(edge: Instance) -> list[Row]:
    if edge.service == "nginx":
        return sorted((row for row in edge.rows("upstreams") if row.amount("failed")), key=lambda row: -row.amount("failed_ratio"))
    rows = [row for row in edge.rows("servers") if row.word("state") == "down" or _failures(row)]
    return sorted(rows, key=lambda row: (row.word("state") != "down", -_failures(row)))


def _failures(row: Row) -> float:
    return sum(row.amount(name) for name in ("connection_errors", "response_errors", "retries", "redispatches"))


def server_name(row: Row) -> str:
    """A server behind an edge as its own configuration calls it, with its address."""
    backend = row.word("backend")
    name = f"{backend}/{row.word('name')}" if backend else row.word("name")
    address = row.word("address")
    return f"{name} ({address})" if address else name


def _failed(row: Row) -> str:
    if row.word("backend"):
        check = f", its check says {row.word('check')}" if row.word("check") else ""
        failed = numbered(int(_failures(row)), "failed attempt/failed attempts")
        return f"{server_name(row)}: {row.word('state')}{check}; {failed} in the window."
    return f"{server_name(row)}: {int(row.amount('failed'))} of {numbered(int(row.amount('attempts')), 'attempt/attempts')} got no answer."


#: Words for what nginx's error log says of a server.
_COMPLAINTS = {
    "upstream_refused": "refuses connections", "upstream_timeouts": "does not answer in time",
    "upstream_closed": "closes connections early", "upstream_queue_full": "has a full listen queue",
    "upstream_forbidden": "may not be connected to (SELinux, or the rights of its socket)",
    "upstream_handshakes_failed": "fails the TLS handshake",
    "upstream_not_understood": "answers in another protocol or form", "upstream_unresolved": "has a name that does not resolve",
    "no_live_upstream": "is left out", "upstream_header_too_big": "sends headers larger than the buffer",
}  # fmt: skip


def _why_failing(edge: Instance) -> t.Iterator[str]:
    for row in edge.rows("upstream_complaints")[:2]:
        words = _COMPLAINTS.get(row.word("kind"))
        if words:
            yield f"{row.word('server')} {words} ({numbered(int(row.amount('lines')), 'line/lines')} in the error log)."


def upstream_slow(fleet: Fleet) -> t.Iterator[Cause]:
    """The edge waits for what is behind it. Where that is a part of the check, its own cause says why."""
    for edge, finding in _each_bad(fleet, {service: (check,) for service, check in SLOW.items()}):
        server, seconds = _slowest(edge)
        if seconds is None or seconds < SLOW_SECONDS:
            continue
        yield Cause(
            tier=edge.service,
            hosts=[edge.host],
            statement=f"The servers behind {_called(edge)} are slow: {server} takes {shown(seconds, 'seconds')}; {said(finding)}.",
            evidence=[*(_page(row) for row in edge.rows("pages")[:3]), *_queued(edge)],
            first_fix=f"Look at {server}: what its workers wait for, and whether it is a part of the check.",
            avoid="Do not raise the edge's timeouts or limits: more visitors would wait for the same servers.",
            look=look(finding),
            at=edge,
        )


def _slowest(edge: Instance) -> tuple[str, t.Optional[float]]:
    """The server (or group) behind it that answers last, and how long it takes."""
    name, column = ("upstreams", "p95_seconds") if edge.service == "nginx" else ("servers", "response_seconds")
    rows = [row for row in edge.rows(name) if row.number(column) is not None]
    worst = max(rows, key=lambda row: row.amount(column), default=None)
    return ("", None) if worst is None else (server_name(worst), worst.number(column))


def _page(row: Row) -> str:
    seconds = shown(row.amount("mean_seconds"), "seconds")
    return f"{row.word('pattern')}: {numbered(int(row.amount('requests')), 'request/requests')}, {seconds} each."


def _queued(edge: Instance) -> t.Iterator[str]:
    if edge.number("queue"):
        yield f"{numbered(int(edge.number('queue') or 0), 'request waits/requests wait')} in its queues for a server."


def unbalanced(fleet: Fleet) -> t.Iterator[Cause]:
    """One server gets most of what several should share. No siblings are needed to see it."""
    for edge, finding in _each_bad(fleet, {service: (check,) for service, check in BALANCE.items()}):
        group, rows = edge.part("unbalanced").get("group") or edge.part("unbalanced").get("backend"), _of_group(edge)
        yield Cause(
            tier=edge.service,
            hosts=[edge.host],
            statement=f"{_called(edge)} does not balance the group {group}: {said(finding)}.",
            evidence=[f"{server_name(row)}: {_share(row)}." for row in rows[:4]],
            first_fix=str(finding.get("advice") or ""),
            avoid="Do not add servers to the group before the others get their share.",
            look=look(finding),
            rows=rows,
            at=edge,
        )


def _of_group(edge: Instance) -> list[Row]:
    part = edge.part("unbalanced")
    if edge.service == "nginx":
        rows = [row for row in edge.rows("upstreams") if row.word("group") == part.get("group")]
        return sorted(rows, key=lambda row: -row.amount("attempts"))
    rows = [row for row in edge.rows("servers") if row.word("backend") == part.get("backend")]
    return sorted(rows, key=lambda row: -row.amount("requests"))


def _share(row: Row) -> str:
    if row.word("backend"):
        return f"{numbered(int(row.amount('requests')), 'request/requests')} at weight {int(row.amount('weight'))}"
    return f"{numbered(int(row.amount('attempts')), 'request/requests')}, {percent(row.amount('share_ratio'))}"
