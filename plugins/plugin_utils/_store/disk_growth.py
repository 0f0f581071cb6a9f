# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When the fullest disk of each host is full, at the pace of the stored rounds."""

from __future__ import annotations

import os
import typing as t

from ...module_utils._texts import moments
from .._checks.services import fact_key, instances_in
from . import trends
from .rounds import Store, StoreError

Facts = dict[str, t.Any]
Points = list[tuple[float, float]]

#: The check whose stored values are how full the fullest filesystem was.
CHECK = "server_filesystems"
#: Fewer rounds, or rounds of a shorter time, tell nothing about a day.
FEWEST, SHORTEST = 3, 3600.0
#: How far back rounds are looked at, and how many of them.
AGE, MOST = 7 * 86400.0, 60
DAY, FARTHEST = 86400.0, 365 * 86400.0
NO_SPACE = "how full its disks are now is not known"


def past(path: str, now: float) -> dict[tuple[str, str], Points]:
    """How full the fullest disk was, by host and instance. A damaged store is told when the past is read."""
    if not path or not os.path.exists(path):
        return {}
    try:
        with Store(path, read_only=True) as store:
            numbers = {key: number for key, number in store.keys().items() if key[0] == CHECK}
            series = store.series(list(numbers.values()), now - AGE, MOST)
    except StoreError:
        return {}
    return {
        (key[1], key[3]): [(at, value) for at, value in series[number] if value is not None and at < now] for key, number in numbers.items()
    }


def grown(host: str, facts: Facts, points: t.Mapping[tuple[str, str], Points], now: float) -> Facts:
    """The host's facts with the measures `disk_growth` of its machine."""
    key = fact_key("server")
    machines = instances_in(facts, "server")
    if not machines:
        return facts
    changed = [_told(machine, points.get((host, str(machine.get("name"))), []), now) for machine in machines]
    return {**facts, key: {**facts[key], "instances": changed}}


def _told(machine: t.Mapping[str, t.Any], points: Points, now: float) -> dict[str, t.Any]:
    if machine.get("state") != "up":
        return dict(machine)
    growth, why = measures(_used(machine), points, now)
    others = {name: said for name, said in (machine.get("unknown") or {}).items() if not name.startswith("disk_growth")}
    return {**machine, "disk_growth": growth, "unknown": {**others, **{f"disk_growth.{name}": said for name, said in why.items()}}}


def _used(machine: t.Mapping[str, t.Any]) -> t.Optional[float]:
    rows = machine.get("filesystems")
    value = rows[0].get("used_ratio") if isinstance(rows, list) and rows and isinstance(rows[0], dict) else None
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def measures(used: t.Optional[float], points: Points, now: float) -> tuple[dict[str, t.Any], dict[str, str]]:
    """The measures, and why those of them are unknown that are."""
    blank = ("in_a_day_ratio", "in_a_week_ratio", "full_at")
    told = len(points) if len(points) >= FEWEST and now - points[0][0] >= SHORTEST else 0
    if not told or used is None:
        why = NO_SPACE if told else "too few rounds are stored"
        return {"rounds": told, **dict.fromkeys(blank)}, dict.fromkeys(blank, why)
    steep = trends.slope([*points, (now, used)]) or 0.0
    seconds = (1.0 - used) / steep if steep > 0 else FARTHEST
    full_at = moments.written(now + seconds) if seconds < FARTHEST else None
    ahead = {
        name: round(min(1.0, max(0.0, used + steep * days * DAY)), 4) for name, days in (("in_a_day_ratio", 1), ("in_a_week_ratio", 7))
    }
    return {"rounds": told, **ahead, "full_at": full_at}, {} if full_at else {"full_at": "at this pace it is not full within a year"}
