# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Acts without a person: only causes that the user listed, only acts that can be taken back, seldom, and never past the stop file."""

from __future__ import annotations

import os
import time
import typing as t

from ...module_utils._acts.registry import ACTS
from .._fleet.provenance import moment
from .._store import responses
from .first_aid import AID
from .taken_back import TAKES_BACK

Data = t.Mapping[str, t.Any]

#: Minutes within which an act is done once, unless the entry says otherwise.
ONCE_WITHIN = 60.0
STOP_FILE = "respond.stop"


def problems(entries: t.Any) -> list[str]:
    """What is wrong with launch_respond_automatic: a list of causes must not do less, or more, than it seems to."""
    if not isinstance(entries, list):
        return ["launch_respond_automatic: must be a list of {cause, once_within}"]
    return [problem for entry in entries for problem in _problems(entry)]


def _problems(entry: t.Any) -> t.Iterator[str]:
    if not isinstance(entry, dict) or set(entry) - {"cause", "once_within"} or "cause" not in entry:
        yield f"launch_respond_automatic: {str(entry)[:80]!r} is no mapping of cause and once_within"
        return
    aids = AID.get(str(entry["cause"]))
    if aids is None:
        yield f"launch_respond_automatic: {entry['cause']} has no act; those that have one are {', '.join(sorted(AID))}"
    elif not all(ACTS[aid.act, service].has_undo for aid in aids for service in aid.services):
        yield f"launch_respond_automatic: {entry['cause']}: its act cannot be taken back, so it is never automatic"
    within = entry.get("once_within", ONCE_WITHIN)
    if isinstance(within, bool) or not isinstance(within, (int, float)) or not within > 0:
        yield f"launch_respond_automatic: {entry['cause']}: once_within must be minutes above 0"


def chosen(
    entries: t.Sequence[Data], looks: t.Sequence[Data], folder: str, stop_file: str, now: t.Optional[float] = None
) -> tuple[t.Optional[Data], list[str]]:
    """The one look of this run whose act is done without being asked, and a sentence for each listed cause that is left alone."""
    listed = {str(entry["cause"]): float(entry.get("once_within", ONCE_WITHIN)) for entry in entries}
    mine = [look for look in looks if look["proposal"]["cause"] in listed]
    stop = stop_file or os.path.join(folder, STOP_FILE)
    if mine and os.path.lexists(stop):
        return None, [f"nothing is done automatically: the stop file {stop} is there"]
    said: list[str] = []
    for look in mine:
        cause, host = look["proposal"]["cause"], look["proposal"]["host"]
        if TAKES_BACK in look["proposal"]:
            return look, said
        if look["looked"].get("outcome") != "possible" or not look["looked"].get("undo"):
            said.append(f"{cause} on {host}: not done automatically, a guard does not hold")
        elif _lately(folder, cause, host, listed[cause], time.time() if now is None else now):
            said.append(f"{cause} on {host}: not done automatically, it was done within {listed[cause]:g} minutes")
        else:
            return look, said
    return None, said


def _lately(folder: str, cause: str, host: str, minutes: float, now: float) -> bool:
    """Whether the same was begun within that time: also when it was refused or taken back, and also when its run died."""
    begun = [entry for entry in responses.entries(folder) if entry.get("event") == "acting" and entry.get("cause") == cause]
    times = [moment(entry.get("at")) for entry in begun if entry.get("host") == host]
    return any(at is not None and now - minutes * 60 <= at for at in times)
