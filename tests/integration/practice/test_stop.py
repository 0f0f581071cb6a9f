# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs last of its directory: after the end nothing is left of the stack."""

from __future__ import annotations

from tests.support.practice import Practice


def test_stop_leaves_nothing_and_stopping_twice_is_harmless(stack: Practice) -> None:
    stopped = stack.stop()
    assert stopped.rc == 0, stopped.output
    assert list(stack.processes()) == []
    assert not stack.dir.exists()
    assert not stack.inventory.exists()
    again = stack.stop()
    assert (again.rc, again.changed) == (0, 0), again.output
