# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""alerts.json: one alert per cause, as Alertmanager's API v2 takes it (POST /api/v2/alerts).

An alert ends by itself when no later report renews it: a cause that is gone resolves without a word from us.
"""

from __future__ import annotations

import json
import typing as t

from ...module_utils._texts import moments
from ...module_utils._texts.redact import clean
from .._diagnose.cause import Diagnosis
from .._judge.report import Report

#: How long an alert stands without being renewed, in seconds.
STANDS = 300.0
_LONGEST = 600


def alerts_json(report: Report) -> str:
    return json.dumps(alerts(report), ensure_ascii=False, indent=1) + "\n"


def alerts(report: Report) -> list[dict[str, t.Any]]:
    """The labels say which cause and where, so that the same cause at the same place is the same alert in every report."""
    started = moments.read(report["started_at"])
    ends = moments.written(started + report["duration_seconds"] + STANDS)
    return [_alert(diagnosis, report, ends) for diagnosis in report["diagnoses"]]


def _alert(diagnosis: Diagnosis, report: Report, ends: str) -> dict[str, t.Any]:
    labels = {
        "alertname": "LaunchCause",
        "cause": diagnosis["cause"],
        "tier": diagnosis["tier"],
        "host": ",".join(sorted(diagnosis["hosts"])),
        "severity": "critical" if report["status"] == "fail" else "warning",
    }
    annotations = {
        "summary": diagnosis["statement"],
        "first_fix": diagnosis["first_fix"],
        "avoid": diagnosis["avoid"],
        "verdict": report["verdict"],
    }
    return {
        "labels": {name: clean(value, 200) for name, value in labels.items()},
        "annotations": {name: clean(value, _LONGEST) for name, value in annotations.items() if value},
        "startsAt": report["started_at"],
        "endsAt": ends,
    }
