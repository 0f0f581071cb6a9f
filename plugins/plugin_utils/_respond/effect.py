# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether an act helped: the report after it held against the one before."""

from __future__ import annotations

import typing as t

from .._store.compare import compare

Data = t.Mapping[str, t.Any]

BETTER, SAME, WORSE = "better", "same", "worse"


class Effect(t.NamedTuple):
    """What came of an act, and why that is said."""

    kind: str
    says: str


def effect(before: Data, after: Data, cause: str, host: str) -> Effect:
    """Worse for visitors counts most; then whether the cause is gone from there."""
    felt = [row for row in compare(before, after)["worse"] if row["service"] == "visitors"]
    if felt:
        return Effect(WORSE, f"visitors are worse off: {felt[0]['check']} went from {felt[0]['status'][0]} to {felt[0]['status'][1]}")
    unreached = sorted(name for name, entry in before["hosts"].items() if entry["reached"] and not _reached(after, name))
    if unreached:
        return Effect(SAME, f"the effect is not known: {', '.join(unreached[:3])} could not be reached afterwards")
    if _names(after, cause, host):
        return Effect(SAME, f"{cause} is still there")
    return Effect(BETTER, f"{cause} is gone ({before['verdict']} → {after['verdict']})")


def _reached(report: Data, host: str) -> bool:
    return bool((report["hosts"].get(host) or {}).get("reached"))


def _names(report: Data, cause: str, host: str) -> bool:
    return any(diagnosis["cause"] == cause and host in diagnosis["hosts"] for diagnosis in report["diagnoses"])
