# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a report learns from the rounds before it: a trend per finding, the verdicts, and the key figures over time."""

from __future__ import annotations

import os
import re
import time
import typing as t

from ...module_utils._texts import moments
from .._checks.finding import Finding
from .._checks.services import FOLLOWED
from .._checks.units import shown
from .._diagnose.cause import LatentRisk
from .._fleet.growth import Growth
from .._fleet.nodes import Key as InstanceKey
from .._judge.report import Report
from . import trends
from .packing import Row
from .rounds import Key, Round, Store, key_of, stretches, worst
from .state_changes import add_changes

Data = t.Mapping[str, t.Any]
Past = list[tuple[float, t.Optional[float]]]

#: Rounds that a trend looks at, and how old they may be: a trend over last week's rounds says nothing about now.
RECENT = 12
FRESH = 3 * 3600.0
#: The file in the report's directory, and how far back a report that is no watch's looks.
STORE = "rounds.db"
DAY = 86400.0
MOST_SERIES = 60
MOST_ROUNDS = 300

_LIMIT = re.compile(r"^[<>]=? *(-?[0-9]+(?:\.[0-9]+)?)(?= and |$)")


def known_past(report: Report, path: str) -> None:
    """For a report that is not stored: its past, if a watch has kept rounds in this store."""
    if os.path.exists(path):
        now = time.time()
        with Store(path, read_only=True) as store:
            add_past(store, report, now - DAY, now)
            add_changes(store, report, now)


#: The label of the report that visitors are compared with.
BASELINE = "baseline"


def baseline(path: str) -> t.Optional[Data]:
    """`fleet` of the report that was stored under that label; None without one."""
    if not os.path.exists(path):
        return None
    with Store(path, read_only=True) as store:
        kept = store.labelled(BASELINE)
        fleet = None if kept is None else store.report(kept).get("fleet")
    return fleet if isinstance(fleet, dict) else None


#: Checks whose values tell a slow leak from a large worker, and rounds from which a line through them is one.
WORKER_MEMORY = "_worker_memory"
ENOUGH = 4


def growing(path: str) -> dict[InstanceKey, Growth]:
    """The workers whose memory rises over the last rounds; none without a store."""
    if not os.path.exists(path):
        return {}
    with Store(path, read_only=True) as store:
        rounds = store.rounds(time.time() - FRESH, last=RECENT)
        if len(rounds) < ENOUGH:
            return {}
        keys = {number: key for key, number in store.keys().items() if key[0].endswith(WORKER_MEMORY)}
        series = store.series(list(keys), rounds[0].at)
    grown = {keys[number][1:]: _growth(points) for number, points in series.items()}
    return {key: growth for key, growth in grown.items() if growth is not None}


def _growth(points: Past) -> t.Optional[Growth]:
    known = [(at, value) for at, value in points if value is not None]
    steep = trends.slope(known)
    if len(known) < ENOUGH or not steep or trends.direction(known) != trends.RISING:
        return None
    return Growth(len(known), known[-1][0] - known[0][0], known[0][1], known[-1][1], steep)


def add_past(store: Store, report: Report, since: float, at: t.Optional[float] = None) -> None:
    """Give the report `history`, and its findings `trend` and `clears_in_seconds`.

    `at`: when the report was made, if it is not among the stored rounds itself.
    """
    numbers = store.keys()
    keys: dict[Key, Finding] = {key_of(finding): finding for finding in report.get("findings") or [] if _measured(finding)}
    recent = store.rounds(max(since, (at or _newest(store)) - FRESH), last=RECENT)
    rows = [(round_.at, store.row(round_.id)) for round_ in recent]
    for key, finding in keys.items():
        points: Past = [(moment, row.value(numbers[key])) for moment, row in rows] if key in numbers else []
        if at is not None:
            points.append((at, t.cast(float, finding["value"])))
        finding["trend"] = trends.direction(points)
        finding["clears_in_seconds"] = _clears(finding, points)
    for risk in report.get("latent_risks") or []:
        _date(risk, keys, rows, numbers)
    followed = [key for key in keys if key[0] in FOLLOWED and key in numbers][:MOST_SERIES]
    report["history"] = {
        "rounds": [_stretch(stretch) for stretch in stretches(store.rounds(since), MOST_ROUNDS)],
        "series": _series(store, numbers, followed, keys, since),
    }


def _measured(finding: Data) -> bool:
    value = finding.get("value")
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _newest(store: Store) -> float:
    last = store.rounds(last=1)
    return last[0].at if last else 0.0


def _clears(finding: Data, points: Past) -> t.Optional[float]:
    """In how many seconds a value that is over its limit will be back within it, at the pace of the last rounds."""
    limit = _LIMIT.match(finding.get("limit") or "")
    if finding["status"] not in ("warn", "fail") or limit is None or finding["trend"] not in (trends.RISING, trends.FALLING):
        return None
    seconds = trends.seconds_until(points, float(limit[1]))
    return None if seconds is None else round(seconds, 1)


def _date(risk: LatentRisk, findings: t.Mapping[Key, Data], rows: t.Sequence[tuple[float, Row]], numbers: t.Mapping[Key, int]) -> None:
    """Say since when the risk is there, and where its measures are going."""
    keys = [key_of(finding) for finding in risk["findings"]]
    stored = [numbers[key] for key in keys if key in numbers]
    since = None
    for moment, row in reversed(rows):
        if not any(row.status(number) in ("warn", "fail") for number in stored):
            break
        since = moment
    moving = [findings[key] for key in keys if key in findings and findings[key].get("trend") in (trends.RISING, trends.FALLING)]
    risk["since"] = None if since is None else moments.written(since)
    risk["trends"] = [f"{finding['check']}: {shown(finding['value'], finding['unit'])}, {finding['trend']}" for finding in moving]


def _stretch(stretch: t.Sequence[Round]) -> dict[str, t.Any]:
    """Some rounds as one: the worst verdict, and every cause."""
    causes = sorted({cause for round_ in stretch for cause in round_.causes})
    return {"at": moments.written(stretch[0].at), "verdict": worst(stretch).verdict, "causes": causes}


def _series(
    store: Store, numbers: t.Mapping[Key, int], keys: list[Key], findings: t.Mapping[Key, Data], since: float
) -> list[dict[str, t.Any]]:
    points = store.series([numbers[key] for key in keys], since)
    return [
        {
            "check": key[0],
            "host": key[1],
            "service": key[2],
            "instance": key[3],
            "unit": findings[key].get("unit"),
            "points": [[round(at, 3), value] for at, value in points[numbers[key]]],
        }
        for key in keys
    ]
