# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""While a fleet is judged Python looks for rings of objects seldom, and afterwards as before."""

from __future__ import annotations

import gc
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._judge.garbage import OBJECTS, seldom_collected


@pytest.fixture(autouse=True)
def as_before() -> t.Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


def test_it_looks_seldom_and_then_as_before_also_after_an_error() -> None:
    gc.set_threshold(500, 7, 8)
    with pytest.raises(ValueError, match="stop"), seldom_collected():
        assert gc.get_threshold() == (OBJECTS, 7, 8) and gc.isenabled()
        raise ValueError("stop")
    assert gc.get_threshold() == (500, 7, 8)


@pytest.mark.parametrize("own", [0, 3 * OBJECTS])
def test_who_wants_it_seldom_already_keeps_that(own: int) -> None:
    gc.set_threshold(own, 7, 8)
    with seldom_collected():
        assert gc.get_threshold() == (own, 7, 8)
