# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether what was read has the form of a report: files and stores may be damaged, or of another program."""

from __future__ import annotations

import typing as t

from .packing import STATUSES


def no_constant(name: str) -> t.Any:
    raise ValueError(f"{name} is no JSON")


def sound_report(report: t.Any) -> dict[str, t.Any]:
    """The content of a launch.json, or ValueError when it has not the form that everything here relies on."""
    findings = report.get("findings") or [] if isinstance(report, dict) else None
    diagnoses = report.get("diagnoses") or [] if isinstance(report, dict) else None
    hosts = report.get("hosts") or {} if isinstance(report, dict) else None
    sound = (
        isinstance(findings, list)
        and isinstance(diagnoses, list)
        and isinstance(hosts, dict)
        and isinstance(report.get("verdict"), str)
        and all(isinstance(finding, dict) and _sound_finding(finding) for finding in findings)
        and all(isinstance(diagnosis, dict) and isinstance(diagnosis.get("cause"), str) for diagnosis in diagnoses)
        and all(isinstance(host, dict) and _sound_facts(host.get("facts")) for host in hosts.values())
    )
    if not sound:
        raise ValueError("this is not the form of a report")
    return t.cast("dict[str, t.Any]", report)


def _sound_finding(finding: t.Mapping[str, t.Any]) -> bool:
    texts = all(isinstance(finding.get(name), (str, type(None))) for name in ("host", "service", "instance", "unit", "finding"))
    value = isinstance(finding.get("value"), (str, int, float, type(None)))
    known = isinstance(finding.get("check"), str) and finding.get("status") in STATUSES[1:]
    return texts and value and known and _are_mappings(finding.get("places"))


def _sound_facts(facts: t.Any) -> bool:
    """Facts are a mapping of services to their instances; a reader may say where else they are."""
    if facts is None or not isinstance(facts, dict):
        return facts is None
    services = [fact for name, fact in facts.items() if str(name).startswith("launch_")]
    return all(isinstance(fact, dict) and _are_mappings(fact.get("instances")) for fact in services)


def _are_mappings(rows: t.Any) -> bool:
    return rows is None or (isinstance(rows, list) and all(isinstance(row, dict) for row in rows))
