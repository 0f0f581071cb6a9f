# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Control groups, version 1 and 2: what a process may really use.

The path comes from /proc/<pid>/cgroup and the place from mountinfo, because a container sees the host's path under a mount
that begins at its own group. Every group up to the top of the mount can limit; the tightest one counts.
"""

from __future__ import annotations

import dataclasses
import posixpath
import typing as t

from .._collect.sampling import number
from .kernel_text import Counters, Mount, first_numbers, keyed

Read = t.Callable[[str], t.Optional[str]]


def membership(text: t.Optional[str]) -> dict[str, str]:
    """/proc/<pid>/cgroup: controller → path in its hierarchy; the unified hierarchy is ``""``."""
    found: dict[str, str] = {}
    for line in (text or "").splitlines():
        parts = line.split(":", 2)
        if len(parts) == 3:
            for controller in parts[1].split(","):
                found[controller] = parts[2]
    return found


def cpu_max(text: t.Optional[str]) -> t.Optional[float]:
    """`quota period` of a version 2 group in cores, None without a limit."""
    words = (text or "").split()
    quota, period = (number(word) for word in words[:2]) if len(words) >= 2 else (None, None)
    return quota / period if quota and period and quota > 0 and period > 0 else None


def cpu_list(text: t.Optional[str]) -> t.Optional[int]:
    """How many processors a list like `0-3,8` names; None when it names none."""
    count = 0
    for part in (text or "").strip().split(","):
        first, _dash, last = map(number, part.partition("-"))
        if first is not None:
            count += int(last - first) + 1 if last is not None else 1
    return count or None


#: A limit this large is how version 1 says that there is none.
NO_LIMIT = 1 << 60


def memory_limit(text: t.Optional[str]) -> t.Optional[int]:
    """The limit of a memory group in bytes, None without one (`max`, or a huge number)."""
    value = number((text or "").strip())
    return int(value) if value is not None and 0 < value < NO_LIMIT else None


@dataclasses.dataclass(frozen=True)
class Limits:
    """The tightest limits on the way up from a process's group, each with the folder that sets it."""

    cpu_cores: t.Optional[float] = None
    cpu_folder: t.Optional[str] = None
    cpuset_cores: t.Optional[int] = None
    memory_bytes: t.Optional[int] = None
    memory_folder: t.Optional[str] = None


def _folder(mount: Mount, path: str) -> t.Optional[str]:
    """Path of the group below the mount; None when the mount does not show it."""
    if path == mount.root or path.startswith(mount.root.rstrip("/") + "/"):
        path = path[len(mount.root.rstrip("/")) :]
    if path.startswith("/.."):
        return None
    return posixpath.normpath(mount.point + "/" + path.lstrip("/"))


def _chain(mounts: t.Sequence[Mount], paths: t.Mapping[str, str], controller: str) -> tuple[int, list[str]]:
    """(version, folders from the process's group up to the mount) of a controller; (0, []) when there is none."""
    if controller in paths:
        version = 1
        mount = next((one for one in mounts if one.kind == "cgroup" and controller in one.super_options), None)
    else:
        version, controller = 2, ""
        mount = next((one for one in mounts if one.kind == "cgroup2"), None)
    if mount is None or controller not in paths:
        return 0, []
    folder = _folder(mount, paths[controller])
    folders: list[str] = []
    while folder is not None and len(folder) >= len(mount.point) and len(folders) < 64:
        folders.append(folder)
        folder = None if folder == mount.point else posixpath.dirname(folder)
    return version, folders


def limits(read: Read, mounts: t.Sequence[Mount], pid: t.Union[int, str]) -> Limits:
    """The limits of the process's own groups."""
    paths = membership(read(f"/proc/{pid}/cgroup"))
    version, cpu = _chain(mounts, paths, "cpu")
    quotas = [(cores, folder) for folder in cpu for cores in [_quota(read, version, folder)] if cores is not None]
    set_version, sets = _chain(mounts, paths, "cpuset")
    names = ("cpuset.cpus.effective",) if set_version == 2 else ("cpuset.effective_cpus", "cpuset.cpus")
    counts = [count for folder in sets for name in names for count in [cpu_list(read(f"{folder}/{name}"))] if count]
    memory_version, memory = _chain(mounts, paths, "memory")
    caps = [(cap, folder) for folder in memory for cap in [_memory(read, memory_version, folder)] if cap is not None]
    quota, cap = min(quotas, default=(None, None)), min(caps, default=(None, None))
    return Limits(quota[0], quota[1], min(counts, default=None), cap[0], cap[1])


def _quota(read: Read, version: int, folder: str) -> t.Optional[float]:
    if version == 2:
        return cpu_max(read(f"{folder}/cpu.max"))
    return cpu_max(f"{read(f'{folder}/cpu.cfs_quota_us') or ''} {read(f'{folder}/cpu.cfs_period_us') or ''}")


def _memory(read: Read, version: int, folder: str) -> t.Optional[int]:
    if version == 1:
        # the groups above it, which a container does not see, may have a lower one (a pod, a slice)
        above = keyed(read(f"{folder}/memory.stat")).get("hierarchical_memory_limit")
        texts = [read(f"{folder}/memory.limit_in_bytes"), None if above is None else str(above)]
    else:
        texts = [read(f"{folder}/{name}") for name in ("memory.max", "memory.high")]
    caps = [memory_limit(text) for text in texts]
    return min((cap for cap in caps if cap is not None), default=None)


def tasks(read: Read, mounts: t.Sequence[Mount], pid: t.Union[int, str]) -> t.Optional[tuple[int, int]]:
    """(processes and threads, limit) of the group on the way up that is nearest to its limit; None without any limit."""
    _version, folders = _chain(mounts, membership(read(f"/proc/{pid}/cgroup")), "pids")
    told = [[number((read(f"{folder}/pids.{name}") or "").strip()) for name in ("current", "max")] for folder in folders]
    found = [(int(used), int(most)) for used, most in told if used is not None and most]  # without a limit it says `max`
    return max(found, key=lambda each: each[0] / each[1], default=None)


def throttling(read: Read, folder: t.Optional[str]) -> Counters:
    """nr_periods and nr_throttled of the group that sets the quota, and `usage_seconds` where the same folder has it."""
    if folder is None:
        return {}
    found = keyed(read(f"{folder}/cpu.stat"))
    kept: Counters = {name: found[name] for name in ("nr_periods", "nr_throttled") if name in found}
    if "usage_usec" in found:
        kept["usage_seconds"] = found["usage_usec"] / 1e6
    else:
        for place in (folder, folder.replace("/cpu/", "/cpuacct/", 1)):
            used = first_numbers(read(f"{place}/cpuacct.usage"))
            if used:
                kept["usage_seconds"] = used[0] / 1e9
                break
    return kept


#: What is given back when memory is short: pages of files that are read, and the kernel's own caches, as in MemAvailable.
_RECLAIMABLE = ("inactive_file", "active_file", "slab_reclaimable")


def memory_in_use(read: Read, folder: t.Optional[str]) -> t.Optional[int]:
    """Bytes that a memory group cannot give back: what it uses without the page cache, whatever part of it the kernel calls active."""
    if folder is None:
        return None
    used = first_numbers(read(f"{folder}/memory.current") or read(f"{folder}/memory.usage_in_bytes"))
    if not used:
        return None
    stat = keyed(read(f"{folder}/memory.stat"))
    return int(max(0.0, used[0] - sum(stat.get(f"total_{name}", stat.get(name, 0)) for name in _RECLAIMABLE)))


def oom_kills(read: Read, mounts: t.Sequence[Mount], pid: t.Union[int, str]) -> t.Optional[int]:
    """Processes that the kernel killed in the outermost memory group that can be seen (a container's own); None when no group tells."""
    version, folders = _chain(mounts, membership(read(f"/proc/{pid}/cgroup")), "memory")
    name = "memory.oom_control" if version == 1 else "memory.events"
    told = (keyed(read(f"{folder}/{name}")).get("oom_kill") for folder in reversed(folders))
    return next((int(count) for count in told if count is not None), None)
