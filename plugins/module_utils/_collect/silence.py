# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tell a stopped process from a silent peer: the first is down, the second may only speak another protocol."""

from __future__ import annotations

import contextlib
import socket
import typing as t

from .._linux import addresses
from .._linux.processes import Process, Processes, nearest
from .._linux.usage import STOPPED, continued
from . import stream
from .problem import Down, HungUp, Problem, Silent


def explained(problem: Problem, seconds: float) -> Problem:
    """What is known better of a peer that did not answer: its process is stopped, or it speaks TLS."""
    if not isinstance(problem, Silent):
        return problem
    process = None if isinstance(problem, HungUp) else _listener(problem.address)
    if process is None:
        return _over_tls(problem, seconds)
    return Down(
        f"{stream.shown(problem.address)} accepts connections and does not answer: its process (pid {process.pid}) is stopped by a "
        f"signal or a debugger (state T); {continued(process.pid)}"
    )


def _over_tls(silent: Silent, seconds: float) -> Problem:
    from . import tls  # ssl is loaded only where it is needed: most hosts have no encrypted connection of ours

    if isinstance(silent.address, str) or not tls.is_spoken(silent.address, seconds):
        return silent
    return Problem(f"what answers at {stream.shown(silent.address)} speaks TLS, and nothing was asked in it: {silent.if_tls}")


def _listener(address: stream.Address) -> t.Optional[Process]:
    """The stopped process that listens at an address of this host."""
    if not stream.is_local(address):
        return None
    processes = Processes.read()  # as they are now, not as they were when the module began
    place = address if isinstance(address, str) else _numeric(address)
    halted = [row for row in processes.rows if row.state in STOPPED and any(one.is_at(place) for one in processes.listening(row.pid))]
    if not halted:
        return None
    met = nearest({row.pid: processes.listening(row.pid) for row in processes.rows}, place)
    return next((row for row in halted if row.pid in met), None)


def _numeric(address: tuple[str, int]) -> str:
    """With the address in place of a name."""
    with contextlib.suppress(OSError):
        return addresses.with_port(str(socket.getaddrinfo(*address, type=socket.SOCK_STREAM)[0][4][0]), address[1])
    return addresses.with_port(*address)
