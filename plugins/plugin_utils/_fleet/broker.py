# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Brokers of the fleet, each once, however many hosts reported it: queues and workers are the broker's, not the hosts'."""

from __future__ import annotations

import typing as t

from .celery_headroom import addable
from .observed import Hosts, figure, seen

#: What is a host's own in the facts: judged there.
_OWN = ("local", "duration_ms", "collected_at")


def brokers(hosts: Hosts) -> list[dict[str, t.Any]]:
    """One instance per broker, from the host that learnt most about it, with what other hosts know in addition."""
    found: dict[str, list[tuple[str, dict[str, t.Any]]]] = {}
    for host, instance in seen(hosts, "celery"):
        broker = instance.get("broker")
        identity = broker.get("identity") if isinstance(broker, dict) else None
        found.setdefault(str(identity or f"{host} {instance.get('name')}"), []).append((host, instance))
    return [_broker(reports, hosts) for _identity, reports in sorted(found.items())]


def _knowledge(instance: t.Mapping[str, t.Any]) -> tuple[bool, float, float, int]:
    """How much a report knows: two samples, workers that answered, tasks that finished, measures that are not unknown."""
    told = (figure(instance, name) or 0.0 for name in ("workers_replied", "finished"))
    return (instance.get("window") is not None, *told, -len(instance.get("unknown") or {}))  # type: ignore[return-value]


def _broker(reports: list[tuple[str, dict[str, t.Any]]], hosts: Hosts) -> dict[str, t.Any]:
    _host, best = max(reports, key=lambda report: _knowledge(report[1]))
    result = {name: value for name, value in best.items() if name not in _OWN}
    broker = best.get("broker")
    if isinstance(broker, dict) and broker.get("name"):
        result["name"] = broker["name"]
    result["hosts"] = sorted({host for host, _instance in reports})
    result["addable"] = addable(hosts, reports)
    result["unknown"] = {name: why for name, why in (best.get("unknown") or {}).items() if not name.startswith("local.")}
    if result["addable"]["workers"] is None:
        result["unknown"]["addable.workers"] = "no host of these workers was measured as a server"
    _add_queues(result, [instance for _one, instance in reports if instance is not best])
    return result


def _add_queues(result: dict[str, t.Any], others: list[dict[str, t.Any]]) -> None:
    """Queues that only another host's project knows by name (RabbitMQ does not list them)."""
    rows = {row.get("name"): row for row in _rows(result)}
    extra = [row for instance in others for row in _rows(instance) if row.get("name") not in rows and not row.get("problem")]
    new = {row["name"]: row for row in extra if row.get("name")}
    if not new:
        return
    result["queues"] = [*_rows(result), *new.values()]
    result["queues_total"] = max(int(figure(result, "queues_total") or 0), len(result["queues"]))
    lost = [{"name": row["name"], "ready": row.get("ready")} for row in new.values() if row.get("ready") and row.get("consumers") == 0]
    if lost and figure(result, "unconsumed_total") is not None:
        result["unconsumed"] = [*(result.get("unconsumed") or []), *lost]
        result["unconsumed_total"] = int(result["unconsumed_total"]) + len(lost)
    growing = max(new.values(), key=lambda row: (bool(row.get("grows_always")), row.get("growth_per_second") or 0))
    worst = result.get("worst")
    if growing.get("grows_always") and not (isinstance(worst, dict) and worst.get("grows_always")):
        result["worst"] = growing


def _rows(instance: t.Mapping[str, t.Any]) -> list[dict[str, t.Any]]:
    rows = instance.get("queues")
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
