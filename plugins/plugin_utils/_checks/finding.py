# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Findings: what they hold, in plain types."""

from __future__ import annotations

import functools
import re
import typing as t

#: From worst to best; what is skipped does not count.
STATUSES = ("fail", "unknown", "warn", "ok", "skipped")

_DIGITS = re.compile(r"([0-9]{1,18})")

Finding = dict[str, t.Any]


def finding(check: str, host: str, service: str, instance: t.Optional[str], status: str, **rest: t.Any) -> Finding:
    """A finding with every key of the contract, in its order."""
    return {
        "check": check,
        "host": host,
        "service": service,
        "instance": instance,
        "status": status,
        "value": rest.get("value"),
        "unit": rest.get("unit"),
        "limit": rest.get("limit"),
        "question": rest.get("question"),
        "finding": rest.get("finding"),
        "advice": rest.get("advice"),
        "look": rest.get("look"),
        "evidence": rest.get("evidence") or [],
        "reason": rest.get("reason"),
        "accepted": None,
    }


def accept(findings: t.Iterable[Finding], accepted: t.Mapping[str, str]) -> None:
    """Mark known gaps with their reason: still shown, not counted. What is fine needs no pardon."""
    for one in findings:
        if one["status"] in ("fail", "unknown", "warn") and one["check"] in accepted:
            one["accepted"] = accepted[one["check"]]


def urgency(one: Finding) -> tuple[t.Any, ...]:
    """Sort key: what counts before what was accepted, then worst first, then by check and place."""
    accepted = one["accepted"] is not None
    return (accepted, STATUSES.index(one["status"]), one["service"], one["check"], natural(one["host"]), natural(one["instance"] or ""))


@functools.lru_cache(maxsize=65536)
def natural(text: str) -> list[tuple[int, int, str]]:
    """Sort key: web2 before web10."""
    return [(0, int(part), "") if part.isascii() and part.isdigit() else (1, 0, part) for part in _DIGITS.split(text) if part]
