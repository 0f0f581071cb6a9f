# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every command that any check could print about the practice stack, pasted as it is printed, runs and ends well."""

from __future__ import annotations

import getpass
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._checks.catalogue import Catalogue, load
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.evaluate import place_of
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.services import FLEET_HOST, instances_in
from ansible_collections.warroom.launch.plugins.plugin_utils._reach.command_line import CommandLine
from ansible_collections.warroom.launch.plugins.plugin_utils._reach.hosts import Reach
from ansible_collections.warroom.launch.plugins.plugin_utils._reach.way import Way
from tests.support.practice import Practice
from tests.support.printed import Printed

#: Commands that end with an error when there is nothing to show: they are printed only when there is.
ONLY_WITH_A_FINDING = {
    "varnish_child_crashed": "there is no panic to show",
}


def possible(report: dict[str, t.Any], inventory: str) -> dict[str, str]:
    """Each command once, with one check that prints it."""
    ways = {name: Way(name, connection="local", user=getpass.getuser()) for name in report["hosts"]}
    reach = Reach(ways, CommandLine(inventory=("-i", inventory)))
    places = [*((name, host["facts"]) for name, host in report["hosts"].items()), (FLEET_HOST, report["fleet"])]
    lines: dict[str, str] = {}
    for check in Catalogue(load()).checks():
        for name, facts in places:
            for instance in instances_in(facts, check.service):
                if not check.look or (check.applies is not None and check.applies.read(instance).least is False):
                    continue  # what does not apply is skipped, and prints no command
                line = check.look.render(place_of(check, name, instance), {**instance, "host": name, "value": None}, reach)
                if line is not None:
                    lines.setdefault(line, check.id)
    return lines


@pytest.mark.timeout(600)
def test_every_command_runs_where_it_says(stack: Practice, printed: Printed) -> None:
    assert stack.start().rc == 0
    _rc, report = stack.check()
    lines = possible(report, str(stack.inventory))
    assert len(lines) > 50, "the stack has every tier"
    assert printed.not_well(line for line, check in lines.items() if check not in ONLY_WITH_A_FINDING) == {}
