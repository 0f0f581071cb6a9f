# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What visitors may be asked to bear (`launch_check_visitors`), as limits of the checks of visitors."""

from __future__ import annotations

import typing as t

P95, ERRORS = "p95_milliseconds", "errors_ratio"


def with_visitors(thresholds: t.Any, limits: t.Any) -> t.Any:
    """The thresholds of a host, and the limits for visitors beneath them: what names a check by its id counts more."""
    if not limits or not isinstance(limits, t.Mapping):
        return thresholds
    made = {}
    if limits.get(P95) is not None:
        made["visitors_response_time"] = {"fail": f"> {_number(limits[P95], 1000)}"}
    if limits.get(ERRORS) is not None:
        made["visitors_errors"] = {"fail": f">= {_number(limits[ERRORS], 1)}"}
    if not made or not isinstance(thresholds or {}, t.Mapping):
        return thresholds
    return {**made, **(thresholds or {})}


def _number(value: t.Any, parts: int) -> t.Any:
    """What is no number stays as it is: the limit made of it is refused with all other wrong ones."""
    try:
        return float(value) / parts
    except (TypeError, ValueError):
        return value
