# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: processes, and the services they make up. Only names and kinds leave the host, never a command line."""

from __future__ import annotations

import typing as t

from ..._collect.derived import at_most, largest, moved, put_largest, rate, share, total
from ..._collect.facts import Facts, Maybe, Unknown, known, measured
from ..._collect.sampling import ONE_SAMPLE, Number
from ..._texts.redact import clean
from . import process_kinds, shape_cpu
from .process_table import Row
from .sample import NO_TABLE, Reading

#: A thread that uses this share of one core in every look is what "constantly using all of a core" means.
WHOLE_CORE = 0.9
LOOKS = 3
#: Shorter looks than this are too coarse for the kernel's clock ticks.
SHORTEST_LOOK = 0.1
#: Growth below this in a window is noise.
GROWTH_BYTES = 1 << 20
#: Processor time is counted in ticks of the kernel's clock: so much more than all cores may seem used in a short window.
CLOCK_SLACK = 0.5
#: What psutil calls a process that a signal or a debugger stopped.
STOPPED = ("stopped", "tracing-stop")
NO_MEMORY = "its memory may not be read"
NO_EXACT = "only root, or its own user, may read what it holds alone; and of the largest and smallest it is not read"
NO_LIMIT = "no control group limits it"
NOT_SAID = "its control group does not say what it uses"


class Use(t.NamedTuple):
    """What a process used in the window: cores, and bytes it grew by."""

    cores: Maybe[float]
    grown: int

    @property
    def known_cores(self) -> float:
        return known(self.cores) or 0.0


def uses(reading: Reading) -> dict[int, Use]:
    """By pid; the same pid with another start is another process, and what was born in the window counts from its birth."""
    first, last = reading.table_first, reading.table_last
    seconds = last.at - first.at
    found: dict[int, Use] = {}
    for pid, row in last.rows.items():
        before = first.rows.get(pid)
        same = before is not None and before.created == row.created
        if reading.second is None or seconds <= 0:
            found[pid] = Use(Unknown(ONE_SAMPLE), 0)
            continue
        spent = moved((before.cpu or 0.0) if same and before else 0.0, row.cpu, "its processor time may not be read", "processor time")
        cores = at_most(rate(spent, seconds), reading.state.cores_online, "cores used by one process", CLOCK_SLACK)
        grown = (row.memory or 0) - (before.memory or 0) if same and before else 0
        found[pid] = Use(cores if isinstance(cores, Unknown) else round(cores, 4), grown)
    return found


def _named(row: Row) -> dict[str, t.Any]:
    service = measured(row.service, "it belongs to none of the services that are known")
    return {"pid": row.pid, "name": clean(row.name, 60), "kind": clean(row.kind, 60), "service": service}


def memory_of(reading: Reading, row: Row) -> t.Optional[int]:
    """Its share of memory where that may be read (PSS), else what it holds resident."""
    exact = reading.exact.get(row.pid)
    return row.memory if exact is None or exact.pss is None else exact.pss


def busiest(facts: Facts, reading: Reading, used: t.Mapping[int, Use]) -> None:
    """The processes that use most processor time and most memory, and those that grow fastest."""
    rows = reading.table_last.rows
    by_memory = sorted((row for row in rows.values() if row.memory), key=lambda row: -(memory_of(reading, row) or 0))
    facts.put("processes_by_memory", [{**_named(row), **_memory(reading, row)} for row in by_memory[: reading.top]])
    if reading.second is None:
        facts.update(dict.fromkeys(("processes_by_cpu", "processes_growing", "processes_cpu_ratio"), Unknown(ONE_SAMPLE)))
        return
    by_cpu = sorted((pid for pid in rows if used[pid].known_cores), key=lambda pid: -used[pid].known_cores)
    growing = sorted((pid for pid in rows if used[pid].grown >= GROWTH_BYTES), key=lambda pid: -used[pid].grown)
    facts.put("processes_by_cpu", [{**_named(rows[pid]), "cpu_cores": used[pid].cores} for pid in by_cpu[: reading.top]])
    facts.put("processes_growing", [{**_named(rows[pid]), "grown_bytes": used[pid].grown} for pid in growing[: reading.top]])
    seen = sum(use.known_cores for use in used.values())
    facts.put("processes_cpu_ratio", shape_cpu.explained(facts, seen if reading.table_last.readable else Unknown(NO_TABLE)))


def _memory(reading: Reading, row: Row) -> dict[str, t.Any]:
    exact = reading.exact.get(row.pid)
    return {
        "memory_bytes": measured(memory_of(reading, row), NO_MEMORY),
        "memory_basis": "rss" if exact is None else "pss",
        "rss_bytes": measured(row.memory, NO_MEMORY),
        "uss_bytes": measured(None if exact is None else exact.uss, NO_EXACT),
    }


def python(facts: Facts, reading: Reading) -> None:
    """Processes that run Python, largest first."""
    rows = [row for row in reading.table_last.rows.values() if row.memory and process_kinds.is_python(row.name, row.service, row.kind)]
    rows = [row for row in rows if row.pid != reading.own_pid]
    rows.sort(key=lambda row: -(memory_of(reading, row) or 0))
    why = reading.incomplete()
    facts.rows("python_processes", [{**_named(row), **_memory(reading, row)} for row in rows[: reading.top]], reading.top, len(rows))
    facts.put("python_present", bool(rows) if rows or not why else None, why or "")
    largest = memory_of(reading, rows[0]) if rows else None
    if rows and why:
        facts.bound("python_largest_bytes", largest, why)
    else:
        facts.put("python_largest_bytes", largest, why or "no Python process runs here")


def census(facts: Facts, reading: Reading) -> None:
    """How many processes there are, and the dead whose parents do not care."""
    rows, why = reading.table_last.rows, reading.incomplete()
    dead = [row for row in rows.values() if row.status == "zombie"]
    listed: list[dict[str, t.Any]] = []
    for row in dead[: reading.top]:
        parent = rows.get(row.ppid)
        name = measured(None if parent is None else clean(parent.name, 60), "its parent is not among the processes that were seen")
        listed.append({**_named(row), "parent_pid": row.ppid, "parent": name})
    facts.put("processes_total", None if why else len(rows), why or "")
    facts.put("processes_seen", len(rows) or None, NO_TABLE)  # at least this one is there
    facts.put("processes_filtered", reading.table_last.filtered)
    facts.put("zombies", len(dead) if dead or not why else None, why or "")
    facts.put("zombie_processes", listed)
    before = reading.table_first.rows
    halted = [row for row in rows.values() if row.service is not None and row.status in STOPPED and _same_status(before.get(row.pid), row)]
    facts.put("stopped_processes", [_named(row) for row in halted[: reading.top]])
    facts.put("stopped_processes_total", len(halted) if halted or not why else None, why or "")


def _same_status(before: t.Optional[Row], row: Row) -> bool:
    """A profiler stops a process for moments."""
    return before is not None and (before.created, before.status) == (row.created, row.status)


def sustained(facts: Facts, reading: Reading) -> None:
    """Threads that used a whole core in every look. Seen is seen; not seen is nothing only when all could be seen."""
    looks = [tick for tick in reading.ticks if tick.threads is not None]
    spans = [after.at - before.at for before, after in zip(looks, looks[1:])]
    if reading.second is None or len(spans) < LOOKS or min(spans) < SHORTEST_LOOK:
        why = ONE_SAMPLE if reading.second is None else "the window is too short: take two seconds or more"
        facts.rows("sustained_threads", Unknown(why), reading.top)
        return
    rows = []
    for pid, at_first in looks[0].threads.items():
        row = reading.table_last.rows.get(pid)
        if row is None or pid == reading.own_pid:
            continue
        for key in at_first:
            used = _steadily(reading, [(look.at, look.threads.get(pid, {}).get(key)) for look in looks])
            if used is not None:
                thread = clean(at_first[key].name, 60)
                label = f"{clean(row.kind, 60)} (pid {pid}, thread {thread})"
                rows.append({**_named(row), "thread": thread, "thread_id": key[0], "label": label, **used})
    rows.sort(key=lambda row: -row["core_ratio"])
    hidden = reading.incomplete()
    facts.put("sustained_threads", rows[: reading.top])
    facts.put("sustained_threads_total", None if hidden and not rows else len(rows), hidden or "")


def _steadily(reading: Reading, seen: t.Sequence[tuple[float, t.Any]]) -> t.Optional[dict[str, t.Any]]:
    """What a thread used when it was at (nearly) a whole core in every look, else None."""
    if any(thread is None for _at, thread in seen):
        return None
    hertz = reading.ticks_per_second
    for (before, first), (after, second) in zip(seen, seen[1:]):
        # one tick of the kernel's clock is the resolution
        if (second.ticks - first.ticks + 1) / hertz / (after - before) < WHOLE_CORE:
            return None
    seconds = seen[-1][0] - seen[0][0]
    latest = seen[-1][1]
    age = (reading.state.uptime or 0.0) - latest.started / hertz
    return {
        "core_ratio": min(1.0, round((latest.ticks - seen[0][1].ticks) / hertz / seconds, 4)),
        "observed_seconds": round(seconds, 3),
        "looks": len(seen) - 1,
        "lifetime_core_ratio": min(1.0, round(latest.ticks / hertz / age, 4)) if age > 0 else Unknown("its start is not known"),
        "processor": measured(latest.processor, "this kernel does not say where it ran"),
    }


def services(facts: Facts, reading: Reading, used: t.Mapping[int, Use]) -> None:
    """One row per service that runs here: its processes, the cores they used, their memory, what limits them."""
    groups: dict[str, list[Row]] = {}
    for row in reading.table_last.rows.values():
        if row.service is not None and row.status != "zombie":
            groups.setdefault(row.service, []).append(row)
    rows = [_service(facts, reading, name, members, used) for name, members in groups.items()]
    rows.sort(key=lambda row: (-(known(row["cpu_cores"]) or 0), -(known(row["memory_bytes"]) or 0)))
    why = reading.incomplete()
    if why:
        facts.note(f"services that are not listed may still run here: {why}")
    facts.put("services", None if why and not rows else rows, why or "")
    facts.put("services_complete", why is None)
    ratios = [row["throttled_ratio"] for row in rows if not isinstance(row["cpu_quota_cores"], Unknown)]
    put_largest(facts, "services_throttled_ratio", ratios, why or "no service here has a processor quota of its own")
    facts.put("stores", _stores(facts, groups, rows, why))


def _service(facts: Facts, reading: Reading, name: str, members: t.Sequence[Row], used: t.Mapping[int, Use]) -> dict[str, t.Any]:
    spent = total(used[row.pid].cores for row in members)
    memory, basis = _group_memory(reading, members)
    limits = [reading.service_limits[row.pid] for row in members if row.pid in reading.service_limits]
    quotas = [limit for limit in limits if limit.cpu_cores is not None]
    caps = [limit for limit in limits if limit.memory_bytes is not None]
    # of several groups (containers of one service) the fullest counts, not the smallest
    held = {limit: measured(reading.group_memory.get(limit.memory_folder or ""), NOT_SAID) for limit in caps}
    filled = {limit: share(used, limit.memory_bytes or 0, NO_LIMIT, slack=1.0) for limit, used in held.items()}
    cap = max(caps, key=lambda limit: (known(filled[limit]) or 0.0, -(limit.memory_bytes or 0)), default=None)
    return {
        "name": name,
        "processes": len(members),
        "cpu_cores": spent if isinstance(spent, Unknown) else round(spent, 4),
        "cpu_ratio": share(spent, facts.value("cores_effective"), "no core may be used", slack=1.0),
        "memory_bytes": measured(memory, NO_MEMORY),
        "memory_basis": measured(basis, NO_MEMORY),
        "memory_ratio": share(measured(memory, NO_MEMORY), facts.value("memory_total_bytes"), "there is no memory", slack=1.0),
        "rss_bytes": total(measured(row.memory, NO_MEMORY) for row in members),
        "cpu_quota_cores": measured(min((round(limit.cpu_cores or 0, 3) for limit in quotas), default=None), NO_LIMIT),
        "throttled_ratio": largest((_throttled(reading, limit.cpu_folder) for limit in quotas), NO_LIMIT, ceiling=1.0),
        "memory_limit_bytes": measured(None if cap is None else cap.memory_bytes, NO_LIMIT),
        "memory_limit_used_ratio": largest(filled.values(), NO_LIMIT, ceiling=1.0),
        "kinds": _kinds(members),
    }


def _kinds(members: t.Sequence[Row]) -> list[dict[str, t.Any]]:
    counts: dict[str, int] = {}
    for row in members:
        counts[row.kind] = counts.get(row.kind, 0) + 1
    return [{"kind": clean(kind, 60), "processes": count} for kind, count in sorted(counts.items(), key=lambda one: -one[1])[:8]]


def _throttled(reading: Reading, folder: t.Optional[str]) -> Maybe[float]:
    if reading.second is None or folder is None:
        return Unknown(ONE_SAMPLE)
    lacking = f"the control group {folder} does not count it"
    return shape_cpu.throttled(reading.first.groups.get(folder, {}), reading.second.groups.get(folder, {}), lacking)


def _group_memory(reading: Reading, members: t.Sequence[Row]) -> tuple[t.Optional[int], t.Optional[str]]:
    """Memory of a group whose members share pages: the sum of their shares, or each one's own and the largest common part."""
    known = [row for row in members if row.memory]
    if not known or any(row.memory is None for row in members):
        return None, None
    exact = [row for row in known if row.pid in reading.exact]
    rest = [row for row in known if row.pid not in reading.exact]
    size = sum(reading.exact[row.pid].pss or 0 for row in exact)
    if not rest:
        return size, "pss"
    size += sum(max(0, (row.memory or 0) - row.shared) for row in rest)
    if not exact:
        size += max(min(row.shared, row.memory or 0) for row in rest)  # else the exact ones hold their part of it
    return int(size), "rss" if len(known) == 1 else "estimate"


NO_STORE = "no accelerator, cache or database runs here"


def _stores(
    facts: Facts, groups: t.Mapping[str, t.Sequence[Row]], rows: t.Sequence[t.Mapping[str, t.Any]], hidden: t.Optional[str]
) -> dict[str, t.Any]:
    """Memory that the accelerator, caches and databases here have taken, against what the machine has.

    `hidden`: why there may be services that are not among the groups.
    """
    here = sorted((row for row in rows if row["name"] in process_kinds.STORES), key=lambda row: row["name"])
    size = total(row["memory_bytes"] for row in here) if here else Unknown(NO_STORE)
    database = bool(set(groups) & process_kinds.DATABASES)
    cached: Maybe[Number] = Unknown(hidden) if hidden else 0
    own = size  # steady: a cache or buffer pool that was filled stays filled
    if database:
        # a database's data is in the page cache as well, and its shared memory may be huge pages that no process counts
        shared = facts.value("memory_shared_bytes")
        cached = total([facts.value("memory_cached_bytes"), shared if isinstance(shared, Unknown) else -shared])
        cached = cached if isinstance(cached, Unknown) else max(0, cached)
        own = total([size, facts.value("memory_huge_pages_used_bytes")])
        size = total([own, cached])
    stored, applied = bool({row["name"] for row in here} - {"redis"}), bool(set(groups) & process_kinds.APPLICATION)
    return {
        "names": measured(", ".join(row["name"] for row in here) or None, NO_STORE),
        "memory_bytes": size if isinstance(size, Unknown) else int(size),
        "page_cache_bytes": cached if isinstance(cached, Unknown) else int(cached),
        "memory_ratio": share(size, facts.value("memory_total_bytes"), "there is no memory", slack=1.0),
        "own_ratio": share(own, facts.value("memory_total_bytes"), "there is no memory", slack=1.0),
        "dedicated": Unknown(hidden) if hidden and not applied else stored and not applied,
        "database": Unknown(hidden) if hidden and not database else database,
    }


def open_files(facts: Facts, reading: Reading) -> None:
    """Service processes nearest to their own limit of open files."""
    rows: list[dict[str, t.Any]] = [
        {**_named(row), "open": count, "limit": limit, "used_ratio": share(count, limit, "it may open none", slack=1.0)}
        for row, count, limit in reading.files[0]
    ]
    rows.sort(key=lambda row: -(known(row["used_ratio"]) or 0))
    shown = rows if reading.table_last.readable else Unknown(NO_TABLE)
    facts.rows("open_files", shown, reading.top, len(rows) + reading.files[1])
    # the system's own table can be full as well
    system = facts.get("files")
    shares = [*(row["used_ratio"] for row in rows), facts.value("files") if system is None else system["used_ratio"]]
    if reading.files[1]:
        shares.append(Unknown(f"open files of {reading.files[1]} service processes may not be counted: run with become"))
    if not reading.table_last.readable:
        shares.append(Unknown(NO_TABLE))
    put_largest(facts, "descriptors_used_ratio", shares, "")


def table_problem(facts: Facts, reading: Reading) -> None:
    """Say once that there is no table at all."""
    if not reading.table_last.readable:
        facts.note(NO_TABLE)
