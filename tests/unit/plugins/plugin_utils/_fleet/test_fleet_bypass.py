# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Traffic around the accelerator: counted for the whole fleet, and not alleged when an accelerator was not counted."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._fleet.fleet_instances import fleet_facts, fleet_findings
from tests.support.check_cases import checks_of

CHECKS = checks_of("accelerator_bypass")
HOSTS = dict[str, t.Any]


def fleet(sent: t.Optional[float] = 40.0, taken: t.Sequence[t.Optional[float]] = (10.0, 30.0)) -> HOSTS:
    def host(service: str, name: str, measure: str, value: t.Optional[float]) -> dict[str, t.Any]:
        one = {"name": name, "state": "up", "address": "127.0.0.1:1717", measure: value}
        return {"reached": True, "facts": {f"launch_{service}": {"schema": 1, "instances": [one]}}}

    hosts = {"web1": host("varnish", "default", "backend_requests_per_second", sent)}
    for number, value in enumerate(taken, 1):
        hosts[f"app{number}"] = host("uwsgi", "shop", "requests_per_second", value)
    return hosts


def judged(hosts: HOSTS) -> dict[str, t.Any]:
    facts = fleet_facts(hosts, {"groups": {}, "addresses": {}})
    found = fleet_findings(facts, CHECKS, "during", {})
    return next((dict(one) for one in found if one["check"] == "accelerator_bypass"), {"status": None})


@pytest.mark.parametrize(
    ("sent", "taken", "status"),
    [
        (40.0, (10.0, 30.0), "ok"),
        (40.0, (2.0, 1.0), "ok"),  # it sends to others as well
        (0.0, (0.0, 0.0), "ok"),
        (0.5, (4.0, 0.0), "ok"),  # health checks
        (40.0, (35.0, 30.0), "warn"),
        (40.0, (50.0, 50.0), "fail"),
        (2.0, (4.0,) * 20, "ok"),  # four accelerators probe twenty instances every second
        (40.0, (50.0, None), "ok"),
    ],
)
def test_the_share_of_requests_that_did_not_come_from_varnish(sent: float, taken: tuple[float, ...], status: str) -> None:
    assert judged(fleet(sent, taken))["status"] == status


def test_the_finding_has_its_numbers_and_the_busiest_application_first() -> None:
    found = judged(fleet(8.0, (100.0, 1348.0)))
    assert found["value"] == 0.9945 and found["limit"] == "> 0.5 and around each > 5/s"
    assert [row["host"] for row in found["evidence"]] == ["app2", "app1"]
    assert found["look"] == "ssh -t -- app2 'uwsgitop 127.0.0.1:1717'"


def test_an_accelerator_that_was_not_counted_may_have_sent_it() -> None:
    hosts = fleet(40.0, (150.0, 150.0))
    hosts["web2"] = {"reached": False, "facts": {}}
    found = judged(hosts)
    assert found["status"] == "unknown" and "not counted everywhere: web2" in found["reason"]
    hosts["web2"] = {"reached": True, "facts": {"launch_varnish": {"instances": [{"name": "default", "state": "unreadable"}]}}}
    assert judged(hosts)["status"] == "unknown"
    # nothing goes through one that is down
    hosts["web2"]["facts"]["launch_varnish"]["instances"][0]["state"] = "down"
    assert judged(hosts)["status"] == "fail"
    # what was counted covers everything, whatever else there is
    hosts = fleet(40.0, (10.0, 30.0))
    hosts["web2"] = {"reached": False, "facts": {}}
    assert judged(hosts)["status"] == "ok"


def test_one_sample_tells_nothing_about_rates() -> None:
    assert judged(fleet(None, (None, None)))["status"] is None
    found = judged(fleet(None, (50.0, 50.0)))
    assert found["status"] == "unknown" and "web1" in found["reason"]


def test_without_one_of_the_tiers_there_is_nothing_to_judge() -> None:
    hosts = fleet()
    assert judged({"web1": hosts["web1"]})["status"] is None
    assert judged({"app1": hosts["app1"]})["status"] is None
