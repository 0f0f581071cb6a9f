# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Before and after in words: what a fix changed, or how the launch differs from the load test."""

from __future__ import annotations

import json
import os
import pathlib
import typing as t

from ...module_utils._texts import moments
from ...module_utils._texts.redact import clean
from .._checks.services import in_tiers, instances_in
from .._checks.units import shown
from .._report.condensed import expanded
from .._report.host_files import beside
from .changes import ABSENT
from .compare import compare
from .rounds import Store
from .sound import sound_report

Data = t.Mapping[str, t.Any]

#: Up to this many places of a check have a line each.
EACH = 3
#: What an application server should be busy for at most, and how many must stay in any case.
COMFORT = 0.7
FEWEST = 2


class NoReport(Exception):
    """There is nothing to compare; the text says why."""


def find(name: str, store_path: str) -> dict[str, t.Any]:
    """The report of that name: a label, a time (UTC, as the page shows it) or the path of a launch.json."""
    labels: list[str] = []
    if os.path.exists(store_path):
        with Store(store_path, read_only=True) as store:
            round_ = store.labelled(name)
            moment = _moment(name)
            if round_ is None and moment is not None:
                round_ = store.at(moment)
            if round_ is not None:
                return store.report(round_)
            labels = store.labels()
    if os.path.exists(name):
        return load(os.path.join(name, "launch.json") if os.path.isdir(name) else name)
    named = ", ".join(clean(label, 40) for label in labels[-8:])
    known = f"the labels there are {named}" if labels else "it has no labelled round yet (launch_check_label makes one)"
    raise NoReport(f"nothing to compare with: {name} is no label in {store_path} ({known}), no time of a stored round, and no file")


def _moment(name: str) -> t.Optional[float]:
    for form in ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%MZ", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"):
        try:
            # the whole second, or minute, that was named
            return moments.read(name, form) + (0.999 if "%S" in form else 59.999)
        except ValueError:
            continue
    return None


def load(path: str) -> dict[str, t.Any]:
    """A launch.json, with the facts that lie beside it."""
    try:
        with open(path, encoding="utf-8") as handle:
            report = json.load(handle)
    except FileNotFoundError:
        raise NoReport(f"there is no report {path}: run the check with launch_check_report_dir first") from None
    except (OSError, ValueError, RecursionError) as error:
        raise NoReport(f"the report {path} cannot be read: {error}") from None
    try:
        whole = beside(sound_report(report), pathlib.Path(path).parent)
        # once more with the facts, which come from other files, and with every finding of a row
        return sound_report({**whole, "findings": list(expanded(whole.get("findings") or []))})
    except ValueError:
        raise NoReport(f"{path} is not a report of this collection") from None


def compare_lines(before: Data, after: Data) -> list[str]:
    """What differs, the worst first; with the servers that could be dropped once all is calm."""
    result = compare(before, after)
    lines = [f"verdict: {result['verdict'][0]} → {result['verdict'][1]}"]
    lines += [
        f"cause {name}: {word}"
        for kind, word in (("gone", "gone"), ("new", "new"), ("same", "still there"))
        for name in result["causes"][kind]
    ]
    for kind in ("worse", "better", "moved"):
        lines += _by_check(kind, result[kind])
    spare = droppable(after)
    if spare:
        lines.append(f"you may drop {spare[0]} of {spare[1]} application servers: the rest carries the present traffic with room to spare")
    return lines


def _by_check(kind: str, rows: t.Sequence[Data]) -> list[str]:
    checks: dict[str, list[Data]] = {}
    for row in rows:
        checks.setdefault(row["check"], []).append(row)
    lines = []
    for check, places in checks.items():
        lines += [f"{kind}: {_moved(row)}" for row in places[:EACH]]
        if len(places) > EACH:
            lines.append(f"{kind}: {check} on {len(places) - EACH} more")
    return lines


def _moved(row: Data) -> str:
    where = " ".join(part for part in (row["host"], row["instance"]) if part)
    before, after = (status or ABSENT for status in row["status"])
    values = " → ".join(shown(value, row["unit"]) for value in row["value"])
    return f"{row['check']} on {where}: {values} ({before if before == after else before + ' → ' + after})"


def droppable(report: Data) -> t.Optional[tuple[int, int]]:
    """(how many application servers could go, how many there are), or None when that cannot or should not be said."""
    if report["verdict"] not in ("go", "go with warnings") or report.get("only"):
        return None
    busy = []
    for host in (report.get("hosts") or {}).values():
        instances = [each for service in in_tiers("application") for each in instances_in(host.get("facts") or {}, service)]
        measures = [each.get("utilisation", each.get("busy_ratio")) for each in instances]
        utilisations = [value for value in measures if isinstance(value, (int, float))]
        unseen = not instances and "application" in (host.get("tiers") or ())
        if unseen or (instances and len(utilisations) < len(instances)):
            return None
        if utilisations:
            busy.append(max(utilisations))
    needed = max(FEWEST, -(-int(sum(busy) * 1000) // int(COMFORT * 1000)))
    return (len(busy) - needed, len(busy)) if len(busy) > needed else None
