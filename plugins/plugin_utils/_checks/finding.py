# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Findings: what they hold, in plain types."""

from __future__ import annotations

import functools
import re
import typing as t

from .._reach.quoting import Line

#: From worst to best; what is skipped does not count.
STATUSES = ("fail", "unknown", "warn", "ok", "skipped")

_DIGITS = re.compile(r"([0-9]{1,18})")

#: What a check measures: one plain value.
Value = t.Union[str, int, float, bool, None]


class Finding(t.TypedDict):
    """One check on one instance, as launch.json has it."""

    check: str
    host: str
    service: str
    instance: t.Optional[str]
    status: str
    value: Value
    unit: t.Optional[str]
    limit: t.Optional[str]
    question: t.Optional[str]
    finding: t.Optional[str]
    advice: t.Optional[str]
    look: t.Optional[Line]
    evidence: list[dict[str, t.Any]]
    reason: t.Optional[str]
    accepted: t.Optional[str]
    #: Where rounds of a watch are stored beside the report.
    trend: t.NotRequired[t.Optional[str]]
    clears_in_seconds: t.NotRequired[t.Optional[float]]
    #: In a written report: how many findings of this check and status it stands for; itself only when absent.
    count: t.NotRequired[int]
    #: Where these are, when they are trouble: `host` of each, and every other key that differs from this one's.
    places: t.NotRequired[list[dict[str, t.Any]]]


def finding(
    check: str,
    host: str,
    service: str,
    instance: t.Optional[str],
    status: str,
    *,
    value: Value = None,
    unit: t.Optional[str] = None,
    limit: t.Optional[str] = None,
    question: t.Optional[str] = None,
    finding: t.Optional[str] = None,
    advice: t.Optional[str] = None,
    look: t.Optional[Line] = None,
    evidence: t.Sequence[dict[str, t.Any]] = (),
    reason: t.Optional[str] = None,
) -> Finding:
    """A finding with every key of the contract, in its order. Nothing else can be given: a misspelt key is an error."""
    return {
        "check": check,
        "host": host,
        "service": service,
        "instance": instance,
        "status": status,
        "value": value,
        "unit": unit,
        "limit": limit,
        "question": question,
        "finding": finding,
        "advice": advice,
        "look": look,
        "evidence": list(evidence),
        "reason": reason,
        "accepted": None,
    }


def accept(findings: t.Iterable[Finding], accepted: t.Mapping[str, str]) -> None:
    """Mark known gaps with their reason: still shown, not counted. What is ok needs no acceptance."""
    for each in findings:
        if each["status"] in ("fail", "unknown", "warn") and each["check"] in accepted:
            each["accepted"] = accepted[each["check"]]


def urgency(each: Finding) -> tuple[t.Any, ...]:
    """Sort key: what counts before what was accepted, then worst first, then by check and place."""
    accepted = each["accepted"] is not None
    place = natural(each["host"]), natural(each["instance"] or "")
    return (accepted, STATUSES.index(each["status"]), each["service"], each["check"], *place)


@functools.lru_cache(maxsize=65536)
def natural(text: str) -> list[tuple[int, int, str]]:
    """Sort key: web2 before web10."""
    return [(0, int(part), "") if part.isascii() and part.isdigit() else (1, 0, part) for part in _DIGITS.split(text) if part]
