# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Visitors compared with the stored baseline: whoever sees twice the time, or errors, is never told that the launch is a go."""

from __future__ import annotations

import itertools
import pathlib
import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._judge.pipeline import Asked, Beside, judge
from ansible_collections.warroom.launch.plugins.plugin_utils._store import past
from ansible_collections.warroom.launch.plugins.plugin_utils._store.rounds import Store, StoreError
from tests.support.check_cases import catalogue
from tests.support.visitors import accelerator, log, workers

Facts = dict[str, t.Any]
CALM = {"hit": 0.002, "miss": 0.03, "pass": 0.04}


def times(outcomes: t.Mapping[str, float], requests: int = 400) -> Facts:
    parts = {
        name: {"count": requests, "p50_seconds": p95 / 2, "p95_seconds": p95, "max_seconds": 2 * p95, "buckets": []}
        for name, p95 in outcomes.items()
    }
    return {**parts, "all": {**parts["hit"], "count": 3 * requests}}


def fleet(outcomes: t.Optional[t.Mapping[str, float]] = None, requests: int = 400, **statuses: int) -> dict[str, t.Any]:
    """The report of a fleet whose visitors get this; statuses: `s404=12`."""
    counts = {name.removeprefix("s"): count for name, count in statuses.items()}
    read = log(requests=3 * requests, errors=sum(count for status, count in counts.items() if status[0] == "5"))
    read.update(
        response_times=times(CALM if outcomes is None else outcomes, requests),
        statuses=[{"name": status, "count": count} for status, count in counts.items()],
    )
    web = {"launch_varnish": fact(accelerator()), "launch_varnish_traffic": fact(read)}
    return {"web1": web, "app1": {"launch_uwsgi": fact(workers(0.05))}}


def fact(instance: Facts) -> Facts:
    return {"schema": 1, "instances": [instance]}


def judged(hosts: dict[str, t.Any], baseline: t.Optional[t.Mapping[str, t.Any]] = None) -> dict[str, t.Any]:
    return dict(judge([Asked(name, facts) for name, facts in hosts.items()], catalogue(), beside=Beside(baseline)))


def of_visitors(report: dict[str, t.Any]) -> dict[str, str]:
    return {row["check"]: row["status"] for row in report["findings"] if row["service"] == "visitors"}


def test_without_a_baseline_nothing_is_compared_and_the_reason_says_how_to_keep_one() -> None:
    report = judged(fleet())
    assert of_visitors(report)["visitors_slower"] == of_visitors(report)["visitors_new_client_errors"] == "skipped"
    site = report["fleet"]["launch_visitors"]["instances"][0]
    assert site["slower_factor"] is None and "launch_check_label" in site["unknown"]["slower_factor"]


def test_cached_pages_do_not_hide_that_the_others_got_slow() -> None:
    before = judged(fleet())
    slow = judged(fleet({**CALM, "pass": 0.3}), before["fleet"])
    assert of_visitors(slow)["visitors_slower"] == "fail" and of_visitors(slow)["visitors_response_time"] == "ok"
    site = slow["fleet"]["launch_visitors"]["instances"][0]
    assert (site["slower_outcome"], site["slower_factor"], site["slower_before_seconds"]) == ("pass", 7.5, 0.04)


@pytest.mark.parametrize(
    ("now", "before"),
    [(fleet(requests=10), fleet()), (fleet(), fleet(requests=3))],
    ids=["hardly anyone now", "hardly anyone then"],
)
def test_of_too_few_requests_nothing_is_compared(now: Facts, before: Facts) -> None:
    for part in ("hit", "miss", "pass"):
        now["web1"]["launch_varnish_traffic"]["instances"][0]["response_times"][part]["p95_seconds"] = 9.0
    now["web1"]["launch_varnish_traffic"]["instances"][0]["response_times"]["all"]["count"] = 0
    assert of_visitors(judged(now, judged(before)["fleet"]))["visitors_slower"] in ("skipped", "unknown")


FACTORS = (0.5, 1.0, 1.9, 2.0, 3.0, 40.0)
ERRORS = ({}, {"s404": 11}, {"s404": 12}, {"s400": 30}, {"s403": 12}, {"s503": 12}, {"s500": 11})


@pytest.mark.parametrize(
    ("outcome", "factor", "errors"),
    [*((*pair, {}) for pair in itertools.product(CALM, FACTORS)), *(("pass", 1.0, errors) for errors in ERRORS)],
)
def test_what_a_load_generator_would_call_felt_is_no_go(outcome: str, factor: float, errors: dict[str, int]) -> None:
    """Twice the time of the 95th percentile and 50 ms more, or errors of 1 % that were not there before."""
    baseline = judged(fleet({**CALM, outcome: 0.06}, s404=2))["fleet"]
    report = judged(fleet({**CALM, outcome: 0.06 * factor}, **errors), baseline)
    felt = factor >= 2.0 or any(count / 1200 >= 0.01 for count in errors.values())
    assert ("fail" in of_visitors(report).values()) is felt
    assert (report["verdict"] in ("go", "go with warnings")) is False or not felt


@pytest.mark.parametrize(
    "stored", [None, [], {"launch_visitors": 7}, {"launch_visitors": {"instances": [{"name": 3, "state": "up", "outcomes": "x"}]}}]
)
def test_a_strange_baseline_compares_nothing(stored: t.Any) -> None:
    assert of_visitors(judged(fleet(), stored))["visitors_slower"] == "skipped"


def test_the_baseline_is_the_report_of_that_label(tmp_path: pathlib.Path) -> None:
    place = str(tmp_path / "rounds.db")
    assert past.baseline(place) is None
    before = judged(fleet())
    with Store(place) as store:
        store.add(judged(fleet({**CALM, "pass": 3.0})))
        store.add(before, label="baseline")
        store.add(judged(fleet({**CALM, "pass": 3.0})), label="later")
    assert past.baseline(place) == before["fleet"]
    (tmp_path / "rounds.db").write_bytes(b"no database at all, and long enough to be one" * 40)
    with pytest.raises(StoreError):
        past.baseline(place)
