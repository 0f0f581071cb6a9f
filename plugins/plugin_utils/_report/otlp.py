# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""launch.otlp.json: the report for OpenTelemetry, in the JSON form of OTLP: a log record per cause, a gauge per finding."""

from __future__ import annotations

import json
import typing as t

from ...module_utils._texts import moments
from ...module_utils._texts.redact import clean
from .._judge.report import Report
from .condensed import expanded
from .prom import STATUSES, is_number

Data = dict[str, t.Any]

#: Severities of the specification: ERROR and WARN.
_ERROR, _WARN = 17, 13


def launch_otlp(report: Report) -> str:
    at = str(int((moments.read(report["started_at"]) + report["duration_seconds"]) * 1_000_000_000))
    resource = {"attributes": _attributes({"service.name": "warroom.launch", "service.version": report["collection"].rpartition(" ")[2]})}
    scope = {"name": "warroom.launch"}
    document = {
        "resourceLogs": [{"resource": resource, "scopeLogs": [{"scope": scope, "logRecords": _causes(report, at)}]}],
        "resourceMetrics": [{"resource": resource, "scopeMetrics": [{"scope": scope, "metrics": _metrics(report, at)}]}],
    }
    return json.dumps(document, ensure_ascii=False, allow_nan=False) + "\n"


def _causes(report: Report, at: str) -> list[Data]:
    severity, word = (_ERROR, "ERROR") if report["status"] == "fail" else (_WARN, "WARN")
    return [
        {
            "timeUnixNano": at,
            "observedTimeUnixNano": at,
            "severityNumber": severity,
            "severityText": word,
            "eventName": "launch.cause",
            "body": {"stringValue": clean(diagnosis["statement"], 1000)},
            "attributes": _attributes(
                {
                    "launch.cause": diagnosis["cause"],
                    "launch.tier": diagnosis["tier"],
                    "launch.hosts": ",".join(sorted(diagnosis["hosts"])),
                    "launch.verdict": report["verdict"],
                    "launch.first_fix": diagnosis["first_fix"],
                }
            ),
        }
        for diagnosis in report["diagnoses"]
    ]


def _metrics(report: Report, at: str) -> list[Data]:
    findings = list(expanded(report["findings"]))
    status = [(_where(finding), STATUSES.index(finding["status"])) for finding in findings]
    values = [({**_where(finding), "unit": finding["unit"] or ""}, finding["value"]) for finding in findings]
    numbers = [(labels, value) for labels, value in values if is_number(value)]
    counts = [({"status": name}, count) for name, count in report["counts"].items()]
    return [
        _gauge("launch.check.status", "0 ok, 1 warn, 2 unknown, 3 fail, 4 skipped.", status, at),
        _gauge("launch.check.value", "The value that was judged, in its unit.", numbers, at),
        _gauge("launch.findings", "Findings by status.", counts, at),
        _gauge("launch.verdict", "1 for the verdict that holds.", [({"verdict": report["verdict"]}, 1)], at),
    ]


def _gauge(name: str, text: str, points: list[tuple[Data, t.Any]], at: str) -> Data:
    rows = [{"timeUnixNano": at, "asDouble": float(value), "attributes": _attributes(labels)} for labels, value in points]
    return {"name": name, "description": text, "gauge": {"dataPoints": rows}}


def _where(finding: t.Mapping[str, t.Any]) -> Data:
    return {"check": finding["check"], "host": finding["host"], "service": finding["service"], "instance": finding["instance"] or ""}


def _attributes(values: t.Mapping[str, t.Any]) -> list[Data]:
    return [{"key": name, "value": {"stringValue": clean(str(value), 600)}} for name, value in values.items()]
