# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""launch.json keeps its structure and values: reports of synthetic fleets against stored ones."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._checks.finding import Finding
from ansible_collections.warroom.launch.plugins.plugin_utils._judge.pipeline import Asked
from ansible_collections.warroom.launch.plugins.plugin_utils._judge.report import HostEntry, Report
from ansible_collections.warroom.launch.plugins.plugin_utils._report.atomic_files import launch_json
from tests.support.report import fleet, host, report
from tests.support.stored import RENEW, required, stored

#: What differs from run to run.
MOMENTS = {"started_at": "2026-11-25T14:00:00Z", "duration_seconds": 0.0, "collection": "warroom.launch"}

SENTENCES = ("question", "finding", "advice", "look", "reason", "limit")

GONE = Asked("web2", problem="not reachable: timed out")
REPORTS: dict[str, t.Callable[[], t.Mapping[str, t.Any]]] = {
    "busy_and_gone": lambda: fleet(11),
    "nothing_asked": report,
    "accepted": lambda: report(host("web1", 0.97, accept={"uwsgi_busy": "until Friday"}), GONE),
}


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_is_as_the_stored_one(name: str) -> None:
    made = {**json.loads("".join(launch_json(REPORTS[name]()))), **MOMENTS}
    made["findings"] = [_without_sentences(finding) for finding in made["findings"]]
    assert made == stored(name, made), RENEW


def _without_sentences(finding: dict[str, t.Any]) -> dict[str, t.Any]:
    """Sentences may be worded anew at any time: of them only counts whether there is one."""
    return {key: "a sentence" if key in SENTENCES and value is not None else value for key, value in finding.items()}


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_has_the_declared_keys(name: str) -> None:
    made = REPORTS[name]()
    assert set(made) == required(Report)
    assert all(set(entry) == required(HostEntry) for entry in made["hosts"].values())
    assert made["findings"] and all(set(finding) == required(Finding) for finding in made["findings"])
