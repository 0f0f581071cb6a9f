# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What came of an act: better when its cause is gone and nothing else came, worse when visitors are worse off or another cause came."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.warroom.launch.plugins.plugin_utils._diagnose.causes import KINDS
from ansible_collections.warroom.launch.plugins.plugin_utils._respond.effect import BETTER, SAME, WORSE, effect
from ansible_collections.warroom.launch.plugins.plugin_utils._respond.first_aid import AID

ACTED = {"cause": "workers_exhausted", "act": "add_workers", "host": "app1", "service": "wsgi", "instance": "shop"}
AROUND = {"hit": ["db1/postgresql/shop", "app1/wsgi/shop"], "needs": []}


def cause(name: str, *hosts: str, **around: t.Any) -> dict[str, t.Any]:
    return {"cause": name, "hosts": list(hosts), "statement": f"{name} is said.", "hit": [], "needs": [], **around}


def finding(check: str, host: str, status: str, service: str = "wsgi") -> dict[str, t.Any]:
    return {"check": check, "host": host, "service": service, "instance": "shop", "status": status, "value": None}


def report(causes: t.Any = (), findings: t.Any = (), reached: bool = True) -> dict[str, t.Any]:
    hosts = {name: {"reached": reached or name == "db1"} for name in ("app1", "db1")}
    return {"verdict": "no-go" if causes else "go", "hosts": hosts, "findings": list(findings), "diagnoses": list(causes)}


BEFORE = report(
    [cause("workers_exhausted", "app1")],
    [finding("wsgi_saturated", "app1", "fail"), finding("postgresql_connections", "db1", "ok", "postgresql")],
)
FULL = finding("postgresql_connections", "db1", "fail", "postgresql")


def test_a_cause_that_is_gone_is_better() -> None:
    assert effect(BEFORE, report(), ACTED) == (BETTER, "workers_exhausted is gone (no-go → go)")


def test_a_cause_that_is_still_there_is_the_same_and_elsewhere_it_is_another() -> None:
    assert effect(BEFORE, report([cause("workers_exhausted", "app1")]), ACTED).kind == SAME
    assert effect(BEFORE, report([cause("workers_exhausted", "app2")]), ACTED).kind == BETTER


def test_visitors_who_are_worse_off_count_most() -> None:
    visitors = [finding("visitors_errors", "fleet", "fail", "visitors")]
    before = report(BEFORE["diagnoses"], [finding("visitors_errors", "fleet", "ok", "visitors")])
    assert effect(before, report([], visitors), ACTED).kind == WORSE


def test_a_host_that_is_gone_afterwards_proves_nothing() -> None:
    came = effect(BEFORE, report(reached=False), ACTED)
    assert came.kind == SAME and "app1 could not be reached" in came.says


@pytest.mark.parametrize(("last", "kind"), [(False, SAME), (True, WORSE)])
def test_a_cause_that_came_with_the_act_is_worse_when_it_lasts(last: bool, kind: str) -> None:
    came = effect(BEFORE, report([cause("connection_budget", "db1", **AROUND)], [FULL]), ACTED, last)
    assert came == (kind, "workers_exhausted is gone, and connection_budget is there instead: connection_budget is said.")


@pytest.mark.parametrize(
    ("new", "findings", "before"),
    [
        (cause("connection_budget", "db1"), [FULL], BEFORE),
        (cause("connection_budget", "db1", **AROUND), [], BEFORE),
        (cause("connection_budget", "db1", **AROUND), [FULL], report(BEFORE["diagnoses"], [FULL])),
        (
            cause("connection_budget", "db1", **AROUND),
            [FULL],
            report([*BEFORE["diagnoses"], cause("connection_budget", "db1")], BEFORE["findings"]),
        ),
    ],
    ids=["of another site", "nothing fails anew", "it failed before", "it was named before"],
)
def test_a_cause_that_did_not_come_with_the_act_is_no_reason_against_it(new: t.Any, findings: t.Any, before: t.Any) -> None:
    assert effect(before, report([new], findings), ACTED).kind == BETTER


def test_what_the_plan_says_as_its_cost_is_no_reason_against_it() -> None:
    acted = {**ACTED, "cause": "database_overload", "act": "rate_limit", "service": "celery"}
    before = report([cause("database_overload", "db1")], [finding("celery_queue_growth", "app1", "ok", "celery")])
    grows = report([cause("queue_growth", "app1")], [finding("celery_queue_growth", "app1", "fail", "celery")])
    assert effect(before, grows, acted).kind == BETTER
    assert effect(before, grows, {**acted, "act": "another"}).kind == WORSE


def test_what_acts_bring_are_causes() -> None:
    assert {name for aids in AID.values() for aid in aids for name in aid.brings} <= set(KINDS)
