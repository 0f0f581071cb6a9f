# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What single processes and the machine use, straight from /proc: no library needed, never fails, None when not readable."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from . import limits

PROC = "/proc"
_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


@dataclasses.dataclass(frozen=True)
class Memory:
    """Bytes of one process. RSS counts shared pages fully, PSS its share of them, USS only what ending it would free."""

    rss: int
    pss: t.Optional[int] = None
    uss: t.Optional[int] = None
    #: The part that it has taken of the address space that it may have (RLIMIT_AS); None without a limit.
    of_limit: t.Optional[float] = None


#: Letters of the kernel for a process that a signal or a debugger stopped.
STOPPED = ("T", "t")


def _text(path: str) -> t.Optional[str]:
    try:
        with open(f"{PROC}/{path}", encoding="utf-8", errors="replace") as handle:
            return handle.read(1 << 20)
    except OSError:
        return None


def _kilobytes(content: t.Optional[str]) -> dict[str, int]:
    found = {}
    for line in (content or "").splitlines():
        name, _sep, rest = line.partition(":")
        words = rest.split()
        if len(words) == 2 and words[0].isdigit() and words[1] == "kB":
            found[name] = int(words[0]) * 1024
    return found


def memory(pid: int) -> t.Optional[Memory]:
    """Memory of the process. USS and PSS need its user or root; RSS is open to everybody."""
    rollup = _kilobytes(_text(f"{pid}/smaps_rollup"))
    words = (_text(f"{pid}/statm") or "").split()
    if len(words) < 2 or not words[0].isdigit() or not words[1].isdigit():
        return None
    limit = limits.address_space(pid)
    of_limit = int(words[0]) * _PAGE / limit if limit else None
    if "Rss" in rollup and "Pss" in rollup:
        return Memory(rollup["Rss"], rollup["Pss"], rollup.get("Private_Clean", 0) + rollup.get("Private_Dirty", 0), of_limit)
    return Memory(int(words[1]) * _PAGE, of_limit=of_limit)


def _stat(path: str) -> t.Optional[list[str]]:
    """The fields of a stat file after the name, which may itself hold blanks and brackets."""
    content = _text(path)
    fields = content[content.rindex(")") + 1 :].split() if content and ")" in content else []
    return fields if len(fields) > 19 else None


def parent(pid: int) -> t.Optional[int]:
    fields = _stat(f"{pid}/stat")
    return int(fields[1]) if fields else None


def is_stopped(pid: int) -> bool:
    """Whether a signal or a debugger has stopped the process (state T): it does nothing until it is continued."""
    fields = _stat(f"{pid}/stat")
    return fields is not None and fields[0] in STOPPED


#: `PF_FORKNOEXEC` of the kernel.
_FORKED = 0x40


def was_executed(pid: int) -> bool:
    """Whether the process began a program of its own since its fork; False when that cannot be read."""
    fields = _stat(f"{pid}/stat")
    return fields is not None and not int(fields[6]) & _FORKED


def continued(*pids: int) -> str:
    """What continues stopped processes, and who may."""
    it = "them" if len(pids) > 1 else "it"
    return f"continue {it} (kill -CONT {' '.join(map(str, sorted(pids)))}, as root or the user of the process) or restart {it}"


def owner(pid: int) -> t.Optional[int]:
    """The user id the process runs as."""
    try:
        return os.stat(f"{PROC}/{pid}").st_uid
    except OSError:
        return None


def cpu_seconds(pid: int) -> t.Optional[float]:
    """CPU time of the process since its start (user and system, all its threads)."""
    fields = _stat(f"{pid}/stat")
    return (int(fields[11]) + int(fields[12])) / _TICKS if fields else None


def started_at(pid: int) -> t.Optional[float]:
    """When the process was started, in seconds since the epoch."""
    fields = _stat(f"{pid}/stat")
    boot = next((line.split()[1] for line in (_text("stat") or "").splitlines() if line.startswith("btime ")), None)
    return int(boot) + int(fields[19]) / _TICKS if fields and boot else None


def thread_cpu_seconds(pid: int) -> dict[int, float]:
    """CPU time of each thread of the process by its id."""
    try:
        threads = [int(name) for name in os.listdir(f"{PROC}/{pid}/task") if name.isdigit()]
    except OSError:
        return {}
    rows = ((thread, _stat(f"{pid}/task/{thread}/stat")) for thread in threads)
    return {thread: (int(fields[11]) + int(fields[12])) / _TICKS for thread, fields in rows if fields}


def machine_memory() -> dict[str, int]:
    """/proc/meminfo in bytes: `MemTotal`, `MemAvailable`, …"""
    return _kilobytes(_text("meminfo"))


def machine_cpu() -> t.Optional[tuple[float, float]]:
    """(idle, all) CPU seconds of the machine since boot; waiting for a disk counts as idle, guests are counted once."""
    first = (_text("stat") or "").split("\n", 1)[0].split()
    if len(first) < 6 or first[0] != "cpu":
        return None
    ticks = [int(word) for word in first[1:9]]
    return (ticks[3] + ticks[4]) / _TICKS, sum(ticks) / _TICKS


def cores() -> int:
    """CPUs that this process may use (online and in its affinity)."""
    try:
        return len(os.sched_getaffinity(0)) or 1
    except (AttributeError, OSError):
        return os.cpu_count() or 1
