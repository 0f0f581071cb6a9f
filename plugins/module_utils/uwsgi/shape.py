# Copyright: (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: two documents of the stats server as facts."""

from __future__ import annotations

import typing as t

from ..floor.sampling import ratio


def facts(first: dict[str, t.Any], second: t.Optional[dict[str, t.Any]], window: t.Optional[float]) -> dict[str, t.Any]:
    """The measures of one instance (documented in the module's RETURN)."""
    latest = second or first
    workers = [worker for worker in latest.get("workers") or [] if isinstance(worker, dict)]
    busy = sum(worker.get("status") == "busy" for worker in workers)
    active = sum(worker.get("status") in ("idle", "busy") for worker in workers)
    return {
        "version": latest.get("version"),
        "workers": {"total": len(workers), "active": active, "busy": busy},
        "busy_ratio": ratio(busy, active),
    }
