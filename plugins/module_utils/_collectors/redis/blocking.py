# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What held up every client in the window: slow commands (the server runs one at a time), and stalls that it noted itself."""

from __future__ import annotations

import typing as t

from ..._collect.derived import Window
from ..._collect.facts import Facts, Maybe, Unknown
from ..._collect.sampling import Number, number
from .parse import Slow, count
from .samples import NO_DATA, Sample

SLOW_LOG, LATENCY = "slowlog-log-slower-than", "latency-monitor-threshold"
OFF = "the slow log is off: CONFIG SET slowlog-log-slower-than 10000"


def put(facts: Facts, first: Sample, latest: Sample, window: Window, keep: int) -> None:
    _slow(facts, first, latest, window, keep)
    _events(facts, latest, window, keep)


def _threshold(latest: Sample) -> Maybe[Number]:
    """From how many milliseconds on a command is slow."""
    setting = latest.setting(SLOW_LOG)
    if isinstance(setting, Unknown):
        return setting
    microseconds = number(setting)
    if microseconds is None or microseconds < 0:
        return Unknown(OFF)
    return microseconds / 1000


def _slow(facts: Facts, first: Sample, latest: Sample, window: Window, keep: int) -> None:
    threshold = _threshold(latest)
    facts.put("slow_log_milliseconds", threshold)
    off = isinstance(threshold, Unknown) and threshold.reason == OFF
    why = NO_DATA if latest.is_sentinel else OFF if off else latest.refused.get("SLOWLOG GET") or window.reason
    if not why and isinstance(threshold, Unknown) and not latest.slow:
        why = f"its slow log is empty, and may be off: {threshold.reason}"
    if why or latest.slow is None or first.slow is None:
        reason = Unknown(why or latest.why_not("SLOWLOG GET"))
        for name in ("slow_longest_milliseconds", "slow_time_ratio"):
            facts.put(name, reason)
        facts.rows("slow_commands", reason, keep)
        return
    last = max((entry.number for entry in first.slow), default=-1)
    entries = [entry for entry in latest.slow if entry.number > last]
    many = max((entry.number for entry in entries), default=last) - last if last >= 0 else len(entries)
    spent = sum(entry.milliseconds for entry in entries)
    share = min(1.0, round(spent / 1000 / t.cast(float, window.seconds), 6))
    longest = max((entry.milliseconds for entry in entries), default=0.0)
    if many > len(entries):  # the log or what is read of it is shorter
        why = f"{many} commands were slow, of which the last {len(entries)} were read"
        facts.bound("slow_longest_milliseconds", longest, why)
        facts.bound("slow_time_ratio", share, why)
    else:
        facts.put("slow_longest_milliseconds", longest)
        facts.put("slow_time_ratio", share)
    facts.rows("slow_commands", _grouped(entries), keep, total=many)


def _grouped(entries: t.Sequence[Slow]) -> list[dict[str, t.Any]]:
    """By command, kind of key and client, the longest first."""
    groups: dict[tuple[str, str, str, str], list[float]] = {}
    for entry in entries:
        groups.setdefault((entry.name, entry.key, entry.client, entry.client_name), []).append(entry.milliseconds)
    rows = [
        {
            "name": name,
            "key": key,
            "client": client,
            "client_name": called,
            "calls": len(times),
            "milliseconds": round(sum(times), 3),
            "longest_milliseconds": max(times),
        }
        for (name, key, client, called), times in groups.items()
    ]
    return sorted(rows, key=lambda row: -row["longest_milliseconds"])


def _events(facts: Facts, latest: Sample, window: Window, keep: int) -> None:
    """Stalls that the server timed itself (fork, fsync, eviction, expiry, a command), that ended within the window."""
    if latest.latency is None or window.reason is not None:
        facts.rows("stalls", Unknown(window.reason or latest.why_not("LATENCY LATEST")), keep)
        return
    threshold = latest.setting(LATENCY)
    if isinstance(threshold, Unknown) or number(threshold) == 0:
        off = "its latency monitor is off: CONFIG SET latency-monitor-threshold 100"
        facts.rows("stalls", threshold if isinstance(threshold, Unknown) else Unknown(off), keep)
        return
    started = count({"at": window.first.get("server_time_usec", "")}, "at")
    if started is None:
        facts.rows("stalls", Unknown(f"{latest.product} {latest.version} does not report its clock (server_time_usec)"), keep)
        return
    rows = [event for event in latest.latency if event.at >= int(started) // 1_000_000]
    rows.sort(key=lambda event: -event.latest_milliseconds)
    facts.rows("stalls", [{"name": event.name, "milliseconds": event.latest_milliseconds} for event in rows], keep)
