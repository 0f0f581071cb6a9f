# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: memory, swapping, what ran out of memory, time since boot and the clock."""

from __future__ import annotations

import typing as t

from ..._collect.sampling import delta, rate, ratio, total
from ..._text.redact import clean
from . import parse
from .sample import ONE_SAMPLE, Reading

#: Kept back from what could be given to new workers: the larger of these.
RESERVE_BYTES = 512 << 20
RESERVE_RATIO = 0.10

HOUR = 3600.0
#: Fewer looks than this do not tell a burst from a state.
LOOKS = 3


def memory(reading: Reading) -> dict[str, t.Any]:
    """Memory that can be had without swapping, of the machine or of the control group it lives in."""
    total_bytes, available = reading.state.memory.get("total"), reading.state.memory.get("available")
    limit, folder = reading.limits.memory_bytes, reading.limits.memory_folder
    limited = limit is not None and (total_bytes is None or limit < total_bytes)
    if limited and limit is not None:
        in_use = reading.group_memory.get(folder or "")
        left = None if in_use is None else max(0, limit - in_use)
        total_bytes = limit
        available = left if available is None or left is None else min(left, available)
        if in_use is None:
            reading.why("memory_available_bytes", f"the control group {folder} does not say what it uses")
            available = None
    if total_bytes is None or available is None:
        for name in ("memory_available_bytes", "memory_available_ratio"):
            reading.why(name, "this platform does not say how much memory is available")
    info = reading.state.meminfo
    huge = (info.get("HugePages_Total", 0) - info.get("HugePages_Free", 0)) * info.get("Hugepagesize", 0)
    return {
        "memory_total_bytes": _whole(total_bytes),
        "memory_available_bytes": _whole(available),
        "memory_available_ratio": _bounded(ratio(available, total_bytes)),
        "memory_limit_bytes": limit if limited else None,
        "memory_cached_bytes": _whole(info.get("Cached", reading.state.memory.get("cached"))),
        "memory_shared_bytes": _whole(info.get("Shmem", reading.state.memory.get("shared"))),
        "memory_dirty_bytes": _whole(info.get("Dirty")),
        "memory_huge_pages_used_bytes": int(huge),
    }


def _whole(value: t.Optional[float]) -> t.Optional[int]:
    return None if value is None else int(value)


def _bounded(value: t.Optional[float]) -> t.Optional[float]:
    return None if value is None else min(1.0, max(0.0, value))


def swap(reading: Reading) -> dict[str, t.Any]:
    """Swapping is traffic in every look of the window, not space that is in use."""
    info, page, second = reading.state.meminfo, reading.state.page_size, reading.second
    size, free = info.get("SwapTotal"), info.get("SwapFree")
    used = None if size is None or free is None else int(size - free)
    found: dict[str, t.Any] = {"swap_total_bytes": _whole(size), "swap_used_bytes": used}
    moved: dict[str, t.Optional[float]] = {}
    for name, counter in (("swap_in_bytes_per_second", "pswpin"), ("swap_out_bytes_per_second", "pswpout")):
        pages = None if second is None else delta(reading.first.vmstat.get(counter), second.vmstat.get(counter))
        moved[name] = rate(None if pages is None else pages * page, reading.seconds)
    found.update(moved)
    found["swap_bytes_per_second"] = total(*moved.values())
    found["major_faults_per_second"] = (
        None if second is None else rate(delta(reading.first.vmstat.get("pgmajfault"), second.vmstat.get("pgmajfault")), reading.seconds)
    )
    found["swapping"] = _swapping(reading)
    reason = ONE_SAMPLE if second is None else "this kernel does not count swapped pages"
    for name in (*moved, "swap_bytes_per_second", "swapping", "major_faults_per_second"):
        if found[name] is None:
            reading.why(name, reason)
    return found


def _swapping(reading: Reading) -> t.Optional[bool]:
    if reading.second is None:
        return None
    looks = [reading.first.vmstat, *(tick.vmstat for tick in reading.ticks), reading.second.vmstat]
    counters = [look["pswpin"] + look["pswpout"] for look in looks if "pswpin" in look and "pswpout" in look]
    if len(counters) < LOOKS + 1:
        return None
    return all(after > before for before, after in zip(counters, counters[1:]))


def killed(reading: Reading) -> dict[str, t.Any]:
    """Processes that the kernel killed because memory ran out: in the window, in the last hour (from its log), since boot."""
    second = reading.second
    ever = reading.state.vmstat.get("oom_kill")
    found: dict[str, t.Any] = {
        "oom_kills": None if second is None else delta(reading.first.vmstat.get("oom_kill"), second.vmstat.get("oom_kill")),
        "lifetime_oom_kills": _whole(ever),
        "oom_kills_last_hour": None,
        "oom_killed": [],
    }
    if found["oom_kills"] is None:
        reading.why("oom_kills", ONE_SAMPLE if second is None else "this kernel does not count them (Linux 4.13 and later do)")
    records = None if reading.kernel_log is None or reading.state.uptime is None else parse.oom_records(reading.kernel_log)
    if ever == 0:
        found["oom_kills_last_hour"] = 0
    elif records is None:
        reading.why("oom_kills_last_hour", "processes were killed since boot, and only the kernel's log knows when: run with become")
    else:
        aged = [(round(max(0.0, (reading.state.uptime or 0) - at), 1), clean(name, 60)) for at, name in records]
        recent = [{"name": name, "age_seconds": age} for age, name in aged if age <= HOUR]
        found["oom_kills_last_hour"] = len(recent)
        found["oom_killed"] = recent[-reading.top :]
    if ever is None:
        reading.why("lifetime_oom_kills", "this kernel does not count them (Linux 4.13 and later do)")
    return found


def spare(known: t.Mapping[str, t.Any]) -> t.Optional[int]:
    """What new workers could be given: available memory without the reserve."""
    available, size = known["memory_available_bytes"], known["memory_total_bytes"]
    if available is None or size is None:
        return None
    return int(max(0, available - max(RESERVE_BYTES, RESERVE_RATIO * size)))


def uptime(reading: Reading) -> dict[str, t.Any]:
    """Seconds since boot by a clock that nobody sets; by the wall clock only where there is no other."""
    state = reading.state
    seconds = state.uptime if state.uptime is not None else state.boot_age
    if seconds is not None and seconds < 0:
        seconds = None
        reading.why("uptime_seconds", "the time of boot lies in the future: the clock of this machine was set back")
    elif seconds is None:
        reading.why("uptime_seconds", "the time of boot is not known on this platform")
    return {"uptime_seconds": None if seconds is None else round(seconds, 1)}


def clock(reading: Reading) -> dict[str, t.Any]:
    """Whether the clock is kept in time. Services that keep it without telling the kernel make a `no` uncertain."""
    kept = reading.clock
    synchronised = kept.synchronised
    silent = {"vmtoolsd", "VBoxService", "phc2sys", "ptp4l", "chronyd", "ntpd", "openntpd"}
    others = sorted({row.name for row in reading.table_last.rows.values()} & silent)
    if synchronised is False and others and kept.source == "kernel":
        synchronised = None
        reading.why("clock_synchronised", f"the kernel knows of no time service, but {', '.join(others)} runs and may keep the clock")
    elif synchronised is None:
        reading.why("clock_synchronised", "the kernel does not say")
    if kept.offset is None:
        reading.why("clock_offset_seconds", "nobody measures it: no time service answers" if kept.synchronised is False else "not measured")
    return {
        "clock_synchronised": synchronised,
        "clock_offset_seconds": None if kept.offset is None else round(kept.offset, 6),
        "clock_source": kept.source,
    }
