# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What today's rules say of a recorded cell: the pure functions of the judgement over its raw facts, window by window."""

from __future__ import annotations

import copy
import typing as t

from ansible_collections.warroom.launch.plugins.module_utils._collect.fact_names import fact_key
from ansible_collections.warroom.launch.plugins.module_utils._collectors.registry import ROWS
from ansible_collections.warroom.launch.plugins.module_utils._texts import moments
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.services import TIERS
from ansible_collections.warroom.launch.plugins.plugin_utils._judge.pipeline import Asked, judge
from tests.support.check_cases import catalogue

from .cells import Cell

#: Settings of a host that its report does not repeat.
SETTINGS = ("services", "thresholds", "extra_checks", "accept", "known_clients", "addresses", "groups")
#: Facts of services that a check of this phase does not gather; early recordings have them.
NOT_GATHERED = {phase: {fact_key(row.name) for row in ROWS if row.phase not in (None, phase)} for phase in ("before", "during")}
#: The settings that a report of one's own has to do without when it has no hosts.json.
NOTHING: dict[str, t.Any] = {}


def windows(cell: Cell) -> list[dict[str, t.Any]]:
    """A report of today for each window. `ended_at`: when the recorded window was over, in seconds since the epoch."""
    return [{**judged(window, cell.hosts), "ended_at": _ended(window)} for window in cell.windows]


def judged(window: t.Mapping[str, t.Any], settings: t.Mapping[str, dict[str, t.Any]]) -> dict[str, t.Any]:
    """A report of today; `settings`: of each host."""
    phase = str(window.get("phase", "during"))
    hosts = [_asked(name, host, settings.get(name, NOTHING), phase) for name, host in window["hosts"].items()]
    groups: dict[str, list[str]] = {}
    for host in hosts:
        for group in host.groups:
            groups.setdefault(group, []).append(host.name)
    inventory: t.Any = {"groups": groups, "addresses": {host.name: host.addresses for host in hosts}}
    return dict(judge(hosts, catalogue(), phase, inventory))


def _asked(name: str, host: t.Mapping[str, t.Any], settings: t.Mapping[str, t.Any], phase: str) -> Asked:
    facts = copy.deepcopy({key: fact for key, fact in host["facts"].items() if key not in NOT_GATHERED[phase]})
    given = {key: settings[key] for key in SETTINGS if settings.get(key)}
    machines = facts.get("launch_server", {}).get("instances", [])
    given.setdefault("addresses", list(dict.fromkeys([name, *(str(at) for one in machines for at in one.get("addresses") or [])])))
    problem = None if host.get("reached", True) else "not reachable when it was recorded"
    return Asked(name, facts, problem, **given)


def _ended(window: t.Mapping[str, t.Any]) -> float:
    return moments.read(str(window["started_at"])) + float(window.get("duration_seconds") or 0)


def about(service: str, tier: str) -> bool:
    """Whether a service is what this tier of a cause means: causes name a tier (database) or the service itself (uwsgi)."""
    return tier in (service, TIERS.get(service, service))
