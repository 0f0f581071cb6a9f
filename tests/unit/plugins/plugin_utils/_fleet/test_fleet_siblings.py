# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts of one kind: one that is far from the others is a warning with its numbers; few hosts, or unlike ones, are not compared."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._fleet.fleet_instances import fleet_facts, fleet_findings
from tests.support.check_cases import checks_of

CHECKS = checks_of("siblings")


def fleet(*seconds: t.Optional[float], **beside: str) -> dict[str, t.Any]:
    hosts: dict[str, t.Any] = {}
    for number, value in enumerate(seconds, 1):
        name = f"app{number}"
        instance = {"name": "shop", "state": "up", "mean_response_seconds": value, "requests_per_second": 10.0}
        facts = {"launch_uwsgi": {"schema": 1, "instances": [instance]}}
        if name in beside:
            facts[f"launch_{beside[name]}"] = {"schema": 1, "instances": []}
        hosts[name] = {"reached": True, "facts": facts}
    return hosts


def judged(hosts: dict[str, t.Any]) -> t.Optional[dict[str, t.Any]]:
    found = fleet_findings(fleet_facts(hosts, {"groups": {}, "addresses": {}}), CHECKS, "during", {})
    return next((dict(one) for one in found if one["check"] == "siblings_alike"), None)


def test_one_slow_host_among_four() -> None:
    found = judged(fleet(0.1, 0.12, 1.4, 0.11))
    assert found is not None and found["status"] == "warn" and found["value"] == 1
    assert "app3 (response time 1.40 instead of 0.12)" in found["finding"] and found["advice"].startswith("Compare the configuration and")
    assert [(row["host"], row["siblings"]) for row in found["evidence"]] == [("app3", 3)]


@pytest.mark.parametrize("seconds", [(0.1, 0.12, 0.3, 0.11), (0.1, 0.5, 1.0, 1.5), (1.0, 1.0, 1.0, 1.2)])
def test_ordinary_differences_are_none(seconds: tuple[float, ...]) -> None:
    found = judged(fleet(*seconds))
    assert found is not None and found["status"] == "ok"


def test_three_hosts_cannot_tell_which_is_odd() -> None:
    hosts = fleet(0.1, 0.1, 5.0)
    assert judged(hosts) is None
    assert judged(fleet(0.1, 0.1, 5.0, None, None)) is not None, "their requests per second can be compared"


def test_a_host_that_runs_something_else_as_well_is_not_of_their_kind() -> None:
    found = judged(fleet(0.1, 0.1, 0.1, 0.1, 5.0, app5="celery"))
    assert found is not None and found["status"] == "ok"


@pytest.mark.parametrize("strange", [None, [], "x", {"launch_uwsgi": {"instances": [{"name": "a", "state": "up", "judged": 3}]}}])
def test_strange_facts_cost_nothing(strange: t.Any) -> None:
    assert judged({"h": {"reached": True, "facts": strange}}) is None
