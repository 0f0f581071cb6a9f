# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""More workers of uWSGI: `+` and `-` in its master FIFO start and end one of those that its `cheaper` mode keeps back.

uWSGI sets aside room for `processes` workers when it starts. Without `cheaper` all of them run, and only a restart could give it more.
"""

from __future__ import annotations

import os
import stat
import typing as t

from .._collect.problem import Problem
from .._collectors.uwsgi import fetch, host_view, parse
from .._collectors.uwsgi.discover import FIFO, configuration
from .act import Refused
from .add_workers import AddWorkers, Server


class AddUwsgiWorkers(AddWorkers):
    def server(self) -> Server:
        try:
            reader = fetch.Reader(str(self.target.options.get("stats") or ""))
            stats = parse.stats(reader.read(self.target.timeout))
        except Problem as problem:
            raise Refused(str(problem)) from None
        if stats.pid is None or not host_view.pids_are_ours(stats, reader.local):
            raise Refused("its processes are not on this host")
        workers = [worker.pid for worker in stats.workers if worker.running]
        fifo = self._fifo(stats.pid)
        may = fifo is not None and os.access(fifo, os.W_OK)
        return Server(stats.pid, workers, fifo is not None, may, stats.cwd, len(stats.workers) - len(workers))

    def command(self, server: Server, more: bool) -> str:
        return f"printf {'+' if more else '-'} > {self._fifo(server.pid) or FIFO}"

    def tell(self, server: Server, more: bool) -> None:
        fifo = self._fifo(server.pid)
        if fifo is None:
            raise Refused(f"it has no {FIFO} any more")
        try:
            # without O_NONBLOCK a FIFO that nobody reads would hold us up
            handle = os.open(fifo, os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
        except OSError as error:
            raise Refused(f"its {FIFO} {fifo} could not be written to ({error.strerror})") from None
        try:
            if not stat.S_ISFIFO(os.fstat(handle).st_mode):
                raise Refused(f"{fifo} is no FIFO any more")
            os.write(handle, b"+" if more else b"-")
        finally:
            os.close(handle)

    def _fifo(self, pid: int) -> t.Optional[str]:
        """The FIFO that the master was configured with and has open; the first when it has several, which is the active one."""
        master = next((row for row in self.target.tools.processes.rows if row.pid == pid), None)
        if master is None:
            return None
        options, _source = configuration(master)
        for value in options.get(FIFO) or []:
            path = os.path.join(master.link("cwd") or "/", value)
            try:
                if stat.S_ISFIFO(os.stat(path, follow_symlinks=False).st_mode):
                    return path
            except OSError:
                continue
        return None
