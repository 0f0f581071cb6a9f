# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What `wsgi_stats` says of busy workers and waiting requests, against an application that counts: a row for each kind of worker.

A sample agrees when both numbers are within one of what held at some moment of the look. Visitors and application write down when each
request was sent, began and ended: only afterwards is it known what held, because a process that looks at another one comes too late.
"""

from __future__ import annotations

import bisect
import math
import time
import typing as t

from ansible_collections.warroom.launch.plugins.module_utils._collect.host_tools import HostTools
from ansible_collections.warroom.launch.plugins.module_utils._collectors.wsgi import load
from ansible_collections.warroom.launch.plugins.module_utils._collectors.wsgi.collector import COLLECTOR
from ansible_collections.warroom.launch.plugins.module_utils._collectors.wsgi.discover import masters, settings_of, workers_of
from ansible_collections.warroom.launch.plugins.module_utils._collectors.wsgi.fetch import Reader
from tests.support.tools import RealCommands
from tests.support.wsgi import KINDS, Clients, Noted, Sent, Wsgi

NAME = "counting applications"
SAMPLES, SHARE = 200, 0.95
VISITORS = 12
PAUSE = 0.03


class Row(t.NamedTuple):
    name: str
    passed: bool
    said: str


def cases() -> list[str]:
    return [f"counted: {kind}" for kind in KINDS]


def rows(names: t.Sequence[str], seed: int) -> t.Iterator[Row]:
    for name in names:
        yield row(name, seed)


def row(name: str, seed: int, samples: int = SAMPLES) -> Row:
    kind = name.partition(": ")[2]
    with Wsgi(kind) as server, Clients(server, VISITORS, seed) as clients:
        looks = Looks(server)
        seen = [looks.take() for _each in range(samples)]
        time.sleep(PAUSE)
        truth = Truth(server.account(), dict(clients.sent))
    wrong = [said for look in seen if (said := truth.differs(look))]
    passed = len(wrong) <= (1 - SHARE) * samples
    return Row(name, passed, f"{samples - len(wrong)} of {samples} samples agree" + (f"; {wrong[0]}" if wrong else ""))


class Seen(t.NamedTuple):
    """One look, and when it was."""

    begun: float
    ended: float
    busy: t.Any
    waiting: t.Any


class Truth:
    """What held at each moment: processes with a request, and requests that were sent and had not begun."""

    def __init__(self, log: t.Sequence[Noted], sent: t.Mapping[str, Sent]) -> None:
        began = {noted.key: noted.moment for noted in log if noted.begins}
        ended = {noted.key: noted.moment for noted in log if not noted.begins}
        self._worked = [(noted.pid, noted.moment, ended.get(noted.key, math.inf)) for noted in log if noted.begins]
        self._waited = [(when, began.get(key, math.inf)) for key, when in sent.items()]
        edges = {moment for _pid, *span in self._worked for moment in span}
        self._edges = sorted(edges | {moment for when, begin in self._waited for moment in (*when, begin)})

    def differs(self, look: Seen) -> t.Optional[str]:
        """None, or what was said and what held."""
        inside = self._edges[bisect.bisect_left(self._edges, look.begun) : bisect.bisect_right(self._edges, look.ended)]
        moments = [look.begun, *inside, look.ended]
        busy = [len({pid for pid, begin, end in self._worked if begin <= moment < end}) for moment in moments]
        waiting = [sum(sent <= moment < begin for sent, begin in self._spans(which)) for moment in moments for which in ("first", "last")]
        near = all(
            isinstance(said, int) and min(real) - 1 <= said <= max(real) + 1 for said, real in ((look.busy, busy), (look.waiting, waiting))
        )
        if near:
            return None
        return f"said {look.busy} busy, {look.waiting} waiting; held {min(busy)}-{max(busy)} and {min(waiting)}-{max(waiting)}"

    def _spans(self, which: str) -> t.Iterator[tuple[float, float]]:
        return ((getattr(when, which), begin) for when, begin in self._waited)


class Looks:
    """Single looks at one server."""

    def __init__(self, server: Wsgi) -> None:
        tools = HostTools(RealCommands())
        assert server.process is not None
        found = {options["_pid"]: options["name"] for options in COLLECTOR.discover(tools)}
        assert found[server.process.pid] == f"127.0.0.1:{server.port}", found
        (self._master,) = [each for each in masters(tools) if each.pid == server.process.pid]
        self.settings = settings_of(self._master)
        self._reader = Reader(self._master, self.settings)

    def take(self) -> Seen:
        time.sleep(PAUSE)  # a look every few milliseconds would be one and the same moment
        begun = time.monotonic()
        found = load.of(self._reader.look(workers_of(self._master, self.settings)), self.settings)
        return Seen(begun, time.monotonic(), found.busy, found.waiting)
