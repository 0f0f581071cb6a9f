# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Findings are looked up by check and by place, and come in the order of the report, as from a walk over all of them."""

from __future__ import annotations

import itertools

from ansible_collections.warroom.launch.plugins.plugin_utils._checks.finding import Finding, finding
from ansible_collections.warroom.launch.plugins.plugin_utils._diagnose.fleet_view import Fleet

CHECKS = ("celery_answers", "celery_local_workers", "redis_answers", "redis_memory")
STATUSES = ("fail", "unknown", "warn", "ok", "skipped")
HOSTS = ("b", "a", "c")


def findings() -> list[Finding]:
    """Every check and status, each on several hosts, in an order that none of the keys gives; a third of them accepted."""
    rows = []
    for at, (status, host, check) in enumerate(itertools.product(STATUSES, HOSTS, reversed(CHECKS))):
        row = finding(check, host, check.partition("_")[0], f"{status}-{at % 2}", status)
        row["accepted"] = "known" if at % 3 == 0 else None
        rows.append(row)
    return rows


def test_what_is_down_is_found_in_the_order_of_the_report() -> None:
    rows = findings()
    fleet = Fleet({}, rows, {})
    counting = [row for row in rows if not row["accepted"]]
    down = [row for row in counting if row["check"] in ("celery_answers", "celery_local_workers") and row["status"] == "fail"]
    assert fleet.down("celery") == down
    assert len({row["check"] for row in down}) == 2
    unread = [row for row in counting if row["check"].endswith("_answers") and row["status"] == "unknown"]
    assert fleet.unread("redis", "celery") == unread
    assert len({row["check"] for row in unread}) == 2
    assert fleet.down("mysql") == [] and fleet.unread() == []


def test_what_is_bad_at_some_places_comes_once_and_in_order() -> None:
    rows = findings()
    places = [("c", "warn-1"), ("b", "fail-0"), ("b", "fail-1"), ("b", "fail-1"), ("a", "ok-0"), ("nowhere", "x")]
    expected = [
        row for row in rows if not row["accepted"] and row["status"] in ("fail", "warn") and (row["host"], row["instance"]) in places
    ]
    assert Fleet({}, rows, {}).bad_at(places) == expected
    assert {row["host"] for row in expected} == {"b", "c"}
