# Copyright (c) 2026, the warroom.launch authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every fact that the tests hold, as fleets: host → `launch_<service>` facts."""

from __future__ import annotations

import copy
import functools
import json
import pathlib
import typing as t

from ansible_collections.warroom.launch.plugins.plugin_utils._checks.services import FLEET
from tests.support.check_cases import cases, catalogue
from tests.support.facts import facts
from tests.support.report import EVERY_TIER
from tests.unit.plugins.plugin_utils._diagnose.world import World

Fleet = dict[str, dict[str, t.Any]]
UNIT = pathlib.Path(__file__).resolve().parents[1] / "unit"


@functools.cache
def fleets() -> tuple[Fleet, ...]:
    """Whole fleets first, then one host for each service and each case of a check. Not to be changed: copy them."""
    return (*_whole(), *_disasters(), *_stored(), *({"host1": host} for host in _services()), *_cases())


def _whole() -> t.Iterator[Fleet]:
    """A host for each service, on which most checks are ok, and all of them on one."""
    hosts = {f"host{at}": host for at, host in enumerate(_services())}
    yield hosts
    yield {"host1": {key: fact for host in hosts.values() for key, fact in host.items()}}
    yield {"host1": EVERY_TIER}
    yield {"db1": {"launch_postgresql": json.loads((UNIT / "fixtures/postgresql/15/calm-facts.json").read_text())}}


def _disasters() -> t.Iterator[Fleet]:
    """The fleet of the diagnosis in each of its disasters."""
    methods = ("cold_cache", "workers_exhausted", "cpu_full", "missing_index", "idle_in_transaction", "lock_chain", "queue_backlog",
               "rogue_client", "unbalanced_cache", "connections_spent", "database_down", "second_site")  # fmt: skip
    for name in methods:
        world = World()
        getattr(world, name)()
        yield {**world.facts, "web2": dict(world.shared)}


def _stored() -> t.Iterator[Fleet]:
    for path in sorted((UNIT / "fixtures/reports").glob("*.json")):
        report = json.loads(path.read_text(encoding="utf-8"))
        hosts = report.get("hosts") if isinstance(report, dict) else None
        if hosts:
            yield {name: entry["facts"] for name, entry in hosts.items()}


def _services() -> list[dict[str, t.Any]]:
    """Per service the facts of all its cases that are ok, over each other."""
    merged: dict[str, dict[str, t.Any]] = {}
    services = {check.id: check.service for check in catalogue().checks()}
    for case in cases():
        service = services[case.check]
        if service not in FLEET and case.state == "ok":
            merged[service] = _over(merged.get(service, {}), case.instance())
    return [facts(**{service: [instance]}) for service, instance in merged.items()]


def _over(base: dict[str, t.Any], more: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    result = copy.deepcopy(base)
    for key, value in more.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = _over(result[key], value) if both else copy.deepcopy(value)
    return result


def _cases() -> t.Iterator[Fleet]:
    services = {check.id: check.service for check in catalogue().checks()}
    for case in cases():
        if services[case.check] not in FLEET:
            yield {"host1": facts(**{services[case.check]: [case.instance()]})}
