# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every variable of the role has a line in the README."""

from __future__ import annotations

import re

import yaml

from tests.support.server import ROOT

ROLE = ROOT / "roles" / "launch_check"
DEFAULTS = yaml.safe_load((ROLE / "defaults" / "main.yml").read_text())
SPECS = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text())["argument_specs"]
OPTIONS = SPECS["main"]["options"]


def test_every_variable_is_explained():
    text = (ROLE / "README.md").read_text()
    assert set(re.findall(r"^\| `(launch_check_\w+)`", text, re.M)) == set(DEFAULTS) | {"launch_check_hosts"}
    assert all(option["description"] for option in OPTIONS.values())


def test_every_specification_is_of_an_entry_point():
    assert set(SPECS) <= {path.stem for path in (ROLE / "tasks").glob("*.yml")}


def test_a_round_is_gathered_judged_stored_and_published_by_two_actions():
    text = (ROLE / "tasks" / "watch_round.yml").read_text() + (ROLE / "tasks" / "gather.yml").read_text()
    assert re.findall(r"^ *warroom\.launch\.(\w+):$", text, re.M) == ["judge", "gather"]
