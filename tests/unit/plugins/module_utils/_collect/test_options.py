# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options that cannot be right are refused by name before anything is read."""

from __future__ import annotations

import pytest

from ansible_collections.warroom.launch.plugins.module_utils._collect import options

FINE = {"window": 5.0, "timeout": 5.0, "top": 10}


@pytest.mark.parametrize("change", [{}, {"window": 0.0}, {"window": 3600.0}, {"timeout": 0.1}, {"top": 1000}])
def test_common_options_within_bounds(change):
    options.check_common({**FINE, **change})


@pytest.mark.parametrize(
    ("name", "value"),
    [("window", -0.1), ("window", float("inf")), ("window", float("nan")), ("timeout", 0.0), ("timeout", 1e9), ("top", 0), ("top", 10**6)],
)
def test_common_options_that_would_never_end_or_give_nothing(name, value):
    with pytest.raises(options.WrongOption, match=f"{name} must be from"):
        options.check_common({**FINE, name: value})
