# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Event source for ansible-rulebook: the causes of a launch report, as they begin and end."""

from __future__ import annotations

import asyncio
import json
import os
import typing as t

DOCUMENTATION = r"""
short_description: Causes of a launch report, as they begin and end
description:
  - Reads the C(launch.json) that a check or a watch writes, and yields an event for each cause that begins or ends.
  - Nothing is asked of any host. A report that cannot be read yields nothing, and ends no cause.
options:
  report:
    description: Path of the report.
    type: str
    default: launch-report/launch.json
  interval:
    description: Seconds between two looks at the file.
    type: float
    default: 2
"""

EXAMPLES = r"""
- warroom.launch.launch_causes:
    report: launch-report/launch.json
    interval: 5
"""

Event = dict[str, t.Any]
Key = tuple[str, ...]


def causes_of(report: t.Any) -> dict[Key, Event]:
    """Each cause by its name and hosts: the same cause at the same place goes on from one report to the next."""
    found = {}
    for diagnosis in report["diagnoses"]:
        hosts = sorted(str(host) for host in diagnosis["hosts"])
        found[(str(diagnosis["cause"]), *hosts)] = {
            "cause": diagnosis["cause"],
            "tier": diagnosis["tier"],
            "hosts": hosts,
            "statement": diagnosis["statement"],
            "first_fix": diagnosis["first_fix"],
            "verdict": report["verdict"],
            "at": report["started_at"],
        }
    return found


def events(before: dict[Key, Event], now: dict[Key, Event]) -> list[Event]:
    """What begins first, then what ends. `meta.hosts` limits a playbook to the hosts of its event."""
    begun = [{**cause, "event": "begin"} for key, cause in now.items() if key not in before]
    ended = [{**cause, "event": "end"} for key, cause in before.items() if key not in now]
    return [{"launch": cause, "meta": {"hosts": cause["hosts"]}} for cause in (*begun, *ended)]


def read(path: str) -> t.Optional[dict[Key, Event]]:
    """The causes of the report; None when it cannot be read."""
    try:
        with open(path, encoding="utf-8") as handle:
            return causes_of(json.load(handle))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


async def main(queue: t.Any, args: dict[str, t.Any]) -> None:
    path, interval = str(args.get("report") or "launch-report/launch.json"), max(0.1, float(args.get("interval") or 2))
    before: dict[Key, Event] = {}
    seen: t.Any = None
    while True:
        try:
            status = os.stat(path)
            stamp = (status.st_mtime_ns, status.st_ino)
        except OSError:
            stamp = seen
        now = read(path) if stamp != seen else None
        if now is not None:
            for event in events(before, now):
                await queue.put(event)
            before, seen = now, stamp
        await asyncio.sleep(interval)
