# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""More workers of Gunicorn, or of uvicorn with several: SIGTTIN to the main process starts one, SIGTTOU ends one.

To a program that does not handle them both signals mean to stop, so they are sent only where the kernel says that they are handled.
"""

from __future__ import annotations

import os
import signal
import typing as t

from .._collectors.wsgi.collector import WsgiSampler
from .._collectors.wsgi.discover import settings_of, workers_of
from .act import Refused
from .add_workers import AddWorkers, Server

_MORE, _LESS = signal.SIGTTIN, signal.SIGTTOU


class AddWsgiWorkers(AddWorkers):
    def server(self) -> Server:
        master = WsgiSampler(self.target.options, self.target.tools).process()
        workers = [pid for pid in workers_of(master, settings_of(master)) if pid != master.pid]
        handled = signals_handled(master.pid)
        takes = bool(workers) and {_MORE, _LESS} <= handled
        return Server(master.pid, workers, takes, _may_signal(master.pid), master.link("cwd") or "")

    def command(self, server: Server, more: bool) -> str:
        return f"kill -{'TTIN' if more else 'TTOU'} {server.pid}"

    def tell(self, server: Server, more: bool) -> None:
        try:
            os.kill(server.pid, _MORE if more else _LESS)
        except OSError as error:
            raise Refused(f"the server could not be told ({error.strerror})") from None


def signals_handled(pid: int) -> t.Set[int]:
    """Numbers of the signals for which the process has a handler; none where that cannot be read."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as handle:
            line = next((line for line in handle if line.startswith("SigCgt:")), "")
    except OSError:
        return set()
    try:
        mask = int(line.partition(":")[2], 16)
    except ValueError:
        return set()
    return {number for number in range(1, 65) if mask >> (number - 1) & 1}


def _may_signal(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True
