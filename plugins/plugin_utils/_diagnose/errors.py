# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Errors instead of responses: from the application, or from an accelerator that gets nothing from it."""

from __future__ import annotations

import typing as t

from .._checks.finding import Finding
from .._fleet.observed import Instance, Row
from .accelerator import MOSTLY
from .cause import Cause, look, said, several
from .extent import grouped, together
from .fleet_view import Fleet

#: Statuses that a server in between gives for an application that did not respond.
FROM_BETWEEN = (502, 503, 504)


Bad = tuple[Instance, Finding]


def application_errors(fleet: Fleet) -> t.Iterator[Cause]:
    """The application throws, on some of its servers or for some pages: what a bad release looks like."""
    throwing = {workers.key: (workers, finding) for workers, finding in fleet.each_bad("uwsgi", "uwsgi_exceptions")}
    failing = [(log, finding) for log, finding in _logs_with_errors(fleet) if _own_errors(log)]
    groups = [
        [throwing[workers.key] for workers in group] for group in grouped([workers for workers, _finding in throwing.values()], fleet)
    ]
    left = list(failing)
    for group in groups:
        own = [bad for bad in failing if _is_before(bad[0], [workers for workers, _finding in group], len(groups) == 1, fleet)]
        left = [bad for bad in left if bad not in own]
        yield _application_errors(fleet, group, own)
    for logs in grouped([_accelerator(log) for log, _finding in left], fleet):
        places = {(log.host, log.name) for log in logs}
        # with several sites, an accelerator of no known one may be before any of those that throw
        if not groups or all(log.key in fleet.graph.sites for log in logs):
            yield _application_errors(fleet, [], [bad for bad in left if (bad[0].host, bad[0].name) in places])


def _logs_with_errors(fleet: Fleet) -> t.Iterator[Bad]:
    """Accelerators whose visitors get errors: too many, or so many that the site's visitors suffer."""
    suffering = {host for view, _finding in fleet.each_bad("visitors", "visitors_errors") for host in view.facts.get("accelerators") or ()}
    for log, finding in fleet.each_bad("varnish_traffic", "varnish_traffic_errors", least="warn"):
        if finding["status"] == "fail" or log.host in suffering:
            yield log, finding


def _accelerator(log: Instance) -> Instance:
    return Instance(log.host, "varnish", log.facts)


def _is_before(log: Instance, throwing: list[Instance], alone: bool, fleet: Fleet) -> bool:
    """Whether the accelerator is before these workers. Where that is not known: when they are the only ones that throw."""
    answers = [fleet.graph.apart(_accelerator(log).key, workers.key) for workers in throwing]
    return False in answers or (alone and None in answers)


def _application_errors(fleet: Fleet, throwing: list[Bad], failing: list[Bad]) -> Cause:
    rows = [row for log, _finding in failing for row in _own_errors(log)]
    behind = [workers for workers in fleet.applications() if not throwing and _may_be_behind(workers, failing, fleet)]
    concerned = [workers for workers, _finding in throwing] or behind
    everywhere = {workers.host for workers in (together(concerned[0], fleet.applications(), fleet) if throwing else behind)}
    hosts = sorted({place.host for place, _finding in throwing} or everywhere or {place.host for place, _finding in failing})
    well = sorted(everywhere - set(hosts))
    _place, worst = (throwing or failing)[0]
    release = "If it came with a release, roll back to the one before." if throwing else ""
    return Cause(
        tier=concerned[0].service if everywhere else "varnish",
        hosts=hosts,
        statement=f"The application on {several(hosts)} returns errors: {said(worst)}.",
        evidence=[
            *(f"{place}: {said(finding)}." for place, finding in throwing[:3]),
            *(f"{row.word('pattern')}: {row.get('count')} responses with status {row.get('status')}." for row in rows[:3]),
            *([f"No exceptions on {several(well)}: compare the release and its settings."] if throwing and well else []),
        ],
        first_fix=f"{worst.get('advice') or ''} {release}".strip(),
        avoid="Do not add workers or servers: they would throw the same errors.",
        look=look(worst),
        rows=rows[:10],
        of=tuple(workers.key for workers in concerned),
    )


def _may_be_behind(workers: Instance, logs: list[Bad], fleet: Fleet) -> bool:
    return any(fleet.graph.apart(_accelerator(log).key, workers.key) is not True for log, _finding in logs)


def _own_errors(traffic: Instance) -> list[Row]:
    """The errors that the application itself returned, when they are most of all errors."""
    rows = traffic.rows("errors")
    own = [row for row in rows if row.get("status") not in FROM_BETWEEN]
    return own if sum(row.amount("count") for row in own) * 2 >= sum(row.amount("count") for row in rows) else []


def backend_unreachable(fleet: Fleet) -> t.Iterator[Cause]:
    """The accelerator gets no response from the application, which may be well: a wrong address, a probe, a firewall."""
    for varnish, finding in fleet.each_bad("varnish", "varnish_backends_healthy", "varnish_backend_errors"):
        mostly = finding["check"] == "varnish_backends_healthy" or (varnish.number("backend_error_ratio") or 0) >= MOSTLY
        gets = "gets no response" if mostly else "does not always get a response"
        yield Cause(
            hosts=[varnish.host],
            statement=f"Varnish on {varnish.host} {gets} from the application: {said(finding)}.",
            evidence=[],
            first_fix=str(finding.get("advice") or ""),
            avoid="Do not restart Varnish: its cache is all that visitors still get.",
            look=look(finding),
            rows=varnish.rows("backends")[:10],
            at=varnish,
        )
