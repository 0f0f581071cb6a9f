# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Celery beat among this host's processes: two that send the same schedule send every task twice."""

from __future__ import annotations

import collections
import typing as t

from ..._linux.processes import Process, Processes
from ..._texts.redact import clean
from . import local

Row = dict[str, t.Any]
#: A part of the name of schedulers of which only one sends at a time.
_LOCKS = "redbeat"


def rows(processes: Processes, port: t.Optional[int], scheduler: t.Optional[str]) -> list[Row]:
    """By application: how many send its schedule to one broker at this port. `scheduler`: that of the application, where it was read.

    Of one whose scheduler is not known it is not known whether it waits for the other, so it is left out.
    """
    places: dict[str, collections.Counter[str]] = {}
    found = {process.pid: (process, words) for process in processes.rows for words in [local.beat_words(process)] if words is not None}
    for process, words in found.values():
        if process.ppid in found or not port:
            continue  # a process of a worker's pool has its command line
        told = Process(process.pid, process.ppid, process.name, process.uid, words)
        sends = told.option("-S", "--scheduler") or scheduler
        if sends is None or _LOCKS in sends.lower():
            continue
        app = clean(told.option("-A", "--app") or "", 80)
        # brokers of two sites may have the same port: in containers, for example
        places.setdefault(app, collections.Counter()).update(local.peers(process.pid, port) or ())
    return [{"name": app, "processes": max(counts.values())} for app, counts in sorted(places.items()) if counts]
