# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parse: the kernel's texts under /proc and /sys as plain values. What a line lacks is absent, never 0."""

from __future__ import annotations

import re
import typing as t

from ..._collect.sampling import amount, count, number
from ..._linux.kernel_text import Counters


def loadavg(text: t.Optional[str]) -> t.Optional[tuple[float, float, float]]:
    """The three load averages."""
    values = [amount(word) for word in (text or "").split()[:3]]
    if len(values) < 3 or None in values:
        return None
    return float(values[0] or 0), float(values[1] or 0), float(values[2] or 0)


def pressure(text: t.Optional[str]) -> dict[str, Counters]:
    """{"some": {"avg10": percent, …, "total": microseconds}, "full": {…}}; empty where the kernel has none."""
    found: dict[str, Counters] = {}
    for line in (text or "").splitlines():
        words = line.split()
        if not words or words[0] not in ("some", "full"):
            continue
        pairs = (word.partition("=") for word in words[1:])
        values = {name: amount(value) for name, _sign, value in pairs}
        found[words[0]] = {name: float(value) for name, value in values.items() if value is not None}
    return found


def paired(text: t.Optional[str], prefix: str) -> Counters:
    """/proc/net/netstat and /proc/net/snmp: a line of names, then a line of values, both beginning with `prefix:`."""
    lines = [line.split()[1:] for line in (text or "").splitlines() if line.startswith(prefix + ":")]
    if len(lines) < 2:
        return {}
    values = [(name, amount(value)) for name, value in zip(lines[0], lines[1])]
    return {name: value for name, value in values if value is not None}


def disk_work(text: t.Optional[str]) -> Counters:
    """/proc/diskstats of all devices, layers and parts beside each other: `milliseconds` at work at the most, operations `in_flight`."""
    rows = [[amount(word) for word in line.split()[3:14]] for line in (text or "").splitlines()]
    whole = [t.cast("list[float]", row) for row in rows if len(row) == 11 and None not in row]
    if not whole or len(whole) < len(rows):
        return {}
    return {"milliseconds": sum(max(row[9], row[10]) for row in whole), "in_flight": sum(row[8] for row in whole)}


def swaps(text: t.Optional[str]) -> list[str]:
    """/proc/swaps: the devices and files of which anything is in use."""
    rows = [line.split() for line in (text or "").splitlines()[1:]]
    return [row[0] for row in rows if len(row) >= 5 and amount(row[-2])]


def kstat(text: t.Optional[str]) -> Counters:
    """A table of the Solaris porting layer (ZFS): `name type value`."""
    rows = [line.split() for line in (text or "").splitlines()]
    values = [(row[0], amount(row[2])) for row in rows if len(row) == 3]
    return {name: value for name, value in values if value is not None}


def open_files_limit(text: t.Optional[str]) -> t.Optional[int]:
    """The soft limit of open files in /proc/<pid>/limits."""
    for line in (text or "").splitlines():
        if line.startswith("Max open files"):
            return count((line[len("Max open files") :].split() or [""])[0])
    return None


def opens_without_limit(text: t.Optional[str]) -> bool:
    """Whether /proc/<pid>/limits says that the process may open any number of files."""
    return re.search(r"^Max open files +unlimited", text or "", re.MULTILINE) is not None


class Thread(t.NamedTuple):
    """One thread: its own name, ticks of processor time used, when it started (ticks after boot), where it ran last."""

    name: str
    ticks: int
    started: int
    processor: t.Optional[int]


def thread(data: bytes) -> t.Optional[Thread]:
    """/proc/<pid>/task/<tid>/stat; the name may hold anything, so it is cut at the last parenthesis."""
    begin, end = data.find(b"("), data.rfind(b")")
    fields = data[end + 2 :].split()
    if begin < 0 or end < begin or len(fields) < 20:
        return None
    try:
        processor = int(fields[36]) if len(fields) > 36 else None
        return Thread(data[begin + 1 : end].decode("utf-8", "replace"), int(fields[11]) + int(fields[12]), int(fields[19]), processor)
    except ValueError:
        return None


#: Microseconds within which two lines with one process id mean one death.
_SAME_DEATH = 10_000_000
#: As the kernel words it before 3.x with the user, and since 5.0 on a line of its own, which may be the only one.
_KILLED = (
    re.compile(r"Killed process (?P<pid>\d+)(?:, UID \d+)?,? \((?P<name>.*?)\)[ ,]"),
    re.compile(r"oom-kill:constraint=.*,task=(?P<name>.*),pid=(?P<pid>\d+),uid="),
)


def oom_records(records: t.Iterable[str]) -> list[tuple[float, str]]:
    """Kernel log records `priority,sequence,microseconds,…;text` → (seconds after boot, name) of what ran out of memory."""
    found: list[tuple[float, str]] = []
    last: t.Optional[tuple[str, float]] = None  # the same death may be told twice
    for record in records:
        head, _semicolon, message = record.partition(";")
        killed = next((match for match in (pattern.search(message) for pattern in _KILLED) if match), None)
        stamp = number((head.split(",") + ["", "", ""])[2])
        if not killed or stamp is None:
            continue
        if last is None or last[0] != killed["pid"] or stamp - last[1] > _SAME_DEATH:
            found.append((stamp / 1e6, killed["name"]))
        last = (killed["pid"], float(stamp))
    return found


#: What chrony names as its source when it has none: nothing, or its own clock (`local`), which it calls synchronised.
_NO_SOURCE = ("00000000", "7F7F0101")


def chrony_tracking(text: str) -> t.Optional[tuple[bool, float]]:
    """`chronyc -c tracking` → (synchronised, seconds that the system clock is ahead of NTP time)."""
    fields = text.strip().split(",")
    offset = number(fields[4]) if len(fields) >= 14 else None
    return None if offset is None else (fields[-1] != "Not synchronised" and fields[0] not in _NO_SOURCE, -float(offset))
