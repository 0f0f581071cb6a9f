# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Misspelt settings are found before anything is gathered."""

from __future__ import annotations

import pytest
import yaml

from ansible_collections.warroom.launch.plugins.plugin_utils._judge import variables

PREFIXES = ("launch_check_", "launch_watch_", "launch_monitoring_", "launch_respond", "practice_stack_")


def documented() -> list[str]:
    specs = [yaml.safe_load(path.read_text()) for path in variables.ROOT.glob("roles/*/meta/argument_specs.yml")]
    return [name for spec in specs for entry in spec["argument_specs"].values() for name in entry.get("options", {})]


def test_every_documented_variable_is_known() -> None:
    assert len(documented()) > 40 and variables.unknown(documented()) == ([], [])


@pytest.mark.parametrize("name", documented())
def test_a_letter_less_is_noticed(name: str) -> None:
    """Dropping one letter of a documented name gives a hint, or a name that exists as well."""
    prefix = next(prefix for prefix in PREFIXES if name.startswith(prefix))
    rest = name[len(prefix) :]
    if len(rest) < 5:
        pytest.skip("too short to be told from another word")
    misspelt = prefix + rest[:2] + rest[3:]
    if misspelt not in variables.known():
        assert variables.unknown([misspelt])[0] == [f"there is no variable {misspelt}; did you mean {name}?"]


def test_other_names_are_left_alone() -> None:
    assert variables.unknown(["ansible_host", "my_launch_check_window", "launch_varnish"]) == ([], [])
    assert variables.unknown(["launch_check_colour_of_the_sky"]) == (
        [],
        ["launch_check_colour_of_the_sky is no variable of this collection and has no effect"],
    )
