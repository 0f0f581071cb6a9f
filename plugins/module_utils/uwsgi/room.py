# Copyright: (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The room of uWSGI: its options, its instances on a host, its probe."""

from __future__ import annotations

import typing as t

from ..floor.problem import Problem
from ..floor.room import Probe, Room
from ..floor.tools import Tools
from . import fetch, parse, shape

OPTIONS: dict[str, t.Any] = {"stats": {"type": "str"}}


class UwsgiProbe(Probe):
    _first: dict[str, t.Any]
    _second: t.Optional[dict[str, t.Any]] = None

    @property
    def name(self) -> str:
        return str(self.options.get("name") or self.options.get("stats") or "uwsgi")

    def _read(self) -> dict[str, t.Any]:
        if not self.options.get("stats"):
            raise Problem("uWSGI runs here without a stats server: add `stats = 127.0.0.1:1717` to its configuration and reload it")
        return parse.stats(fetch.stats(self.options["stats"], self.tools.timeout))

    def first(self) -> None:
        self._first = self._read()

    def second(self) -> None:
        self._second = self._read()

    def facts(self, window: t.Optional[float]) -> dict[str, t.Any]:
        return shape.facts(self._first, self._second, window)


def discover(tools: Tools) -> list[dict[str, t.Any]]:
    """The stats sockets named on the command lines of uWSGI masters."""
    found = []
    for process in tools.named("uwsgi", "uwsgi-core"):
        stats = process.option("--stats", "--stats-server")
        if stats:
            found.append({"stats": stats})
    return found


ROOM = Room("uwsgi", OPTIONS, UwsgiProbe, discover, places=("stats",))
