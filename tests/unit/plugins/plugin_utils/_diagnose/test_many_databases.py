# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A database on every host: what is asked for each host does not grow with the fleet."""

from __future__ import annotations

import sys
import typing as t

from ansible_collections.warroom.launch.plugins.plugin_utils._checks.catalogue import Catalogue, load
from ansible_collections.warroom.launch.plugins.plugin_utils._judge.pipeline import Asked, judge
from tests.support.facts import facts, instance


def fleet(size: int) -> list[Asked]:
    """Every second application is at its limit; nothing says who uses which database."""
    rows = [{"text": "SELECT 1", "kind": "read"}]
    return [
        Asked(
            f"web{at}",
            facts(
                uwsgi=[instance("u", kind="app", busy_ratio=0.97 * (at % 2), requests=500, workers={"busy": 1, "active": 2, "total": 2})],
                postgresql=[instance("p", statements=rows, clients=[])],
            ),
        )
        for at in range(size)
    ]


def calls(size: int, catalogue: Catalogue) -> int:
    """Calls of functions in Python while such a fleet is judged."""
    made = 0

    def count(_frame: t.Any, event: str, _argument: t.Any) -> None:
        nonlocal made
        made += event == "call"

    hosts = fleet(size)
    before = sys.getprofile()
    sys.setprofile(count)
    try:
        judge(hosts, catalogue)
    finally:
        sys.setprofile(before)
    return made


def test_calls_for_each_host_do_not_grow_with_the_fleet() -> None:
    catalogue = Catalogue(load())
    judge(fleet(2), catalogue)  # what is compiled once
    few, some, many = (calls(size, catalogue) for size in (4, 10, 22))
    of_each_of_six, of_each_of_twelve = (some - few) / 6, (many - some) / 12
    assert of_each_of_twelve < 1.05 * of_each_of_six
