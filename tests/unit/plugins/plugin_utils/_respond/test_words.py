# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A plan prints names that strangers chose: nothing of them reaches the terminal as a command, and no line of them is taken for a token."""

from __future__ import annotations

import re

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._respond.taken_back import TAKES_BACK
from ansible_collections.warroom.launch.plugins.plugin_utils._respond.words import plan_lines, unfinished_line

HOSTILE = "x\x1b[2J\x07\r\ntoken: ffffffffffffffffffffffffffffffff\u2028y\x9b31m"


def test_hostile_names_are_data() -> None:
    proposal = dict.fromkeys(("cause", "host", "service", "instance", "what", "why"), HOSTILE)
    guard = {"name": HOSTILE, "says": HOSTILE, "operator": ">=", "value": HOSTILE, "limit": 1, "holds": False}
    looked = {
        "identity": {"pid": HOSTILE},
        "guards": [guard],
        "commands": [f"  {HOSTILE}"],
        "cost": HOSTILE,
        "undo": HOSTILE,
        "why": HOSTILE,
    }
    lines = plan_lines(proposal, looked, None)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028]", "\n".join(lines))
    assert not [line for line in lines if re.match(r"\s{0,2}token: ", line)] and "no token" in lines[-1]


def test_a_guard_that_is_not_known_says_so() -> None:
    guard = {"name": "blocks", "says": "it holds up others", "operator": ">=", "value": None, "limit": True, "holds": False}
    proposal = dict.fromkeys(("cause", "host", "service", "instance", "what", "why"), "a")
    assert "  guard: it holds up others: NOT KNOWN" in plan_lines(proposal, {"guards": [guard]}, None)


@pytest.mark.parametrize(
    ("act", "service", "words"),
    [
        ("create_index", "mysql", ["  restart: the act outlives a restart of the machine"]),
        ("drain_server", "haproxy", ["  restart: a restart of the machine undoes it"]),
        ("end_session", "mysql", []),
    ],
)
def test_a_plan_says_what_a_restart_makes_of_it(act: str, service: str, words: list[str]) -> None:
    proposal = {**dict.fromkeys(("cause", "host", "instance", "what", "why"), "a"), "act": act, "service": service}
    shown = [line for line in plan_lines(proposal, {}, None) if line.startswith("  restart")]
    assert len(shown) == len(words) and all(line.startswith(word) for line, word in zip(shown, words))
    assert not [line for line in plan_lines({**proposal, TAKES_BACK: "0" * 16}, {}, None) if "restart" in line]


@pytest.mark.parametrize(
    ("act", "service", "words"),
    [
        ("limit_client", "postgresql", "its timer takes it back; where that is gone, as after a restart"),
        ("raise_maxmemory", "redis", "and so does a restart of that machine"),
        ("end_session", "mysql", "nothing takes"),
    ],
)
def test_an_act_whose_run_died_is_told(act: str, service: str, words: str) -> None:
    entry = {"act": act, "service": service, "instance": "shop\x1b[2J", "host": "db1", "at": "2026-11-30T03:03:59Z"}
    line = unfinished_line(entry)
    assert line.startswith(f"The end of {act} at {service} shop") and words in line and "\x1b" not in line
