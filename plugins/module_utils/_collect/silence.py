# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tell a stopped process from a silent peer: the first is down, the second may only speak another protocol."""

from __future__ import annotations

import typing as t

from .._linux.processes import Process, Processes
from . import stream
from .problem import Down, Problem, Silent

#: Letters of the kernel for a process that a signal or a debugger stopped.
STOPPED = ("T", "t")


def explained(silent: Silent) -> Problem:
    """`Down` when the process that listens there is stopped; else what the caller thought of it."""
    process = _listener(silent.address)
    if process is None:
        return silent
    return Down(
        f"{stream.shown(silent.address)} accepts connections and does not answer: its process (pid {process.pid}) is stopped by a "
        f"signal or a debugger (state T); continue it (kill -CONT {process.pid}) or restart it"
    )


def _listener(address: stream.Address) -> t.Optional[Process]:
    """The stopped process that listens at an address of this host."""
    if not stream.is_local(address):
        return None
    processes = Processes.read()  # as they are now, not as they were when the module began
    for process in processes.rows:
        if process.state in STOPPED and any(_same(one.address, one.port, address) for one in processes.listening(process.pid)):
            return process
    return None


def _same(listening: str, port: t.Optional[int], address: stream.Address) -> bool:
    return listening == address if isinstance(address, str) else port == address[1]
