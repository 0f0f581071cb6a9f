# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A report as it is written: what is fine as counts, what is wrong in full, so that its size follows the trouble and not the fleet."""

from __future__ import annotations

import collections
import typing as t

from .._checks.finding import Finding
from .._checks.remedies import template
from .._judge.report import Report

#: Findings of one check and status that keep their question, advice, command and evidence; those after them say where and how much.
IN_FULL = 50

#: What the findings beyond that leave to the first ones of their check.
_SAID_BEFORE = ("question", "advice", "look")

Kind = tuple[str, str, str]


def counts_as_fine(finding: t.Mapping[str, t.Any]) -> bool:
    """Whether there is nothing to be done about it."""
    return finding["status"] in ("ok", "skipped") and not finding["accepted"]


def condensed(report: Report) -> Report:
    """The report with one example for all findings of a check that are fine alike; `count` says how many it stands for."""
    findings = report["findings"]
    alike = collections.Counter[Kind]()
    for finding in findings:
        if counts_as_fine(finding):
            alike[_kind(finding)] += finding.get("count") or 1
    return {**report, "findings": list(_written(findings, alike))}


def _written(findings: t.Iterable[Finding], alike: t.Mapping[Kind, int]) -> t.Iterator[Finding]:
    examples: set[Kind] = set()
    troubled = collections.Counter[Kind]()
    for finding in findings:
        kind = _kind(finding)
        if not counts_as_fine(finding):
            troubled[kind] += 1
            yield finding if troubled[kind] <= IN_FULL else _short(finding)
        elif kind not in examples:
            examples.add(kind)
            yield {**finding, "count": alike[kind]} if alike[kind] > 1 else finding


def _kind(finding: Finding) -> Kind:
    """Checks are skipped for different reasons, and each of them is worth an example."""
    why = template(finding["reason"] or "") if finding["status"] == "skipped" else ""
    return finding["check"], finding["status"], why


def _short(finding: Finding) -> Finding:
    short = t.cast(Finding, {**finding, "evidence": []})
    short.update({key: None for key in _SAID_BEFORE})  # type: ignore[typeddict-item]
    return short


class Fine:
    """What a condensed report says of findings that it does not list."""

    def __init__(self, report: t.Mapping[str, t.Any]) -> None:
        self._statuses: dict[str, set[str]] = {}
        for finding in report.get("findings") or []:
            if finding.get("count"):
                self._statuses.setdefault(finding["check"], set()).add(finding["status"])
        nodes = (report.get("topology") or {}).get("nodes") or [] if self._statuses else []
        self._instances = {(node.get("host"), node.get("service"), node.get("name")) for node in nodes if isinstance(node, dict)}

    def status(self, check: str, host: str, service: str, instance: str) -> t.Optional[str]:
        """`ok`, `skipped` or `ok or skipped`; None when it was not judged."""
        statuses = self._statuses.get(check)
        if not statuses or (host, service, instance) not in self._instances:
            return None
        return " or ".join(sorted(statuses))
