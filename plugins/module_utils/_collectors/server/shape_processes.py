# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shape: processes, and the services they make up. Only names and kinds leave the host, never a command line."""

from __future__ import annotations

import typing as t

from ..._collect.sampling import delta, ratio
from ..._text.redact import clean
from . import process_kinds
from .process_table import Row
from .sample import NO_TABLE, ONE_SAMPLE, Reading
from .shape_cpu import throttled

#: A thread that uses this share of one core in every look is what "constantly using all of a core" means.
WHOLE_CORE = 0.9
LOOKS = 3
#: Shorter looks than this are too coarse for the kernel's clock ticks.
SHORTEST_LOOK = 0.1
#: Growth below this in a window is noise.
GROWTH_BYTES = 1 << 20


class Use(t.NamedTuple):
    """What a process used in the window: cores, and bytes it grew by."""

    cores: t.Optional[float]
    grown: int


def uses(reading: Reading) -> dict[int, Use]:
    """By pid; the same pid with another start is another process, and what was born in the window counts from its birth."""
    first, last = reading.table_first, reading.table_last
    seconds = last.at - first.at
    found: dict[int, Use] = {}
    for pid, row in last.rows.items():
        before = first.rows.get(pid)
        same = before is not None and before.created == row.created
        if reading.second is None or seconds <= 0 or row.cpu is None:
            found[pid] = Use(None, 0)
            continue
        spent = delta((before.cpu or 0.0) if same and before else 0.0, row.cpu)
        grown = (row.memory or 0) - (before.memory or 0) if same and before else 0
        found[pid] = Use(round((spent or 0.0) / seconds, 4), grown)
    return found


def _named(row: Row) -> dict[str, t.Any]:
    return {"pid": row.pid, "name": clean(row.name, 60), "kind": clean(row.kind, 60), "service": row.service}


def memory_of(reading: Reading, row: Row) -> t.Optional[int]:
    """Its share of memory where that may be read (PSS), else what it holds resident."""
    exact = reading.exact.get(row.pid)
    return row.memory if exact is None or exact.pss is None else exact.pss


def busiest(reading: Reading, used: t.Mapping[int, Use]) -> dict[str, t.Any]:
    """The processes that use most processor time and most memory, and those that grow fastest."""
    rows = reading.table_last.rows
    by_cpu = sorted((pid for pid in rows if used[pid].cores), key=lambda pid: -(used[pid].cores or 0))
    by_memory = sorted((row for row in rows.values() if row.memory), key=lambda row: -(memory_of(reading, row) or 0))
    growing = sorted((pid for pid in rows if used[pid].grown >= GROWTH_BYTES), key=lambda pid: -used[pid].grown)
    found: dict[str, t.Any] = {
        "processes_by_cpu": [{**_named(rows[pid]), "cpu_cores": used[pid].cores} for pid in by_cpu[: reading.top]],
        "processes_by_memory": [{**_named(row), **_memory(reading, row)} for row in by_memory[: reading.top]],
        "processes_growing": [{**_named(rows[pid]), "grown_bytes": used[pid].grown} for pid in growing[: reading.top]],
    }
    if reading.second is None:
        found.update(processes_by_cpu=None, processes_growing=None)
        reading.why("processes_by_cpu", ONE_SAMPLE)
        reading.why("processes_growing", ONE_SAMPLE)
    return found


def _memory(reading: Reading, row: Row) -> dict[str, t.Any]:
    exact = reading.exact.get(row.pid)
    return {
        "memory_bytes": memory_of(reading, row),
        "memory_basis": "rss" if exact is None else "pss",
        "rss_bytes": row.memory,
        "uss_bytes": None if exact is None else exact.uss,
    }


def python(reading: Reading) -> dict[str, t.Any]:
    """Processes that run Python, largest first."""
    rows = [row for row in reading.table_last.rows.values() if row.memory and process_kinds.is_python(row.name, row.service, row.kind)]
    rows = [row for row in rows if row.pid != reading.own_pid]
    rows.sort(key=lambda row: -(memory_of(reading, row) or 0))
    largest, why = memory_of(reading, rows[0]) if rows else None, reading.incomplete()
    if not rows:
        reading.why("python_largest_bytes", why or "no Python process runs here")
        if why:
            reading.why("python_present", why)
    return {
        "python_processes": [{**_named(row), **_memory(reading, row)} for row in rows[: reading.top]],
        "python_processes_total": len(rows),
        "python_present": bool(rows) if rows or not why else None,
        "python_largest_bytes": largest,
    }


def census(reading: Reading) -> dict[str, t.Any]:
    """How many processes there are, and the dead whose parents do not care."""
    rows, why = reading.table_last.rows, reading.incomplete()
    dead = [row for row in rows.values() if row.status == "zombie"]
    listed = []
    for row in dead[: reading.top]:
        parent = rows.get(row.ppid)
        listed.append({**_named(row), "parent_pid": row.ppid, "parent": None if parent is None else clean(parent.name, 60)})
    for name in ("processes_total", *(() if dead else ("zombies",))):
        if why:
            reading.why(name, why)
    return {
        "processes_total": None if why else len(rows),
        "processes_seen": len(rows),
        "processes_filtered": reading.table_last.filtered,
        "zombies": len(dead) if dead or not why else None,
        "zombie_processes": listed,
    }


def sustained(reading: Reading) -> dict[str, t.Any]:
    """Threads that used a whole core in every look. Seen is seen; not seen is nothing only when all could be seen."""
    looks = [tick for tick in reading.ticks if tick.threads is not None]
    spans = [after.at - before.at for before, after in zip(looks, looks[1:])]
    if reading.second is None or len(spans) < LOOKS or min(spans) < SHORTEST_LOOK:
        reading.why("sustained_threads", ONE_SAMPLE if reading.second is None else "the window is too short: take two seconds or more")
        reading.why("sustained_threads_total", reading.unknown["sustained_threads"])
        return {"sustained_threads": None, "sustained_threads_total": None}
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
    rows.sort(key=lambda one: -one["core_ratio"])
    why = reading.incomplete()
    if why and not rows:
        reading.why("sustained_threads_total", why)
    return {"sustained_threads": rows[: reading.top], "sustained_threads_total": None if why and not rows else len(rows)}


def _steadily(reading: Reading, seen: t.Sequence[tuple[float, t.Any]]) -> t.Optional[dict[str, t.Any]]:
    """What a thread used when it was at (nearly) a whole core in every look, else None."""
    if any(thread is None for _at, thread in seen):
        return None
    hertz = reading.ticks_per_second
    for (before, first), (after, second) in zip(seen, seen[1:]):
        # one tick of the kernel's clock is the least that can be told apart
        if (second.ticks - first.ticks + 1) / hertz / (after - before) < WHOLE_CORE:
            return None
    seconds = seen[-1][0] - seen[0][0]
    latest = seen[-1][1]
    age = (reading.state.uptime or 0.0) - latest.started / hertz
    return {
        "core_ratio": min(1.0, round((latest.ticks - seen[0][1].ticks) / hertz / seconds, 4)),
        "observed_seconds": round(seconds, 3),
        "looks": len(seen) - 1,
        "lifetime_core_ratio": min(1.0, round(latest.ticks / hertz / age, 4)) if age > 0 else None,
        "processor": latest.processor,
    }


def services(reading: Reading, used: t.Mapping[int, Use], known: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """One row per service that runs here: its processes, the cores they used, their memory, what limits them."""
    groups: dict[str, list[Row]] = {}
    for row in reading.table_last.rows.values():
        if row.service is not None and row.status != "zombie":
            groups.setdefault(row.service, []).append(row)
    rows = [_service(reading, name, members, used, known) for name, members in groups.items()]
    rows.sort(key=lambda row: (-(row["cpu_cores"] or 0), -(row["memory_bytes"] or 0)))
    why = reading.incomplete()
    if why:
        reading.notes.append(f"services that are not listed may still run here: {why}")
    if why and not rows:
        reading.why("services", why)
    throttled_rows = [row for row in rows if row["throttled_ratio"] is not None]
    return {
        "services": None if why and not rows else rows,
        "services_complete": why is None,
        "services_throttled_ratio": max((row["throttled_ratio"] for row in throttled_rows), default=None),
        "stores": _stores(reading, groups, rows, known),
    }


def _service(
    reading: Reading, name: str, members: t.Sequence[Row], used: t.Mapping[int, Use], known: t.Mapping[str, t.Any]
) -> dict[str, t.Any]:
    cores = [used[row.pid].cores for row in members]
    spent = None if any(one is None for one in cores) else round(sum(one or 0.0 for one in cores), 4)
    memory, basis = _group_memory(reading, members)
    limits = [reading.service_limits[row.pid] for row in members if row.pid in reading.service_limits]
    quotas = [one for one in limits if one.cpu_cores is not None]
    caps = [one for one in limits if one.memory_bytes is not None]
    cap = min(caps, key=lambda one: one.memory_bytes or 0, default=None)
    in_use = None if cap is None else reading.group_memory.get(cap.memory_folder or "")
    return {
        "name": name,
        "processes": len(members),
        "cpu_cores": spent,
        "cpu_ratio": None if spent is None else ratio(spent, known["cores_effective"]),
        "memory_bytes": memory,
        "memory_basis": basis,
        "memory_ratio": ratio(memory, known["memory_total_bytes"]),
        "rss_bytes": sum(row.memory or 0 for row in members),
        "cpu_quota_cores": min((round(one.cpu_cores or 0, 3) for one in quotas), default=None),
        "throttled_ratio": max(
            (value for one in quotas for value in [_throttled(reading, one.cpu_folder)] if value is not None), default=None
        ),
        "memory_limit_bytes": None if cap is None else cap.memory_bytes,
        "memory_limit_used_ratio": None if cap is None or in_use is None else ratio(in_use, cap.memory_bytes),
        "kinds": _kinds(members),
    }


def _kinds(members: t.Sequence[Row]) -> list[dict[str, t.Any]]:
    counts: dict[str, int] = {}
    for row in members:
        counts[row.kind] = counts.get(row.kind, 0) + 1
    return [{"kind": clean(kind, 60), "processes": count} for kind, count in sorted(counts.items(), key=lambda one: -one[1])[:8]]


def _throttled(reading: Reading, folder: t.Optional[str]) -> t.Optional[float]:
    if reading.second is None or folder is None:
        return None
    return throttled(reading.first.groups.get(folder, {}), reading.second.groups.get(folder, {}))


def _group_memory(reading: Reading, members: t.Sequence[Row]) -> tuple[t.Optional[int], t.Optional[str]]:
    """Memory of a group whose members share pages: the sum of their shares, or each one's own and the largest common part."""
    known = [row for row in members if row.memory]
    if not known:
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


def _stores(
    reading: Reading, groups: t.Mapping[str, t.Sequence[Row]], rows: t.Sequence[t.Mapping[str, t.Any]], known: t.Mapping[str, t.Any]
) -> dict[str, t.Any]:
    """Memory that the accelerator, caches and databases here have taken, against what the machine has."""
    here = [row for row in rows if row["name"] in process_kinds.STORES]
    size: t.Optional[float] = sum(row["memory_bytes"] or 0 for row in here) if here else None
    cached = 0
    if size is not None and any(row["name"] in process_kinds.DATABASES for row in here):
        # a database's data lies in the page cache as well, and its shared memory may be huge pages that no process counts
        cached = max(0, (known["memory_cached_bytes"] or 0) - (known["memory_shared_bytes"] or 0))
        size += cached + known["memory_huge_pages_used_bytes"]
    alone = bool({row["name"] for row in here} - {"redis"}) and not set(groups) & process_kinds.APPLICATION
    return {
        "names": ", ".join(sorted(row["name"] for row in here)) or None,
        "memory_bytes": None if size is None else int(size),
        "page_cache_bytes": int(cached),
        "memory_ratio": None if size is None else min(1.0, ratio(size, known["memory_total_bytes"]) or 0.0),
        "dedicated": alone,
        "database": bool(set(groups) & process_kinds.DATABASES),
    }


def open_files(reading: Reading) -> dict[str, t.Any]:
    """Service processes nearest to their own limit of open files."""
    rows = [{**_named(row), "open": count, "limit": limit, "used_ratio": ratio(count, limit)} for row, count, limit in reading.files]
    rows.sort(key=lambda row: -(row["used_ratio"] or 0))
    return {"open_files": rows[: reading.top], "open_files_total": len(rows)}


def table_problem(reading: Reading) -> None:
    """Say once that there is no table at all."""
    if not reading.table_last.readable:
        reading.notes.append(NO_TABLE)
