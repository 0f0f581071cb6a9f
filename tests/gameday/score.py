# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cell's outcome: what the rules name in its windows, held against its truth."""

from __future__ import annotations

import dataclasses
import math
import re
import typing as t

from . import judged
from .cells import Cell, Truth

Report = t.Mapping[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Outcome:
    """None: the measure does not apply to this cell, or cannot be known of it."""

    name: str
    kind: str
    role: str
    faint: bool
    wanted: tuple[str, ...]
    #: What is named in at least half of the windows, in the report's order.
    named: tuple[str, ...]
    top: t.Optional[bool] = None
    exact: t.Optional[bool] = None
    object: t.Optional[bool] = None
    path: t.Optional[bool] = None
    #: Of what is faint: named, or a finding of the right object.
    found: t.Optional[bool] = None
    #: A cause that the truth does not know, in any window of a no-op, else among those named.
    wrong: bool = False
    #: Without end where it was never named; None where it is not known when the fault began.
    seconds_to_name: t.Optional[float] = None
    #: Lines of evidence that point at a row of the report, and all of them; None while lines do not point.
    evidence: t.Optional[tuple[int, int]] = None
    #: Whether the loudest failing finding is of the cause's tier (of a no-op: whether nothing fails).
    baseline: bool = False

    @property
    def right(self) -> bool:
        """Whether the cell is in no list of wrong ones."""
        if self.role == "no-op":
            return not self.wrong
        if self.faint:
            return bool(self.found) and not self.wrong
        return bool(self.exact) and self.object is not False


def outcome(cell: Cell) -> Outcome:
    """Judged by today's rules."""
    reports = judged.windows(cell)
    wanted = tuple(truth.cause for truth in cell.truths)
    named = _named(reports)
    common: dict[str, t.Any] = {"name": cell.name, "kind": cell.kind, "role": cell.role, "faint": cell.faint, "wanted": wanted}
    common.update(evidence=_evidence(reports), baseline=_baseline(cell, reports[-1]))
    if cell.role == "no-op":
        ever = tuple(dict.fromkeys(_names(report) for report in reports))
        return Outcome(**common, named=tuple(sorted(set().union(*ever))), wrong=any(ever))
    return Outcome(
        **common,
        named=named,
        top=bool(named) and named[0] in wanted,
        exact=sorted(named) == sorted(wanted),
        object=_all_known(_object_named(truth, reports) for truth in cell.truths),
        path=_all_known(_path_named(truth, reports) for truth in cell.truths),
        found=_found(cell, named, reports) if cell.faint else None,
        wrong=bool(set(named) - set(wanted)),
        seconds_to_name=_seconds_to_name(cell, reports),
    )


def _names(report: Report) -> tuple[str, ...]:
    return tuple(str(cause["cause"]) for cause in report["diagnoses"])


def _named(reports: t.Sequence[Report]) -> tuple[str, ...]:
    """In at least half of the windows; the one that comes first most often is first."""
    places: dict[str, list[int]] = {}
    for report in reports:
        for place, name in enumerate(dict.fromkeys(_names(report))):
            places.setdefault(name, []).append(place)
    often = {name: at for name, at in places.items() if len(at) >= math.ceil(len(reports) / 2)}
    return tuple(sorted(often, key=lambda name: (sum(often[name]) / len(often[name]), name)))


def _causes(truth: Truth, reports: t.Sequence[Report]) -> list[t.Mapping[str, t.Any]]:
    return [cause for report in reports for cause in report["diagnoses"] if cause["cause"] == truth.cause]


def _most(answers: t.Sequence[bool]) -> bool:
    return 2 * sum(answers) > len(answers)


def _all_known(answers: t.Iterable[t.Optional[bool]]) -> t.Optional[bool]:
    given = [answer for answer in answers if answer is not None]
    return all(given) if given else None


def _object_named(truth: Truth, reports: t.Sequence[Report]) -> t.Optional[bool]:
    """Whether the cause's own words (statement, first fix, command) have every word of the object, in most windows that name it."""
    if not truth.objects:
        return None
    texts = [" ".join(str(cause.get(key) or "") for key in ("statement", "first_fix", "look")) for cause in _causes(truth, reports)]
    return bool(texts) and _most([_has(text, truth.objects) for text in texts])


def _path_named(truth: Truth, reports: t.Sequence[Report]) -> t.Optional[bool]:
    """Whether the services on the way from visitors to the cause are the true ones, in their order."""
    if not truth.path:
        return None
    paths = [tuple(str(step).split(" ", 1)[0] for step in cause.get("path") or ()) for cause in _causes(truth, reports)]
    return bool(paths) and _most([path == truth.path for path in paths])


def _has(text: str, words: t.Iterable[str]) -> bool:
    return all(re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) for word in words)


def _found(cell: Cell, named: t.Sequence[str], reports: t.Sequence[Report]) -> bool:
    return all(truth.cause in named or _most([_finds(truth, report) for report in reports]) for truth in cell.truths)


def _finds(truth: Truth, report: Report) -> bool:
    """A latent risk of that name, or a warning or failure of one of its checks, about its object."""
    if any(risk["cause"] == truth.cause for risk in report.get("latent_risks") or ()):
        return True
    for finding in report["findings"]:
        if finding["check"] in truth.findings and finding["status"] in ("warn", "fail"):
            text = " ".join(str(finding.get(key) or "") for key in ("finding", "advice", "look", "instance", "evidence"))
            if _has(text, truth.objects):
                return True
    return False


def _seconds_to_name(cell: Cell, reports: t.Sequence[Report]) -> t.Optional[float]:
    """From the moment the fault is in place to the end of the first window that names it, if the next one does so too."""
    if cell.injected_at is None:
        return None
    wanted = {truth.cause for truth in cell.truths}
    for before, report in zip(reports, reports[1:]):
        if wanted <= set(_names(before)) and wanted <= set(_names(report)):
            return round(float(before["ended_at"]) - cell.injected_at, 1)
    return math.inf


def _evidence(reports: t.Sequence[Report]) -> t.Optional[tuple[int, int]]:
    lines = [line for report in reports for cause in report["diagnoses"] for line in cause["evidence"]]
    pointing = [line for line in lines if isinstance(line, dict)]
    return (sum(bool(line.get("ref")) for line in pointing), len(lines)) if pointing else None


def _baseline(cell: Cell, report: Report) -> bool:
    """ "The loudest failing finding is the cause": right when it is about the true tier, which is generous to it."""
    failing = [finding for finding in report["findings"] if finding["status"] == "fail" and not finding["accepted"]]
    if not cell.truths:
        return not failing
    return bool(failing) and any(judged.about(failing[0]["service"], truth.tier) for truth in cell.truths)
