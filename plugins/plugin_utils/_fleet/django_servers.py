# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The servers of one Django project, compared with each other: one that differs answers differently from time to time."""

from __future__ import annotations

import typing as t

from .django_drift import KINDS, differences, in_words, told_by
from .observed import Hosts, Instance, instances_up

#: Differences that the facts list.
MOST = 30
ALONE = "fewer than two servers tell it: read the project on each (django in launch_check_services)"


def django_servers(hosts: Hosts) -> list[dict[str, t.Any]]:
    """An instance for each project that was read on two servers or more."""
    projects: dict[tuple[str, str], list[Instance]] = {}
    for instance in instances_up(hosts, "django"):
        projects.setdefault((instance.name, str(instance.facts.get("settings_module"))), []).append(instance)
    return [_compared(name, of_project) for (name, _module), of_project in projects.items() if len({one.host for one in of_project}) > 1]


def _compared(name: str, servers: t.Sequence[Instance]) -> dict[str, t.Any]:
    sides = [(server.host, server.facts) for server in servers]
    rows = sorted(differences(sides), key=lambda row: KINDS.index(row["kind"]))
    measures: dict[str, t.Any] = {}
    folder = servers[0].part("access").get("chdir")
    unknown: dict[str, str] = {} if folder else {"folder": "the facts do not say it"}
    for kind in KINDS:
        measure = f"{kind}s_differing_total"
        known = told_by(sides, kind) > 1
        measures[measure] = sum(row["kind"] == kind for row in rows) if known else None
        if not known:
            unknown[measure] = ALONE
    return {
        **{"name": name, "state": "up", "problem": None, "servers_total": len(sides), "servers": [host for host, _facts in sides][:MOST]},
        "folder": folder,
        "differences": [{"kind": row["kind"], "name": row["name"], "sides": in_words(row)} for row in rows[:MOST]],
        **{"differences_total": len(rows), **measures, "unknown": unknown, "notes": []},
    }
