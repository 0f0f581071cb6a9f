# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was done to the fleet, one JSON object a line, beside the report."""

from __future__ import annotations

import json
import os
import pathlib
import time
import typing as t

from ...module_utils._texts import moments
from .._fleet.provenance import RESPONSE, SHORTLY, Change, in_order, moment
from .._judge.report import Report
from .._report import atomic_files

FILE = "responses.jsonl"
#: What says how an act ended, and for how many seconds one without such an end is told.
ENDS, UNFINISHED_SECONDS = ("stays", "undone", "nothing to undo", "refused"), 86400.0
#: How much of the file's end is read.
MOST_BYTES = 1 << 20


def record(folder: str, entry: t.Mapping[str, t.Any]) -> None:
    """Append one entry; it is on the disk when this returns."""
    path = pathlib.Path(folder).expanduser().absolute() / FILE
    atomic_files.make_folder(path.parent)
    atomic_files.claim(path)
    line = json.dumps({"at": moments.written(time.time()), **entry}, ensure_ascii=False, default=str)
    with path.open("a", encoding="utf-8", errors="replace") as handle:
        handle.write(line + "\n")
        handle.flush()
        os.fsync(handle.fileno())


def entries(folder: str) -> list[dict[str, t.Any]]:
    """The latest entries, the oldest first. A line that cannot be read is left out: a run that was killed may have cut it."""
    path = pathlib.Path(folder).expanduser().absolute() / FILE
    try:
        with path.open("rb") as handle:
            handle.seek(max(0, path.stat().st_size - MOST_BYTES))
            lines = handle.read(MOST_BYTES).splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(entry, dict):
            found.append(entry)
    return found


def unfinished(folder: str, now: t.Optional[float] = None) -> list[dict[str, t.Any]]:
    """The last entry of each act of the last day whose end is not recorded: its run died, or could not take it back."""
    last: dict[str, dict[str, t.Any]] = {}
    for entry in entries(folder):
        before = last.get(str(entry.get("token")))
        # an act that could not be taken back is there, whatever its run was refused
        if entry.get("event") != "refused" or before is None or before.get("event") not in ("acted", "verified"):
            last[str(entry.get("token"))] = entry
    since = (time.time() if now is None else now) - UNFINISHED_SECONDS
    return [entry for entry in last.values() if entry.get("event") not in ENDS and (moment(entry.get("at")) or 0.0) >= since]


def tell(report: Report, folder: str, now: t.Optional[float] = None) -> None:
    """Put what was done lately among the report's changes."""
    ended = time.time() if now is None else now
    rows: list[Change] = []
    for entry in entries(folder):
        at = moment(entry.get("at"))
        words = entry.get("says")
        if at is not None and ended - SHORTLY <= at <= ended and isinstance(words, str) and entry.get("event") in ("acted", "undone"):
            place = {name: str(entry.get(name) or "") for name in ("host", "service", "instance")}
            rows.append({**place, "what": RESPONSE, "from": None, "to": words, "at": str(entry["at"])})  # type: ignore[typeddict-item]
    if rows:
        report["changes"] = in_order([*report["changes"], *rows])
