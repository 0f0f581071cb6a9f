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
#: What the findings of one row have in common by its making; in all else each may differ from it.
_SHARED = (*_SAID_BEFORE, "check", "status", "accepted", "evidence", "count", "places")
_OWN = tuple(key for key in Finding.__annotations__ if key not in _SHARED)

Kind = tuple[str, str, str]


def counts_as_fine(finding: t.Mapping[str, t.Any]) -> bool:
    """Whether there is nothing to be done about it."""
    return finding["status"] in ("ok", "skipped") and not finding["accepted"]


def condensed(report: Report) -> Report:
    """The report with one example for all findings of a check that are fine alike; `count` says how many it stands for.

    Trouble beyond the first findings of its check is one row, too: its `places` say of each finding what is different about it.
    """
    findings = report["findings"]
    alike = collections.Counter[Kind]()
    for finding in findings:
        if counts_as_fine(finding):
            alike[_kind(finding)] += finding.get("count") or 1
    return {**report, "findings": _written(findings, alike)}


def expanded(findings: t.Iterable[Finding]) -> t.Iterator[Finding]:
    """The findings of a written report, each place of a row as the finding that it stands for."""
    for finding in findings:
        places = finding.get("places")
        if places:
            shared = {key: value for key, value in finding.items() if key not in ("count", "places")}
            yield from (t.cast(Finding, {**shared, **place}) for place in places)
        else:
            yield finding


def _written(findings: t.Iterable[Finding], alike: t.Mapping[Kind, int]) -> list[Finding]:
    written: list[Finding] = []
    examples: set[Kind] = set()
    troubled = collections.Counter[Kind]()
    rows: dict[tuple[t.Any, ...], Finding] = {}
    for finding in findings:
        kind = _kind(finding)
        if counts_as_fine(finding):
            if kind not in examples:
                examples.add(kind)
                written.append({**finding, "count": alike[kind]} if alike[kind] > 1 else finding)
            continue
        troubled[kind] += 1
        row = rows.get((kind, finding["accepted"]))
        if troubled[kind] <= IN_FULL or finding.get("places"):
            written.append(finding)
        elif row is None:
            rows[kind, finding["accepted"]] = short = _short(finding)
            written.append(short)
        else:
            row.setdefault("places", [{"host": row["host"]}]).append(_place(finding, row))
            row["count"] = len(row["places"])
    return written


def _place(finding: Finding, row: Finding) -> dict[str, t.Any]:
    """Its host, and what else it does not share with the row."""
    return {"host": finding["host"], **{key: finding.get(key) for key in _OWN if finding.get(key) != row.get(key)}}


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
            if finding.get("count") and counts_as_fine(finding):
                self._statuses.setdefault(finding["check"], set()).add(finding["status"])
        nodes = (report.get("topology") or {}).get("nodes") or [] if self._statuses else []
        self._instances = {(node.get("host"), node.get("service"), node.get("name")) for node in nodes if isinstance(node, dict)}

    def status(self, check: str, host: str, service: str, instance: str) -> t.Optional[str]:
        """`ok`, `skipped` or `ok or skipped`; None when it was not judged."""
        statuses = self._statuses.get(check)
        if not statuses or (host, service, instance) not in self._instances:
            return None
        return " or ".join(sorted(statuses))
