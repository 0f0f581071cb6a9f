# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What changed between the stored rounds and now, and since when each cause is named."""

from __future__ import annotations

import typing as t

from ...module_utils._texts import moments
from .._diagnose import shortly_before
from .._fleet.provenance import RELEASE, SHORTLY, STARTED, Change, State, Subject, change, differs, in_order, states, subject_of
from .._judge.pipeline import MOST_CHANGES
from .._judge.report import Report
from .rounds import Round, Store

Seen = tuple[Subject, State, float]

#: Rounds back to which the beginning of a cause is followed.
MOST_ROUNDS = 2000


def remember(store: Store, report: Report, at: float) -> None:
    """Keep the states of this round that differ from the ones before."""
    store.add_states({subject: state for subject, state, _seen in _new(store.states(), report, at)}, at)


def add_changes(store: Store, report: Report, at: float) -> None:
    """Give the report what changed since the round before it, and each cause what changed before it began."""
    stored = store.states()
    rounds = store.rounds(last=MOST_ROUNDS)
    known = _changes([*stored, *_new(stored, report, at)], rounds)
    told = {subject_of(row) for row in known}
    # of what is known from two rounds, the time alone says less
    known += [row for row in report.get("changes") or [] if subject_of(row) not in told]
    earlier = [round_.at for round_ in rounds if round_.at < at]
    since = moments.written(min(earlier[-1] if earlier else at, at - SHORTLY))
    report["changes"] = in_order(row for row in known if row["at"] >= since)[:MOST_CHANGES]
    began = {diagnosis["cause"]: _began(diagnosis["cause"], rounds, at) for diagnosis in report.get("diagnoses") or []}
    shortly_before.tell(report.get("diagnoses") or [], known, began, at)
    shortly_before.tell(report.get("latent_risks") or [], known, {}, at)


def _new(stored: t.Iterable[Seen], report: Report, at: float) -> list[Seen]:
    last = {subject: state for subject, state, _seen in stored}
    now = states(report.get("hosts") or {})
    return [(subject, state, at) for subject, state in now.items() if _is_new(subject, last.get(subject), state)]


def _is_new(subject: Subject, before: t.Optional[State], state: State) -> bool:
    return before is None or differs(subject[3], before.value, state.value)


def _changes(seen: t.Iterable[Seen], rounds: t.Sequence[Round]) -> list[Change]:
    """Each state that took the place of another: when it says itself, if that lies between the two rounds, else when it was first seen."""
    before: dict[Subject, State] = {}
    found = []
    for subject, state, at in seen:
        earlier = before.get(subject)
        before[subject] = state
        if earlier is not None:
            round_before = max((round_.at for round_ in rounds if round_.at < at), default=0.0)
            says = _since(subject, state, before)
            is_between = says is not None and round_before - SHORTLY <= says <= at
            found.append(change(subject, earlier.value, state.value, t.cast(float, says) if is_between else at))
    return found


def _since(subject: Subject, state: State, known: t.Mapping[Subject, State]) -> t.Optional[float]:
    """Since when it is so; code that lay there before counts from the start that loaded it."""
    started = known.get((*subject[:3], STARTED)) if subject[3] == RELEASE else None
    times = [each.at for each in (state, started) if each is not None and each.at is not None]
    return max(times, default=None)


def _began(cause: str, rounds: t.Sequence[Round], at: float) -> float:
    """When the cause was first named, of the rounds in a row that name it until now."""
    began = at
    for round_ in reversed(rounds):
        if round_.at <= at and cause not in round_.causes:
            break
        began = min(began, round_.at)
    return began
