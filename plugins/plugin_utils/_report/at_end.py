# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lines for the very end of a run, below errors and recap, whatever callback prints those.

An action runs in a worker process; the process that forked it ends last. The strategy loads the action there before it forks, which is
when this is set up: the worker leaves its lines in the run's own private folder, and the main process prints them when it exits.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import pathlib
import shutil
import typing as t

NAME = "launch_verdict"


class AtEnd:
    """`folder`: private to this run, and removed when it ends. `show` prints lines."""

    def __init__(self, folder: str, show: t.Callable[[str], t.Any]) -> None:
        self._main = os.getpid()
        self._path = pathlib.Path(folder) / NAME
        self._show = show
        self.rows = shutil.get_terminal_size((80, 24)).lines
        atexit.register(self.show)

    @property
    def comes(self) -> bool:
        """Whether the process that prints the lines is another one, which outlives this one."""
        return os.getppid() == self._main

    def leave(self, lines: t.Sequence[str]) -> None:
        """Have these lines printed, below those that were left before."""
        with self._path.open("a", encoding="utf-8", errors="replace") as stream:
            stream.writelines(line + "\n" for line in lines)

    def show(self) -> None:
        """Print what was left, once."""
        if os.getpid() != self._main:
            return
        with contextlib.suppress(Exception):  # a run that ended well must not end with an error of its last line
            text = self._path.read_text(encoding="utf-8").rstrip("\n")
            self._path.unlink()
            self._show("\n" + text)
