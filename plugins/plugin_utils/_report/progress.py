# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One progress line: how many hosts are done, which was slowest, which are still running."""

from __future__ import annotations

import time
import typing as t


class Progress:
    """Counts hosts; `line` renders the state."""

    def __init__(self, total: int, clock: t.Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._begun = clock()
        self._total = total
        self._running: dict[str, float] = {}
        self._slowest: tuple[float, str] = (0.0, "")
        self.done = 0

    def start(self, host: str) -> None:
        self._running[host] = self._clock()

    def finish(self, host: str) -> None:
        now = self._clock()
        self.done += 1
        self._slowest = max(self._slowest, (now - self._running.pop(host, self._begun), host))

    def line(self, width: int) -> str:
        total = max(self._total, self.done + len(self._running))
        words = [f"gathering: {self.done} of {total} hosts, {self._clock() - self._begun:.0f} s"]
        if self._slowest[1]:
            words.append(f"slowest {self._slowest[1]} {self._slowest[0]:.1f} s")
        if self._running:
            names = list(self._running)
            words.append("waiting for " + ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else ""))
        text = "; ".join(words)
        return text if len(text) < width else text[: max(width - 2, 1)] + "…"
