# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What no program can see: lines that a person ticks with name and day, and who is on call."""

from __future__ import annotations

import datetime
import typing as t

from ..._collect.base import Collector, Sampler
from ..._collect.facts import Facts
from ..._collect.host_tools import HostTools
from ..._collect.problem import Problem
from .parse import Line, of_inventory, of_markdown
from .shape import shape

OPTIONS: dict[str, t.Any] = {
    "items": {"type": "list", "elements": "dict"},
    "file": {"type": "path"},
    "on_call": {"type": "list", "elements": "str"},
}
_LONGEST = 1 << 20


class ChecklistSampler(Sampler):
    """One list, read once."""

    def __init__(self, options: dict[str, t.Any], tools: HostTools) -> None:
        super().__init__(options, tools)
        self.lines: list[Line] = []

    @property
    def name(self) -> str:
        return str(self.options.get("name") or "launch")

    def first(self) -> None:
        self.lines = of_inventory(self.options.get("items") or [])
        path = self.options.get("file")
        if path:
            self.lines += of_markdown(_text(path))

    def watch(self, seconds: float) -> None:
        """Nothing changes within a window."""

    def second(self) -> None:
        """What was read once holds."""

    def facts(self, window: t.Optional[float]) -> Facts:
        today = datetime.datetime.now(datetime.timezone.utc).date()
        return shape(self.lines, self.options.get("on_call") or [], today)

    def presence(self) -> None:
        """A list is no service."""


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as handle:
            return handle.read(_LONGEST)
    except OSError as error:
        raise Problem(f"the list {path} cannot be read ({error.strerror}): give the path of a Markdown file as file") from None


def discover(_tools: HostTools) -> list[dict[str, t.Any]]:
    """None: the list is the user's."""
    return []


COLLECTOR = Collector(
    service="checklist", options=OPTIONS, sampler=ChecklistSampler, discover=discover, places=("items", "file", "on_call"), access=("file",)
)
