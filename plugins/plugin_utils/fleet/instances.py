# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What exists once for the fleet, from the facts of several hosts: pools, queues, a database's clients and budget, hosts of one kind."""

from __future__ import annotations

import importlib
import typing as t

from ..evaluate import evaluate
from ..finding import Finding
from ..services import FLEET_HOST, TITLES, fact_key

if t.TYPE_CHECKING:
    from ..check import Check

Data = t.Mapping[str, t.Any]

#: service → module and function here that gives its instances from `{host: {"facts": …}}`, and whether it asks for the inventory.
SOURCES = {
    "accelerator_bypass": ("bypass", "traffic", False),
    "memcached_pool": ("pool", "pools", False),
    "celery_queue": ("broker", "brokers", False),
    "database_clients": ("clients", "databases", True),
    "connection_budget": ("budget", "budgets", True),
    "siblings": ("siblings", "alike", False),
}


def fleet_facts(hosts: Data, inventory: Data) -> dict[str, t.Any]:
    """Facts of the pseudo-host `fleet`, in the form that a module's facts have."""
    facts: dict[str, t.Any] = {}
    for service, (module, function, asks) in SOURCES.items():
        try:
            source = getattr(importlib.import_module(f"{__package__}.{module}"), function)
        except ModuleNotFoundError:
            continue
        instances = _instances(service, source, (hosts, inventory) if asks else (hosts,))
        if instances:
            facts[fact_key(service)] = {"schema": 1, "instances": instances}
    return facts


def _instances(service: str, source: t.Callable[..., t.Any], arguments: tuple[t.Any, ...]) -> list[dict[str, t.Any]]:
    try:
        return list(source(*arguments))
    except Exception as error:  # pylint: disable=broad-exception-caught # facts of a strange form cost this view, not the verdict
        problem = f"could not make sense of the facts for {TITLES[service]} ({type(error).__name__}: {error}); please report this"
        return [{"name": service, "state": "unreadable", "problem": problem}]


def fleet_findings(facts: dict[str, t.Any], checks: t.Iterable[Check], phase: str, accepted: t.Mapping[str, str]) -> list[Finding]:
    return evaluate(FLEET_HOST, facts, checks, phase, accepted)
