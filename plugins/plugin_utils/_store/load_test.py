# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the load test has shown, as its stored report (the label `baseline`) says it."""

from __future__ import annotations

import os
import typing as t

from .._checks.services import in_tiers, instances_in
from .past import BASELINE
from .rounds import Store, StoreError

Data = t.Mapping[str, t.Any]

NOT_STORED = "no report is stored under the label baseline (launch_check_label=baseline keeps one)"
NOT_COUNTED = "the stored load test does not report it: nobody counted, or only the older form of the report is there"


def measures(report: t.Optional[Data], age: t.Optional[float]) -> tuple[dict[str, t.Any], dict[str, str]]:
    """The measures of `load_test`, and why those of them are unknown that are."""
    if report is None:
        blank = dict.fromkeys(("age_seconds", "requests_per_second", "busy_ratio", "busiest", "headroom_factor"))
        return {"stored": False, **blank}, dict.fromkeys(blank, NOT_STORED)
    sites = instances_in(report.get("fleet") or {}, "visitors")
    rates = [rate for site in sites if (rate := _number(site.get("requests_per_second"))) is not None]
    busy, busiest = max(_busy(report), default=(None, None), key=lambda each: each[0])
    found = {
        **{"stored": True, "age_seconds": age, "requests_per_second": round(sum(rates), 1) if rates else None},
        **{"busy_ratio": busy, "busiest": busiest, "headroom_factor": round(1 / busy, 2) if busy else None},
    }
    return found, {name: NOT_COUNTED for name, value in found.items() if value is None}


def _busy(report: Data) -> t.Iterator[tuple[float, str]]:
    """How busy each application server was, and which it is."""
    hosts = report.get("hosts")
    for host, entry in hosts.items() if isinstance(hosts, dict) else ():
        facts = entry.get("facts") if isinstance(entry, dict) else None
        for service in in_tiers("application"):
            for instance in instances_in(facts or {}, service):
                value = _number(instance.get("utilisation", instance.get("busy_ratio")))
                if value is not None and 0 <= value <= 1:
                    yield round(value, 4), f"{host} {instance.get('name')}"


def _number(value: t.Any) -> t.Optional[float]:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def add_load_test(facts: Data, path: str, now: float) -> None:
    """Give the checklist among these facts what the store holds of the load test."""
    checklists = [each for each in instances_in(facts, "checklist") if each.get("state") == "up"]
    if not checklists:
        return
    found, unknown = measures(*_stored(path, now))
    for checklist in checklists:
        before = {name: why for name, why in (checklist.get("unknown") or {}).items() if not name.startswith("load_test")}
        checklist.update(load_test=found, unknown={**before, **{f"load_test.{name}": why for name, why in unknown.items()}})


def _stored(path: str, now: float) -> tuple[t.Optional[Data], t.Optional[float]]:
    """The report and its age. A damaged store is told when the past is read."""
    if not os.path.exists(path):
        return None, None
    try:
        with Store(path, read_only=True) as store:
            kept = store.labelled(BASELINE)
            return (None, None) if kept is None else (store.report(kept), round(max(0.0, now - kept.at), 1))
    except StoreError:
        return None, None
