# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shipped checks keep the contract of CONTRIBUTING.md."""

from __future__ import annotations

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._checks.catalogue import Catalogue, load
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.check import REQUIRED_SHIPPED
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.limit import Limit

ENTRIES = load()
CHECKS = {check.id: check for check in Catalogue(ENTRIES).checks()}


def test_all_of_them_compile():
    assert len(Catalogue(ENTRIES).checks()) == len(ENTRIES) > 0


@pytest.mark.parametrize("entry", ENTRIES, ids=[entry["id"] for entry in ENTRIES])
def test_a_shipped_check_says_why_and_on_whose_word(entry):
    for key in REQUIRED_SHIPPED:
        assert entry.get(key), key
    assert entry["why"].strip().endswith(".")
    for key in ("warn", "fail", "needs"):
        text = Limit.parse(entry[key]).text if entry.get(key) else ""
        assert "`" not in text and "[" not in text, f"{key}: give the limit in words (says:), not as {text}"


@pytest.mark.parametrize("entry", ENTRIES, ids=[entry["id"] for entry in ENTRIES])
def test_every_rule_has_its_question_limit_advice_and_next_command(entry):
    assert entry["question"].endswith("?")
    assert entry.get("warn") is not None or entry.get("fail") is not None or entry.get("expects")
    assert entry.get("look"), "the tool to open"
    assert CHECKS[entry["id"]].unit, "how its number is written: its own, or by the measure's name"
    if entry.get("applies"):
        assert entry.get("otherwise"), "why it is skipped"


@pytest.mark.parametrize("entry", ENTRIES, ids=[entry["id"] for entry in ENTRIES])
def test_ids_begin_with_their_tier(entry):
    assert entry["id"].split("_")[0] in (entry["service"].split("_")[0], "database")
