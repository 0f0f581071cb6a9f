# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real workers that all compute one value when its key expires: named with cache, statement and page. Others who are as busy are not."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._checks.catalogue import Catalogue, load
from ansible_collections.warroom.launch.plugins.plugin_utils._judge.pipeline import Asked, judge
from tests.support.cached_site import SERVICES, Site, site


@pytest.fixture(scope="module")
def shop() -> t.Iterator[Site]:
    with site() as running:
        yield running


def causes(shop: Site, path: str) -> dict[str, dict[str, t.Any]]:
    """The causes while visitors come for the page."""
    with shop.visited(path):
        facts = shop.facts()
    report = judge([Asked("app1", facts, services=SERVICES, known_clients=["*"])], Catalogue(load()))
    return {cause["cause"]: dict(cause) for cause in report["diagnoses"]}


def test_one_key_expires_and_all_compute_it(shop: Site) -> None:
    found = causes(shop, "/top")
    assert list(found) == ["cache_stampede"], found
    [cause] = found.values()
    assert f"memcached app1 ({shop.cache.address})" in cause["statement"] and "pg_sleep" in cause["statement"]
    assert "/top" in str(cause["evidence"]), "its page"


@pytest.mark.parametrize("path", ["/guarded", "/each"])
def test_one_worker_at_a_time_or_every_request_is_none(shop: Site, path: str) -> None:
    assert "cache_stampede" not in causes(shop, path)
