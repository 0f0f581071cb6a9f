# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Errors instead of answers: from the application, from an accelerator that reaches nobody, from tasks; and a cache that is too small."""

from __future__ import annotations

import typing as t

from .._checks.services import in_tiers
from .cause import APPLICATION, DATABASE, MOSTLY, Cause, several
from .fleet_view import Data, Fleet, Seen

#: Whoever waits too long gives up, and visitors or tasks get an error for it.
_WAITING = frozenset({*DATABASE, "connection_budget", "application_and_database_overload"})
EXPLAINED_BY: dict[str, frozenset[str]] = {
    "application_errors": _WAITING,
    "backend_unreachable": _WAITING | APPLICATION | {"application_errors"},
    "tasks_failing": _WAITING | {"queue_growth"},
    "cache_exhausted": frozenset({"unbalanced_pool"}),
}
#: What an application asks while it answers.
BEHIND_APPLICATION = in_tiers("cache", "queue", "database")
_NEEDED = frozenset(BEHIND_APPLICATION)
#: And the services without which it cannot be otherwise.
NEEDS: dict[str, frozenset[str]] = {
    "application_errors": _NEEDED,
    "backend_unreachable": _NEEDED | {"uwsgi"},
    "tasks_failing": _NEEDED,
    "cache_exhausted": frozenset({"memcached"}),
}

#: Statuses that a server in between says for an application that did not answer.
FROM_BETWEEN = (502, 503, 504)
CACHE = ("memcached_no_memory", "memcached_evictions", "memcached_rejected", "memcached_connections")


def explains(deep: Cause, shallow: Cause) -> bool:
    """Whether errors (or a full cache) are what the deeper cause looks like."""
    if deep.cause == "service_down":
        return deep.tier in NEEDS[shallow.cause]
    return deep.cause in EXPLAINED_BY[shallow.cause]


def application_errors(fleet: Fleet) -> t.Iterator[Cause]:
    """The application throws, on some of its servers or for some pages: what a bad release looks like."""
    throwing = [(one, finding) for one in fleet.seen("uwsgi") if (finding := fleet.bad(one, "uwsgi_exceptions"))]
    failing = [(one, finding, rows) for one, finding in _bad(fleet, "varnish_traffic", "varnish_traffic_errors") if (rows := _own(one))]
    if not throwing and not failing:
        return
    rows = [row for _one, _finding, found in failing for row in found]
    everywhere = fleet.seen("uwsgi")
    hosts = sorted({one.host for one, _finding in throwing} or {one.host for one in everywhere} or {one.host for one, *_rest in failing})
    well = sorted({one.host for one in everywhere} - set(hosts))
    _first, finding = throwing[0] if throwing else failing[0][:2]
    yield Cause(
        cause="application_errors",
        tier="uwsgi" if everywhere else "varnish",
        hosts=hosts,
        statement=f"The application on {several(hosts)} answers with errors: {_told(finding)}.",
        evidence=[
            *(f"{one}: {_told(each)}." for one, each in throwing[:3]),
            *(f"{row.get('pattern')}: {row.get('count')} answers with status {row.get('status')}." for row in rows[:3]),
            *([f"No exceptions on {several(well)}: compare the release and its settings."] if throwing and well else []),
        ],
        first_fix=f"{finding.get('advice')} {'If it came with a release, go back to the one before.' if throwing else ''}".rstrip(),
        avoid="Do not add workers or servers: they would throw the same errors.",
        look=str(finding.get("look")),
        rows=rows[:10],
    )


def _own(traffic: Seen) -> list[dict[str, t.Any]]:
    """The errors that are the application's own words, when they are most of all errors."""
    rows = traffic.rows("errors")
    own = [row for row in rows if row.get("status") not in FROM_BETWEEN]
    return own if sum(row.get("count") or 0 for row in own) * 2 >= sum(row.get("count") or 0 for row in rows) else []


def backend_unreachable(fleet: Fleet) -> t.Iterator[Cause]:
    """The accelerator gets no answer from the application, which may be well: a wrong address, a probe, a firewall."""
    for one, finding in _bad(fleet, "varnish", "varnish_backends_healthy", "varnish_backend_errors"):
        mostly = finding["check"] == "varnish_backends_healthy" or (one.number("backend_error_ratio") or 0) >= MOSTLY
        gets = "gets no answer" if mostly else "does not always get an answer"
        yield _simple(
            one,
            finding,
            cause="backend_unreachable",
            statement=f"Varnish on {one.host} {gets} from the application: {_told(finding)}.",
            avoid="Do not restart Varnish: what is in its cache is all that visitors still get.",
            rows=one.rows("backends")[:10],
        )


def tasks_failing(fleet: Fleet) -> t.Iterator[Cause]:
    for one, finding in _bad(fleet, "celery_queue", "celery_queue_tasks_failing"):
        failed = [row for row in one.rows("tasks") if row.get("failed")]
        yield _simple(
            one,
            finding,
            cause="tasks_failing",
            statement=f"Tasks fail on {one.name}: {_told(finding)}.",
            avoid="Do not add workers: the tasks would only fail faster.",
            rows=failed[:10],
        )


def cache_exhausted(fleet: Fleet) -> t.Iterator[Cause]:
    """A memcached that throws out what is still needed, or refuses who asks: the database gets the work."""
    for one, finding in _bad(fleet, "memcached", *CACHE):
        yield _simple(
            one,
            finding,
            cause="cache_exhausted",
            statement=f"The cache on {one} is too small for its traffic: {_told(finding)}.",
            avoid="Do not flush it: an empty cache sends everything to the database.",
            rows=one.rows("evicting")[:10],
        )


def _bad(fleet: Fleet, service: str, *checks: str) -> t.Iterator[tuple[Seen, Data]]:
    for one in fleet.seen(service):
        finding = fleet.bad(one, *checks)
        if finding is not None:
            yield one, finding


def _simple(one: Seen, finding: Data, *, cause: str, statement: str, avoid: str, rows: list[dict[str, t.Any]]) -> Cause:
    """A cause that is one finding: its advice and its tool are the finding's own."""
    return Cause(
        cause=cause,
        tier="celery" if one.service == "celery_queue" else one.service,
        hosts=sorted({str(host) for host in one.facts.get("hosts") or []}) or [one.host],
        statement=statement,
        evidence=[],
        first_fix=str(finding.get("advice")),
        avoid=avoid,
        look=str(finding.get("look")),
        rows=rows,
        at=one,
    )


def _told(finding: Data) -> str:
    return str(finding.get("finding")).rstrip(".")
