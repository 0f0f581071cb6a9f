# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a diagnosis is. Which cause explains which is said in `causes`, and nowhere else."""

from __future__ import annotations

import dataclasses
import typing as t

from .._checks.finding import Finding
from .._fleet.observed import Instance, Row
from .._reach.quoting import Line


class Evidence(t.TypedDict):
    """A sentence, and the row of the report that shows it (see `refs`)."""

    text: str
    ref: str


class Diagnosis(t.TypedDict):
    """A cause as launch.json has it."""

    cause: str
    tier: str
    hosts: list[str]
    statement: str
    evidence: list[Evidence]
    first_fix: str
    avoid: str
    look: t.Optional[Line]
    rows: t.Sequence[dict[str, t.Any]]
    #: How the trouble reaches visitors, from their side on: `varnish web1`; empty where it is not known.
    path: list[str]
    #: The instances that it is about and those in front of them, as `host/service/name`; and those that these depend on.
    hit: list[str]
    needs: list[str]
    #: What changed on these shortly before it began, in words. A coincidence, until proven otherwise.
    changes: list[str]
    #: The way back that `first_fix` offers first, null when none is known.
    way_back: t.Optional[str]


class LatentRisk(Diagnosis):
    """What would be a cause if anyone felt it. Never a cause and never the headline; its findings keep their own status."""

    #: The findings that it shows in: {check, host, service, instance}.
    findings: list[dict[str, t.Optional[str]]]
    #: Since when one of them is beyond its limit by the stored rounds, null when the store does not tell.
    since: t.Optional[str]
    #: Where they are going by the stored rounds, as sentences.
    trends: list[str]


@dataclasses.dataclass
class Cause:
    """One named cause. Texts are whole sentences; `rows` are the facts behind the statement, for the page."""

    hosts: list[str]
    statement: str
    evidence: list[str]
    first_fix: str
    avoid: str
    look: t.Optional[Line]
    rows: list[Row] = dataclasses.field(default_factory=list)
    #: The instance that it is about.
    at: t.Optional[Instance] = None
    #: The instances that it is about (host, service, name), where these are not that one.
    of: tuple[tuple[str, str, str], ...] = ()
    #: Which of its kinds it is (what a machine lacks, the tier of a service that is down): not all of them explain the same.
    variant: str = ""
    #: It only may become one: it explains nothing, and is told among the latent risks whoever suffers from something else.
    is_risk: bool = False
    #: URL patterns that an accelerator lets through.
    patterns: frozenset[str] = frozenset()
    path: list[str] = dataclasses.field(default_factory=list)
    hit: list[str] = dataclasses.field(default_factory=list)
    needs: list[str] = dataclasses.field(default_factory=list)
    #: Its name and tier are the table's; a rule gives the tier where it differs from case to case.
    cause: str = ""
    tier: str = ""

    def as_dict(self, evidence: list[Evidence]) -> Diagnosis:
        return {
            "cause": self.cause,
            "tier": self.tier,
            "hosts": self.hosts,
            "statement": self.statement,
            "evidence": evidence,
            "first_fix": self.first_fix,
            "avoid": self.avoid,
            "look": self.look,
            "rows": self.rows,
            "path": self.path,
            "hit": self.hit,
            "needs": self.needs,
            "changes": [],
            "way_back": None,
        }


def said(finding: Finding, key: t.Literal["finding", "question", "advice", "reason"] = "finding") -> str:
    """A sentence of a finding without its full stop; empty when it has none."""
    return str(finding.get(key) or "").rstrip(".")


def look(finding: Finding) -> t.Optional[Line]:
    """The command of a finding, which the checks made."""
    line = finding.get("look")
    return Line(line) if isinstance(line, str) else None


def percent(value: t.Optional[float]) -> str:
    return "an unknown share" if value is None else f"{100 * value:.0f} %"


def several(names: t.Sequence[t.Any], most: int = 3) -> str:
    """`a, b and 4 more`"""
    shown = ", ".join(str(name) for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
