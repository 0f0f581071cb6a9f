# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`launch_check_visitors` becomes the limits of the visitors' checks, below those that name a check; what is wrong is refused."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._checks.catalogue import Catalogue, CatalogueError, load
from ansible_collections.warroom.launch.plugins.plugin_utils._checks.visitor_limits import with_visitors

CATALOGUE = Catalogue([entry for entry in load() if entry["service"] == "visitors"])


def limits(visitors: t.Any, thresholds: t.Any = None) -> dict[str, str]:
    checks = CATALOGUE.checks(with_visitors(thresholds, visitors))
    return {check.id: check.fail.text for check in checks if check.fail is not None}


def test_the_documented_defaults_are_those_of_the_checks() -> None:
    assert limits(None) == limits({})
    assert (limits({})["visitors_response_time"], limits({})["visitors_errors"]) == ("> 1", ">= 0.01")


def test_each_limit_is_set_alone_and_one_by_the_checks_id_counts_more() -> None:
    assert limits({"p95_milliseconds": 250})["visitors_response_time"] == "> 0.25"
    assert limits({"errors_ratio": "0.05"})["visitors_errors"] == ">= 0.05"
    assert limits({"p95_milliseconds": 250}, {"visitors_response_time": {"fail": "> 4"}})["visitors_response_time"] == "> 4"


@pytest.mark.parametrize("wrong", [{"p95_milliseconds": "soon"}, {"errors_ratio": [1]}])
def test_what_is_no_number_is_refused(wrong: t.Any) -> None:
    with pytest.raises(CatalogueError):
        limits(wrong)
