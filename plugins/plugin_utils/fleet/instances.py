# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What exists once for the fleet: cache pools and broker queues, made from the facts of several hosts."""

from __future__ import annotations

import importlib
import typing as t

from ..evaluate import evaluate
from ..finding import Finding
from ..services import FLEET_HOST, fact_key

if t.TYPE_CHECKING:
    from ..check import Check

#: service → module and function here that gives its instances from `{host: {"facts": …}}`.
SOURCES = {"memcached_pool": ("pool", "pools"), "celery_queue": ("broker", "brokers")}


def fleet_facts(hosts: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Facts of the pseudo-host `fleet`, in the form that a module's facts have."""
    facts: dict[str, t.Any] = {}
    for service, (module, function) in SOURCES.items():
        try:
            source = importlib.import_module(f"{__package__}.{module}")
        except ModuleNotFoundError:
            continue
        instances = getattr(source, function)(hosts)
        if instances:
            facts[fact_key(service)] = {"schema": 1, "instances": instances}
    return facts


def fleet_findings(facts: dict[str, t.Any], checks: t.Iterable[Check], phase: str, accepted: t.Mapping[str, str]) -> list[Finding]:
    return evaluate(FLEET_HOST, facts, checks, phase, accepted)
