# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Brokers of the fleet, each once, however many hosts reported it: queues and workers are the broker's, not the hosts'."""

from __future__ import annotations

import typing as t

from .celery_headroom import addable, headrooms
from .observed import Data, Hosts, Instance, figure, instances_up, rows_in

#: What is a host's own in the facts: judged there.
_OWN = ("local", "duration_ms", "collected_at")


def brokers(hosts: Hosts) -> list[dict[str, t.Any]]:
    """One instance per broker, from the host that learnt most about it, with what other hosts know in addition."""
    by_identity: dict[str, list[Instance]] = {}
    for report in instances_up(hosts, "celery"):
        identity = report.part("broker").get("identity")
        by_identity.setdefault(str(identity or f"{report.host} {report.name}"), []).append(report)
    headroom_of = headrooms(hosts)
    return [_broker(reports, headroom_of) for _identity, reports in sorted(by_identity.items())]


def _knowledge(report: Instance) -> tuple[bool, float, float, int]:
    """How much a report knows: two samples, workers that replied, tasks that finished, measures that are not unknown."""
    replied, finished = report.number("workers_replied") or 0.0, report.number("finished") or 0.0
    return report.facts.get("window") is not None, replied, finished, -len(report.part("unknown"))


def _broker(reports: list[Instance], headroom_of: t.Mapping[str, Data]) -> dict[str, t.Any]:
    best = max(reports, key=_knowledge)
    result = {name: value for name, value in best.facts.items() if name not in _OWN}
    name = best.part("broker").get("name")
    if name:
        result["name"] = name
    result["host"] = best.host
    result["hosts"] = sorted({report.host for report in reports})
    result["addable"] = addable(headroom_of, reports)
    result["unknown"] = {measure: why for measure, why in best.part("unknown").items() if not str(measure).startswith("local.")}
    if result["addable"]["workers"] is None:
        result["unknown"]["addable.workers"] = "no host of these workers was measured as a server"
    _add_beats(result, reports)
    _add_queues(result, [report for report in reports if report is not best])
    return result


def _add_beats(result: dict[str, t.Any], reports: list[Instance]) -> None:
    """Who sends the schedule of each application. Two projects of one host see the same processes."""
    by_app: dict[str, dict[str, int]] = {}
    for report in reports:
        for row in rows_in(report.part("local").get("beats")):
            hosts = by_app.setdefault(str(row.get("name") or ""), {})
            hosts[report.host] = max(hosts.get(report.host, 0), int(figure(row, "processes") or 0))
    counted = {app: sum(hosts.values()) for app, hosts in by_app.items()}
    result["beats"] = sum(counted.values())
    doubled = [{"name": app, "processes": count, "hosts": sorted(by_app[app])} for app, count in sorted(counted.items()) if count > 1]
    result["beats_doubled"] = doubled


def _add_queues(result: dict[str, t.Any], others: list[Instance]) -> None:
    """Queues that only another host's project knows by name (RabbitMQ does not list them)."""
    queues = rows_in(result.get("queues"))
    names = {row.get("name") for row in queues}
    extra = [row for report in others for row in report.rows("queues") if row.get("name") not in names and not row.get("problem")]
    new = {row["name"]: row for row in extra if row.get("name")}
    if not new:
        return
    result["queues"] = [*queues, *new.values()]
    result["queues_total"] = max(int(figure(result, "queues_total") or 0), len(result["queues"]))
    lost = [{"name": row["name"], "ready": row.get("ready")} for row in new.values() if row.get("ready") and row.get("consumers") == 0]
    if lost and figure(result, "unconsumed_total") is not None:
        result["unconsumed"] = [*(result.get("unconsumed") or []), *lost]
        result["unconsumed_total"] = int(result["unconsumed_total"]) + len(lost)
    growing = max(new.values(), key=lambda row: (bool(row.get("grows_always")), row.get("growth_per_second") or 0))
    worst = result.get("worst")
    if growing.get("grows_always") and not (isinstance(worst, dict) and worst.get("grows_always")):
        result["worst"] = growing
