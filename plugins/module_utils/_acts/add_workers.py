# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Give an application server more workers while it runs, and take them away again.

A new worker may load the code that lies on the disk now, so nothing is done when that changed since the server started: a release that
is half deployed, or does not start, would come in with it, and Gunicorn ends when a worker cannot start.
"""

from __future__ import annotations

import os
import time
import typing as t

from .._collect.sampling import count
from .._collect.worker_host import capacity_of
from .._linux import usage
from .._texts.counted import counted
from .act import Act, Done, Looked, Refused, Target
from .guard import Guard, broken, judged

#: How long one more worker may take to appear, and how long the machine's CPU is watched.
APPEAR_SECONDS, CPU_SECONDS = 5.0, 0.5
#: Entries of the application's folder that are looked at; of a larger one it is not known whether it changed.
MOST_FILES = 20_000
#: The kernel tells in whole seconds when the machine was started, and all starts of processes by that.
SLACK = 2.0
#: Folders that hold no code of the application.
_NO_CODE = frozenset({"node_modules", "__pycache__", ".git", ".venv", "venv", "media", "static"})

GUARDS = (
    Guard("takes_workers", "it can add workers without a restart", "=", True),
    Guard("is_ours_to_tell", "our user may control it (it must be the server's user, or root)", "=", True),
    Guard("spare", "its limit of workers leaves room for the new ones", ">=", 0),
    Guard("code_changed", "its code has not changed since it started", "=", False),
    Guard("free_for_growth", "free memory is at least twice what the new workers need (ratio)", ">=", 2.0),
    Guard("cpu_busy_ratio", "the machine has CPU left", "<=", 0.9),
    Guard("connections_left", "the databases and their poolers have a free connection for each thread of the new workers", ">=", 0),
)


class Server(t.NamedTuple):
    """What an application server shows of itself. `spare`: workers that it could still start, None for any number."""

    pid: int
    workers: list[int]
    takes_workers: bool
    is_ours_to_tell: bool
    folder: str
    spare: t.Optional[int] = None

    @property
    def identity(self) -> dict[str, t.Any]:
        return {"pid": self.pid, "started_at": usage.started_at(self.pid), "workers": len(self.workers)}


class AddWorkers(Act):
    """`server` reads it; `grow` and `shrink` tell it by one worker, and `commands` shows what they do."""

    guards = GUARDS

    def __init__(self, target: Target) -> None:
        super().__init__(target)
        self._add = target.number("add")

    def server(self) -> Server:
        raise NotImplementedError

    def tell(self, server: Server, more: bool) -> None:
        """Tell it to start one worker, or to end one when that has no request any more."""
        raise NotImplementedError

    def command(self, server: Server, more: bool) -> str:
        raise NotImplementedError

    def look(self) -> Looked:
        server = self.server()
        values = self._values(server)
        command, undo = self.command(server, True), self.command(server, False)
        size = (values["worker_bytes"] or 0) * self._add / 2**20
        cost = f"about {size:.0f} MiB of memory, and a connection to the database, or to its pooler, for each of their threads"
        return Looked(server.identity, values, [command] * self._add, cost, "; ".join([undo] * self._add))

    def state_before(self, looked: Looked) -> dict[str, t.Any]:
        return dict(looked.identity)

    def run(self, identity: t.Mapping[str, t.Any], limits: t.Mapping[str, t.Any]) -> Done:
        server = self.server()
        if not _same(server.identity, identity) or len(server.workers) != identity.get("workers"):
            raise Refused("the server was started again, or has another number of workers, since the plan was made")
        why = broken(judged(GUARDS, self._values(server), limits))
        if why:
            raise Refused(f"a guard no longer holds: {'; '.join(why)}")
        before = len(server.workers)
        for number in range(1, self._add + 1):
            self.tell(server, True)
            if not self._has(server.pid, before + number):
                raise Refused(f"it was told to start a worker and did not within {APPEAR_SECONDS:.0f} s; {self.undo(identity)}")
        return Done(f"process {server.pid} runs {counted(before + self._add, 'worker', 'workers')} ({before} before)", dict(identity))

    def undo(self, state: t.Mapping[str, t.Any]) -> str:
        server, before = self.server(), count(state.get("workers")) or 0
        if not _same(server.identity, state):
            return "the server was started again, with the workers of its own settings"
        surplus = len(server.workers) - before
        if not 0 < surplus <= self._add:
            return f"it has {counted(len(server.workers), 'worker', 'workers')} by now, which was left alone"
        for number in range(1, surplus + 1):
            self.tell(server, False)
            # one that still has a request ends later
            self._has(server.pid, before + surplus - number, 1.0)
        return f"it was told to run {counted(before, 'worker', 'workers')} again"

    def _has(self, pid: int, workers: int, seconds: float = APPEAR_SECONDS) -> bool:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            server = self.server()
            if server.pid == pid and len(server.workers) == workers:
                return True
            time.sleep(0.1)
        return False

    def _values(self, server: Server) -> dict[str, t.Any]:
        sizes = [size.rss if size.uss is None else size.uss for size in map(usage.memory, server.workers) if size is not None]
        capacity, largest, started = capacity_of(server.pid), max(sizes, default=0), usage.started_at(server.pid)
        free = None if capacity is None or not largest else round(capacity.memory_available / (largest * self._add), 1)
        return {
            "takes_workers": server.takes_workers,
            "is_ours_to_tell": server.is_ours_to_tell,
            "spare": 0 if server.spare is None else server.spare - self._add,
            "code_changed": None if started is None else code_changed(server.folder, started),
            "worker_bytes": largest or None,
            "free_for_growth": free,
            "cpu_busy_ratio": _cpu_busy(),
            "connections_left": self.target.readings.get("connections_left"),
        }


def _same(present: t.Mapping[str, t.Any], planned: t.Mapping[str, t.Any]) -> bool:
    """The same process: of that number, and started at that time as far as the kernel tells it."""
    starts = present.get("started_at"), planned.get("started_at")
    if starts[0] is None or starts[1] is None:
        return False
    return bool(present["pid"] == planned.get("pid") and abs(starts[0] - starts[1]) < SLACK)


def _cpu_busy() -> t.Optional[float]:
    before = usage.machine_cpu()
    time.sleep(CPU_SECONDS)
    after = usage.machine_cpu()
    if before is None or after is None or after[1] <= before[1]:
        return None
    return round(min(1.0, max(0.0, 1.0 - (after[0] - before[0]) / (after[1] - before[1]))), 3)


def code_changed(folder: str, since: float) -> t.Optional[bool]:
    """Whether a Python file of this folder is newer than that; None where it cannot be told."""
    left = MOST_FILES
    unread: list[OSError] = []
    for path, folders, files in os.walk(folder, onerror=unread.append):
        folders[:] = [name for name in folders if name not in _NO_CODE]
        left -= len(files)
        if left < 0:
            return None
        for name in files:
            try:
                if name.endswith(".py") and os.stat(os.path.join(path, name)).st_mtime > since + SLACK:
                    return True
            except OSError:
                continue
    return None if unread or left == MOST_FILES else False
