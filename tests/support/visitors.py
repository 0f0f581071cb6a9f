# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Facts of what visitors get: an accelerator, its log, and the workers behind it."""

from __future__ import annotations

import typing as t

Facts = dict[str, t.Any]


def log(p95: float = 0.1, errors: int = 0, refused: t.Sequence[Facts] = (), requests: int = 1000, name: str = "varnish") -> Facts:
    statuses = [{"name": str(row["status"]), "count": row["count"]} for row in refused]
    return {
        "name": name,
        "state": "up",
        "requests": requests,
        "requests_per_second": requests / 5,
        "error_requests": errors,
        "refused": list(refused),
        "refused_requests": sum(row["count"] for row in refused),
        "statuses": [{"name": "200", "count": requests - errors}, *statuses],
        "response_times": {"all": {"count": requests, "p50_seconds": p95 / 2, "p95_seconds": p95, "max_seconds": p95 * 2, "buckets": []}},
        "backend": {"requests": 100, "seconds": 100 * 1.8},
    }


def workers(mean: t.Optional[float] = 1.75, requests: t.Optional[int] = 100, queue: int = 0, **more: t.Any) -> Facts:
    rate = None if requests is None else requests / 5
    return {
        "name": "shop", "state": "up", "kind": "app", "address": "127.0.0.1:1717", "requests": requests, "requests_per_second": rate,
        "mean_response_seconds": mean, "listen_queue": queue, **more,
    }  # fmt: skip


def accelerator(queued: int = 0, waiting: int = 0) -> Facts:
    sessions = {"accepted": 500, "accepted_per_second": 100.0, "queued": queued, "dropped": 0}
    return {"name": "varnish", "state": "up", "client_options": "-n varnish", "threads": {"queue_length": waiting}, "sessions": sessions}


def host(**services: Facts) -> Facts:
    return {"reached": True, "facts": {f"launch_{name}": {"schema": 1, "instances": [facts]} for name, facts in services.items()}}
