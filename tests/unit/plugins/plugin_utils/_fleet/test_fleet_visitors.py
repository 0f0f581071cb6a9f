# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What visitors get: from the accelerator's log, or the application's mean; unknown where neither is read, never 0."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._checks.verdict import verdict
from ansible_collections.warroom.launch.plugins.plugin_utils._fleet.fleet_instances import fleet_facts, fleet_findings
from ansible_collections.warroom.launch.plugins.plugin_utils._fleet.graph import Graph
from ansible_collections.warroom.launch.plugins.plugin_utils._fleet.percentile import combined
from tests.support.check_cases import checks_of
from tests.support.visitors import accelerator, host, log, workers

CHECKS = checks_of("visitors")
Facts = dict[str, t.Any]


def judged(hosts: Facts) -> tuple[Facts, dict[str, Facts]]:
    facts = fleet_facts(hosts, {"groups": {}, "addresses": {}}, Graph(hosts))
    found = fleet_findings(facts, CHECKS, "during", {})
    ours = [each for each in found if each["check"].startswith("visitors_") and each["check"] != "visitors_answers"]
    return facts["launch_visitors"]["instances"][0], {each["check"]: dict(each) for each in ours}


def statuses(hosts: Facts) -> dict[str, str]:
    return {check.removeprefix("visitors_"): each["status"] for check, each in judged(hosts)[1].items()}


def stack(of_log: t.Optional[Facts] = None, of_workers: t.Optional[Facts] = None, **of_accelerator: int) -> Facts:
    web = host(varnish=accelerator(**of_accelerator), varnish_traffic=of_log or log())
    return {"web1": web, "app1": host(uwsgi=of_workers or workers(0.05))}


REFUSED = [{"pattern": "/", "status": 400, "host": "shop.example.com", "count": 900, "backend_requests": 900}]


@pytest.mark.parametrize(
    ("hosts", "bad"),
    [
        (stack(), {}),
        (stack(log(p95=1.2)), {"response_time": "fail"}),
        (stack(log(p95=1.0)), {}),
        (stack(log(errors=10)), {"errors": "fail"}),
        (stack(log(errors=9)), {}),
        (stack(log(refused=REFUSED)), {"client_errors": "fail"}),
        (stack(log(refused=[{**REFUSED[0], "count": 30}])), {"client_errors": "warn"}),
        (stack(queued=200, waiting=40), {"connections_wait": "fail"}),
        (stack(queued=200), {"connections_wait": "warn"}),
        (stack(queued=3), {}),
    ],
)
def test_visitors_who_suffer_are_no_go(hosts: Facts, bad: dict[str, str]) -> None:
    found = statuses(hosts)
    alone = dict.fromkeys(("slower", "new_client_errors", "probes", "probes_time"), "skipped")
    assert found == {**dict.fromkeys(("response_time", "errors", "client_errors", "connections_wait"), "ok"), **alone, **bad}
    findings = [dict(each) for each in judged(hosts)[1].values()]
    assert judged(hosts)[0]["host"] == "web1" and judged(hosts)[0]["client_options"] == "-n varnish"
    assert (verdict(t.cast(t.Any, findings))["verdict"] == "no-go") == ("fail" in bad.values())


def test_without_a_log_the_applications_mean_is_judged_and_the_rest_is_skipped_with_what_makes_it_known() -> None:
    facts, found = judged({"app1": host(uwsgi=workers(2.0))})
    assert (facts["source"], facts["response_seconds"], facts["response_p95_seconds"], facts["error_ratio"]) == (
        "application",
        2.0,
        None,
        None,
    )
    assert found["visitors_response_time"]["status"] == "fail"
    assert found["visitors_errors"]["status"] == "skipped" and "varnish" in found["visitors_errors"]["reason"]
    assert facts["unknown"]["error_ratio"] and facts["unknown"]["response_p95_seconds"]


@pytest.mark.parametrize("few", [log(p95=9.0, errors=9, requests=10), log(requests=0)])
def test_too_little_in_the_window_is_unknown(few: Facts) -> None:
    few["response_times"]["all"].update({} if few["requests"] else {"p50_seconds": None, "p95_seconds": None})
    found = statuses(stack(few))
    assert (found["response_time"], found["errors"], found["client_errors"]) == ("unknown",) * 3


def test_nobody_who_answers_visitors_is_no_tier() -> None:
    assert "launch_visitors" not in fleet_facts({"db1": host(postgresql={"name": "main", "state": "up"})}, {"groups": {}, "addresses": {}})


def test_percentiles_of_two_accelerators_come_from_their_buckets() -> None:
    fast = {"count": 90, "p50_seconds": 0.01, "p95_seconds": 0.01, "max_seconds": 0.0158, "buckets": [_bucket(0.01, 0.0158, 90)]}
    slow = {"count": 90, "p50_seconds": 2.0, "p95_seconds": 2.0, "max_seconds": 2.1, "buckets": [_bucket(1.58, 2.51, 90)]}
    both = combined([fast, slow])
    assert both.p50 is not None and both.p50 <= 0.0158 and both.p95 is not None and 1.58 <= both.p95 <= 2.1
    assert combined([fast]) == (0.01, 0.01) and combined([]) == (None, None)


def _bucket(begin: float, end: float, count: int) -> Facts:
    return {"from_seconds": begin, "to_seconds": end, "count": count}


def test_where_a_requests_time_goes() -> None:
    waits = {f"{kind}_ratio": 0.0 for kind in ("disk", "lock", "sleep", "client", "other", "unknown")}
    edges = [{"address": "203.0.113.9:443", "samples": 30, "share_ratio": 0.6, "work": "GET /pay/"}]
    facts, _found = judged(stack(of_workers=workers(1.6, queue=2, waits={"samples": 50, "cpu_ratio": 0.4, **waits, "edges": edges})))
    assert all(row["reason"] is None for row in facts["time_spent"])
    parts = {row["part"]: row["seconds"] for row in facts["time_spent"]}
    assert parts["worker queue"] == 0.1 and parts["fetch"] == pytest.approx(0.1) and parts["accelerator queue"] == 0
    assert sum(row["share_ratio"] for row in facts["time_spent"]) == pytest.approx(1, abs=0.001)
    assert facts["time_spent_told"] == "of 1.8 s: 100 ms worker queue, 100 ms fetch, 960 ms outside 203.0.113.9:443, 640 ms CPU"


def test_a_part_that_nobody_measured_is_said() -> None:
    facts, _found = judged({"app1": host(uwsgi={**workers(), "listen_queue": None})})
    unknown = {row["part"]: row["reason"] for row in facts["time_spent"] if row["reason"]}
    assert set(unknown) == {"worker queue", "worker: unknown"}
    assert "not measured: worker queue" in facts["time_spent_told"]
