# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Libraries of targets: alternatives, the sentence about a missing one, the search for another Python (case A-07)."""

from __future__ import annotations

import sys

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect import libraries
from ansible_collections.warroom.launch.plugins.module_utils._collect.problem import Problem


def test_one_of_the_alternatives_is_enough():
    assert libraries.present("no_such_library|json")
    assert not libraries.present("no_such_library|no_such_package.inside")
    libraries.require("no_such_library|json", "python3-x")


def test_a_missing_library_is_named_with_the_interpreter_and_the_ways_out():
    with pytest.raises(Problem) as raised:
        libraries.require("no_such_a|no_such_b", "python3-such")
    text = str(raised.value)
    assert "no_such_a or no_such_b" in text and "python3-such" in text
    assert sys.executable in text and "ansible_python_interpreter" in text


def test_every_combination_of_alternatives_is_looked_for(monkeypatch):
    asked, moved = [], []
    monkeypatch.setattr(libraries, "INTERPRETERS", ("/bin/sh",))
    monkeypatch.setattr(libraries, "has_respawned", lambda: False)

    def probe(paths, names):
        asked.append(names)
        return paths[0] if "yes_b" in names else None

    monkeypatch.setattr(libraries, "probe_interpreters_for_module", probe)
    monkeypatch.setattr(libraries, "respawn_module", moved.append)
    libraries.move_to_interpreter_with(["no_such_x", "no_a|yes_b"])
    assert asked == ["no_such_x, no_a", "no_such_x, yes_b"] and moved == ["/bin/sh"]
