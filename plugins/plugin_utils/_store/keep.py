# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Store, label or compare a report, for the actions `judge` and `watch`."""

from __future__ import annotations

import dataclasses
import os
import time
import typing as t

from .._judge.report import Report
from . import before_after, watch_round
from .past import STORE
from .rounds import Store
from .state_changes import remember

#: The options of both actions; documented in doc_fragments/launch.py (STORE).
SPEC: dict[str, t.Any] = {
    "store": {"type": "path"},
    "label": {"type": "str"},
    "compare_with": {"type": "str"},
    "keep_hours": {"type": "float", "default": 24.0},
    "every": {"type": "float", "default": 0.0},
    "since": {"type": "float", "default": 0.0},
    "minutes": {"type": "float"},
    "until": {"type": "str", "choices": list(watch_round.UNTIL), "default": "never"},
}

OVER = {
    "go": "The watch is over: a go in two rounds running.",
    "no-go": "The watch is over: a no-go in two rounds running.",
    "corner": "The watch is over: the load turned the corner.",
    "time": "The watch is over: its time is up.",
}

Tell = t.Callable[[list[str]], None]


NOWHERE = "rounds are stored and compared beside the report: set launch_check_report_dir"


class CannotKeep(Exception):
    """What is to be kept or compared has no place, or is nothing that can be kept."""


@dataclasses.dataclass(frozen=True)
class Keeping:
    """The options, and where the store is (empty when nothing is written at all)."""

    store: str
    label: t.Optional[str]
    compare_with: t.Optional[str]
    keep_hours: float
    every: float
    since: float
    minutes: t.Optional[float]
    until: str

    @classmethod
    def of(cls, args: t.Mapping[str, t.Any]) -> Keeping:
        beside = os.path.join(args["report_dir"], STORE) if args["report_dir"] else ""
        return cls(**{**{name: args[name] for name in SPEC}, "store": args["store"] or beside})

    def require_store(self) -> None:
        if not self.store:
            raise CannotKeep(NOWHERE)


def keep(report: Report, keeping: Keeping, as_round: bool, tell: Tell) -> dict[str, t.Any]:
    """Compare, label, or store the report as a round of a watch; `tell` prints what changed.

    A round gives the report its past, so this comes before the report's files are written.
    """
    keeping.require_store()
    # read before anything is stored: the label may be the one that is about to move
    before = before_after.find(keeping.compare_with, keeping.store) if keeping.compare_with else None
    kept: dict[str, t.Any] = {"changes": [], "lines": [], "comparison": []}
    if keeping.label:
        with Store(keeping.store) as store:
            remember(store, report, store.add(report, label=keeping.label).at)
            kept["rounds"] = store.count()
    if before is not None:
        kept.update(compared_with=keeping.compare_with, comparison=before_after.compare_lines(before, report))
    if as_round:
        kept.update(_round(report, keeping, tell))
    return kept


def _round(report: Report, keeping: Keeping, tell: Tell) -> dict[str, t.Any]:
    """A round of a watch."""
    if "started_at" not in report:
        raise CannotKeep("what is stored already is no new round of a watch; give it a label, or compare it")
    at = time.time()
    with Store(keeping.store) as store:
        changes, states = watch_round.one_round(store, report, at, keeping.keep_hours * 3600)
        wait = watch_round.pace(report, at, keeping.every, keeping.since, keeping.minutes)
        ending = "time" if wait is None else None
        if watch_round.is_over(store, report, keeping.until, keeping.since):
            ending = keeping.until
        lines = watch_round.change_lines(changes, report, at)
        tell(lines)
        # printed first and stored afterwards: a watch that is killed in between prints it again, and loses nothing
        store.announce(states)
        rounds = store.count()
    report["history"]["live"] = ending is None
    cause = next((diagnosis["cause"] for diagnosis in report.get("diagnoses") or []), None)
    return {
        "changes": changes,
        "lines": lines,
        "over": ending is not None,
        "ended": OVER.get(ending or ""),
        "wait_seconds": wait or 0,
        "rounds": rounds,
        "cause": cause,
    }


def closing_lines(kept: t.Mapping[str, t.Any]) -> list[str]:
    """What is printed below the board: the comparison, and that a watch is over."""
    compared = [f"Compared with {kept['compared_with']}:", *kept["comparison"]] if kept.get("comparison") else []
    return compared + ([kept["ended"]] if kept.get("ended") else [])
