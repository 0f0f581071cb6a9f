# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What `wsgi_stats` says of busy workers and waiting requests, against an application that counts: a row for each kind of worker.

A sample agrees when both numbers are within one of what the application counted just before or after it.
"""

from __future__ import annotations

import typing as t

from ansible_collections.warroom.launch.plugins.module_utils._collect.host_tools import HostTools
from ansible_collections.warroom.launch.plugins.module_utils._collectors.wsgi import load
from ansible_collections.warroom.launch.plugins.module_utils._collectors.wsgi.collector import COLLECTOR
from ansible_collections.warroom.launch.plugins.module_utils._collectors.wsgi.discover import masters, settings_of, workers_of
from ansible_collections.warroom.launch.plugins.module_utils._collectors.wsgi.fetch import Reader
from tests.support.tools import RealCommands
from tests.support.wsgi import KINDS, Clients, Wsgi

NAME = "counting applications"
SAMPLES, SHARE = 200, 0.95
VISITORS = 12


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
        agreed = [looks.agrees(clients) for _each in range(samples)]
    wrong = [said for said in agreed if said]
    passed = len(wrong) <= (1 - SHARE) * samples
    return Row(name, passed, f"{samples - len(wrong)} of {samples} samples agree" + (f"; {wrong[0]}" if wrong else ""))


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
        self._server = server

    def take(self) -> load.Load:
        return load.of(self._reader.look(workers_of(self._master, self.settings)), self.settings)

    def agrees(self, clients: Clients) -> t.Optional[str]:
        """None, or what was said and what was counted."""
        before = (*self._server.counted(), clients.unanswered)
        seen = self.take()
        after = (*self._server.counted(), clients.unanswered)
        busy, waiting = ((before[0], after[0]), (before[2] - before[1], after[2] - after[1]))
        said = (seen.busy, seen.waiting)
        if all(isinstance(each, int) and min(real) - 1 <= each <= max(real) + 1 for each, real in zip(said, (busy, waiting))):
            return None
        return f"said {said}, counted busy {busy}, waiting {waiting}"
