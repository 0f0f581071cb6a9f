# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From findings to one word, and from the word to the exit."""

from __future__ import annotations

import collections
import typing as t

from .finding import STATUSES

VERDICTS = {"fail": "no-go", "unknown": "unknown", "warn": "go with warnings", "ok": "go"}
FAIL_ON = ("warn", "unknown", "fail", "never")


class Verdict(t.TypedDict):
    """What a list of findings comes to."""

    verdict: str
    status: str
    go: bool
    counts: dict[str, int]


def verdict(findings: t.Iterable[t.Mapping[str, t.Any]]) -> Verdict:
    """`{verdict, status, go, counts}`; fail > unknown > warn > ok. Nothing judged is unknown, never go.

    Accepted findings are counted as `accepted` and do not weigh.
    """
    counts: collections.Counter[str] = collections.Counter({status: 0 for status in (*STATUSES, "accepted")})
    for finding in findings:
        status = finding.get("status")
        counts["accepted" if finding.get("accepted") else (status if status in STATUSES else "unknown")] += 1
    status = next((name for name in ("fail", "unknown", "warn", "ok") if counts[name]), "ok" if counts["accepted"] else "unknown")
    return {"verdict": VERDICTS[status], "status": status, "go": status in ("ok", "warn"), "counts": dict(counts)}


def stops(status: str, fail_on: str) -> bool:
    """Whether a run with this status is to end with an error."""
    if fail_on == "never":
        return False
    order = {"fail": 3, "unknown": 2, "warn": 1, "ok": 0}
    return order.get(status, 2) >= order[fail_on]
