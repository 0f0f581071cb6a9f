# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether an act helped: the report after it held against the one before."""

from __future__ import annotations

import typing as t

from .._checks.services import FLEET_HOST
from .._store.compare import compare
from .first_aid import brings

Data = t.Mapping[str, t.Any]

BETTER, SAME, WORSE = "better", "same", "worse"


class Effect(t.NamedTuple):
    """What came of an act, and why that is said."""

    kind: str
    says: str


def effect(before: Data, after: Data, acted: Data, last: bool = True) -> Effect:
    """Worse for visitors counts most; then whether the cause is gone from there, and whether the act brought another one.

    `last`: whether this is the last look. A cause that is new may be what is left of the old one for a moment.
    """
    cause, host, worse = acted["cause"], acted["host"], compare(before, after)["worse"]
    felt = [row for row in worse if row["service"] == "visitors"]
    if felt:
        return Effect(WORSE, f"visitors are worse off: {felt[0]['check']} went from {felt[0]['status'][0]} to {felt[0]['status'][1]}")
    unreached = sorted(name for name, entry in before["hosts"].items() if entry["reached"] and not _reached(after, name))
    if unreached:
        return Effect(SAME, f"the effect is not known: {', '.join(unreached[:3])} could not be reached afterwards")
    if _names(after, cause, host):
        return Effect(SAME, f"{cause} is still there")
    new = next((diagnosis for diagnosis in after["diagnoses"] if _is_brought(diagnosis, before, worse, acted)), None)
    if new is not None:
        return Effect(WORSE if last else SAME, f"{cause} is gone, and {new['cause']} is there instead: {new['statement']}")
    return Effect(BETTER, f"{cause} is gone ({before['verdict']} → {after['verdict']})")


def _is_brought(diagnosis: Data, before: Data, worse: t.Sequence[Data], acted: Data) -> bool:
    """Whether a cause came with the act: at or around its target, by something that fails only since then.

    What failed before as a consequence of the cause that is gone may take minutes to end, and may be named by itself meanwhile.
    """
    if diagnosis["cause"] in {each["cause"] for each in before["diagnoses"]} or diagnosis["cause"] in brings(acted):
        return False
    target, around = "/".join(str(acted.get(name)) for name in ("host", "service", "instance")), (diagnosis["hit"], diagnosis["needs"])
    if acted["host"] not in diagnosis["hosts"] and not any(target in places for places in around):
        return False
    failing = [row for row in worse if row["status"][1] == "fail" and row["status"][0] in (None, "ok", "skipped", "warn")]
    return any(row["host"] in (*diagnosis["hosts"], FLEET_HOST) for row in failing)


def _reached(report: Data, host: str) -> bool:
    return bool((report["hosts"].get(host) or {}).get("reached"))


def _names(report: Data, cause: str, host: str) -> bool:
    return any(diagnosis["cause"] == cause and host in diagnosis["hosts"] for diagnosis in report["diagnoses"])
