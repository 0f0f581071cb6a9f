# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A finding has the keys of the contract, no more and no less."""

from __future__ import annotations

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._checks.finding import Finding, finding


def test_every_required_key_is_there_in_the_order_of_the_contract() -> None:
    optional = {"trend", "clears_in_seconds", "count", "places"}
    assert list(finding("a", "h", "server", None, "ok")) == [key for key in Finding.__annotations__ if key not in optional]


@pytest.mark.parametrize("misspelt", ["advise", "evidences", "lmit", "accepted"])
def test_a_misspelt_key_is_an_error(misspelt: str) -> None:
    with pytest.raises(TypeError, match=misspelt):
        finding("a", "h", "server", None, "ok", **{misspelt: "x"})
