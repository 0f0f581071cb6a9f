# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""While a fleet is judged Python looks for rings of objects seldom, and afterwards as before."""

from __future__ import annotations

import gc
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._checks.catalogue import Catalogue, load
from ansible_collections.warroom.launch.plugins.plugin_utils._judge.garbage import OBJECTS, seldom_collected
from ansible_collections.warroom.launch.plugins.plugin_utils._judge.pipeline import Asked, judge
from tests.support.facts import instance
from tests.support.report import EVERY_TIER, texts


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


def left_behind(hosts: int, catalogue: Catalogue) -> int:
    """Objects in rings that judging leaves; the values of half the hosts are unknown, of the others strange."""
    asked = [Asked(f"web{at}", {name: _blurred(fact, at % 2) for name, fact in EVERY_TIER.items()}) for at in range(hosts)]
    gc.collect()
    gc.disable()
    try:
        report = judge(asked, catalogue)
        texts(report)
        assert report["counts"]["unknown"] > hosts
        return gc.collect()
    finally:
        gc.enable()


def _blurred(fact: dict[str, t.Any], strange: int) -> dict[str, t.Any]:
    """Every measure is null without a reason, or every share a text that is no number."""
    return {**fact, "instances": [{name: _value(name, value, strange) for name, value in row.items()} for row in fact["instances"]]}


def _value(name: str, value: t.Any, strange: int) -> t.Any:
    if name in instance():
        return value
    return ("much" if name.endswith("_ratio") else value) if strange else None


def test_judging_more_hosts_leaves_no_more_rings() -> None:
    catalogue = Catalogue(load())
    left_behind(2, catalogue)  # what is made once
    assert left_behind(12, catalogue) == left_behind(4, catalogue)
