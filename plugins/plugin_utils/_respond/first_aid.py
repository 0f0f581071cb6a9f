# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From causes to first aid: which act a cause has, and what of the report it is about. One act per cause, at one place."""

from __future__ import annotations

import collections
import dataclasses
import math
import typing as t

from ...module_utils._texts.counted import counted
from .._checks.services import FLEET_HOST, instances_in
from .._diagnose.accelerator import FAULTS as ACCELERATOR_FAULTS
from .._diagnose.application import SATURATED
from .._diagnose.stores import FULL as STORE_FULL
from .._diagnose.task_queues import GROWTH as QUEUE_GROWTH

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


#: What an act is about, and in words what is done; None when the report does not name it well enough.
Named = t.Optional[tuple[dict[str, t.Any], str]]
About = t.Callable[[Data, Data, Data], Named]
#: What the fleet shows for a guard, of: what the act is about, its host, the facts of its target, the report.
Readings = t.Callable[[Data, str, Data, Data], dict[str, t.Any]]


class Aid(t.NamedTuple):
    """A cause's act. `checks`: the findings it stands on, `{service}` being the target's; `about` reads the cause, the
    facts of its target and the report."""

    act: str
    services: tuple[str, ...]
    checks: tuple[str, ...]
    about: About
    readings: Readings = lambda _about, _host, _facts, _report: {}


def _root_blocker(diagnosis: Data, _facts: Data, _report: Data) -> Named:
    """The session that holds up most. 0 is a prepared transaction, which has no session."""
    rows = [row for row in diagnosis["rows"] if _whole(row.get("pid")) and row.get("blocks_total")]
    if not rows:
        return None
    worst = max(rows, key=lambda row: (row.get("blocks_total") or 0, row.get("longest_wait_seconds") or row.get("age_seconds") or 0))
    who = worst.get("application") or worst.get("user") or "unknown"
    return {"pid": worst["pid"]}, f"end session {worst['pid']} of {who}, which holds up {worst['blocks_total']}"


#: Connections that an unknown client keeps.
FEW_CONNECTIONS = 2


def _index(diagnosis: Data, _facts: Data, _report: Data) -> Named:
    """The first index that is missing, by the names of table and columns: its statement is made anew on the target."""
    row = next((row for row in diagnosis["rows"] if row.get("confirmed_by") and not row.get("being_built")), None)
    if row is None or not all(isinstance(row.get(name), str) and row[name] for name in ("database", "schema", "table")):
        return None
    columns = row.get("columns")
    if not isinstance(columns, list) or not columns or not all(isinstance(name, str) and name for name in columns):
        return None
    about = {"database": row["database"], "schema": row["schema"], "table": row["table"], "columns": columns}
    return about, f"create the missing index on {row['schema']}.{row['table']} ({', '.join(columns)}), while writes go on"


def _client(diagnosis: Data, facts: Data, report: Data) -> Named:
    """The role of the unknown client that works most, and those of known clients, which are never limited."""
    rows = [row for row in diagnosis["rows"] if isinstance(row.get("user"), str) and row["user"]]
    views = instances_in(report.get("fleet") or {}, "database_clients")
    view = next((view for view in views if view.get("database_instance") == facts.get("name")), None)
    if not rows or view is None or not isinstance(view.get("clients"), list):
        return None
    known = sorted({str(row["user"]) for row in view["clients"] if row.get("known") and row.get("user")})
    role = rows[0]["user"]
    return {
        "role": role,
        "connections": FEW_CONNECTIONS,
        "known": known,
    }, f"limit role {role} to {FEW_CONNECTIONS} connections for some minutes"


#: Permanent: their answer is the same for everybody.
PERMANENT = (301, 308)
#: URL patterns of one VCL, and processes that a worker gets at most.
MOST_PATTERNS, MOST_PROCESSES = 8, 4


def _urls(diagnosis: Data, _facts: Data, _report: Data) -> Named:
    """Permanent redirects, and pages that the inventory declares cached: never what must bypass the cache or sets something private."""
    rows = [row for row in diagnosis["rows"] if isinstance(row.get("url_regex"), str) and row["url_regex"]]
    rows = [row for row in rows if row.get("must_bypass") is not True and row.get("expected") != "uncached"]
    rows = [row for row in rows if row.get("expected") == "cached" or row.get("status") in PERMANENT][:MOST_PATTERNS]
    if not rows:
        return None
    named = ", ".join(str(row.get("pattern")) for row in rows)
    return {"regexes": list(dict.fromkeys(row["url_regex"] for row in rows))}, f"use a VCL that caches {named}"


def _pool(diagnosis: Data, facts: Data, _report: Data) -> Named:
    """The worker of the longest queue that is busiest."""
    queue = next((row.get("name") for row in diagnosis["rows"] if row.get("name")), None)
    workers = [row for row in facts.get("workers") or [] if isinstance(row, dict) and row.get("answers") and _whole(row.get("concurrency"))]
    workers = [row for row in workers if queue in (row.get("queues") or [])]
    if not workers:
        return None
    worker = max(workers, key=lambda row: row.get("active") or 0)
    add = min(worker["concurrency"], MOST_PROCESSES)
    return {"worker": worker["name"], "add": add}, f"give worker {worker['name']} {add} more processes"


def _workers(_diagnosis: Data, facts: Data, _report: Data) -> Named:
    """As many workers as its machine is said to have room for, at most as many as it has."""
    addable, workers = facts.get("addable"), facts.get("workers")
    room = addable.get("workers") if isinstance(addable, dict) else None
    wanted = addable.get("advised") if isinstance(addable, dict) else None
    total = workers.get("active") if isinstance(workers, dict) else None
    if not _whole(room) or not _whole(total):
        return None
    add = min(value for value in (room, total, wanted, MOST_PROCESSES) if isinstance(value, int) and _whole(value))
    return {"add": add}, f"give it {counted(add, 'more worker', 'more workers')}"


def _connections(about: Data, host: str, facts: Data, report: Data) -> dict[str, t.Any]:
    """What the databases of the application have left when each thread of the new workers holds a connection."""
    budgets = [row for row in instances_in(report.get("fleet") or {}, "connection_budget") if isinstance(row.get("left"), int)]
    own = [row for row in budgets if host in {user.get("name") for user in row.get("users") or [] if isinstance(user, dict)}]
    workers, slots = facts.get("workers") or {}, facts.get("concurrency")
    if not budgets or not _whole(slots) or not _whole(workers.get("active")):
        return {"connections_left": None}
    threads = math.ceil(slots / workers["active"])
    # the sessions of a pooler are counted as its own, and do not become more
    return {"connections_left": min(row["left"] for row in own or budgets) - (about["add"] * threads if own else 0)}


def _memory(_diagnosis: Data, _facts: Data, _report: Data) -> Named:
    return {}, "raise its memory limit by a quarter"


def _whole(value: t.Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


_DATABASES = ("postgresql", "mysql")
_POSTGRESQL = ("postgresql",)
_APPLICATION_SERVERS = ("uwsgi", "wsgi")

#: cause → its act. A cause without a row has none: its line is for a person.
AID: dict[str, Aid] = {
    "lock_chain": Aid("end_session", _DATABASES, ("{service}_lock_waits",), _root_blocker),
    "idle_in_transaction": Aid(
        "end_session", _DATABASES, ("{service}_idle_in_transaction", "{service}_idle_transaction_blocks"), _root_blocker
    ),
    "missing_index": Aid("create_index", _POSTGRESQL, ("{service}_missing_index",), _index),
    "accelerator_fault": Aid(
        "cache_urls",
        ("varnish",),
        (*ACCELERATOR_FAULTS, "varnish_traffic_cached_urls", "varnish_traffic_redirects"),
        _urls,
    ),
    "queue_growth": Aid("grow_pool", ("celery",), QUEUE_GROWTH, _pool),
    "workers_exhausted": Aid(
        "add_workers", _APPLICATION_SERVERS, tuple(f"{{service}}_{name}" for name in SATURATED), _workers, _connections
    ),
    "broker_full": Aid("raise_maxmemory", ("redis",), STORE_FULL, _memory),
    "unknown_client": Aid("limit_client", _POSTGRESQL, ("database_unknown_client",), _client),
}


def proposals(report: Data) -> tuple[list[Proposal], list[str]]:
    """One proposal per cause that has an act, and a sentence for each cause for which nothing is proposed."""
    found, left = [], []
    tiers = collections.Counter(diagnosis["tier"] for diagnosis in report["diagnoses"])
    for diagnosis in report["diagnoses"]:
        cause, aid = diagnosis["cause"], AID.get(diagnosis["cause"])
        if aid is None:
            left.append(f"{cause}: no act of this collection mends it; see its first fix")
        elif tiers[diagnosis["tier"]] > 1:
            left.append(f"{cause}: nothing is done while two causes of one tier compete ({diagnosis['tier']})")
        else:
            proposal = _proposal(report, diagnosis, aid)
            if isinstance(proposal, Proposal):
                found.append(proposal)
            else:
                left.append(f"{cause}: {proposal}")
    return found, left


def _proposal(report: Data, diagnosis: Data, aid: Aid) -> t.Union[Proposal, str]:
    host, service, instance = target_of(report, diagnosis, aid.services)
    facts = _facts(report, host, service, instance)
    if facts is None:
        return "its target is not among the instances that were read"
    standing = [finding for finding in report["findings"] if _is_of(finding, aid, host, service, instance)]
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
    """Whether the finding is one that the act stands on: about its target, or of the fleet and named after it."""
    if finding["check"] not in [name.format(service=service) for name in aid.checks]:
        return False
    if finding["host"] == FLEET_HOST:
        return bool(finding["instance"] == f"{host} {instance}" or finding["service"] == f"{service}_queue")
    of_target = finding["service"] == service and finding["instance"] == instance
    return bool(finding["host"] == host and (of_target or finding["service"] == f"{service}_traffic"))
