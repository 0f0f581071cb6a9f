# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: load, processors, pressure and what is left of them."""

from __future__ import annotations

import typing as t

from ..._collect.sampling import Number, delta, rate, ratio
from ..._linux.kernel_text import Counters
from .fetch import CPU_FIELDS, Sample
from .sample import ONE_SAMPLE, Reading


def cores(reading: Reading) -> dict[str, t.Any]:
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
    fewest = min(candidates, key=lambda one: one[0], default=(None, None))
    if fewest[0] is None:
        reading.why("cores_effective", "the number of processors is not known on this platform")
    return {
        "cores_online": state.cores_online,
        "cores_effective": None if fewest[0] is None else round(fewest[0], 3),
        "cores_limited_by": fewest[1],
        "affinity_cores": len(state.affinity) if state.affinity else None,
        "cpu_quota_cores": None if limits.cpu_cores is None else round(limits.cpu_cores, 3),
    }


def load(reading: Reading, known: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Load per core that may be used; a container's load is compared with the machine's cores when it is the machine's load."""
    state = reading.state
    if state.load is None:
        reasons = "the load average is not known on this platform"
        for name in ("load1", "load5", "load15", "load_ratio", "load_trend", "load_direction"):
            reading.why(name, reasons)
        return dict.fromkeys(("load1", "load5", "load15", "load_ratio", "load_trend", "load_direction", "load_scope"))
    one, five, fifteen = (round(value, 2) for value in state.load)
    share, scope = known["cores_effective"], "this system"
    if state.container and not state.lxcfs and share and state.cores_online and share < state.cores_online:
        share, scope = state.cores_online, "the whole machine below this container"
        reading.notes.append("the load average is that of the machine below this container, so it is held against all of its cores")
    trend = ratio(one, fifteen)
    if trend is None:
        reading.why("load_trend", "there was no load in the last fifteen minutes")
    direction = None if trend is None else "rising" if trend > 1.2 else "falling" if trend < 0.8 else "steady"
    return {
        "load1": one,
        "load5": five,
        "load15": fifteen,
        "load_ratio": ratio(one, share),
        "load_trend": trend,
        "load_direction": direction,
        "load_scope": scope,
    }


def _split(first: Counters, second: Counters) -> Counters:
    """Time spent in each state between the samples. iowait may run backwards in the kernel: that is no time at all."""
    return {name: max(0.0, second[name] - first[name]) for name in CPU_FIELDS if name in first and name in second}


def _busy(parts: Counters) -> t.Optional[float]:
    whole = sum(parts.values())
    if whole <= 0 or "idle" not in parts:
        return None
    return ratio(whole - parts["idle"] - parts.get("iowait", 0.0), whole)


def _parts(reading: Reading, second: Sample) -> Counters:
    """The split of all processors, or of those alone that may be used: a container on two of 64 is not idle when these are busy."""
    mine, count = reading.state.affinity or frozenset(), len(second.cpus)
    if not mine or len(mine) >= count or max(mine) >= count or len(reading.first.cpus) != count:
        return _split(reading.first.cpu, second.cpu)
    each = [_split(reading.first.cpus[number], second.cpus[number]) for number in mine]
    return {name: sum(one.get(name, 0.0) for one in each) for name in each[0]}


def cpu(reading: Reading) -> dict[str, t.Any]:
    """Where the processors' time went in the window. Busy leaves out idle and iowait; steal is part of it."""
    names = (
        "cpu_busy_ratio",
        "cpu_user_ratio",
        "cpu_system_ratio",
        "cpu_irq_ratio",
        "iowait_ratio",
        "steal_ratio",
        "cpu_busiest_core_ratio",
    )
    found: dict[str, t.Any] = dict.fromkeys(names)
    if reading.second is None:
        for name in names:
            reading.why(name, ONE_SAMPLE)
        return found
    parts = _parts(reading, reading.second)
    whole = sum(parts.values())
    if whole <= 0:
        for name in names:
            reading.why(name, "the processor's time did not move between the samples; take a longer window")
        return found
    sources = {
        "cpu_user_ratio": ("user", "nice"),
        "cpu_system_ratio": ("system",),
        "cpu_irq_ratio": ("irq", "softirq"),
        "iowait_ratio": ("iowait",),
        "steal_ratio": ("steal",),
    }
    for name, wanted in sources.items():
        if any(part in parts for part in wanted):
            found[name] = ratio(sum(parts.get(part, 0.0) for part in wanted), whole)
        else:
            reading.why(name, f"this platform does not count {' and '.join(wanted)} time")
    found["cpu_busy_ratio"] = _busy(parts)
    each = [_busy(_split(before, after)) for before, after in zip(reading.first.cpus, reading.second.cpus)]
    found["cpu_busiest_core_ratio"] = max((one for one in each if one is not None), default=None)
    for name in ("cpu_busy_ratio", "cpu_busiest_core_ratio"):
        if found[name] is None:
            reading.why(name, "this platform does not count idle time")
    return found


def quota(reading: Reading) -> dict[str, t.Any]:
    """How much of a control group's processor quota was used, and how often it ran out. Null without a quota."""
    folder = reading.limits.cpu_folder
    found: dict[str, t.Any] = {"cpu_quota_busy_ratio": None, "throttled_ratio": None}
    if folder is None or reading.second is None:
        reason = "no processor quota holds here" if folder is None else ONE_SAMPLE
        for name in found:
            reading.why(name, reason)
        return found
    before, after = reading.first.groups.get(folder, {}), reading.second.groups.get(folder, {})
    used = rate(delta(before.get("usage_seconds"), after.get("usage_seconds")), reading.seconds)
    found["cpu_quota_busy_ratio"] = ratio(used, reading.limits.cpu_cores)
    found["throttled_ratio"] = throttled(before, after)
    for name, value in found.items():
        if value is None:
            reading.why(name, f"the control group {folder} does not count it")
    return found


def throttled(before: Counters, after: Counters) -> t.Optional[float]:
    """The share of periods in which a group was throttled; no period at all means that nothing ran, so 0."""
    periods = delta(before.get("nr_periods"), after.get("nr_periods"))
    hit = delta(before.get("nr_throttled"), after.get("nr_throttled"))
    if periods is None or hit is None:
        return None
    return min(1.0, ratio(hit, periods) or 0.0)


def kernel(reading: Reading) -> dict[str, t.Any]:
    """Context switches and new processes per second; tasks that ran or waited for a disk, on average over the looks."""
    second = reading.second
    names = {"context_switches_per_second": "ctxt", "forks_per_second": "processes"}
    found: dict[str, t.Any] = {}
    for name, counter in names.items():
        found[name] = (
            None if second is None else rate(delta(reading.first.kernel.get(counter), second.kernel.get(counter)), reading.seconds)
        )
        if found[name] is None:
            reading.why(name, ONE_SAMPLE if second is None else "this kernel does not count it")
    looks = [reading.first.kernel, *(tick.kernel for tick in reading.ticks), *([second.kernel] if second else [])]
    for name in ("procs_running", "procs_blocked"):
        values = [look[name] for look in looks if name in look]
        found[name] = round(sum(values) / len(values), 2) if values else None
        if not values:
            reading.why(name, "this kernel does not count it")
    return found


def pressure(reading: Reading) -> dict[str, t.Any]:
    """Shares of time in which some, or all, tasks waited for a resource (the kernel's PSI), as ratios."""
    now = reading.state.pressure
    if not now:
        reading.why("pressure", "this kernel does not measure pressure (PSI): Linux 4.20 and later do, some need the boot option psi=1")
        return {"pressure": None}
    shaped: dict[str, t.Any] = {}
    for resource, lines in now.items():
        one: dict[str, t.Any] = {}
        for kind, values in lines.items():
            for span in ("10", "60", "300"):
                if f"avg{span}" in values:
                    one[f"{kind}_{span}s_ratio"] = round(values[f"avg{span}"] / 100, 4)
            one[f"{kind}_ratio"] = _stalled(reading, resource, kind)
        shaped[resource] = one
    if reading.second is None:
        reading.why("pressure.cpu.some_ratio", ONE_SAMPLE)
    return {"pressure": shaped}


def _stalled(reading: Reading, resource: str, kind: str) -> t.Optional[float]:
    if reading.second is None or not reading.seconds:
        return None
    sides = [sample.pressure.get(resource, {}).get(kind, {}).get("total") for sample in (reading.first, reading.second)]
    moved = delta(*sides)
    return None if moved is None else min(1.0, round(moved / 1e6 / reading.seconds, 6))


def used(reading: Reading, known: t.Mapping[str, t.Any]) -> t.Optional[float]:
    """How much of the processors, or of the quota when that is more, was used."""
    shares = [known["cpu_busy_ratio"], known["cpu_quota_busy_ratio"]]
    if known["cpu_busy_ratio"] is None:
        reading.why("cpu_used_ratio", reading.unknown.get("cpu_busy_ratio", "not measured"))
        return None
    return float(min(1.0, max(share for share in shares if share is not None)))


def free_cores(known: t.Mapping[str, t.Any]) -> t.Optional[float]:
    """Cores that nobody used in the window; within a quota, what is left of it when that is less."""
    effective, busy = known["cores_effective"], known["cpu_busy_ratio"]
    if effective is None or busy is None:
        return None
    free = effective * (1 - busy)
    if known["cpu_quota_cores"] and known["cpu_quota_busy_ratio"] is not None:
        free = min(known["cores_online"] * (1 - busy), known["cpu_quota_cores"] * max(0.0, 1 - known["cpu_quota_busy_ratio"]))
    return float(round(max(0.0, free), 3))
