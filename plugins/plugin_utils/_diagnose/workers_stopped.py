# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Workers that a signal or a debugger stopped, while requests wait: those that are left look too few, or free."""

from __future__ import annotations

import typing as t

from .._checks.units import numbered
from .._fleet.observed import Instance
from .cause import Cause
from .extent import grouped
from .fleet_view import Fleet


def workers_stopped(fleet: Fleet) -> t.Iterator[Cause]:
    for stopped in grouped([workers for workers in fleet.applications() if _stopped(workers)], fleet):
        yield _cause(stopped, fleet)


def _cause(stopped: list[Instance], fleet: Fleet) -> Cause:
    worst = max(stopped, key=_waiting)
    listed = worst.part("workers").get("stopped_pids")
    # only numbers: the line is pasted, and facts are a stranger's
    pids = [str(pid) for pid in (listed if isinstance(listed, list) else ()) if isinstance(pid, int) and not isinstance(pid, bool)]
    line = f" (on {worst.host}: kill -CONT {' '.join(pids)})" if pids else ""
    return Cause(
        hosts=sorted({workers.host for workers in stopped}),
        statement=f"{_told(worst)} stopped by a signal or a debugger (state T), and {numbered(_waiting(worst), _WAIT)}.",
        evidence=[f"{_told(workers)} stopped; {numbered(_waiting(workers), _WAIT)}." for workers in stopped if workers is not worst][:5],
        first_fix=f"Continue them as root or their user{line}, and find out who stopped them.",
        avoid="Do not add workers before these run again: they come back with all that they hold.",
        look=fleet.look_at_workers(worst, "htop"),
        at=worst,
        of=tuple(workers.key for workers in stopped),
        tier=worst.service,
    )


_WAIT = "request waits/requests wait"


def _told(workers: Instance) -> str:
    states = workers.part("workers")
    return f"{workers} has {states.get('stopped')} of {numbered(states.get('total'), 'worker/workers')}"


def _stopped(workers: Instance) -> bool:
    waited = workers.number("requests_waiting_samples")
    return bool(workers.part("workers").get("stopped") and (workers.number("listen_queue_samples") if waited is None else waited))


def _waiting(workers: Instance) -> int:
    waiting = workers.number("requests_waiting")
    return int((workers.number("listen_queue") if waiting is None else waiting) or 0)
