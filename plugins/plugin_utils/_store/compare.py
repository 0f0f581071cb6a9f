# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two rounds side by side: what a fix changed, or how the launch differs from the load test."""

from __future__ import annotations

import typing as t

from .._checks.only import in_scope
from .._report.condensed import Fine
from .rounds import key_of

_WORSE = {"ok": 0, "skipped": 0, "warn": 1, "unknown": 2, "fail": 3}


def compare(before: t.Mapping[str, t.Any], after: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Two reports (contents of launch.json) compared per check.

    Returns {verdict: [before, after], causes: {gone, new, same}, better, worse, moved}: `better` and `worse` are findings
    whose status changed, `moved` those whose value moved by a tenth or more; each {check, host, service, instance, unit,
    status: [before, after], value: [before, after], finding}.
    """
    asked = [report["only"] for report in (before, after) if report.get("only")]
    # what one of them did not ask for is neither gone nor new
    old, new = (
        {
            key_of(finding): finding
            for finding in report.get("findings") or []
            if all(in_scope(finding.get("service"), each) for each in asked)
        }
        for report in (before, after)
    )
    result: dict[str, t.Any] = {
        "verdict": [before["verdict"], after["verdict"]],
        "causes": _causes(before, after),
        "better": [],
        "worse": [],
        "moved": [],
    }
    fine = Fine(before), Fine(after)
    for key in sorted({*old, *new}):
        row = _row(key, old.get(key), new.get(key), fine)
        kind = _kind(row)
        if kind:
            result[kind].append(row)
    return result


def _causes(before: t.Mapping[str, t.Any], after: t.Mapping[str, t.Any]) -> dict[str, list[str]]:
    old = {diagnosis["cause"] for diagnosis in before.get("diagnoses") or []}
    new = {diagnosis["cause"] for diagnosis in after.get("diagnoses") or []}
    # causes of services that one of the runs did not look at
    gone = set() if after.get("only") else old - new
    return {"gone": sorted(gone), "new": sorted(set() if before.get("only") else new - old), "same": sorted(old & new)}


def _row(key: tuple[str, str, str, str], old: t.Any, new: t.Any, fine: tuple[Fine, Fine]) -> dict[str, t.Any]:
    check, host, service, instance = key
    shown = new or old
    return {
        "check": check,
        "host": host,
        "service": service,
        "instance": instance,
        "unit": shown.get("unit"),
        "status": [finding["status"] if finding else known.status(*key) for finding, known in zip((old, new), fine)],
        "value": [old and old.get("value"), new and new.get("value")],
        "finding": shown.get("finding"),
    }


def _kind(row: t.Mapping[str, t.Any]) -> t.Optional[str]:
    before, after = (_WORSE.get(status or "skipped", 0) for status in row["status"])
    if before != after:
        return "better" if after < before else "worse"
    old, new = row["value"]
    numbers = all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in (old, new))
    return "moved" if numbers and abs(new - old) >= 0.1 * max(abs(old), abs(new)) and old != new else None
