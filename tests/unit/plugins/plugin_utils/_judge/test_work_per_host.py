# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one more host costs does not grow with the fleet, whatever talks to what and whatever is wrong with it."""

from __future__ import annotations

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._judge.pipeline import judge
from tests.support.check_cases import catalogue
from tests.support.shapes import SHAPES
from tests.support.work import work

#: Where everything fails a host has hundreds of findings and ten causes.
SIZES, FEW = (12, 32, 60, 120), (4, 8, 16)
#: What the last hosts cost, by what the first did. Names and numbers get longer, and sorting takes more steps.
MOST = 1.02


def for_each_host(shape: str) -> list[float]:
    """The work for each further host, from size to size."""
    sizes = FEW if "everything" in shape else SIZES
    judge(SHAPES[shape](4), catalogue())  # what is compiled once
    fleets = [SHAPES[shape](size) for size in sizes]
    done = [work(lambda hosts=hosts: judge(hosts, catalogue()), "/_fleet/", "/_diagnose/", "/_judge/") for hosts in fleets]
    return [(after - before) / (more - less) for before, after, less, more in zip(done, done[1:], sizes, sizes[1:])]


@pytest.mark.parametrize("shape", SHAPES)
def test_work_for_each_host_does_not_grow_with_the_fleet(shape: str) -> None:
    first, *later = for_each_host(shape)
    assert max(later) < MOST * first
