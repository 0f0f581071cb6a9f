# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One word for many findings, and what it means for the exit."""

from __future__ import annotations

import itertools

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._checks.verdict import FAIL_ON, stops, verdict

ORDER = ["skipped", "ok", "warn", "unknown", "fail"]
WORDS = {"ok": "go", "warn": "go with warnings", "unknown": "unknown", "fail": "no-go", "skipped": "unknown"}


def findings(*statuses, accepted=None):
    return [{"status": status, "accepted": accepted} for status in statuses]


@pytest.mark.parametrize("statuses", [combination for size in (1, 2, 3) for combination in itertools.product(ORDER, repeat=size)])
def test_the_worst_wins_whatever_the_order(statuses):
    worst = max(statuses, key=ORDER.index)
    assert verdict(findings(*statuses))["verdict"] == WORDS[worst]


def test_nothing_judged_is_never_a_go():
    assert verdict([])["verdict"] == "unknown"
    assert verdict(findings("skipped"))["go"] is False


def test_accepted_findings_are_counted_apart():
    outcome = verdict([*findings("fail", "unknown", accepted="known"), *findings("ok")])
    assert (outcome["verdict"], outcome["counts"]["accepted"], outcome["counts"]["fail"]) == ("go", 2, 0)
    assert verdict(findings("fail", accepted="known"))["verdict"] == "go"


def test_a_status_nobody_knows_is_unknown():
    assert verdict(findings("fine"))["verdict"] == "unknown"


@pytest.mark.parametrize(
    "fail_on, stopping", [("warn", {"warn", "unknown", "fail"}), ("unknown", {"unknown", "fail"}), ("fail", {"fail"}), ("never", set())]
)
def test_stops(fail_on, stopping):
    assert fail_on in FAIL_ON
    assert {status for status in ("ok", "warn", "unknown", "fail") if stops(status, fail_on)} == stopping
    assert stops("odd", "unknown") is True


def test_go_is_a_boolean_for_conditions():
    assert [verdict(findings(status))["go"] for status in ("ok", "warn", "unknown", "fail")] == [True, True, False, False]
