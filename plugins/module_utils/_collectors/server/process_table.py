# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fetch: the process table, one pass per sample; memory, descriptors and threads of those that matter only.

Processes come and go while they are read. Whatever vanishes, or may not be read, is left out; nothing here raises.
"""

from __future__ import annotations

import os
import re
import time
import typing as t

from ..._collect.sampling import amount, count
from ..._linux import usage
from . import parse, process_kinds
from .fetch import Host, attempt

#: psutil reads all of these from two small files per process.
ATTRIBUTES = ("pid", "name", "status", "cpu_times", "create_time", "memory_info")
#: What is needed to see who works.
WORK = ("pid", "cpu_times", "create_time")

#: Reading the exact memory of a process walks its page tables and delays its own mapping calls: bounded in number, in time,
#: and not done at all for giants, whose resident size is as good.
EXACT_READS = 100
EXACT_SECONDS = 0.25
EXACT_BYTES = 4 << 30

_NOT_A_NAME = re.compile(r"[^\w.+-]")

THREADS_READ = 4096
ARGUMENTS_READ = 4096


class Row(t.NamedTuple):
    """One process at one moment. `memory` is what it holds resident, `shared` the part of it that others may hold too."""

    pid: int
    created: float
    ppid: int
    name: str
    service: t.Optional[str]
    kind: str
    status: str
    cpu: t.Optional[float]
    memory: t.Optional[int]
    shared: int


class Table(t.NamedTuple):
    """The process table at one moment. `filtered`: the kernel hides other users' processes."""

    at: float
    rows: dict[int, Row]
    filtered: bool
    readable: bool


class TableReader:
    """Reads the table again and again; what a process is, is looked up once."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self._kinds: dict[tuple[int, float, str], process_kinds.Kind] = {}
        self._parents: dict[tuple[int, float], int] = {}

    def read(self) -> Table:
        begun = time.monotonic()
        rows: dict[int, Row] = {}
        listing = self._listing() or self._listing()  # once more: old versions let a vanishing process end the walk
        for process in listing or []:
            row = self._row(process)
            if row is not None:
                rows[row.pid] = row
        return Table(begun, _with_parts(rows), 1 not in rows, bool(rows))  # at least this process is there

    def work(self) -> tuple[float, dict[tuple[int, float], float]]:
        """(moment, processor seconds so far by (pid, creation)): a quarter of the price of the whole table."""
        begun = time.monotonic()
        infos = [_info(process) for process in self._listing(WORK) or []]
        used = [(count(info.get("pid")), _created(info), _used(info)) for info in infos]
        return begun, {(pid, created): cpu for pid, created, cpu in used if pid is not None and cpu is not None}

    def _listing(self, attributes: tuple[str, ...] = ATTRIBUTES) -> t.Optional[list[t.Any]]:
        listing: t.Optional[list[t.Any]] = attempt(lambda: list(self.host.psutil.process_iter(list(attributes), None)))
        return listing

    def _row(self, process: t.Any) -> t.Optional[Row]:
        info = _info(process)
        pid, name = count(info.get("pid")), info.get("name")
        if pid is None or not isinstance(name, str):
            return None
        memory = info.get("memory_info")
        created = _created(info)
        name = _safe(name)
        service, kind = self._kind(pid, created, name)
        return Row(
            pid=pid,
            created=created,
            ppid=self._parent(process, pid, created),
            name=name,
            service=service,
            kind=kind,
            status=str(info.get("status") or ""),
            cpu=_used(info),
            memory=count(getattr(memory, "rss", None)),
            shared=count(getattr(memory, "shared", None)) or 0,
        )

    def _parent(self, process: t.Any, pid: int, created: float) -> int:
        """Looked up once: psutil checks at each call that the process is still the same, which costs more than all the rest."""
        if (pid, created) not in self._parents:
            self._parents[(pid, created)] = count(attempt(process.ppid)) or 0
        return self._parents[(pid, created)]

    def _kind(self, pid: int, created: float, name: str) -> process_kinds.Kind:
        key = (pid, created, name)
        if key not in self._kinds:
            self._kinds[key] = process_kinds.classify(name, self._arguments(pid) if process_kinds.needs_arguments(name) else ())
        return self._kinds[key]

    def _arguments(self, pid: int) -> list[str]:
        data = self.host.read_bytes(f"/proc/{pid}/cmdline", ARGUMENTS_READ) or b""
        return [word.decode("utf-8", "replace") for word in data.rstrip(b"\0").split(b"\0")] if data else []


def _info(process: t.Any) -> t.Mapping[str, t.Any]:
    """What psutil tells of a process; nothing when it is not of the kind that was asked for."""
    info = getattr(process, "info", None)
    return info if isinstance(info, dict) else {}


def _created(info: t.Mapping[str, t.Any]) -> float:
    return float(amount(info.get("create_time")) or 0.0)


def _used(info: t.Mapping[str, t.Any]) -> t.Optional[float]:
    used = [amount(getattr(info.get("cpu_times"), part, None)) for part in ("user", "system")]
    return None if None in used else sum(value or 0.0 for value in used)


def _safe(name: str) -> str:
    """psutil lengthens names of 15 characters from the command line: only what looks like a program's name is kept."""
    return name if len(name) <= 15 or not _NOT_A_NAME.search(name) else name[:15]


#: Kind as the command line tells it → what it is when its parent is of the same service, and when it only has such children.
_PARTS = {
    "uwsgi": ("uwsgi worker", "uwsgi master"),
    "gunicorn": ("gunicorn worker", "gunicorn master"),
    "celery worker": ("celery worker", "celery main process"),
}


def _with_parts(rows: dict[int, Row]) -> dict[int, Row]:
    """Servers that fork look all alike unless they set titles: the parent among them is the one that does not work itself."""
    alike = {pid: row for pid, row in rows.items() if row.kind in _PARTS}
    inner = {pid for pid, row in alike.items() if row.ppid in alike and alike[row.ppid].service == row.service}
    parents = {alike[pid].ppid for pid in inner}
    for pid, row in alike.items():
        if pid in inner or pid in parents:
            rows[pid] = row._replace(kind=_PARTS[row.kind][0 if pid in inner else 1])
    return rows


def exact_memory(rows: t.Iterable[Row]) -> dict[int, usage.Memory]:
    """PSS and USS of the processes, as many as may be read and as the bounds allow."""
    found: dict[int, usage.Memory] = {}
    deadline = time.monotonic() + EXACT_SECONDS
    for place, row in enumerate(rows):
        if place >= EXACT_READS or time.monotonic() > deadline:
            break
        memory = usage.memory(row.pid) if row.memory and row.memory <= EXACT_BYTES else None
        if memory is not None and memory.pss is not None:
            found[row.pid] = memory
    return found


def open_files(host: Host, rows: t.Iterable[Row]) -> tuple[list[tuple[Row, int, int]], int]:
    """(process, open files, its soft limit) of the processes that have a limit; and of how many others that could not be read."""
    found, unread = [], 0
    for row in rows:
        limits = host.read(f"/proc/{row.pid}/limits")
        limit, opened = parse.open_files_limit(limits), _descriptors(f"{host.root}/proc/{row.pid}/fd")
        if limit and opened is not None:
            found.append((row, opened, limit))
        elif not parse.opens_without_limit(limits) and os.path.exists(f"{host.root}/proc/{row.pid}/stat"):
            unread += 1
    return found, unread


def _descriptors(folder: str) -> t.Optional[int]:
    try:
        # Linux 6.2 gives the number as the size of the folder, at no cost
        return os.stat(folder).st_size or len(os.listdir(folder))
    except OSError:
        return None


def threads(host: Host, pid: int) -> dict[tuple[int, int], parse.Thread]:
    """The threads of a process by (id, start)."""
    found: dict[tuple[int, int], parse.Thread] = {}
    try:
        names = os.listdir(f"{host.root}/proc/{pid}/task")
    except OSError:
        return found
    for tid in names[:THREADS_READ]:
        one = parse.thread(host.read_bytes(f"/proc/{pid}/task/{tid}/stat", 4096) or b"")
        if one is not None:
            found[(int(tid), one.started)] = one
    return found
