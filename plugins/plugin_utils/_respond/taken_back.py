# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Acts whose timer was lost before it took them back: each becomes a plan of its own, which takes the act back."""

from __future__ import annotations

import typing as t

Data = t.Mapping[str, t.Any]

#: What a plan that takes back has beside those of every other plan.
TAKES_BACK = "takes_back"
_NAMES = ("cause", "act", "service", "instance", "about")


def looks(host: str, lost: t.Any) -> t.Iterator[dict[str, t.Any]]:
    """A plan to take back for each act that the host names, in the form of a look at the target of a proposal."""
    for row in lost if isinstance(lost, list) else []:
        if not isinstance(row, dict) or not all(isinstance(row.get(name), str) for name in (*_NAMES[:4], "timer")):
            continue
        ended = "a restart of the machine ended its timer" if row.get("restarted") else "the process of its timer is gone"
        proposal = {
            **{name: row.get(name) for name in _NAMES},
            "host": host,
            "readings": {},
            "what": f"take back the act {row['act']}, done for it at {row.get('armed_at')}",
            "why": f"Its effect was not verified, or its time is up, and {ended}.",
            TAKES_BACK: row["timer"],
        }
        yield {"proposal": proposal, "looked": _looked(row)}


def _looked(row: Data) -> dict[str, t.Any]:
    return {
        "outcome": "possible",
        "identity": {"timer": row["timer"]},
        "guards": [],
        "commands": [str(row.get("undo") or "")],
        "cost": "what the act did is gone; where somebody changed it since, it is left alone",
        "undo": f"none; to keep the act instead, remove {row.get('file')} on the host",
    }


def first(looked: t.Iterable[Data]) -> list[Data]:
    """What is left of an act before, then what may be done next."""
    return sorted(looked, key=lambda look: TAKES_BACK not in look["proposal"])
