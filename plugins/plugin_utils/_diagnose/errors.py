# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Errors instead of responses: from the application, or from an accelerator or edge that gets nothing from it."""

from __future__ import annotations

import typing as t

from .._fleet.nodes import Key
from .._fleet.observed import Instance
from .accelerator import MOSTLY
from .cause import Cause, look, said, several
from .counted_errors import Bad, Counted, by_front, counted
from .extent import extent, grouped, together
from .fleet_view import Fleet
from .nearby import Nearby


def application_errors(fleet: Fleet) -> t.Iterator[Cause]:
    """The application throws, on some of its servers or for some pages: what a bad release looks like."""
    throwing = {workers.key: (workers, finding) for workers, finding in fleet.each_bad("uwsgi", "uwsgi_exceptions")}
    failing = fleet.once(counted)
    groups = [
        [throwing[workers.key] for workers in group] for group in grouped([workers for workers, _finding in throwing.values()], fleet)
    ]
    before = [_before(group, failing, len(groups) == 1, fleet) for group in groups]
    taken = {id(each) for own in before for each in own}
    left = [each for each in failing if id(each) not in taken]
    for group, own in zip(groups, before):
        yield _application_errors(fleet, group, own)
    of_front: dict[Key, list[int]] = {}
    for number, each in enumerate(left):
        of_front.setdefault(each.front.key, []).append(number)
    for fronts in grouped([each.front for each in left], fleet):
        keys = {front.key for front in fronts}
        # with several sites, a front of no known one may be before any of those that throw
        if not groups or all(key in fleet.graph.sites for key in keys):
            yield _application_errors(fleet, [], [left[number] for number in sorted(number for key in keys for number in of_front[key])])


def _before(group: list[Bad], failing: list[Counted], alone: bool, fleet: Fleet) -> list[Counted]:
    """Those before these workers. Where that is not known: when they are the only ones that throw."""
    where, fronts = extent((workers.key for workers, _finding in group), (), fleet), fleet.once(by_front, failing)
    return list(fronts.of(where) if alone else fronts.of_site(where))


def _application_errors(fleet: Fleet, throwing: list[Bad], failing: list[Counted]) -> Cause:
    rows = [row for each in failing for row in each.rows]
    behind = [] if throwing else _may_be_behind(failing, fleet)
    named = {key for each in failing for key in each.servers}
    concerned = [workers for workers, _finding in throwing] or [workers for workers in behind if workers.key in named] or behind
    everywhere = {workers.host for workers in (together(concerned[0], fleet.applications(), fleet) if throwing else concerned)}
    hosts = sorted({place.host for place, _finding in throwing} or everywhere or {each.front.host for each in failing})
    well = sorted(everywhere - set(hosts))
    worst = throwing[0][1] if throwing else failing[0].finding
    release = "If it came with a release, roll back to the one before." if throwing else ""
    return Cause(
        tier=concerned[0].service if everywhere else failing[0].front.service,
        hosts=hosts,
        statement=f"The application on {several(hosts)} returns errors: {said(worst)}.",
        evidence=[
            *(f"{place}: {said(finding)}." for place, finding in throwing[:3]),
            *[line for each in failing for line in each.lines][:4],
            *([f"No exceptions on {several(well)}: compare the release and its settings."] if throwing and well else []),
        ],
        first_fix=f"{worst.get('advice') or ''} {release}".strip(),
        avoid="Do not add workers or servers: they would return the same errors.",
        look=look(worst),
        rows=rows[:10],
        of=tuple(workers.key for workers in concerned),
    )


def _may_be_behind(failing: list[Counted], fleet: Fleet) -> list[Instance]:
    """The applications whose errors these may be."""
    return list(fleet.once(_applications).of(extent((each.front.key for each in failing), (), fleet)))


def _applications(fleet: Fleet) -> Nearby[Instance]:
    found: Nearby[Instance] = Nearby(fleet)
    for workers in fleet.applications():
        found.add(extent([workers.key], (), fleet), workers)
    return found


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
