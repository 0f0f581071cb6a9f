# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Backups as files, or as a marker that the job touches: how old, how large, and whether a restore was tried. Asked for by path only."""

from __future__ import annotations

import time
import typing as t

from ..._collect.base import Collector, Sampler
from ..._collect.facts import Facts, Maybe, Unknown
from ..._collect.host_tools import HostTools
from ..._collect.problem import Down, Problem
from .fetch import Copy, age_of_marker, copies, free_bytes
from .shape import shape

OPTIONS: dict[str, t.Any] = {
    "files": {"type": "list", "elements": "str"},
    "marker": {"type": "path"},
    "restored": {"type": "path"},
}


class BackupSampler(Sampler):
    """One backup. Two looks tell whether the newest file is still being written."""

    def __init__(self, options: dict[str, t.Any], tools: HostTools) -> None:
        super().__init__(options, tools)
        self.looks: list[list[Copy]] = []
        self.marked: t.Optional[Maybe[float]] = None

    @property
    def name(self) -> str:
        return str(self.options.get("name") or (self.options.get("files") or [self.options.get("marker") or "backup"])[0])

    def first(self) -> None:
        marker = self.options.get("marker")
        if marker:
            self.marked = age_of_marker(marker)
            if self.marked is None:
                raise Down(f"there is no {marker}: no backup has ended yet, or its job does not touch it")
            return
        self._look()

    def _look(self) -> None:
        files = self.options.get("files")
        if not files:
            raise Problem("give files, patterns of the backups' files, or marker, a file that their job touches when it has succeeded")
        self.looks.append(copies(files))

    def second(self) -> None:
        if self.marked is None:
            self._look()

    def facts(self, window: t.Optional[float]) -> Facts:
        last = self.looks[-1] if self.looks else []
        free = free_bytes(last[0].path) if last else None
        facts = shape(self.looks[0] if self.looks else [], last, time.time(), free, self.marked)
        self._restored(facts)
        return facts

    def _restored(self, facts: Facts) -> None:
        marker = self.options.get("restored")
        try:
            age = age_of_marker(marker) if marker else None
        except Problem as problem:
            facts.update({"restore_recorded": Unknown(str(problem)), "restore_tested_age_seconds": Unknown(str(problem))})
            return
        facts.put("restore_recorded", age is not None)
        none = f"there is no {marker}: no restore was recorded" if marker else "no marker of a restore is named (restored)"
        facts.put("restore_tested_age_seconds", age, none)

    def presence(self) -> None:
        """Files are no service."""


def discover(_tools: HostTools) -> list[dict[str, t.Any]]:
    """None: only the user knows what of a host's files is a backup."""
    return []


COLLECTOR = Collector(
    service="backup",
    options=OPTIONS,
    sampler=BackupSampler,
    discover=discover,
    places=("files", "marker"),
    access=("files", "marker"),
)
