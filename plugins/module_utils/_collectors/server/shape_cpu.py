# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: load, processors, pressure and what is left of them."""

from __future__ import annotations

import math
import typing as t

from ..._collect.derived import at_most, first_unknown, implausible, moved, per, put_largest, rate, share
from ..._collect.facts import Facts, Maybe, Unknown, measured
from ..._collect.sampling import ONE_SAMPLE, Number
from ..._linux.kernel_text import Counters
from ..._texts.counted import counted
from .fetch import CPU_FIELDS, Sample
from .sample import Reading

#: Seconds by which the idle time of processors may seem to fall: they are not read in the same instant.
IDLE_JITTER = 0.1
#: Processors are counted in ticks and read one after the other: so much more than the window's time may add up.
TIME_SLACK, TIME_SECONDS = 0.25, 0.5

NO_CORES = Unknown("the number of processors is not known on this platform")


def cores(facts: Facts, reading: Reading) -> None:
    """How many processors there are, how many may really be used, and what takes the rest away."""
    state, limits = reading.state, reading.limits
    candidates: list[tuple[Number, str]] = [
        (count, name)
        for count, name in (
            (state.cores_online, "online"),
            (len(state.affinity or ()), "affinity"),
            (limits.cpuset_cores, "cpuset"),
            (limits.cpu_cores, "quota"),
        )
        if count
    ]
    fewest = min(candidates, key=lambda candidate: candidate[0], default=None)
    facts.put("cores_online", measured(state.cores_online, NO_CORES.reason))
    facts.put("cores_effective", NO_CORES if fewest is None else round(fewest[0], 3))
    facts.put("cores_limited_by", NO_CORES if fewest is None else fewest[1])
    facts.put("affinity_cores", len(state.affinity) if state.affinity else None, "this platform knows no affinity to processors")
    facts.put("cpu_quota_cores", None if limits.cpu_cores is None else round(limits.cpu_cores, 3), NO_QUOTA)


NO_QUOTA = "no processor quota holds here"


def load(facts: Facts, reading: Reading) -> None:
    """Load per core that may be used; a container's load is compared with the machine's cores when it is the machine's load."""
    state = reading.state
    if state.load is None:
        names = ("load1", "load5", "load15", "load_cores", "load_ratio", "load_asleep", "load_trend", "load_direction", "load_scope")
        facts.update(dict.fromkeys(names, Unknown("the load average is not known on this platform")))
        return
    one, five, fifteen = (round(value, 2) for value in state.load)
    online: t.Optional[int] = state.cores_online
    against: Maybe[Number] = facts.value("cores_effective")
    scope = "this system"
    if state.container and not state.lxcfs and online and not isinstance(against, Unknown) and against < online:
        against, scope = online, "the whole machine below this container"
        facts.note("the load average is that of the machine below this container, so it is held against all of its cores")
    trend = per(one, fifteen, "there was no load in the last fifteen minutes")
    facts.update({"load1": one, "load5": five, "load15": fifteen, "load_cores": against, "load_scope": scope, "load_trend": trend})
    asleep = _asleep(reading)
    facts.put("load_asleep", asleep)
    if asleep:
        facts.note(f"{counted(asleep, 'thread', 'threads')} of the kernel asleep: counted in the load, and left out of the load per core")
    facts.put("load_ratio", per(round(max(0.0, one - asleep), 2), against, "no core may be used"))
    facts.put(
        "load_direction", trend if isinstance(trend, Unknown) else "rising" if trend > 1.2 else "falling" if trend < 0.8 else "steady"
    )


_KERNEL, _BLOCKED = 2, "disk-sleep"


def _asleep(reading: Reading) -> int:
    """Threads of the kernel that sleep in a way that counts as load: they want no processor and wait for no disk.

    Those that tasks blocked on disks may be are left out, so that too few count rather than too many.
    """
    first = reading.table_first.rows
    still = [
        row
        for pid, row in reading.table_last.rows.items()
        if row.ppid == _KERNEL and row.status == _BLOCKED and pid in first and first[pid][:-2] == row[:-2]
    ]
    looks = [reading.first.kernel, *(tick.kernel for tick in reading.ticks), *([reading.second.kernel] if reading.second else [])]
    blocked = [look["procs_blocked"] for look in looks if "procs_blocked" in look]
    return max(0, len(still) - math.ceil(max(blocked))) if blocked and reading.second is not None else 0


def _split(first: Counters, second: Counters) -> Maybe[Counters]:
    """Time spent in each state between the samples. iowait and steal may run backwards in the kernel: that is no time at all.

    Idle time that runs backwards (a migration, a suspended guest: case S-09) leaves no whole to take shares of.
    """
    if second.get("idle", 0.0) < first.get("idle", 0.0) - IDLE_JITTER:
        return implausible("the idle time of the processors ran backwards between the samples (the machine was migrated, or suspended)")
    return {name: max(0.0, second[name] - first[name]) for name in CPU_FIELDS if name in first and name in second}


def _busy(parts: Maybe[Counters]) -> Maybe[float]:
    if isinstance(parts, Unknown):
        return parts
    if "idle" not in parts:
        return Unknown("this platform does not count idle time")
    whole = sum(parts.values())
    return share(whole - parts["idle"] - parts.get("iowait", 0.0), whole, NO_TIME)


NO_TIME = "the processor's time did not move between the samples; take a longer window"


def _parts(reading: Reading, second: Sample) -> tuple[Maybe[Counters], t.Optional[int]]:
    """The split of all processors, or of those alone that may be used: a container on two of 64 is not idle when these are busy.

    With it, how many processors these are.
    """
    mine, count = reading.state.affinity or frozenset(), len(second.cpus)
    if not mine or len(mine) >= count or max(mine) >= count or len(reading.first.cpus) != count:
        return _split(reading.first.cpu, second.cpu), reading.state.cores_online
    each = [_split(reading.first.cpus[number], second.cpus[number]) for number in mine]
    broken = first_unknown(*each)
    if broken is not None:
        return broken, len(mine)
    known_parts = [t.cast(Counters, parts) for parts in each]
    return {name: sum(parts.get(name, 0.0) for parts in known_parts) for name in known_parts[0]}, len(mine)


_SOURCES = {
    "cpu_user_ratio": ("user", "nice"),
    "cpu_system_ratio": ("system",),
    "cpu_irq_ratio": ("irq", "softirq"),
    "iowait_ratio": ("iowait",),
    "steal_ratio": ("steal",),
}


def cpu(facts: Facts, reading: Reading) -> None:
    """Where the processors' time went in the window. Busy leaves out idle and iowait; steal is part of it."""
    parts = _plausible_parts(reading)
    if isinstance(parts, Unknown) or reading.second is None:
        facts.update(
            dict.fromkeys(("cpu_busy_ratio", *_SOURCES, "cpu_busiest_core_ratio"), parts if isinstance(parts, Unknown) else NO_TIME)
        )
        return
    whole = sum(parts.values())
    facts.put("cpu_busy_ratio", _busy(parts))
    parts = {**parts, **_on_disks(facts, reading, parts, whole)}
    for name, wanted in _SOURCES.items():
        if any(part in parts for part in wanted):
            facts.put(name, share(sum(parts.get(part, 0.0) for part in wanted), whole, NO_TIME))
        else:
            facts.put(name, None, f"this platform does not count {' and '.join(wanted)} time")
    each = [_busy(_split(before, after)) for before, after in zip(reading.first.cpus, reading.second.cpus)]
    moving = [one for one in each if not isinstance(one, Unknown) or one.reason != NO_TIME]
    put_largest(facts, "cpu_busiest_core_ratio", moving, "this platform does not count idle time of single processors")


def _on_disks(facts: Facts, reading: Reading, parts: Counters, whole: float) -> Counters:
    """iowait as far as devices were at work. A task that waits in io_uring for the network counts as waiting for a disk."""
    worked = _disks_worked(reading)
    if worked is None or "iowait" not in parts or whole <= 0 or parts["iowait"] <= (worked + _IOWAIT_JITTER) * whole:
        return {}
    facts.note(
        f"the kernel counts {parts['iowait'] / whole:.0%} of the CPU time as waiting for disks, which were at work for {worked:.0%}:"
        " a program that waits by io_uring for something else is counted so"
    )
    return {"iowait": worked * whole}


def _disks_worked(reading: Reading) -> t.Optional[float]:
    """The share of the window in which block devices were at work, at the most. None where that is not all that a task may wait for."""
    second = reading.second
    if second is None or reading.state.remote or not reading.state.mounts_read or not reading.seconds:
        return None
    busy = moved(reading.first.disk_work.get("milliseconds"), second.disk_work.get("milliseconds"), "", "the time of the disks")
    if isinstance(busy, Unknown) or reading.first.disk_work["in_flight"] or second.disk_work["in_flight"]:
        return None  # an operation that hangs is counted when it ends
    return min(1.0, busy / 1000 / reading.seconds)


#: The disks' time is not read in the same instant as the processors': so much more of it is no contradiction.
_IOWAIT_JITTER = 0.02


def _plausible_parts(reading: Reading) -> Maybe[Counters]:
    if reading.second is None:
        return Unknown(ONE_SAMPLE)
    parts, count = _parts(reading, reading.second)
    if isinstance(parts, Unknown):
        return parts
    whole = sum(parts.values())
    most = None if not count or reading.seconds is None else count * (reading.seconds + TIME_SECONDS)
    checked = at_most(whole, most, "seconds of processor time in the window", TIME_SLACK)
    if isinstance(checked, Unknown):
        return checked
    return parts if whole > 0 else Unknown(NO_TIME)


#: What a group did not use before it may use now (cpu.max.burst), up to as much again.
BURST = 1.0


def quota(facts: Facts, reading: Reading) -> None:
    """How much of a control group's processor quota was used, and how often it ran out. Null without a quota."""
    folder = reading.limits.cpu_folder
    names = ("cpu_quota_busy_ratio", "throttled_ratio")
    if folder is None or reading.second is None:
        facts.update(dict.fromkeys(names, Unknown(NO_QUOTA if folder is None else ONE_SAMPLE)))
        return
    before, after = reading.first.groups.get(folder, {}), reading.second.groups.get(folder, {})
    lacking = f"the control group {folder} does not count it"
    used = rate(moved(before.get("usage_seconds"), after.get("usage_seconds"), lacking, "usage_seconds"), reading.seconds)
    facts.put("cpu_quota_busy_ratio", share(used, measured(reading.limits.cpu_cores, NO_QUOTA), "the quota is nothing at all", BURST))
    facts.put("throttled_ratio", throttled(before, after, lacking))


def throttled(before: Counters, after: Counters, lacking: str) -> Maybe[float]:
    """The share of periods in which a group was throttled; no period at all means that nothing ran, so 0."""
    periods = moved(before.get("nr_periods"), after.get("nr_periods"), lacking, "nr_periods")
    hit = moved(before.get("nr_throttled"), after.get("nr_throttled"), lacking, "nr_throttled")
    return 0.0 if periods == 0 and not isinstance(hit, Unknown) else share(hit, periods, lacking, slack=0.1)


def kernel(facts: Facts, reading: Reading) -> None:
    """Context switches and new processes per second; tasks that ran or waited for a disk, on average over the looks."""
    lacking = "this kernel does not count it"
    window = reading.window("kernel", lacking)
    facts.put("context_switches_per_second", window.rate("ctxt"))
    facts.put("forks_per_second", window.rate("processes"))
    looks = [reading.first.kernel, *(tick.kernel for tick in reading.ticks), *([reading.second.kernel] if reading.second else [])]
    for name in ("procs_running", "procs_blocked"):
        values = [look[name] for look in looks if name in look]
        facts.put(name, round(sum(values) / len(values), 2) if values else None, lacking)


NO_PRESSURE = "this kernel does not measure pressure (PSI): Linux 4.20 and later do, some need the boot option psi=1"


def pressure(facts: Facts, reading: Reading) -> None:
    """Shares of time in which some, or all, tasks waited for a resource (the kernel's PSI), as ratios."""
    now = reading.state.pressure
    if not now:
        facts.put("pressure", None, NO_PRESSURE)
        return
    shaped: dict[str, t.Any] = {}
    for resource, lines in now.items():
        if resource == "io" and _waits_elsewhere(reading):
            shaped[resource] = implausible("tasks wait for disks that did nothing: waits by io_uring for something else are counted so")
            continue
        ratios: dict[str, Maybe[float]] = {}
        for kind, values in lines.items():
            for span in ("10", "60", "300"):
                if f"avg{span}" in values:
                    ratios[f"{kind}_{span}s_ratio"] = share(values[f"avg{span}"], 100, "", slack=0.01)
            ratios[f"{kind}_ratio"] = _stalled(reading, resource, kind)
        shaped[resource] = ratios
    facts.put("pressure", shaped)


def _waits_elsewhere(reading: Reading) -> bool:
    """Whether more waited for disks than disks were at work, so that this kernel's pressure tells nothing of them."""
    worked, waited = _disks_worked(reading), _stalled(reading, "io", "some")
    return worked is not None and not isinstance(waited, Unknown) and waited > worked + _IOWAIT_JITTER


def _stalled(reading: Reading, resource: str, kind: str) -> Maybe[float]:
    if reading.second is None or not reading.seconds:
        return Unknown(ONE_SAMPLE)
    sides = [sample.pressure.get(resource, {}).get(kind, {}).get("total") for sample in (reading.first, reading.second)]
    stalled = rate(moved(sides[0], sides[1], NO_PRESSURE, "the stall time"), reading.seconds)
    return stalled if isinstance(stalled, Unknown) else min(1.0, round(stalled / 1e6, 6))


def used(facts: Facts) -> None:
    """How much of the processors, or of the quota when that is more, was used."""
    busy: Maybe[float] = facts.value("cpu_busy_ratio")
    within: t.Optional[float] = facts.get("cpu_quota_busy_ratio")
    facts.put("cpu_used_ratio", busy if isinstance(busy, Unknown) else min(1.0, max(busy, within or 0.0)))


def free_cores(facts: Facts) -> Maybe[float]:
    """Cores idle in the window; within a quota, what is left of it if that is less."""
    effective, busy = facts.value("cores_effective"), facts.value("cpu_busy_ratio")
    unknown = first_unknown(effective, busy)
    if unknown is not None:
        return unknown
    free = effective * (1 - busy)
    allowed, within, online = facts.get("cpu_quota_cores"), facts.get("cpu_quota_busy_ratio"), facts.get("cores_online")
    if allowed and within is not None and online:
        free = min(online * (1 - busy), allowed * max(0.0, 1 - within))
    return float(round(max(0.0, free), 3))


def explained(facts: Facts, seen_cores: Maybe[Number]) -> Maybe[float]:
    """The share of the used processor time that the processes which were seen account for: little means that the user is hidden."""
    busy, online = facts.value("cpu_busy_ratio"), facts.value("cores_online")
    unknown = first_unknown(seen_cores, busy, online)
    if unknown is not None:
        return unknown
    value = per(seen_cores, busy * online, "the processors did nothing")
    return value if isinstance(value, Unknown) else min(1.0, value)
