# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What changed since the last announcement: each change once, and no flapping.

A state counts when it was seen in two rounds running, so a change is announced within two rounds and a single odd
round is not announced at all.
"""

from __future__ import annotations

import typing as t

from .._checks.only import in_scope
from .rounds import key_of

#: subject → (state last announced, state that waits for confirmation or None, since when)
State = tuple[str, t.Optional[str], float]
Announced = t.Mapping[str, State]

#: The whole check's state, beside one subject per finding and per cause.
VERDICT = "verdict"
ABSENT = "absent"


def subjects(report: t.Mapping[str, t.Any]) -> dict[str, str]:
    """What can change in a round: the verdict, each cause, each finding that is judged."""
    states = {VERDICT: report["verdict"]}
    for diagnosis in report.get("diagnoses") or []:
        states["cause " + diagnosis["cause"]] = "present"
    for finding in report.get("findings") or []:
        if finding["status"] != "skipped" and not finding.get("accepted"):
            states["finding " + " ".join(part for part in key_of(finding) if part)] = finding["status"]
    return states


def _asked(subject: str, only: t.Collection[str]) -> bool:
    """Whether a round about these services can say that the subject is not there any more."""
    parts = subject.split(" ")
    return not only or subject == VERDICT or (parts[0] == "finding" and len(parts) > 3 and in_scope(parts[3], only))


def changed(
    announced: Announced, now: t.Mapping[str, str], at: float, only: t.Collection[str] = ()
) -> tuple[list[dict[str, t.Any]], dict[str, State]]:
    """The changes to announce, and the states that are then announced.

    A change: {subject, before, after, since} with `since` the time at which the old state was announced. The very first
    round announces nothing but is what later rounds are compared with. `only`: the services that the round asked for.
    """
    first = not announced
    changes: list[dict[str, t.Any]] = []
    states: dict[str, State] = {}
    for subject in sorted({*announced, *now}):
        state = now.get(subject, ABSENT)
        before, pending, since = announced.get(subject, (state if first else ABSENT, None, at))
        if state == ABSENT and not _asked(subject, only):
            states[subject] = (before, pending, since)
            continue
        if state == before:
            states[subject] = (before, None, since)
        elif state == pending:
            changes.append({"subject": subject, "before": before, "after": state, "since": since})
            states[subject] = (state, None, at)
        else:
            states[subject] = (before, state, since)
    # what is gone, and announced as gone, needs no memory
    return changes, {subject: state for subject, state in states.items() if state[:2] != (ABSENT, None)}
