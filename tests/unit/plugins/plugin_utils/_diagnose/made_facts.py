# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Facts and findings as the modules and checks would give them, for synthetic fleets."""

from __future__ import annotations

import typing as t

Finding = dict[str, t.Any]


def finding(check: str, host: str, instance: str, status: str = "fail", **rest: t.Any) -> Finding:
    return {"check": check, "host": host, "instance": instance, "status": status, "accepted": None, **rest}


def instance(name: str, **measures: t.Any) -> dict[str, t.Any]:
    return {"name": name, "state": "up", **measures}


def fact(*instances: dict[str, t.Any]) -> dict[str, t.Any]:
    return {"schema": 1, "instances": list(instances)}


def server(name: str, busy: float = 0.2, load: float = 0.2, **services: float) -> dict[str, t.Any]:
    rows = [{"name": service, "cpu_cores": cores} for service, cores in services.items()]
    return fact(instance(name, cpu_busy_ratio=busy, cores_effective=4, load_ratio=load, iowait_ratio=0.0, services=rows))


def waits(*edges: tuple[str, float, t.Optional[float]], samples: int = 40, **kinds: float) -> dict[str, t.Any]:
    """What busy workers were seen waiting for: (address, share, seconds there and back), and shares by kind; the rest computes."""
    rows = [
        {"address": address, "samples": int(samples * share), "share_ratio": share, "work": "GET /pay/", "round_trip_seconds": seconds}
        for address, share, seconds in edges
    ]
    left = 1 - sum(share for _address, share, _seconds in edges) - sum(kinds.values())
    shares = {**dict.fromkeys(("cpu", "disk", "lock", "sleep", "client", "other", "unknown"), 0.0), "cpu": left, **kinds}
    return {"samples": samples, "edges": rows, "edges_total": len(rows), **{f"{kind}_ratio": share for kind, share in shares.items()}}
