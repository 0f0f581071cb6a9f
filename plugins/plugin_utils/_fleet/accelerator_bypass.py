# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests that reach the application without having passed an accelerator: what the workers take against what Varnish sends."""

from __future__ import annotations

import typing as t

from .._checks.services import instances_in
from .observed import Hosts, figure, known_sum, seen


def traffic(hosts: Hosts) -> list[dict[str, t.Any]]:
    """One instance when the fleet has both tiers.

    `application_per_second`: requests that all uWSGI instances took; `accelerator_per_second`: requests that all
    accelerators sent to what is behind them; `around_per_second`, `around_each_per_second` and `around_ratio`: what is left,
    that for each uWSGI instance (every accelerator's probes reach every one of them), and its part of the former.
    An accelerator that nobody could read may have sent it: then these are unknown, unless nothing is left.
    """
    applications = [(host, one) for host, one in seen(hosts, "uwsgi") if figure(one, "requests_per_second") is not None]
    accelerators = list(seen(hosts, "varnish"))
    if not applications or not accelerators:
        return []
    arrived = known_sum(figure(one, "requests_per_second") for _host, one in applications) or 0.0
    sent = known_sum(figure(one, "backend_requests_per_second") for _host, one in accelerators)
    around = max(0.0, arrived - (sent or 0.0))
    why = _unread(hosts, accelerators) if around else None
    busiest = sorted(applications, key=lambda pair: -(figure(pair[1], "requests_per_second") or 0))
    measures: dict[str, t.Any] = {
        "application_per_second": round(arrived, 3),
        "accelerator_per_second": None if sent is None else round(sent, 3),
        "around_per_second": None if why else round(around, 3),
        "around_each_per_second": None if why else round(around / len(applications), 3),
        "around_ratio": None if why else round(around / arrived, 4) if arrived else 0.0,
    }
    return [
        {
            "name": "uwsgi",
            "state": "up",
            "problem": None,
            **measures,
            "accelerators": sorted({host for host, _one in accelerators}),
            "applications": [_row(host, one) for host, one in busiest[:10]],
            "applications_total": len(applications),
            "unknown": {name: why for name, value in measures.items() if value is None},
            "notes": [],
        }
    ]


def _row(host: str, instance: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    return {
        "host": host,
        "name": instance.get("name"),
        "address": instance.get("address"),
        "requests_per_second": figure(instance, "requests_per_second"),
    }


def _unread(hosts: Hosts, accelerators: list[tuple[str, dict[str, t.Any]]]) -> t.Optional[str]:
    """Why there may be more traffic through accelerators than was counted; None when all of it was."""
    silent = [host for host, one in accelerators if figure(one, "backend_requests_per_second") is None]
    for host, entry in hosts.items():
        entry = entry if isinstance(entry, dict) else {}
        facts = entry.get("facts", entry)
        unreadable = isinstance(facts, dict) and any(one.get("state") == "unreadable" for one in instances_in(facts, "varnish"))
        if unreadable or entry.get("reached") is False:
            silent.append(host)
    return f"what the accelerators send was not counted everywhere: {', '.join(sorted(set(silent))[:5])}" if silent else None
