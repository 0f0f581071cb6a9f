# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Exports: an alert per cause that ends by itself, the report as OTLP, and a dashboard over metrics that exist."""

from __future__ import annotations

import json
import re
import typing as t

from ansible_collections.warroom.launch.plugins.module_utils._texts import moments
from ansible_collections.warroom.launch.plugins.plugin_utils._report.alerts import STANDS, alerts
from ansible_collections.warroom.launch.plugins.plugin_utils._report.otlp import launch_otlp
from ansible_collections.warroom.launch.plugins.plugin_utils._report.prom import launch_prom
from tests.support.report import CAUSE, host
from tests.support.report import report as report_of
from tests.support.server import ROOT


def disaster() -> t.Any:
    return report_of(host("a", 1.0), host("b", 0.8), host("c", None), diagnoses=[CAUSE])


def test_one_alert_per_cause_that_ends_by_itself() -> None:
    report = disaster()
    rows = alerts(report)
    assert [row["labels"]["cause"] for row in rows] == [cause["cause"] for cause in report["diagnoses"]] and rows
    for row in rows:
        assert all(isinstance(value, str) and value for value in (*row["labels"].values(), *row["annotations"].values()))
        ended = moments.read(report["started_at"]) + report["duration_seconds"]
        assert 0 <= moments.read(row["endsAt"]) - ended - STANDS + 1 <= 2 and row["startsAt"] == report["started_at"]


def test_the_same_cause_is_the_same_alert_in_the_next_report() -> None:
    first, second = alerts(disaster()), alerts(disaster())
    assert [row["labels"] for row in first] == [row["labels"] for row in second]


def test_the_report_as_otlp() -> None:
    report = disaster()
    document = json.loads(launch_otlp(report))
    (logs,) = document["resourceLogs"][0]["scopeLogs"]
    assert [row["body"]["stringValue"] for row in logs["logRecords"]] and len(logs["logRecords"]) == len(report["diagnoses"])
    metrics = {row["name"]: row["gauge"]["dataPoints"] for row in document["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]}
    assert len(metrics["launch.check.status"]) == len(report["findings"])
    for points in metrics.values():
        assert all(point["timeUnixNano"].isdigit() and isinstance(point["asDouble"], float) for point in points)
        assert all(set(pair["value"]) == {"stringValue"} for point in points for pair in point["attributes"])


def test_the_dashboard_shows_metrics_and_labels_that_exist() -> None:
    report = disaster()
    report["findings"][0]["accepted"] = "known"
    text = "".join(launch_prom(report))
    names = set(re.findall(r"^# TYPE (\w+)", text, re.M))
    labels = set(re.findall(r'[{,](\w+)="', text))
    dashboard = json.loads((ROOT / "examples/grafana-dashboard.json").read_text(encoding="utf-8"))
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    assert len(expressions) == len(dashboard["panels"]) > 5
    for expression in expressions:
        used = set(re.findall(r"\blaunch_\w+", expression))
        assert used and used <= names, expression
        assert set(re.findall(r"(\w+)=~?\"", expression)) <= labels
    legends = [target["legendFormat"] for panel in dashboard["panels"] for target in panel["targets"]]
    assert set(re.findall(r"{{(\w+)}}", " ".join(legends))) <= labels
