# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: memory, swapping, what ran out of memory, time since boot and the clock."""

from __future__ import annotations

import typing as t

from ..._collect.derived import first_unknown, never_negative, share, total
from ..._collect.facts import Facts, Maybe, Unknown, measured
from ..._collect.sampling import ONE_SAMPLE, Number
from ..._texts import moments
from ..._texts.redact import clean
from . import parse
from .sample import Reading

#: Kept back from what could be given to new workers: the larger of these.
RESERVE_BYTES = 512 << 20
RESERVE_RATIO = 0.10

HOUR = 3600.0
#: Fewer looks than this do not tell a burst from a state.
LOOKS = 3

NOT_TOLD = "this platform does not say how much memory is available"


def memory(facts: Facts, reading: Reading) -> None:
    """Memory that can be had without swapping, of the machine or of the control group it lives in."""
    state = reading.state
    size: Maybe[Number] = measured(state.memory.get("total") or None, NOT_TOLD)
    arc = zfs_cache(reading)
    available = _available(reading, arc)
    limit, folder = reading.limits.memory_bytes, reading.limits.memory_folder
    limited = limit is not None and (isinstance(size, Unknown) or limit < size)
    if limited and limit is not None:
        in_use = reading.group_memory.get(folder or "")
        left: Maybe[Number] = Unknown(f"the control group {folder} does not say what it uses")
        left = left if in_use is None else max(0, limit - in_use)
        size = limit
        available = left if isinstance(left, Unknown) or isinstance(available, Unknown) else min(left, available)
    info = state.meminfo
    page = info.get("Hugepagesize", 0)
    huge = (info.get("HugePages_Total", 0) - info.get("HugePages_Free", 0)) * page
    # what is set aside for huge pages is available to nothing else, used or not; a control group's limit does not count it
    aside = 0 if limited else info.get("Hugetlb", info.get("HugePages_Total", 0) * page)
    ordinary = size if isinstance(size, Unknown) else max(0, size - aside)
    facts.put("memory_total_bytes", _whole(size))
    facts.put("memory_available_bytes", _whole(available))
    facts.put("memory_available_ratio", share(available, ordinary, "there is no memory at all", slack=0.05))
    facts.put("memory_limit_bytes", limit if limited else None, "no control group limits it")
    facts.put("memory_zfs_cache_bytes", arc[0] if arc else None, "no ZFS is in use on this machine")
    facts.put("memory_cached_bytes", _whole(measured(info.get("Cached", state.memory.get("cached")), NOT_TOLD)))
    facts.put("memory_shared_bytes", _whole(measured(info.get("Shmem", state.memory.get("shared")), NOT_TOLD)))
    facts.put("memory_dirty_bytes", _whole(measured(info.get("Dirty"), NOT_TOLD)))
    facts.put("memory_huge_pages_bytes", int(aside))
    facts.put("memory_huge_pages_used_bytes", int(huge))


def _whole(value: Maybe[Number]) -> Maybe[int]:
    return value if isinstance(value, Unknown) else int(value)


def zfs_cache(reading: Reading) -> t.Optional[tuple[int, int]]:
    """(bytes of ZFS's own cache, bytes of it that are given back when memory is short); None without one.

    It is outside the kernel's page cache, so it is not in MemAvailable. A container sees the machine's, which is not its own.
    """
    kept = reading.state.arc
    if "size" not in kept or reading.state.container or reading.state.lxcfs:
        return None
    return int(kept["size"]), int(max(0.0, kept["size"] - kept.get("c_min", 0.0)))


def _available(reading: Reading, arc: t.Optional[tuple[int, int]]) -> Maybe[Number]:
    size, available = reading.state.memory.get("total"), reading.state.memory.get("available")
    if available is None or arc is None:
        return measured(available, NOT_TOLD)
    return available + arc[1] if size is None else min(size, available + arc[1])


def swap(facts: Facts, reading: Reading) -> None:
    """Swapping is traffic in every look of the window, not space that is in use; but full swap is a state of its own (case S-08)."""
    info, page = reading.state.meminfo, reading.state.page_size
    not_told = "this kernel does not report its swap space"
    size, free = measured(info.get("SwapTotal"), not_told), measured(info.get("SwapFree"), not_told)
    used = never_negative(total([size, free if isinstance(free, Unknown) else -free]), "swap space in use")
    facts.put("swap_total_bytes", _whole(size))
    facts.put("swap_used_bytes", _whole(used))
    facts.put("swap_used_ratio", share(used, size, "no swap is configured"))
    window = reading.window("vmstat", "this kernel does not count {}")
    moved = [window.rate("pswpin"), window.rate("pswpout")]
    for name, pages in zip(("swap_in_bytes_per_second", "swap_out_bytes_per_second"), moved):
        facts.put(name, pages if isinstance(pages, Unknown) else pages * page)
    both = total(moved)
    facts.put("swap_bytes_per_second", both if isinstance(both, Unknown) else both * page)
    facts.put("major_faults_per_second", window.rate("pgmajfault"))
    facts.put("swapping", _swapping(facts, reading))


#: A disk within memory that holds its pages compressed.
_COMPRESSED = "/dev/zram"


def _swapping(facts: Facts, reading: Reading) -> Maybe[bool]:
    if reading.second is None:
        return Unknown(ONE_SAMPLE)
    if reading.state.swaps and all(name.startswith(_COMPRESSED) for name in reading.state.swaps):
        facts.note("its swap space is compressed memory (zram): what moves there comes from no disk")
        return False
    looks = [reading.first.vmstat, *(tick.vmstat for tick in reading.ticks), reading.second.vmstat]
    counters = [look["pswpin"] + look["pswpout"] for look in looks if "pswpin" in look and "pswpout" in look]
    if not counters:
        return Unknown("this kernel does not count swapped pages")
    if len(counters) < LOOKS + 1:
        return Unknown("the window is too short to tell a burst from a state: take two seconds or more")
    return all(after > before for before, after in zip(counters, counters[1:]))


def killed(facts: Facts, reading: Reading) -> None:
    """Processes that the kernel killed because memory ran out: in the window, in the last hour (from its log), since boot."""
    lacking = "this kernel does not count them (Linux 4.13 and later do)"
    if reading.state.container:
        lacking = "the kernel counts them for the machine below this container, and its control group does not report its own"
    ever = reading.state.vmstat.get("oom_kill")
    facts.put("oom_kills", reading.window("vmstat", lacking).moved("oom_kill"))
    facts.put("lifetime_oom_kills", _whole(measured(ever, lacking)))
    records = None if reading.kernel_log is None or reading.state.uptime is None else parse.oom_records(reading.kernel_log)
    recent: list[dict[str, t.Any]] = []
    if ever != 0 and records is not None:
        aged = [(round(max(0.0, (reading.state.uptime or 0) - at), 1), clean(name, 60)) for at, name in records]
        recent = [{"name": name, "age_seconds": age} for age, name in aged if age <= HOUR]
    why = "processes were killed since boot, and only the kernel's log knows when: run with become"
    if ever is None:
        why = lacking
    facts.put("oom_kills_last_hour", len(recent) if ever == 0 or records is not None else None, why)
    facts.put("oom_killed", recent[-reading.top :])


def spare(facts: Facts) -> Maybe[int]:
    """What new workers could be given: available memory without the reserve."""
    available, size = facts.value("memory_available_bytes"), facts.value("memory_total_bytes")
    unknown = first_unknown(available, size)
    return unknown if unknown is not None else int(max(0, available - max(RESERVE_BYTES, RESERVE_RATIO * size)))


def uptime(facts: Facts, reading: Reading) -> None:
    """Seconds since boot by the monotonic clock; by the wall clock only where there is no other."""
    state = reading.state
    seconds = state.uptime if state.uptime is not None else state.boot_age
    if seconds is None:
        facts.put("uptime_seconds", None, "the time of boot is not known on this platform")
    elif seconds < 0:
        facts.put("uptime_seconds", None, "the time of boot lies in the future: the clock of this machine was set back")
    else:
        facts.put("uptime_seconds", round(seconds, 1))
    changed = state.packages_changed
    facts.put("packages_changed_at", None if changed is None else moments.written(changed), "no package manager of this machine is known")


#: Programs that keep the clock without telling the kernel.
SILENT = {"vmtoolsd", "VBoxService", "phc2sys", "ptp4l", "chronyd", "ntpd", "openntpd"}


def clock(facts: Facts, reading: Reading) -> None:
    """Whether the clock is kept in time. Services that keep it without telling the kernel make a `no` uncertain."""
    kept = reading.clock
    others = sorted({row.name for row in reading.table_last.rows.values()} & SILENT)
    synchronised: Maybe[bool] = measured(kept.synchronised, _why_no_clock(reading))
    if kept.synchronised is False and others and kept.source == "kernel":
        synchronised = Unknown(
            f"the kernel knows of no time service, but {', '.join(others)} runs and may keep the clock: "
            "ask it, or install chrony, which can be read"
        )
    no_offset = "no time service measures it" if kept.synchronised is False else f"{kept.source} tells no offset of the clock"
    offset = None if kept.offset is None else round(kept.offset, 6)
    facts.put("clock_synchronised", synchronised)
    facts.put("clock_offset_seconds", offset, synchronised.reason if isinstance(synchronised, Unknown) else no_offset)
    facts.put("clock_source", kept.source)


def _why_no_clock(reading: Reading) -> str:
    if reading.state.container:
        return "a container has the clock of the machine below it and may not ask the kernel about it: run the check on that machine"
    return (
        "the kernel may not be asked about the clock here (adjtimex), and no chrony answers: install chrony, its tracking is read instead"
    )
