# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report: what launch.json holds, as types. `SCHEMA` rises when a reader of the file would have to change."""

from __future__ import annotations

import typing as t

from .._checks.finding import Finding
from .._diagnose.cause import Diagnosis, LatentRisk
from .._fleet.graph import Topology
from .._fleet.provenance import Change
from .obstacles import Obstacle

SCHEMA = 2


class HostEntry(t.TypedDict):
    """One host of the check. In launch.json `facts` is `{file: hosts/<name>.json}`, or null when they are not written."""

    reached: bool
    tiers: list[str]
    facts: dict[str, t.Any]


class History(t.TypedDict):
    """The stored rounds of a watch."""

    rounds: list[dict[str, t.Any]]
    series: list[dict[str, t.Any]]
    #: Whether the watch is still running.
    live: t.NotRequired[bool]


class Written(t.TypedDict):
    """Whose facts lie beside launch.json."""

    #: trouble, all or none.
    facts: str
    hosts: int
    #: Hosts that gave facts which are not written.
    left_out: int


class Report(t.TypedDict):
    """What was judged, and what it comes to."""

    schema: int
    collection: str
    started_at: str
    duration_seconds: float
    phase: str
    #: The services that were asked for; none when all were.
    only: list[str]
    verdict: str
    status: str
    counts: dict[str, int]
    hosts: dict[str, HostEntry]
    fleet: dict[str, t.Any]
    findings: list[Finding]
    diagnoses: list[Diagnosis]
    #: What would be a cause if anyone felt it: no cause, and never the headline.
    latent_risks: list[LatentRisk]
    #: Who talks to whom: `nodes`, `edges`, `outside` (addresses where no instance of the check listens) and `unknown`.
    topology: Topology
    #: What changed lately, the newest first: since the round that was stored before, and within the last minutes.
    changes: list[Change]
    #: Why the check itself failed in part; None if it did not.
    problem: t.Optional[str]
    #: What stands between the check and a verdict, by what mends it.
    obstacles: list[Obstacle]
    history: t.NotRequired[History]
    #: In launch.json only.
    written: t.NotRequired[Written]
