# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From causes to first aid: which act a cause has, and what of the report it is about. One act per cause, at one place."""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from .._checks.services import FLEET_HOST, instances_in
from .._diagnose.accelerator import FAULTS as ACCELERATOR_FAULTS
from .._diagnose.application import SATURATED
from .._diagnose.edge import FAILING, SLOW
from .._diagnose.stores import FULL as STORE_FULL
from .._diagnose.task_queues import GROWTH as QUEUE_GROWTH
from . import subjects

Data = t.Mapping[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Proposal:
    """An act that a cause calls for, before its target was looked at."""

    cause: str
    act: str
    host: str
    service: str
    instance: str
    about: dict[str, t.Any]
    what: str
    why: str
    #: What guards need that one host cannot see, of the same look: read again before the act.
    readings: dict[str, t.Any] = dataclasses.field(default_factory=dict)

    def as_dict(self) -> dict[str, t.Any]:
        return dataclasses.asdict(self)


class Aid(t.NamedTuple):
    """A cause's act. `checks`: the findings it stands on, `{service}` being that of the instance the cause is about; `about` reads the
    cause, the facts of its target and the report."""

    act: str
    services: tuple[str, ...]
    checks: tuple[str, ...]
    about: subjects.About
    readings: subjects.Readings = lambda _about, _host, _facts, _report: {}
    #: Where it is done elsewhere than at the instance that the cause is about: the services of that one, and where the cause says so.
    cause_of: tuple[str, ...] = ()
    place: t.Optional[subjects.Place] = None
    #: Causes that it may bring, which its plan says as its cost: they are no reason to take it back.
    brings: tuple[str, ...] = ()


_DATABASES = ("postgresql", "mysql")
_APPLICATION_SERVERS = ("uwsgi", "wsgi")
_EDGE = ("haproxy",)
#: What a database's overload shows in: its machine's findings, and its own.
OVERLOAD = ("server_cpu_busy", "server_load", "server_iowait", "server_iowait_database", "{service}_many_long_queries")

#: cause → its acts: the first is done for which the report names a target. A cause without a row has none, its line is for a person.
AID: dict[str, tuple[Aid, ...]] = {
    "lock_chain": (Aid("end_session", _DATABASES, ("{service}_lock_waits",), subjects.root_blocker),),
    "idle_in_transaction": (
        Aid("end_session", _DATABASES, ("{service}_idle_in_transaction", "{service}_idle_transaction_blocks"), subjects.root_blocker),
    ),
    "missing_index": (Aid("create_index", _DATABASES, ("{service}_missing_index",), subjects.index),),
    "accelerator_fault": (
        Aid(
            "cache_urls",
            ("varnish",),
            (*ACCELERATOR_FAULTS, "varnish_traffic_cached_urls", "varnish_traffic_redirects"),
            subjects.urls,
        ),
    ),
    "queue_growth": (
        Aid("consume_queue", ("celery",), ("celery_queue_no_consumer",), subjects.consumer),
        Aid("grow_pool", ("celery",), QUEUE_GROWTH, subjects.pool),
    ),
    "workers_exhausted": (
        Aid(
            "add_workers", _APPLICATION_SERVERS, tuple(f"{{service}}_{name}" for name in SATURATED), subjects.workers, subjects.connections
        ),
    ),
    "upstream_failing": (Aid("drain_server", _EDGE, FAILING["haproxy"], subjects.failing_server, subjects.rest),),
    "upstream_slow": (Aid("drain_server", _EDGE, (SLOW["haproxy"],), subjects.slow_server, subjects.rest),),
    "pool_too_small": (
        Aid(
            "raise_pool_size", ("pgbouncer",), ("pgbouncer_waiting", "pgbouncer_mean_wait"), subjects.pool_size, subjects.server_connections
        ),
    ),
    "broker_full": (Aid("raise_maxmemory", ("redis",), STORE_FULL, subjects.memory),),
    "database_overload": (
        Aid(
            "rate_limit",
            ("celery",),
            OVERLOAD,
            subjects.heavy_task,
            cause_of=_DATABASES,
            place=subjects.where_it_runs,
            brings=("queue_growth", "tasks_stuck"),
        ),
    ),
    "unknown_client": (Aid("limit_client", _DATABASES, ("database_unknown_client",), subjects.client),),
}


def brings(acted: Data) -> tuple[str, ...]:
    return next((aid.brings for aid in AID.get(acted["cause"], ()) if aid.act == acted["act"]), ())


def proposals(report: Data) -> tuple[list[Proposal], list[str]]:
    """One proposal per cause that has an act, and a sentence for each cause for which nothing is proposed."""
    found: list[Proposal] = []
    left: list[str] = []
    tiers = collections.Counter(diagnosis["tier"] for diagnosis in report["diagnoses"])
    for diagnosis in report["diagnoses"]:
        cause, aids = diagnosis["cause"], AID.get(diagnosis["cause"])
        if aids is None:
            left.append(f"{cause}: no act of this collection mends it; see its first fix")
        elif tiers[diagnosis["tier"]] > 1:
            left.append(f"{cause}: nothing is done while two causes of one tier compete ({diagnosis['tier']})")
        else:
            tried = [_proposal(report, diagnosis, aid) for aid in aids]
            possible = [proposal for proposal in tried if isinstance(proposal, Proposal)]
            found += possible[:1]
            left += [] if possible else [f"{cause}: {tried[-1]}"]
    return found, left


def _proposal(report: Data, diagnosis: Data, aid: Aid) -> t.Union[Proposal, str]:
    stands_on = host, service, instance = target_of(report, diagnosis, aid.cause_of or aid.services)
    if aid.place is not None:
        place = aid.place(diagnosis)
        if place is None:
            return "the report does not name what to act on"
        host, service, instance = place
    facts = _facts(report, host, service, instance)
    if facts is None:
        return "its target is not among the instances that were read"
    standing = [finding for finding in report["findings"] if _is_of(finding, aid, *stands_on)]
    if any(finding.get("accepted") for finding in standing):
        return "its finding is accepted (launch_check_accept)"
    if not any(finding["status"] in ("warn", "fail") for finding in standing):
        return "the finding it stands on is not beyond its limit"
    named = aid.about(diagnosis, facts, report)
    if named is None:
        return "the report does not name what to act on"
    about, what = named
    readings = aid.readings(about, host, facts, report)
    return Proposal(diagnosis["cause"], aid.act, host, service, instance, about, what, diagnosis["statement"], readings)


def target_of(report: Data, diagnosis: Data, services: t.Collection[str]) -> tuple[str, str, str]:
    """The instance that the cause is about: the first that it hits of a service that its act knows, or else the only one on its host."""
    for shown in diagnosis.get("hit") or []:
        host, _slash, rest = str(shown).partition("/")
        service, _slash, instance = rest.partition("/")
        if service in services:
            return host, service, instance
    named = [
        (host, service, str(row.get("name")))
        for host in diagnosis["hosts"]
        for service in services
        for row in instances_in((report["hosts"].get(host) or {}).get("facts") or {}, service)
    ]
    return named[0] if len(named) == 1 else ("", "", "")


def _facts(report: Data, host: str, service: str, instance: str) -> t.Optional[Data]:
    facts = (report["hosts"].get(host) or {}).get("facts") or {}
    return next((row for row in instances_in(facts, service) if row.get("name") == instance and row.get("state") == "up"), None)


def _is_of(finding: Data, aid: Aid, host: str, service: str, instance: str) -> bool:
    """Whether the finding is one that the act stands on: about its target or its machine, or of the fleet and named after it."""
    if finding["check"] not in [name.format(service=service) for name in aid.checks]:
        return False
    if finding["host"] == FLEET_HOST:
        return bool(finding["instance"] == f"{host} {instance}" or finding["service"] == f"{service}_queue")
    of_target = finding["service"] == service and finding["instance"] == instance
    return bool(finding["host"] == host and (of_target or finding["service"] in (f"{service}_traffic", "server")))
