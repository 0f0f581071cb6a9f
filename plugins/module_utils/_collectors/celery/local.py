# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Celery workers among this host's processes."""

from __future__ import annotations

import dataclasses
import os
import re
import typing as t

from ..._linux.busy import Busy
from ..._linux.processes import PROC, Process, Processes, children_now
from ..._linux.usage import STOPPED
from ..server.process_kinds import program_of

_TITLE = re.compile(r"\[celeryd: [^\]]*?(?::MainProcess)?\]")
_PYTHON = re.compile(r"python|pypy")
_CHILD = re.compile(r"\[celeryd: [^\]]*:(?!MainProcess)[^\]]+\]")


@dataclasses.dataclass(frozen=True)
class Worker:
    """The main process of a worker and how it was started."""

    pid: int
    app: t.Optional[str]
    broker: t.Optional[str]
    chdir: t.Optional[str]
    virtualenv: t.Optional[str]
    events: bool
    elsewhere: bool = False  # in a container: what it imports is not here
    stopped: bool = False  # by a signal or a debugger: it does nothing until it is continued


def workers(processes: Processes) -> list[Worker]:
    """The main processes of the workers here (their pool's processes left out)."""
    found: dict[int, tuple[Process, tuple[str, ...]]] = {}
    for process in processes.rows:
        words = _words(process)
        if words is not None:
            found[process.pid] = (process, words)
    return [_worker(process, words) for pid, (process, words) in found.items() if process.ppid not in found]


def _words(process: Process) -> t.Optional[tuple[str, ...]]:
    """The command line of a worker, also when it has put a title in its place; None for other processes."""
    title = " ".join(process.argv)
    if _CHILD.match(title):
        return None
    if _TITLE.match(title):
        return tuple(title.partition("(")[2].rstrip(")").split())
    return _given(process, "worker")


_BEAT_TITLE = "[celery beat] "


def beat_words(process: Process) -> t.Optional[tuple[str, ...]]:
    """The command line of a process that sends the schedule: celery beat, or a worker with `-B`; None for others."""
    title = " ".join(process.argv)
    if title.startswith(_BEAT_TITLE):
        return tuple(title[len(_BEAT_TITLE) :].split())
    words = _given(process, "beat")
    if words is None and process.argv and not _CHILD.match(title):
        worker = _words(process)
        return worker if worker is not None and {"-B", "--beat"} & set(worker) else None
    return words


def _given(process: Process, command: str) -> t.Optional[tuple[str, ...]]:
    """What follows the program where it is Celery's, and this is its command."""
    # `celery -A shop worker`, `python -m celery …`, `python /srv/venv/bin/celery …`; uv run, or tini, has its words, and is none
    first = os.path.basename(process.argv[0]) if process.argv else ""
    named, words = (first, process.argv[1:]) if first == "celery" else program_of(process.argv) if _PYTHON.match(first) else ("", ())
    return tuple(words) if named == "celery" and command in words else None


def _worker(process: Process, words: tuple[str, ...]) -> Worker:
    told = Process(process.pid, process.ppid, process.name, process.uid, words)
    python = process.argv[0] if process.argv and os.path.basename(process.argv[0]).startswith("python") else None
    home = os.path.dirname(os.path.dirname(python)) if python and os.path.isabs(python) else None
    return Worker(
        pid=process.pid,
        app=told.option("-A", "--app"),
        broker=told.option("-b", "--broker"),
        chdir=told.option("--workdir") or process.link("cwd"),
        virtualenv=home if home and os.path.exists(os.path.join(home, "pyvenv.cfg")) else None,
        events=bool({"-E", "--task-events", "--events"} & set(words)),
        elsewhere=process.elsewhere("mnt"),
        stopped=process.state in STOPPED,
    )


def pool(mains: t.Iterable[int], tasks: t.Mapping[int, str]) -> list[Busy]:
    """The processes of prefork pools here, each with the task that it was said to run. The free ones are known by what they wait for."""
    return [Busy(child, 1, 1, tasks.get(child, ""), master=main) for main in mains for child in children_now(main)]


def connected_to(pid: int, port: int) -> t.Optional[bool]:
    """Whether the process has an established TCP connection to that port; None when its descriptors may not be read."""
    found = peers(pid, port)
    return None if found is None else bool(found)


def peers(pid: int, port: int) -> t.Optional[set[str]]:
    """The addresses with that port to which it has established TCP connections, as the kernel writes them."""
    inodes = set()
    try:
        for descriptor in os.listdir(f"{PROC}/{pid}/fd"):
            target = os.readlink(f"{PROC}/{pid}/fd/{descriptor}")
            if target.startswith("socket:["):
                inodes.add(target[8:-1])
    except OSError:
        return None
    wanted, found = f":{port:04X}", set()
    for table in ("tcp", "tcp6"):
        try:
            with open(f"{PROC}/{pid}/net/{table}", encoding="ascii", errors="replace") as handle:
                rows = [line.split() for line in handle]
        except OSError:
            continue
        found |= {row[2] for row in rows if len(row) > 9 and row[3] == "01" and row[2].endswith(wanted) and row[9] in inodes}
    return found
